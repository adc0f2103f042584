//! `updateTicket`

use serde_json::Value;
use shared::web::Patch;
use tickets::desk::{Change, Doer, Outcome, Priority, Scope, Status, Ticket};

use super::{Arguments, Desk, Fault, object, ticket_out};

const FIELDS: [&str; 5] = ["status", "priority", "assigned_user_id", "category", "module_slug"];

/// Changes fields of a ticket.
pub async fn run(desk: Desk<'_>, arguments: &Arguments) -> Result<(Value, Option<i64>), Fault> {
    let id = arguments.needed_id("ticket_id")?;
    let change = change(desk, arguments)?;
    let before = desk.ticket(id).await?;
    let doer = Doer { id: None, label: "ChatGPT MCP".to_owned(), is_desk: true, source: "mcp" };
    let outcome = tickets::desk::update(desk.by.begin().await?, Scope::everywhere(), &doer, id, change).await?;
    let (Outcome::Saved(after) | Outcome::Conflict(after)) = outcome;
    let data = object([("ticket", ticket_out(&after)), ("updated_fields", updated(&before, &after).into())]);
    Ok((data, Some(id)))
}

fn change(desk: Desk<'_>, arguments: &Arguments) -> Result<Change, Fault> {
    if !FIELDS.iter().any(|name| arguments.has(name)) {
        return Err(Fault::Arguments(format!("Send at least one of {}", FIELDS.join(", "))));
    }
    for name in ["status", "priority"] {
        if arguments.has(name) && arguments.get(name).is_none() {
            return Err(Fault::Arguments(format!("{name} cannot be empty: send a word or leave it out")));
        }
    }
    let slug = arguments.text("module_slug", 64)?;
    let slug = tickets::desk::module(slug.as_deref());
    let slug = slug.map_err(|text| Fault::Arguments(format!("{text}: check module_slug")))?;
    let status = arguments.word("status", Status::parse)?;
    if let Some(status) = status.filter(|status| !desk.settings.statuses.contains(status)) {
        let allowed: Vec<&str> = desk.settings.statuses.iter().map(|status| status.as_str()).collect();
        let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
        let text = format!("The status {} may not be set from here. Allowed: {allowed}", status.as_str());
        return Err(Fault::Arguments(text));
    }
    Ok(Change {
        status,
        priority: arguments.word("priority", Priority::parse)?,
        assigned_user_id: patch(arguments, "assigned_user_id", arguments.id("assigned_user_id")?),
        category: patch(arguments, "category", arguments.text("category", 64)?),
        module_slug: patch(arguments, "module_slug", slug),
        ..Change::default()
    })
}

/// Null and blank clear, a value sets, nothing leaves.
fn patch<T>(arguments: &Arguments, name: &str, value: Option<T>) -> Patch<T> {
    match value {
        Some(value) => Patch::Value(value),
        None if arguments.has(name) => Patch::Null,
        None => Patch::Absent,
    }
}

/// What differs, whether it was sent or followed.
fn updated(before: &Ticket, after: &Ticket) -> Vec<&'static str> {
    let differs = |name: &str| match name {
        "status" => before.status != after.status,
        "priority" => before.priority != after.priority,
        "assigned_user_id" => before.assigned_user_id != after.assigned_user_id,
        "category" => before.category != after.category,
        _ => before.module_slug != after.module_slug,
    };
    FIELDS.into_iter().filter(|name| differs(name)).collect()
}
