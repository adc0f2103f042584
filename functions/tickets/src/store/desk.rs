//! What makes working together easier: who has a ticket open, replies that are not sent yet.

use chrono::{DateTime, TimeDelta, Utc};
use shared::db::{At, Tx, sql, sql_by_engine};
use shared::error::Result;

use crate::model::person_name;

/// Somebody who has a ticket open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// As people read it.
    pub name: String,
    /// Has typed lately.
    pub is_writing: bool,
}

/// Without a sign for so long somebody has gone.
const GONE_AFTER: TimeDelta = TimeDelta::seconds(50);

/// Notes that somebody has the ticket open.
pub async fn be_present(tx: &mut Tx, ticket_id: i64, user_id: i64, is_writing: bool) -> Result<()> {
    let now = tx.stamp().at;
    sql_by_engine(
        "INSERT INTO ticket_presence (ticket_id, user_id, is_writing, seen_at) VALUES (?, ?, ?, ?) \
         ON CONFLICT (ticket_id, user_id) DO UPDATE SET is_writing = excluded.is_writing, seen_at = excluded.seen_at",
        "INSERT INTO ticket_presence (ticket_id, user_id, is_writing, seen_at) VALUES (?, ?, ?, ?) \
         ON DUPLICATE KEY UPDATE is_writing = VALUES(is_writing), seen_at = VALUES(seen_at)",
    )
    .bind(ticket_id)
    .bind(user_id)
    .bind(is_writing)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// The others who have the ticket open.
pub async fn present(at: impl Into<At<'_>>, ticket_id: i64, me: i64, now: DateTime<Utc>) -> Result<Vec<Present>> {
    let rows: Vec<(Option<String>, Option<String>, String, bool)> =
        sql("SELECT u.first_name, u.last_name, u.email, p.is_writing FROM ticket_presence p \
             JOIN users u ON u.id = p.user_id WHERE p.ticket_id = ? AND p.user_id <> ? AND p.seen_at >= ? \
             ORDER BY p.user_id LIMIT 20")
        .bind(ticket_id)
        .bind(me)
        .bind(now - GONE_AFTER)
        .fetch_all(at)
        .await?;
    let person = |(first, last, email, is_writing): (Option<String>, Option<String>, String, bool)| Present {
        name: person_name(first.as_deref(), last.as_deref(), Some(&email)).unwrap_or_default(),
        is_writing,
    };
    Ok(rows.into_iter().map(person).collect())
}

/// Removes the signs of those who left long ago.
pub async fn forget_absent(tx: &mut Tx) -> Result<()> {
    let before = tx.stamp().at - TimeDelta::days(1);
    sql("DELETE FROM ticket_presence WHERE seen_at < ?").bind(before).execute(tx).await?;
    Ok(())
}

/// Keeps what somebody has typed so far.
pub async fn keep_draft(tx: &mut Tx, ticket_id: i64, user_id: i64, body: &str, is_internal: bool) -> Result<()> {
    let now = tx.stamp().at;
    sql_by_engine(
        "INSERT INTO ticket_drafts (ticket_id, user_id, body, is_internal, updated_at) VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT (ticket_id, user_id) DO UPDATE SET body = excluded.body, is_internal = excluded.is_internal, \
         updated_at = excluded.updated_at",
        "INSERT INTO ticket_drafts (ticket_id, user_id, body, is_internal, updated_at) VALUES (?, ?, ?, ?, ?) \
         ON DUPLICATE KEY UPDATE body = VALUES(body), is_internal = VALUES(is_internal), \
         updated_at = VALUES(updated_at)",
    )
    .bind(ticket_id)
    .bind(user_id)
    .bind(body)
    .bind(is_internal)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// What was typed is sent, or no longer wanted.
pub async fn forget_draft(tx: &mut Tx, ticket_id: i64, user_id: i64) -> Result<()> {
    let query = sql("DELETE FROM ticket_drafts WHERE ticket_id = ? AND user_id = ?");
    query.bind(ticket_id).bind(user_id).execute(tx).await?;
    Ok(())
}
