//! Reading and writing many tickets at once; at most 200 in a statement.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use shared::db::{At, Tx, sql};
use shared::error::Result;

use super::tags;
use super::tickets::{COLUMNS, NAMES, Ticket};
use crate::model::Bulk;
use crate::scope::{Doer, Scope};

/// Takes the tickets for the rest of the transaction and reads those that the caller may see.
pub async fn lock_all(scope: Scope, tx: &mut Tx, ids: &[i64]) -> Result<Vec<Ticket>> {
    sql("UPDATE tickets SET version = version WHERE 1 = 1").push_in(" AND id IN", ids).execute(&mut *tx).await?;
    find_all(scope, tx, ids).await
}

/// Those of the tickets that the caller may see, by number; at most 200.
pub async fn find_all(scope: Scope, at: impl Into<At<'_>>, ids: &[i64]) -> Result<Vec<Ticket>> {
    let query = sql(COLUMNS).push(" FROM tickets t").push(NAMES).push(" WHERE 1 = 1").append(scope.condition());
    Ok(query.push_in(" AND t.id IN", ids).push(" ORDER BY t.id LIMIT 200").fetch_all(at).await?)
}

/// Writes one change to all of them; the versions rise.
pub async fn save_all(tx: &mut Tx, ids: &[i64], change: &Bulk) -> Result<()> {
    let now: DateTime<Utc> = tx.stamp().at;
    match change {
        Bulk::Tag(tag) => tags::tag_all(&mut *tx, ids, tag).await?,
        Bulk::Untag(tag) => tags::untag_all(&mut *tx, ids, tag).await?,
        _ => {}
    }
    let query = match change {
        Bulk::Status(status) if status.is_done() => {
            sql("UPDATE tickets SET status = ?, closed_at = COALESCE(closed_at, ?)").bind(status.as_str()).bind(now)
        }
        Bulk::Status(status) => sql("UPDATE tickets SET status = ?, closed_at = NULL").bind(status.as_str()),
        Bulk::Priority(priority) => {
            sql("UPDATE tickets SET priority = ?, priority_order = ?").bind(priority.as_str()).bind(priority.order())
        }
        Bulk::Assign(user) => sql("UPDATE tickets SET assigned_user_id = ?").bind(*user),
        Bulk::Category(category) => sql("UPDATE tickets SET category = ?").bind(category.clone()),
        // The tags are written already; what remains is that the tickets changed.
        Bulk::Tag(_) | Bulk::Untag(_) => sql("UPDATE tickets SET status = status"),
        Bulk::Delete => return Ok(()),
    };
    let query = query.push(", version = version + 1, updated_at = ? WHERE 1 = 1").bind(now);
    query.push_in(" AND id IN", ids).execute(tx).await?;
    Ok(())
}

/// Notes what changed on each of them, in one statement.
pub async fn record_all(tx: &mut Tx, doer: &Doer, changes: &[(i64, Map<String, Value>)]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let now = tx.stamp().at;
    let label: String = doer.label.chars().take(255).collect();
    let mut query =
        sql("INSERT INTO ticket_activity (ticket_id, actor_id, actor_label, kind, changes, created_at) VALUES");
    for (index, (ticket_id, changes)) in changes.iter().enumerate() {
        query = query.push(if index == 0 { " (?, ?, ?, 'updated', ?, ?)" } else { ", (?, ?, ?, 'updated', ?, ?)" });
        query = query.bind(*ticket_id).bind(doer.id).bind(label.clone());
        query = query.bind(Value::Object(changes.clone()).to_string()).bind(now);
    }
    query.execute(tx).await?;
    Ok(())
}
