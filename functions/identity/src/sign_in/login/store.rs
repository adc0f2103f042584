//! What signing in reads and writes.

use chrono::TimeDelta;
use shared::accounts::memberships;
use shared::accounts::users::User;
use shared::db::{At, Tx, sql};
use shared::error::Result;

/// A person with the stored password.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Account {
    #[sqlx(flatten)]
    pub(super) user: User,
    pub(super) password_hash: Option<String>,
}

/// By address, in one statement whether there is somebody or not.
pub(super) async fn find(at: impl Into<At<'_>>, email: &str) -> Result<Option<Account>> {
    Ok(sql("SELECT id, email, first_name, last_name, mobile_phone, company_id, is_super_admin, is_active, \
         is_self_registered, force_password_change, password_hash IS NOT NULL AS has_password, email_verified_at, \
         last_login_at, created_at, updated_at, password_hash FROM users WHERE email = ?")
    .bind(email)
    .fetch_optional(at)
    .await?)
}

/// Notes the sign-in, and stores a better hash where the old one was of an old form.
pub(super) async fn signed_in(tx: &mut Tx, account: &Account, better_hash: Option<&str>) -> Result<()> {
    let now = tx.stamp().at;
    sql("UPDATE users SET last_login_at = ? WHERE id = ?").bind(now).bind(account.user.id).execute(&mut *tx).await?;
    if let Some(hash) = better_hash {
        sql("UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?")
            .bind(hash)
            .bind(account.user.id)
            .bind(account.password_hash.clone())
            .execute(&mut *tx)
            .await?;
    }
    memberships::seen(tx, account.user.id, now).await
}

/// How long an address and browser are remembered.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// True when the person has signed in before, but not with this device within 90 days. The audit trail
/// knows, because sessions are deleted sooner.
pub(super) async fn is_new_device(tx: &mut Tx, account: &Account, device: &str) -> Result<bool> {
    #[derive(sqlx::FromRow)]
    struct Row {
        same: i64,
        known: i64,
    }
    let now = tx.stamp().at;
    let row: Row =
        sql("SELECT CAST(COALESCE(SUM(CASE WHEN a.metadata LIKE ? THEN 1 ELSE 0 END), 0) AS SIGNED) AS same, \
         COUNT(*) AS known FROM (SELECT metadata FROM audit_logs WHERE user_id = ? AND created_at > ? \
         AND action IN ('auth.login', 'user.registered') ORDER BY id DESC LIMIT 500) a")
        .bind(format!("%\"device\":\"{device}\"%"))
        .bind(account.user.id)
        .bind(now - REMEMBERED)
        .fetch_one(tx)
        .await?;
    let is_first = account.user.last_login_at.is_none() && row.known == 0;
    Ok(row.same == 0 && !is_first)
}
