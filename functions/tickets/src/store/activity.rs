//! Rows of `ticket_activity`: what people read about changes. It is not the audit trail.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use shared::db::{At, Tx, sql};
use shared::error::Result;

use crate::model::{ActivityOut, person_name};
use crate::scope::{Doer, Scope};

/// A change to be noted.
#[derive(Debug, Clone)]
pub struct NewActivity {
    /// `created`, `updated`, `watchers`, `file_removed`.
    pub kind: &'static str,
    /// Old and new by field.
    pub changes: Map<String, Value>,
}

/// Notes a change.
pub async fn record(tx: &mut Tx, doer: &Doer, ticket_id: i64, new: NewActivity) -> Result<()> {
    let now = tx.stamp().at;
    sql("INSERT INTO ticket_activity (ticket_id, actor_id, actor_label, kind, changes, created_at) \
         VALUES (?, ?, ?, ?, ?, ?)")
    .bind(ticket_id)
    .bind(doer.id)
    .bind(doer.label.chars().take(255).collect::<String>())
    .bind(new.kind)
    .bind(Value::Object(new.changes).to_string())
    .bind(now)
    .insert(tx)
    .await?;
    Ok(())
}

/// A change as stored, with the actor's name.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Recorded {
    id: i64,
    ticket_id: i64,
    actor_id: Option<i64>,
    actor_label: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    kind: String,
    changes: String,
    created_at: DateTime<Utc>,
}

impl From<Recorded> for ActivityOut {
    fn from(row: Recorded) -> Self {
        let name = person_name(row.first_name.as_deref(), row.last_name.as_deref(), row.email.as_deref());
        Self {
            id: row.id,
            ticket_id: row.ticket_id,
            actor_id: row.actor_id,
            actor_name: name.or(row.actor_label).unwrap_or_else(|| "Former user".to_owned()),
            kind: row.kind,
            changes: serde_json::from_str(&row.changes).unwrap_or_default(),
            created_at: row.created_at,
        }
    }
}

/// The newest changes of a ticket, newest first.
pub async fn activity(scope: Scope, at: impl Into<At<'_>>, ticket_id: i64, limit: i64) -> Result<Vec<ActivityOut>> {
    let rows: Vec<Recorded> = sql("SELECT v.id, v.ticket_id, v.actor_id, v.actor_label, u.first_name, u.last_name, \
         u.email, v.kind, v.changes, v.created_at FROM ticket_activity v JOIN tickets t ON t.id = v.ticket_id \
         LEFT JOIN users u ON u.id = v.actor_id WHERE v.ticket_id = ?")
    .bind(ticket_id)
    .append(scope.condition())
    .push(" ORDER BY v.created_at DESC, v.id DESC LIMIT ?")
    .bind(limit)
    .fetch_all(at)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
