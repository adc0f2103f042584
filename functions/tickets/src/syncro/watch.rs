//! Runs that nobody works on any more go on with a new job.

use chrono::TimeDelta;
use shared::jobs::{JobError, Run};

use super::runs;
use super::work::Tries;

/// A run whose worker was lost goes on after this time.
const LOST_AFTER: TimeDelta = TimeDelta::minutes(5);

/// Finds runs without a heartbeat and hands them on.
pub async fn resume_lost(run: Run) -> Result<(), JobError> {
    for (id, slice) in runs::lost(run.db(), run.now() - LOST_AFTER).await? {
        let mut tx = run.begin().await?;
        tx.housekeeping();
        if runs::hand_on(&mut tx, id, slice, Tries::default(), TimeDelta::zero()).await? {
            tx.commit().await?;
            tracing::warn!(run = id, "an import goes on after its worker was lost");
        }
    }
    Ok(())
}
