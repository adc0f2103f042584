//! Tickets as lines of a file for spreadsheets (tickets 4.7).

use chrono::{DateTime, SecondsFormat, Utc};
use shared::web::csv_cell;

use crate::store::ExportRow;

/// The names of the columns.
pub const HEAD: &str = "id,subject,status,priority,category,company,requester,requester_email,assigned_to,source,\
    external_reference,created_at,updated_at,closed_at\r\n";

/// Adds the line of a ticket. References are the desk's.
pub fn push(text: &mut String, row: &ExportRow, is_desk: bool) {
    let reference = row.external_reference.as_deref().filter(|_| is_desk);
    let line = &row.line;
    let cells = [
        line.id.to_string(),
        line.subject.clone(),
        line.status.clone(),
        line.priority.clone(),
        row.category.clone().unwrap_or_default(),
        line.company_name.clone().unwrap_or_default(),
        line.requester_name().unwrap_or_default(),
        line.requester_email.clone().unwrap_or_default(),
        line.assigned_name().unwrap_or_default(),
        row.source.clone(),
        reference.unwrap_or_default().to_owned(),
        time(Some(row.created_at)),
        time(Some(line.updated_at)),
        time(row.closed_at),
    ];
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

fn time(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
}
