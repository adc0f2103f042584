//! Runs past their days, and of each automation all but the newest 200.

use chrono::TimeDelta;
use shared::commands::Step;
use shared::db::{Tx, sql};
use shared::error::Result;
use shared::jobs::JobError;

/// Runs kept of an automation.
const KEPT: i64 = 200;

/// Rows deleted in one transaction.
const BATCH: i64 = 1000;

/// Removes old runs; gives their number.
pub async fn clean_up_runs(step: Step) -> Result<u64, JobError> {
    let oldest = step.now() - TimeDelta::days(step.app().config().history_retention_days.max(1));
    let old = "SELECT id FROM automation_runs WHERE created_at < ? AND finished_at IS NOT NULL LIMIT ?";
    let mut removed = batches(&step, || sql(old).bind(oldest).bind(BATCH)).await?;
    let long: Vec<(i64,)> = sql("SELECT automation_id FROM automation_runs GROUP BY automation_id \
         HAVING COUNT(*) > ? ORDER BY automation_id LIMIT 500")
    .bind(KEPT)
    .fetch_all(step.db())
    .await?;
    let surplus = "SELECT id FROM automation_runs WHERE automation_id = ? AND finished_at IS NOT NULL \
        ORDER BY id DESC LIMIT ? OFFSET ?";
    for (automation,) in long {
        removed += batches(&step, || sql(surplus).bind(automation).bind(BATCH).bind(KEPT)).await?;
    }
    Ok(removed)
}

async fn batches(step: &Step, query: impl Fn() -> shared::db::Sql) -> Result<u64> {
    let mut removed = 0;
    loop {
        let mut tx = step.begin().await?;
        tx.housekeeping();
        let rows: Vec<(i64,)> = query().fetch_all(&mut tx).await?;
        let ids: Vec<i64> = rows.into_iter().map(|(id,)| id).collect();
        removed += delete(&mut tx, &ids).await?;
        tx.commit().await?;
        if ids.is_empty() {
            return Ok(removed);
        }
    }
}

async fn delete(tx: &mut Tx, ids: &[i64]) -> Result<u64> {
    let mut removed = 0;
    for part in ids.chunks(200) {
        removed += sql("DELETE FROM automation_runs WHERE 1 = 1").push_in(" AND id IN", part).execute(&mut *tx).await?;
    }
    Ok(removed)
}
