//! What `cleanup_history` removes of the queue: delivered webhooks after 30 days, failed and cancelled ones
//! after 180 (automation 4.1).

use chrono::{DateTime, TimeDelta, Utc};
use shared::commands::Step;
use shared::db::{Sql, sql};
use shared::error::Result;
use shared::jobs::JobError;

/// Rows deleted in one transaction.
const BATCH: i64 = 200;

/// Removes old webhooks with their tries; gives their number.
pub async fn clean_up(step: Step) -> Result<u64, JobError> {
    let now = step.now();
    let delivered = remove(&step, &["succeeded"], now - TimeDelta::days(30)).await?;
    Ok(delivered + remove(&step, &["failed", "cancelled"], now - TimeDelta::days(180)).await?)
}

async fn remove(step: &Step, states: &[&str], before: DateTime<Utc>) -> Result<u64> {
    let states: Vec<String> = states.iter().map(|state| (*state).to_owned()).collect();
    let old = || -> Sql {
        let query = sql("SELECT id FROM webhook_events WHERE updated_at < ?").bind(before);
        query.push_in(" AND status IN", &states).push(" ORDER BY updated_at LIMIT ?").bind(BATCH)
    };
    let mut removed = 0;
    loop {
        let mut tx = step.begin().await?;
        tx.housekeeping();
        let rows: Vec<(i64,)> = old().fetch_all(&mut tx).await?;
        let ids: Vec<i64> = rows.into_iter().map(|(id,)| id).collect();
        if ids.is_empty() {
            return Ok(removed);
        }
        removed += sql("DELETE FROM webhook_events WHERE 1 = 1").push_in(" AND id IN", &ids).execute(&mut tx).await?;
        tx.commit().await?;
    }
}
