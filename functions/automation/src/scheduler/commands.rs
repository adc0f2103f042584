//! The commands that the scheduler brings itself.

use std::process::{Command, Stdio};

use shared::commands::{Progress, Step};
use shared::db::{Tx, sql};
use shared::error::Result;
use shared::jobs::JobError;

use chrono::TimeDelta;

/// Runs kept of a task, whatever their age.
const KEPT: i64 = 500;

/// Rows deleted in one statement.
const BATCH: i64 = 1000;

/// `cleanup_history`: every area removes what is past its time.
pub async fn clean_up(step: Step) -> Result<Progress, JobError> {
    let removed = step.clean_up().await?;
    let parts: Vec<String> = removed.iter().map(|(what, count)| format!("{what}: {count} removed")).collect();
    Ok(Progress::Done(parts.join("\n")))
}

/// Runs past their days, and of each task all but the newest 500.
pub async fn clean_up_runs(step: Step) -> Result<u64, JobError> {
    let oldest = step.now() - TimeDelta::days(step.app().config().history_retention_days.max(1));
    let mut removed = 0;
    loop {
        let mut tx = step.begin().await?;
        tx.housekeeping();
        let batch: Vec<i64> =
            ids(sql("SELECT id FROM scheduled_task_runs WHERE created_at < ? AND finished_at IS NOT NULL LIMIT ?")
                .bind(oldest)
                .bind(BATCH)
                .fetch_all(&mut tx)
                .await?);
        removed += delete(&mut tx, &batch).await?;
        tx.commit().await?;
        if batch.len() < usize::try_from(BATCH).unwrap_or(0) {
            break;
        }
    }
    let long: Vec<(i64,)> =
        sql("SELECT task_id FROM scheduled_task_runs GROUP BY task_id HAVING COUNT(*) > ? ORDER BY task_id LIMIT 500")
            .bind(KEPT)
            .fetch_all(step.db())
            .await?;
    for (task,) in long {
        removed += shorten(&step, task).await?;
    }
    Ok(removed)
}

async fn shorten(step: &Step, task: i64) -> Result<u64> {
    let mut removed = 0;
    loop {
        let mut tx = step.begin().await?;
        tx.housekeeping();
        let batch: Vec<i64> =
            ids(sql("SELECT id FROM scheduled_task_runs WHERE task_id = ? AND finished_at IS NOT NULL \
                 ORDER BY id DESC LIMIT ? OFFSET ?")
            .bind(task)
            .bind(BATCH)
            .bind(KEPT)
            .fetch_all(&mut tx)
            .await?);
        removed += delete(&mut tx, &batch).await?;
        tx.commit().await?;
        if batch.is_empty() {
            return Ok(removed);
        }
    }
}

fn ids(rows: Vec<(i64,)>) -> Vec<i64> {
    rows.into_iter().map(|(id,)| id).collect()
}

async fn delete(tx: &mut Tx, ids: &[i64]) -> Result<u64> {
    let mut removed = 0;
    for part in ids.chunks(200) {
        removed +=
            sql("DELETE FROM scheduled_task_runs WHERE 1 = 1").push_in(" AND id IN", part).execute(&mut *tx).await?;
    }
    Ok(removed)
}

/// `system_update`: the command that the operator has set in the environment, and nothing else.
pub async fn upgrade(step: Step) -> Result<Progress, JobError> {
    let line = step.app().config().upgrade_command.clone();
    if line.is_empty() {
        return Err(JobError::Fail("UPGRADE_COMMAND is not set".to_owned()));
    }
    let done =
        tokio::task::spawn_blocking(move || Command::new("sh").arg("-c").arg(line).stdin(Stdio::null()).output());
    let output = done.await.map_err(|error| JobError::Fail(error.to_string()))?;
    let output = output.map_err(|error| JobError::Fail(format!("the command did not start: {error}")))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    match output.status.code() {
        Some(0) => Ok(Progress::Done(text)),
        code => Err(JobError::Fail(format!("exit code {}: {text}", code.map_or("none".to_owned(), |c| c.to_string())))),
    }
}
