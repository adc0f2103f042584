//! What areas tell each other: rows of `event_outbox`, written with the change, turned into jobs by the
//! worker for every kind that listens.

use std::collections::BTreeSet;

use crate::app::App;
use crate::audit::Stamp;
use crate::db::{Tx, sql};
use crate::error::Result;
use crate::jobs::{Jobs, NewJob, queue_all};

/// The catalogue of event names (automation 3, tickets 8).
pub mod names {
    /// A ticket was raised.
    pub const TICKET_CREATED: &str = "tickets.created";
    /// A ticket got a reply or a note.
    pub const TICKET_REPLIED: &str = "tickets.replied";
    /// A field of a ticket changed.
    pub const TICKET_UPDATED: &str = "tickets.updated";
    /// A ticket was given to somebody.
    pub const TICKET_ASSIGNED: &str = "tickets.assigned";
    /// A ticket became resolved or closed.
    pub const TICKET_CLOSED: &str = "tickets.closed";
    /// A ticket left resolved or closed.
    pub const TICKET_REOPENED: &str = "tickets.reopened";
    /// A ticket's status changed.
    pub const TICKET_STATUS_CHANGED: &str = "tickets.status_changed";
    /// A webhook was delivered.
    pub const WEBHOOK_DELIVERED: &str = "webhook.delivered";
    /// A webhook was given up.
    pub const WEBHOOK_FAILED: &str = "webhook.failed";
    /// Somebody registered.
    pub const USER_REGISTERED: &str = "users.registered";
    /// A scheduled task has failed for good.
    pub const TASK_FAILED: &str = "scheduler.task_failed";
    /// A membership came into force.
    pub const MEMBERSHIP_GRANTED: &str = "membership.granted";
    /// A membership in force was suspended or removed.
    pub const MEMBERSHIP_REVOKED: &str = "membership.revoked";
    /// The role, the staff level or a section of a membership in force changed.
    pub const MEMBERSHIP_CHANGED: &str = "membership.changed";
    /// Somebody proved an address at a domain of a company that takes nobody in by itself.
    pub const JOIN_SUGGESTED: &str = "company.join_suggested";
    /// Somebody was added to the staff directory.
    pub const STAFF_CREATED: &str = "staff.created";
    /// A staff member was changed.
    pub const STAFF_UPDATED: &str = "staff.updated";
    /// A company announced a starter.
    pub const STAFF_ONBOARD_REQUESTED: &str = "staff.onboard_requested";
    /// A company announced a leaver.
    pub const STAFF_OFFBOARD_REQUESTED: &str = "staff.offboard_requested";
    /// The time of a leaver has come and their access has ended.
    pub const STAFF_OFFBOARDED: &str = "staff.offboarded";
}

/// Writes an event in the transaction of its cause. The payload holds ids only.
pub async fn emit(tx: &mut Tx, name: &'static str, payload: serde_json::Value) -> Result<()> {
    emit_named(tx, name, payload).await.map(|_| ())
}

/// The same for a name that somebody chose; gives the number of the event.
pub async fn emit_named(tx: &mut Tx, name: &str, payload: serde_json::Value) -> Result<i64> {
    let (now, depth) = (tx.stamp().at, tx.depth());
    tx.has_work();
    let insert = sql("INSERT INTO event_outbox (name, payload, depth, created_at) VALUES (?, ?, ?, ?)")
        .bind(name)
        .bind(payload.to_string())
        .bind(depth)
        .bind(now);
    Ok(insert.insert(tx).await?)
}

/// Writes several events of one cause in one statement.
pub async fn emit_all(tx: &mut Tx, events: &[(&'static str, serde_json::Value)]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let now = tx.stamp().at;
    tx.has_work();
    let mut query = sql("INSERT INTO event_outbox (name, payload, depth, created_at) VALUES");
    for (index, (name, payload)) in events.iter().enumerate() {
        query = query.push(if index == 0 { " (?, ?, 0, ?)" } else { ", (?, ?, 0, ?)" });
        query = query.bind(*name).bind(payload.to_string()).bind(now);
    }
    query.execute(tx).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    payload: String,
}

/// Events looked at in one transaction.
const BATCH: i64 = 100;

/// Turns waiting events into jobs for those who listen; returns how many events were looked at. Who listens
/// is asked once for a batch, so an event that nobody waits for costs its share of one statement.
pub(crate) async fn dispatch(app: &App, jobs: &Jobs) -> Result<u64> {
    let rows: Vec<Row> =
        sql("SELECT id, name, payload FROM event_outbox WHERE dispatched_at IS NULL ORDER BY id LIMIT ?")
            .bind(BATCH)
            .fetch_all(app.db())
            .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let names: BTreeSet<String> = rows.iter().map(|row| row.name.clone()).collect();
    let listeners = jobs.listeners(app, &names).await?;
    let mut tx = app.db().begin(Stamp::system(app.now())).await?;
    tx.housekeeping();
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let ours = take(&mut tx, &ids).await?;
    let new = rows.iter().filter(|row| ours.contains(&row.id)).flat_map(|row| {
        let payload = row.payload();
        listeners.of(&row.name).iter().map(move |kind| NewJob::new(kind, payload.clone()))
    });
    queue_all(&mut tx, &new.collect::<Vec<_>>()).await?;
    tx.commit().await?;
    Ok(u64::try_from(ours.len()).unwrap_or(0))
}

/// Marks events as dispatched; gives those that no other worker has taken. They stay locked until the
/// commit, which is what makes each of them ours alone.
async fn take(tx: &mut Tx, ids: &[i64]) -> Result<BTreeSet<i64>> {
    let now = tx.stamp().at;
    let ours: Vec<(i64,)> = sql("SELECT id FROM event_outbox WHERE dispatched_at IS NULL")
        .push_in(" AND id IN", ids)
        .push(" ORDER BY id LIMIT 200")
        .push_by_engine("", " FOR UPDATE")
        .fetch_all(&mut *tx)
        .await?;
    let ours: Vec<i64> = ours.into_iter().map(|(id,)| id).collect();
    if !ours.is_empty() {
        let mark = sql("UPDATE event_outbox SET dispatched_at = ? WHERE 1 = 1").bind(now);
        mark.push_in(" AND id IN", &ours).execute(tx).await?;
    }
    Ok(ours.into_iter().collect())
}

impl Row {
    /// The event's fields and its number.
    fn payload(&self) -> serde_json::Value {
        let mut fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&self.payload).unwrap_or_default();
        fields.insert("event".to_owned(), self.id.into());
        fields.into()
    }
}
