//! Deleting what has expired, a few hundred rows in each transaction, so that nobody waits behind it.

use chrono::{DateTime, TimeDelta, Utc};

use super::{JobError, Run};
use crate::db::{Sql, sql};
use crate::error::Result;
use crate::insist;

/// Finished jobs are kept this long for the monitor.
const KEPT: TimeDelta = TimeDelta::days(14);

/// Events and mails.
const KEPT_LONG: TimeDelta = TimeDelta::days(30);

/// Rows deleted in one transaction.
const BATCH: i64 = 200;

/// Transactions of one run and table; the next hour goes on.
const MOST: usize = 1000;

/// Deletes what has expired.
pub(super) async fn purge(run: Run) -> Result<(), JobError> {
    let now = run.now();
    insist!(small(&run, now))?;
    let jobs = || sql("SELECT id FROM jobs WHERE finished_at < ? ORDER BY finished_at LIMIT ?").bind(now - KEPT);
    batches(&run, jobs, "DELETE FROM jobs WHERE 1 = 1").await?;
    let events = || {
        sql("SELECT id FROM event_outbox WHERE dispatched_at < ? ORDER BY dispatched_at LIMIT ?").bind(now - KEPT_LONG)
    };
    batches(&run, events, "DELETE FROM event_outbox WHERE 1 = 1").await?;
    let mails = || {
        sql("SELECT id FROM email_outbox WHERE created_at < ? AND status IN ('sent', 'skipped', 'failed') LIMIT ?")
            .bind(now - KEPT_LONG)
    };
    batches(&run, mails, "DELETE FROM email_outbox WHERE 1 = 1").await?;
    Ok(())
}

/// Tables that stay small.
async fn small(run: &Run, now: DateTime<Utc>) -> Result<()> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    crate::rate_limit::purge(&mut tx, now).await?;
    crate::outbound_slots::purge(&mut tx, now).await?;
    sql("DELETE FROM idempotency_keys WHERE expires_at < ?").bind(now).execute(&mut tx).await?;
    sql("DELETE FROM session_notes WHERE expires_at < ?").bind(now).execute(&mut tx).await?;
    sql("DELETE FROM worker_heartbeats WHERE last_tick_at < ?").bind(now - TimeDelta::days(1)).execute(&mut tx).await?;
    crate::mail::close_lost(&mut tx).await?;
    tx.commit().await
}

async fn batches(run: &Run, old: impl Fn() -> Sql, delete: &'static str) -> Result<()> {
    for _ in 0..MOST {
        let rows: Vec<(i64,)> = old().bind(BATCH).fetch_all(run.db()).await?;
        let ids: Vec<i64> = rows.into_iter().map(|(id,)| id).collect();
        if ids.is_empty() {
            break;
        }
        insist!(delete_rows(run, delete, &ids))?;
    }
    Ok(())
}

async fn delete_rows(run: &Run, delete: &'static str, ids: &[i64]) -> Result<()> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    sql(delete).push_in(" AND id IN", ids).execute(&mut tx).await?;
    tx.commit().await
}
