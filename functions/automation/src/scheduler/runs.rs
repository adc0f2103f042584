//! Rows of `scheduled_task_runs`: the history, and the queue behind it.

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::db::{Db, Tx, is_unique_violation, sql};
use shared::error::Result;
use shared::jobs::NewJob;

use super::model::TaskRun;

/// The longest text that a run keeps.
const DETAILS: usize = 2000;

const COLUMNS: &str = "SELECT r.id, r.task_id, t.name AS task_name, r.started_by, r.attempt, r.status, \
    r.scheduled_for, r.started_at, r.finished_at, r.duration_ms, r.details, r.due_at, \
    COALESCE(NULLIF(TRIM(CONCAT(COALESCE(u.first_name, ''), ' ', COALESCE(u.last_name, ''))), ''), u.email) \
    AS triggered_by FROM scheduled_task_runs r JOIN scheduled_tasks t ON t.id = r.task_id \
    LEFT JOIN users u ON u.id = r.triggered_by_id";

/// A run to be queued.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "columns of scheduled_task_runs")]
pub struct NewRun {
    pub task_id: i64,
    pub started_by: &'static str,
    pub scheduled_for: Option<DateTime<Utc>>,
    pub attempt: i64,
    pub due_at: DateTime<Utc>,
    pub details: Option<String>,
    pub triggered_by: Option<i64>,
}

async fn insert(tx: &mut Tx, new: &NewRun, status: &'static str) -> Result<Option<i64>> {
    let now = tx.stamp().at;
    let inserted =
        sql("INSERT INTO scheduled_task_runs (task_id, started_by, scheduled_for, attempt, status, due_at, \
         finished_at, details, triggered_by_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(new.task_id)
        .bind(new.started_by)
        .bind(new.scheduled_for)
        .bind(new.attempt)
        .bind(status)
        .bind(new.due_at)
        .bind((status != "queued").then_some(now))
        .bind(new.details.as_deref().map(cut))
        .bind(new.triggered_by)
        .bind(now)
        .insert(tx)
        .await;
    match inserted {
        Ok(id) => Ok(Some(id)),
        Err(error) if is_unique_violation(&error, "scheduled_task_runs_once", "scheduled_task_runs.task_id") => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Queues a run with the job that will do it. None when this try of this occurrence exists.
pub async fn queue(tx: &mut Tx, new: &NewRun) -> Result<Option<i64>> {
    let Some(id) = insert(tx, new, "queued").await? else { return Ok(None) };
    wake(tx, id, new.due_at).await?;
    Ok(Some(id))
}

/// The job of a queued run; nothing when it is waiting already.
pub async fn wake(tx: &mut Tx, id: i64, at: DateTime<Utc>) -> Result<()> {
    let job = NewJob::new("task.run", json!({ "run_id": id })).run_at(at).dedupe(format!("task.run:{id}"));
    job.queue(tx).await.map(|_| ())
}

/// Writes into the history that an occurrence was left out.
pub async fn skip(tx: &mut Tx, new: &NewRun) -> Result<Option<i64>> {
    insert(tx, new, "skipped").await
}

/// Makes the run the one that its task waits for. False while there is another.
pub async fn take(tx: &mut Tx, task: i64, run: i64) -> Result<bool> {
    let taken = sql("UPDATE scheduled_tasks SET active_run_id = ? WHERE id = ? AND active_run_id IS NULL")
        .bind(run)
        .bind(task)
        .execute(&mut *tx)
        .await?;
    if taken == 1 {
        return Ok(true);
    }
    let holder: Option<(Option<i64>,)> =
        sql("SELECT active_run_id FROM scheduled_tasks WHERE id = ?").bind(task).fetch_optional(tx).await?;
    Ok(holder.is_some_and(|(holder,)| holder == Some(run)))
}

/// Text as a run keeps it.
pub fn cut(text: &str) -> String {
    if text.chars().count() <= DETAILS {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(DETAILS - 1).collect();
    short.push('…');
    short
}

/// Runs of a task, newest first.
pub async fn of_task(db: &Db, task: i64, limit: i64, offset: i64) -> Result<Vec<TaskRun>> {
    let rows = sql(COLUMNS).push(" WHERE r.task_id = ? ORDER BY r.id DESC LIMIT ? OFFSET ?").bind(task);
    Ok(rows.bind(limit).bind(offset).fetch_all(db).await?)
}

/// Runs of all tasks in a state, newest first; every state when it is empty.
pub async fn newest(db: &Db, status: &str, before: Option<i64>, limit: i64) -> Result<Vec<TaskRun>> {
    let rows = sql(COLUMNS)
        .push(" WHERE 1 = 1")
        .push_if(" AND r.status = ?", Some(status.to_owned()).filter(|status| !status.is_empty()))
        .push_if(" AND r.id < ?", before)
        .push(" ORDER BY r.id DESC LIMIT ?")
        .bind(limit);
    Ok(rows.fetch_all(db).await?)
}
