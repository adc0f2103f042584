//! Rows of `ticket_undos`: what a change to many tickets replaced.

use chrono::{DateTime, TimeDelta, Utc};
use shared::db::{Tx, sql};
use shared::error::Result;

/// Remembers what was replaced.
pub async fn insert_undo(
    tx: &mut Tx,
    user_id: i64,
    what: &str,
    tickets: &str,
    expires_at: DateTime<Utc>,
) -> Result<i64> {
    let now = tx.stamp().at;
    let insert =
        sql("INSERT INTO ticket_undos (user_id, what, tickets, created_at, expires_at) VALUES (?, ?, ?, ?, ?)");
    Ok(insert.bind(user_id).bind(what).bind(tickets).bind(now).bind(expires_at).insert(tx).await?)
}

/// Takes a person's own, once and in time.
pub async fn take_undo(tx: &mut Tx, user_id: i64, id: i64) -> Result<Option<(String, String)>> {
    let now = tx.stamp().at;
    let taken = sql("UPDATE ticket_undos SET undone_at = ? WHERE id = ? AND user_id = ? AND undone_at IS NULL \
         AND expires_at >= ?")
    .bind(now)
    .bind(id)
    .bind(user_id)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    if taken == 0 {
        return Ok(None);
    }
    Ok(sql("SELECT what, tickets FROM ticket_undos WHERE id = ?").bind(id).fetch_optional(tx).await?)
}

/// Gives tickets back the time at which they had been closed, in one statement.
pub async fn restore_closed(tx: &mut Tx, closed: &[(i64, DateTime<Utc>)]) -> Result<()> {
    if closed.is_empty() {
        return Ok(());
    }
    let mut query = sql("UPDATE tickets SET closed_at = CASE id");
    for (id, at) in closed {
        query = query.push(" WHEN ? THEN ?").bind(*id).bind(*at);
    }
    let ids: Vec<i64> = closed.iter().map(|(id, _)| *id).collect();
    query.push(" ELSE closed_at END WHERE 1 = 1").push_in(" AND id IN", &ids).execute(tx).await?;
    Ok(())
}

/// Forgets those that can no longer be used.
pub async fn forget_undos(tx: &mut Tx) -> Result<()> {
    let before = tx.stamp().at - TimeDelta::days(1);
    sql("DELETE FROM ticket_undos WHERE expires_at < ?").bind(before).execute(tx).await?;
    Ok(())
}
