//! Rows of `ticket_exports`.

use chrono::{DateTime, TimeDelta, Utc};
use shared::accounts::desk::IS_DESK_PERSON;
use shared::db::{At, Db, Tx, sql};
use shared::error::Result;
use shared::files::{self, Made};

/// A file is kept this long.
const KEPT: TimeDelta = TimeDelta::days(7);

/// An export that has not come to an end by then never will.
const PATIENCE: TimeDelta = TimeDelta::hours(2);

/// An export.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Export {
    pub id: i64,
    pub user_id: i64,
    pub list: String,
    pub of_company_id: Option<i64>,
    pub status: String,
    pub row_count: i64,
    pub file_id: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
}

const COLUMNS: &str = "SELECT id, user_id, list, of_company_id, status, row_count, file_id, created_at, finished_at, \
    expires_at FROM ticket_exports";

/// By id, as long as it is kept.
pub async fn find(at: impl Into<At<'_>>, id: i64, now: DateTime<Utc>) -> Result<Option<Export>> {
    Ok(sql(COLUMNS).push(" WHERE id = ? AND expires_at > ?").bind(id).bind(now).fetch_optional(at).await?)
}

/// The one that is being written for a person.
pub async fn unfinished(tx: &mut Tx, user_id: i64) -> Result<Option<Export>> {
    let since = tx.stamp().at - PATIENCE;
    let query = sql(COLUMNS).push(" WHERE user_id = ? AND status = 'queued' AND created_at > ? ORDER BY id LIMIT 1");
    Ok(query.bind(user_id).bind(since).fetch_optional(tx).await?)
}

/// Adds one.
pub async fn insert(tx: &mut Tx, user_id: i64, list: &str, of_company: Option<i64>) -> Result<i64> {
    let now = tx.stamp().at;
    let id = sql("INSERT INTO ticket_exports (user_id, list, of_company_id, status, created_at, expires_at) \
         VALUES (?, ?, ?, 'queued', ?, ?)")
    .bind(user_id)
    .bind(list)
    .bind(of_company)
    .bind(now)
    .bind(now + KEPT)
    .insert(tx)
    .await?;
    Ok(id)
}

/// Notes the end of one that was still waiting; false when another worker was faster.
pub async fn finish(tx: &mut Tx, id: i64, status: &str, rows: i64, made: Option<&Made>) -> Result<bool> {
    let now = tx.stamp().at;
    let done =
        sql("UPDATE ticket_exports SET status = ?, row_count = ?, file_id = ?, finished_at = ?, expires_at = ? \
         WHERE id = ? AND status = 'queued'")
        .bind(status)
        .bind(rows)
        .bind(made.map(|made| made.id))
        .bind(now)
        .bind(now + KEPT)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(done == 1)
}

/// What somebody may read now.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Reader {
    pub email: String,
    pub is_desk: bool,
    pub sees_company: bool,
}

/// The rights of the person who asked, at the time of writing; none when they are gone.
pub async fn reader(db: &Db, user_id: i64, company: Option<i64>) -> Result<Option<Reader>> {
    let query = sql("SELECT u.email, CASE WHEN").push(IS_DESK_PERSON).push(
        " THEN TRUE ELSE FALSE END AS is_desk, CASE WHEN u.id IN (SELECT m.user_id FROM company_memberships m \
          JOIN companies c ON c.id = m.company_id JOIN roles o ON o.id = m.role_id WHERE m.company_id = ? \
          AND m.status = 'active' AND c.archived_at IS NULL AND o.permissions LIKE '%\"portal.access\"%' \
          AND o.permissions LIKE '%\"tickets.company\"%') THEN TRUE ELSE FALSE END AS sees_company \
          FROM users u WHERE u.id = ? AND u.is_active = TRUE",
    );
    Ok(query.bind(company).bind(user_id).fetch_optional(db).await?)
}

/// Removes what is kept no longer, with its files.
pub async fn forget(tx: &mut Tx) -> Result<()> {
    let now = tx.stamp().at;
    let old: Vec<Export> =
        sql(COLUMNS).push(" WHERE expires_at <= ? ORDER BY id LIMIT 200").bind(now).fetch_all(&mut *tx).await?;
    for export in old {
        if let Some(file) = export.file_id {
            files::remove(&mut *tx, file).await?;
        }
        sql("DELETE FROM ticket_exports WHERE id = ?").bind(export.id).execute(&mut *tx).await?;
    }
    Ok(())
}
