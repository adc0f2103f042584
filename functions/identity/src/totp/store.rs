//! Rows of `user_totp_authenticators`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::app::App;
use shared::db::{At, Tx, sql};
use shared::error::{Error, Result};
use utoipa::ToSchema;

/// The most authenticators of one person.
pub const MOST: i64 = 5;

/// What secrets are sealed for; the id of their owner follows.
const SEAL: &str = "user_totp_authenticators.secret";

/// A device that shows codes for a person.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, ToSchema)]
pub struct Authenticator {
    /// Names it in `DELETE /auth/totp/{id}`.
    #[schema(example = 3)]
    pub id: i64,
    /// What the person calls it.
    #[schema(example = "Phone")]
    pub name: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When a code of it was last accepted.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A person's authenticators by name.
pub async fn list(at: impl Into<At<'_>>, user_id: i64) -> Result<Vec<Authenticator>> {
    Ok(sql("SELECT id, name, created_at, last_used_at FROM user_totp_authenticators WHERE user_id = ? \
         ORDER BY name, id LIMIT 50")
    .bind(user_id)
    .fetch_all(at)
    .await?)
}

pub(super) async fn count(at: impl Into<At<'_>>, user_id: i64) -> Result<i64> {
    Ok(sql("SELECT COUNT(*) FROM user_totp_authenticators WHERE user_id = ?").bind(user_id).fetch_value(at).await?)
}

/// Keeps two enrolments of one person apart until the transaction ends.
pub(super) async fn lock_person(tx: &mut Tx, user_id: i64) -> Result<()> {
    sql("UPDATE users SET id = id WHERE id = ?").bind(user_id).execute(tx).await?;
    Ok(())
}

/// What it takes to check a code.
#[derive(sqlx::FromRow)]
pub(super) struct Device {
    pub(super) id: i64,
    secret: String,
    pub(super) last_used_step: Option<i64>,
}

impl Device {
    /// The secret in plain; none, with a line in the log, when it does not open.
    pub(super) fn secret(&self, app: &App, user_id: i64) -> Option<String> {
        match app.keyring().open_text(&format!("{SEAL}:{user_id}"), &self.secret) {
            Ok(secret) => Some(secret),
            Err(error) => {
                tracing::error!(authenticator.id = self.id, %error, "the secret of an authenticator does not open");
                None
            }
        }
    }
}

pub(super) async fn devices(at: impl Into<At<'_>>, user_id: i64) -> Result<Vec<Device>> {
    Ok(sql("SELECT id, secret, last_used_step FROM user_totp_authenticators WHERE user_id = ? ORDER BY id LIMIT 50")
        .bind(user_id)
        .fetch_all(at)
        .await?)
}

/// Marks a step as used; false when it, or a later one, already was. One of two parallel tries wins.
pub(super) async fn use_step(tx: &mut Tx, id: i64, step: i64) -> Result<bool> {
    let now = tx.stamp().at;
    let used = sql("UPDATE user_totp_authenticators SET last_used_step = ?, last_used_at = ? \
         WHERE id = ? AND (last_used_step IS NULL OR last_used_step < ?)")
    .bind(step)
    .bind(now)
    .bind(id)
    .bind(step)
    .execute(tx)
    .await?;
    Ok(used == 1)
}

pub(super) async fn insert(app: &App, tx: &mut Tx, user_id: i64, name: &str, secret: &str, step: i64) -> Result<i64> {
    let now = tx.stamp().at;
    let sealed = app.keyring().seal_text(&format!("{SEAL}:{user_id}"), secret);
    Ok(sql("INSERT INTO user_totp_authenticators (user_id, name, secret, last_used_step, created_at) \
         VALUES (?, ?, ?, ?, ?)")
    .bind(user_id)
    .bind(name)
    .bind(sealed.map_err(|error| Error::Internal(error.into()))?)
    .bind(step)
    .bind(now)
    .insert(tx)
    .await?)
}

/// Takes one away; its name, or none when it is not the person's.
pub(super) async fn delete(tx: &mut Tx, user_id: i64, id: i64) -> Result<Option<String>> {
    let row: Option<(String,)> = sql("SELECT name FROM user_totp_authenticators WHERE id = ? AND user_id = ?")
        .bind(id)
        .bind(user_id)
        .fetch_optional(&mut *tx)
        .await?;
    let Some((name,)) = row else { return Ok(None) };
    let gone = sql("DELETE FROM user_totp_authenticators WHERE id = ? AND user_id = ?")
        .bind(id)
        .bind(user_id)
        .execute(tx)
        .await?;
    Ok((gone == 1).then_some(name))
}

/// Takes all authenticators and recovery codes of a person away; returns how many authenticators.
/// The caller writes the audit line (`user.mfa_reset`) and tells the person.
pub async fn remove_all(tx: &mut Tx, user_id: i64) -> Result<u64> {
    let gone = sql("DELETE FROM user_totp_authenticators WHERE user_id = ?").bind(user_id).execute(&mut *tx).await?;
    super::recovery::delete_all(tx, user_id).await?;
    Ok(gone)
}
