//! `listTickets`

use chrono::{DateTime, Utc};
use serde_json::Value;
use tickets::desk::{Assigned, Priority, Status, TicketFilter};

use super::{Arguments, Desk, Fault, object, ticket_out};

/// Rows beyond this are not reached by turning pages: a narrower question finds them.
const LAST: i64 = 10_000;

/// The tickets that match, the newest change first.
pub async fn run(desk: Desk<'_>, arguments: &Arguments) -> Result<Value, Fault> {
    let most = desk.settings.max_results;
    let limit = arguments.whole("limit", 1..=i64::MAX)?.unwrap_or(most).min(most);
    let offset = offset(arguments)?;
    let filter = filter(desk, arguments)?;
    let (rows, counted) = tickets::desk::list(desk.scope(), desk.by.db(), &filter, limit, offset).await?;
    let total = counted.min(LAST);
    let next = offset + limit;
    Ok(object([
        ("tickets", rows.iter().map(ticket_out).collect()),
        ("limit", limit.into()),
        ("total", total.into()),
        ("next_cursor", (next < total).then(|| format!("after-{next}")).into()),
    ]))
}

fn offset(arguments: &Arguments) -> Result<i64, Fault> {
    let Some(cursor) = arguments.text("cursor", 64)? else { return Ok(0) };
    let offset = cursor.strip_prefix("after-").and_then(|text| text.parse().ok());
    offset.filter(|offset| (0..=LAST).contains(offset)).ok_or_else(|| {
        Fault::Arguments("Send the next_cursor of the answer before as cursor, or leave it out".to_owned())
    })
}

fn filter(desk: Desk<'_>, arguments: &Arguments) -> Result<TicketFilter, Fault> {
    Ok(TicketFilter {
        statuses: arguments.word("status", Status::parse)?.into_iter().collect(),
        priorities: arguments.word("priority", Priority::parse)?.into_iter().collect(),
        companies: companies(desk, arguments)?,
        assigned: assigned(arguments)?,
        module_slug: arguments.text("module_slug", 64)?,
        search: arguments.text("search", 200)?,
        updated_since: since(arguments)?,
        ..TicketFilter::default()
    })
}

/// The companies in reach; a company out of reach has no tickets.
fn companies(desk: Desk<'_>, arguments: &Arguments) -> Result<Vec<i64>, Fault> {
    const NOBODYS: i64 = 0;
    Ok(match arguments.id("company_id")? {
        None => desk.settings.companies.clone(),
        Some(id) if desk.settings.reaches(Some(id)) => vec![id],
        Some(_) => vec![NOBODYS],
    })
}

fn assigned(arguments: &Arguments) -> Result<Option<Assigned>, Fault> {
    if arguments.get("assigned_user_id").is_some_and(|value| value == "none") {
        return Ok(Some(Assigned::Nobody));
    }
    Ok(arguments.id("assigned_user_id")?.map(Assigned::Person))
}

fn since(arguments: &Arguments) -> Result<Option<DateTime<Utc>>, Fault> {
    let Some(text) = arguments.text("updated_since", 40)? else { return Ok(None) };
    let read = DateTime::parse_from_rfc3339(&text).map(|at| at.to_utc());
    read.map(Some).map_err(|_| Fault::Arguments("Send updated_since as a time such as 2026-11-23T09:12:00Z".to_owned()))
}
