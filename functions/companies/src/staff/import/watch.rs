//! Runs that nobody works on any more go on with a new job; what is long over is forgotten.

use chrono::TimeDelta;
use shared::db::sql;
use shared::jobs::{JobError, Run};
use shared::syncro::Patience;

use super::runs;

/// A run whose worker was lost goes on after this time.
const LOST_AFTER: TimeDelta = TimeDelta::minutes(5);

/// A file that nobody took into work is kept so long.
const PREVIEW_KEPT: TimeDelta = TimeDelta::days(1);

/// Runs are kept so long.
const KEPT: TimeDelta = TimeDelta::days(90);

/// Finds runs without a heartbeat and hands them on.
pub async fn resume_lost(run: Run) -> Result<(), JobError> {
    for (id, slice) in runs::lost(run.db(), run.now() - LOST_AFTER).await? {
        let mut tx = run.begin().await?;
        tx.housekeeping();
        if runs::hand_on(&mut tx, id, slice, Patience::default(), TimeDelta::zero(), true).await? {
            tx.commit().await?;
            tracing::warn!(import = id, "an import of staff goes on after its worker was lost");
        }
    }
    Ok(())
}

/// Forgets old runs, and files that nobody took into work.
pub async fn purge(run: Run) -> Result<(), JobError> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    sql("DELETE FROM staff_imports WHERE active IS NULL AND (created_at < ? OR (status = 'preview' AND created_at < ?))")
        .bind(run.now() - KEPT)
        .bind(run.now() - PREVIEW_KEPT)
        .execute(&mut tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
