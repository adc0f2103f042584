//! Rows of `ticket_watchers`.

use chrono::{DateTime, Utc};
use shared::accounts::desk::IS_DESK_PERSON;
use shared::db::{At, Tx, sql};
use shared::error::Result;

use crate::model::{WatcherOut, person_name};
use crate::scope::Scope;

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    ticket_id: i64,
    user_id: i64,
    first_name: Option<String>,
    last_name: Option<String>,
    email: String,
    created_at: DateTime<Utc>,
}

/// Who watches a ticket; nobody for callers who do not see the desk.
pub async fn watchers(scope: Scope, at: impl Into<At<'_>>, ticket_id: i64) -> Result<Vec<WatcherOut>> {
    if !scope.sees_desk() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = sql("SELECT w.id, w.ticket_id, w.user_id, u.first_name, u.last_name, u.email, w.created_at \
         FROM ticket_watchers w JOIN tickets t ON t.id = w.ticket_id JOIN users u ON u.id = w.user_id \
         WHERE w.ticket_id = ?")
    .bind(ticket_id)
    .append(scope.condition())
    .push(" ORDER BY w.id LIMIT 1000")
    .fetch_all(at)
    .await?;
    Ok(rows.into_iter().map(out).collect())
}

fn out(row: Row) -> WatcherOut {
    let name = person_name(row.first_name.as_deref(), row.last_name.as_deref(), Some(&row.email));
    WatcherOut {
        id: row.id,
        ticket_id: row.ticket_id,
        user_id: row.user_id,
        name: name.unwrap_or_default(),
        email: row.email,
        created_at: row.created_at,
    }
}

/// Adds a watcher who is not one yet.
pub async fn watch(tx: &mut Tx, ticket_id: i64, user_id: i64) -> Result<()> {
    add(tx, ticket_id, &[user_id]).await
}

/// Takes a watcher off.
pub async fn unwatch(tx: &mut Tx, ticket_id: i64, user_id: i64) -> Result<()> {
    let query = sql("DELETE FROM ticket_watchers WHERE ticket_id = ? AND user_id = ?");
    query.bind(ticket_id).bind(user_id).execute(tx).await?;
    Ok(())
}

async fn add(tx: &mut Tx, ticket_id: i64, user_ids: &[i64]) -> Result<()> {
    let (now, by) = (tx.stamp().at, tx.stamp().user_id);
    sql("INSERT INTO ticket_watchers (ticket_id, user_id, added_by_id, created_at) SELECT t.id, u.id, ?, ? \
         FROM users u JOIN tickets t ON t.id = ? WHERE NOT EXISTS (SELECT 1 FROM ticket_watchers w \
         WHERE w.ticket_id = t.id AND w.user_id = u.id)")
    .bind(by)
    .bind(now)
    .bind(ticket_id)
    .push_in(" AND u.id IN", user_ids)
    .execute(tx)
    .await?;
    Ok(())
}

/// Those of the ids who may not watch: unknown people, and people who are neither at the desk nor
/// active members of the ticket's company.
pub async fn unwatchable(tx: &mut Tx, company_id: Option<i64>, user_ids: &[i64]) -> Result<Vec<i64>> {
    let good: Vec<(i64,)> = sql("SELECT u.id FROM users u WHERE u.is_active = TRUE AND (")
        .push(IS_DESK_PERSON)
        .push(
            " OR u.id IN (SELECT m.user_id FROM company_memberships m WHERE m.status = 'active' AND m.company_id = ?))",
        )
        .bind(company_id)
        .push_in(" AND u.id IN", user_ids)
        .push(" LIMIT 200")
        .fetch_all(tx)
        .await?;
    Ok(user_ids.iter().copied().filter(|id| !good.contains(&(*id,))).collect())
}

/// Makes exactly these people the watchers.
pub async fn replace_watchers(tx: &mut Tx, ticket_id: i64, user_ids: &[i64]) -> Result<()> {
    let query = sql("DELETE FROM ticket_watchers WHERE ticket_id = ?").bind(ticket_id);
    let query = if user_ids.is_empty() { query } else { query.push_in(" AND user_id NOT IN", user_ids) };
    query.execute(&mut *tx).await?;
    if user_ids.is_empty() { Ok(()) } else { add(tx, ticket_id, user_ids).await }
}
