//! The list as a file for spreadsheets (tickets 4.7).

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderValue, header};
use shared::caller::{Keyed, User};
use shared::error::Result;
use shared::web::{Query, csv_cell};

use super::list::{ListQuery, filter};
use crate::scope::{Doer, Scope};
use crate::store::{self, ExportRow, Search};

/// Rows in one file at most.
const MOST: i64 = 10_000;

const HEAD: &str = "id,subject,status,priority,category,company,requester,requester_email,assigned_to,source,\
    external_reference,created_at,updated_at,closed_at\r\n";

/// Export tickets as CSV
///
/// The filters of the list, at most 10,000 rows; `X-Total-Count-Capped` says when there are more.
#[utoipa::path(get, path = "/api/tickets/export.csv", params(ListQuery),
    responses((status = 200, description = "Comma-separated values, UTF-8", body = String, content_type = "text/csv")))]
pub async fn export_tickets(by: Keyed<User>, query: Query<ListQuery>) -> Result<Response> {
    let scope = Scope::of(&by);
    let filter = filter(scope, Doer::of(&by).id, &query)?;
    let Search { plan, found } = store::search(scope, by.db(), &filter).await?;
    let rows = store::export(scope, by.db(), &filter, plan, MOST + 1).await?;
    let has_more = found.has_more || rows.len() > usize::try_from(MOST).unwrap_or(usize::MAX);
    let mut text = HEAD.to_owned();
    for row in rows.iter().take(usize::try_from(MOST).unwrap_or(usize::MAX)) {
        push(&mut text, row, scope.sees_desk());
    }
    let name = format!("attachment; filename=\"tickets-{}.csv\"", by.now().format("%Y-%m-%d"));
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    let mut response = (headers, text).into_response();
    if has_more {
        response.headers_mut().insert("x-total-count-capped", HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn push(text: &mut String, row: &ExportRow, is_desk: bool) {
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
