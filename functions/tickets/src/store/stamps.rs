//! How far tickets have come, for pages that are open: a mark that changes whenever a page would look different.

use chrono::{DateTime, Utc};
use shared::db::{Db, sql};
use shared::error::Result;

use crate::scope::Scope;

/// How far a ticket has come, for one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The ticket.
    pub id: i64,
    /// Grows with every change of a field.
    pub version: i64,
    /// Changes with everything that this side sees.
    pub mark: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    version: i64,
    updated_at: DateTime<Utc>,
    last_reply_at: Option<DateTime<Utc>>,
}

/// The mark of a ticket. A requester's changes with public replies, not with notes.
pub fn mark(scope: Scope, id: i64, version: i64, updated: DateTime<Utc>, replied: Option<DateTime<Utc>>) -> String {
    let at = if scope.sees_desk() { Some(updated) } else { replied };
    format!("ticket-{id}:{version}.{}", at.map_or(0, |at| at.timestamp_micros()))
}

/// Of the tickets that are in reach, in the order of their numbers; at most 200.
pub async fn stamps(scope: Scope, db: &Db, ids: &[i64]) -> Result<Vec<Stamp>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = sql("SELECT t.id, t.version, t.updated_at, t.last_reply_at FROM tickets t WHERE 1 = 1")
        .append(scope.condition())
        .push_in(" AND t.id IN", ids)
        .push(" ORDER BY t.id LIMIT 200")
        .fetch_all(db)
        .await?;
    let stamp = |row: Row| Stamp {
        mark: mark(scope, row.id, row.version, row.updated_at, row.last_reply_at),
        id: row.id,
        version: row.version,
    };
    Ok(rows.into_iter().map(stamp).collect())
}
