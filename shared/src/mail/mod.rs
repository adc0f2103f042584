//! Outgoing mail: rows of `email_outbox`, written with their cause and sent by a job.
//!
//! Each row has its Message-ID from the start. `sending` is committed when the server waits for the text,
//! so a worker that was killed then knows: the same message is sent again at most once (decisions 11.9).

pub mod bounces;
mod compose;
mod draft;
mod folder;
mod sending;
mod smtp;
pub mod transport;

use chrono::{DateTime, Utc};

use crate::db::{Tx, sql};
use crate::error::Result;
use crate::insist;
use crate::jobs::{JobError, NewJob, Run, Schedule};

pub use draft::{Draft, rendered};
pub(crate) use sending::send_job;

async fn queue_sending(tx: &mut Tx, id: i64, not_before: Option<DateTime<Utc>>) -> Result<()> {
    let at = not_before.unwrap_or(tx.stamp().at);
    NewJob::new("email.send", serde_json::json!({ "id": id }))
        .dedupe(format!("email:{id}"))
        .schedule(Schedule::Mail)
        .priority(10)
        .run_at(at)
        .queue(tx)
        .await?;
    Ok(())
}

/// Mails whose job is gone, because its worker was lost on the last try, have failed.
pub(crate) async fn close_lost(tx: &mut Tx) -> Result<()> {
    sql("UPDATE email_outbox SET status = 'failed', last_error = 'the worker was lost', \
         text_body = CASE WHEN is_sensitive = TRUE THEN NULL ELSE text_body END, \
         html_body = CASE WHEN is_sensitive = TRUE THEN NULL ELSE html_body END \
         WHERE status IN ('queued', 'sending') \
         AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.dedupe_key = CONCAT('email:', email_outbox.id))")
    .execute(tx)
    .await?;
    Ok(())
}

/// Sends a failed or skipped mail once more; false when its body is gone or it is on its way.
pub async fn resend(tx: &mut Tx, id: i64) -> Result<bool> {
    let changed = sql("UPDATE email_outbox SET status = 'queued', last_error = NULL, resends = 0 \
         WHERE id = ? AND status IN ('failed', 'skipped') AND text_body IS NOT NULL")
    .bind(id)
    .execute(&mut *tx)
    .await?;
    if changed == 1 {
        queue_sending(tx, id, None).await?;
        sql("UPDATE notification_deliveries SET status = 'queued', reason = NULL, finished_at = NULL \
             WHERE outbox_id = ?")
        .bind(id)
        .execute(tx)
        .await?;
    }
    Ok(changed == 1)
}

/// Sends every failed mail once more whose words are still kept.
pub(crate) async fn resend_failed_job(run: Run) -> Result<(), JobError> {
    let failed: Vec<(i64,)> =
        sql("SELECT id FROM email_outbox WHERE status = 'failed' AND text_body IS NOT NULL ORDER BY id LIMIT 500")
            .fetch_all(run.db())
            .await?;
    for (id,) in failed {
        insist!(resend_alone(&run, id))?;
    }
    Ok(())
}

async fn resend_alone(run: &Run, id: i64) -> Result<()> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    resend(&mut tx, id).await?;
    tx.commit().await
}
