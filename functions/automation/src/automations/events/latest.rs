//! The latest change of a ticket, so that trying an automation on it finds what such an event would tell.

use serde_json::{Map, Value};
use shared::db::{Db, sql};
use shared::error::Result;

use super::changes;

/// How many changes are looked through for one of the right kind.
const LOOKED_THROUGH: i64 = 20;

/// What the latest change of this ticket that the event would tell of was; none when there was none, or when the
/// event tells of none. Read only; another area owns the table.
pub async fn latest_change(db: &Db, name: &str, ticket: i64) -> Result<Option<Map<String, Value>>> {
    if changes(name).is_empty() {
        return Ok(None);
    }
    let rows: Vec<(String,)> = sql("SELECT changes FROM ticket_activity WHERE ticket_id = ? AND kind = 'updated' \
             ORDER BY created_at DESC, id DESC LIMIT ?")
    .bind(ticket)
    .bind(LOOKED_THROUGH)
    .fetch_all(db)
    .await?;
    let told = rows.iter().filter_map(|(text,)| serde_json::from_str::<Map<String, Value>>(text).ok());
    Ok(told.into_iter().find(|changed| is_told_of(name, changed)))
}

/// Whether the event comes of such a change.
fn is_told_of(name: &str, changed: &Map<String, Value>) -> bool {
    match name {
        "tickets.updated" => !changed.is_empty(),
        "tickets.assigned" => changed.contains_key("assigned_user_id"),
        _ => changed.contains_key("status"),
    }
}
