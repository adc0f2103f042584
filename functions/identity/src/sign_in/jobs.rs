//! Clearing away: ended sessions, used links, accounts that were never confirmed (identity 21).

use chrono::{DateTime, TimeDelta, Utc};
use shared::audit::Change;
use shared::db::sql;
use shared::jobs::{JobError, Run};

/// Statements of one run; what is left waits for the next.
const MOST_BATCHES: usize = 20;

/// Sessions that ended more than 30 days ago.
pub(super) async fn purge_sessions(run: Run) -> Result<(), JobError> {
    let last = "SELECT MAX(b.id) FROM (SELECT id FROM user_sessions WHERE expires_at < ? OR revoked_at < ? \
         ORDER BY id LIMIT 500) b";
    let delete = "DELETE FROM user_sessions WHERE id <= ? AND (expires_at < ? OR revoked_at < ?)";
    purge(&run, last, delete, run.now() - TimeDelta::days(30)).await
}

/// Links that expired or were used more than seven days ago.
pub(super) async fn purge_tokens(run: Run) -> Result<(), JobError> {
    let last = "SELECT MAX(b.id) FROM (SELECT id FROM password_tokens WHERE expires_at < ? OR used_at < ? \
         ORDER BY id LIMIT 500) b";
    let delete = "DELETE FROM password_tokens WHERE id <= ? AND (expires_at < ? OR used_at < ?)";
    purge(&run, last, delete, run.now() - TimeDelta::days(7)).await
}

/// Deletes batch by batch: `last` finds the end of the next one, `delete` takes it away.
async fn purge(run: &Run, last: &'static str, delete: &'static str, old: DateTime<Utc>) -> Result<(), JobError> {
    for _ in 0..MOST_BATCHES {
        let end: Option<i64> = sql(last).bind(old).bind(old).fetch_value(run.db()).await?;
        let Some(end) = end else { break };
        let mut tx = run.begin().await?;
        tx.housekeeping();
        sql(delete).bind(end).bind(old).bind(old).execute(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Accounts that somebody registered 30 days ago and neither confirmed nor used. Where addresses need
/// no confirming, an account without a mark is an ordinary one, and none is deleted.
pub(super) async fn purge_unconfirmed(run: Run) -> Result<(), JobError> {
    if !run.app().config().require_email_verification {
        return Ok(());
    }
    let old = run.now() - TimeDelta::days(30);
    let rows: Vec<(i64, String)> = sql("SELECT u.id, u.email FROM users u WHERE u.is_self_registered = TRUE \
         AND u.email_verified_at IS NULL AND u.last_login_at IS NULL AND u.is_super_admin = FALSE \
         AND u.created_at < ? \
         AND NOT EXISTS (SELECT 1 FROM company_memberships m WHERE m.user_id = u.id) ORDER BY u.id LIMIT 200")
    .bind(old)
    .fetch_all(run.db())
    .await?;
    for (id, email) in rows {
        let mut tx = run.begin().await?;
        let gone = sql("DELETE FROM users WHERE id = ? AND email_verified_at IS NULL AND last_login_at IS NULL")
            .bind(id)
            .execute(&mut tx)
            .await?;
        if gone == 1 {
            tx.audit(Change::new("user.deleted", "user", id).label(email).meta("reason", "never confirmed"));
            tx.commit().await?;
        }
    }
    Ok(())
}
