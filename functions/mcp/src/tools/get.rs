//! `getTicket`

use serde_json::{Value, json};

use super::{Arguments, Desk, Fault, object, reply_out, ticket_out};

/// A ticket with its conversation.
pub async fn run(desk: Desk<'_>, arguments: &Arguments) -> Result<(Value, Option<i64>), Fault> {
    let id = arguments.needed_id("ticket_id")?;
    let ticket = desk.ticket(id).await?;
    let replies = tickets::desk::replies(desk.scope(), desk.by.db(), id).await?;
    let watchers = tickets::desk::watchers(tickets::desk::Scope::everywhere(), desk.by.db(), id).await?;
    let shows_addresses = desk.settings.shows_notes;
    let watcher = |watcher: &tickets::desk::WatcherOut| {
        let mut out = json!({ "user_id": watcher.user_id, "name": watcher.name, "created_at": watcher.created_at });
        if let Some(map) = out.as_object_mut() {
            if shows_addresses {
                map.insert("email".to_owned(), watcher.email.clone().into());
            } else if watcher.name == watcher.email {
                // People without a name go by their address.
                map.insert("name".to_owned(), Value::Null);
            }
        }
        out
    };
    let data = object([
        ("ticket", ticket_out(&ticket)),
        ("replies", replies.iter().map(reply_out).collect()),
        ("watchers", watchers.iter().map(watcher).collect()),
    ]);
    Ok((data, Some(id)))
}
