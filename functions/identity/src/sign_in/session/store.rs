//! Live rows of `user_sessions`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::accounts::sessions;
use shared::audit::Change;
use shared::context::By;
use shared::db::sql;
use shared::error::{Error, Result};
use utoipa::ToSchema;

/// A device on which the person is signed in.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, ToSchema)]
#[schema(example = json!({"id": 1, "created_at": "2026-11-23T09:12:00Z", "last_seen_at": "2026-11-23T09:15:00Z",
    "expires_at": "2026-11-23T21:15:00Z", "ip_address": "203.0.113.10", "user_agent": "Mozilla/5.0",
    "is_current": true}))]
pub struct LiveSession {
    /// Names it in `DELETE /auth/sessions/{id}`.
    pub id: i64,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used, within a minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends, unless it is used before.
    pub expires_at: DateTime<Utc>,
    /// Where it began.
    pub ip_address: Option<String>,
    /// The browser with which it began.
    pub user_agent: Option<String>,
    /// The session of this request.
    pub is_current: bool,
}

/// The person's live sessions, last used first.
pub async fn live(by: &By) -> Result<Vec<LiveSession>> {
    let person = by.person().ok_or(Error::Unauthenticated)?;
    Ok(sql("SELECT id, created_at, last_seen_at, expires_at, ip_address, user_agent, \
         CASE WHEN id = ? THEN TRUE ELSE FALSE END AS is_current FROM user_sessions \
         WHERE user_id = ? AND revoked_at IS NULL AND expires_at > ? AND absolute_expires_at > ? \
         ORDER BY last_seen_at DESC, id DESC LIMIT 200")
    .bind(person.session.id)
    .bind(person.id())
    .bind(by.now())
    .bind(by.now())
    .fetch_all(by.db())
    .await?)
}

/// Ends one session of the person; 404 for one that is not theirs or not live.
pub async fn end_one(by: &By, id: i64) -> Result<()> {
    let person = by.person().ok_or(Error::Unauthenticated)?;
    let mut tx = by.begin().await?;
    if !sessions::revoke_one(&mut tx, person.id(), id, "user").await? {
        return Err(Error::not_found("Session not found"));
    }
    let change = Change::new("auth.sessions_revoked", "user", person.id()).label(person.user.email.clone());
    tx.audit(change.meta("session_id", id).meta("revoked", 1));
    tx.commit().await
}

/// Ends all sessions of the person but the current one; returns how many.
pub async fn end_others(by: &By) -> Result<u64> {
    let person = by.person().ok_or(Error::Unauthenticated)?;
    let mut tx = by.begin().await?;
    let count = sessions::revoke_all(&mut tx, person.id(), Some(person.session.id), "user").await?;
    let change = Change::new("auth.sessions_revoked", "user", person.id()).label(person.user.email.clone());
    tx.audit(change.meta("revoked", count));
    tx.commit().await?;
    Ok(count)
}
