//! What every tick does first (automation 1, 2.3): runs whose worker was lost are closed, occurrences that
//! are due become runs. Any number of workers may do it at once, with clocks that differ by seconds:
//! whoever moves `next_run_at` on has planned the occurrence, and the unique key of the runs guards it.

use chrono::{DateTime, TimeDelta, Utc};
use shared::db::{Tx, sql};
use shared::error::Result;
use shared::insist;
use shared::jobs::{JobError, Run};

use super::cron::{Cron, parse_zone};
use super::runs::{self, NewRun};
use super::work::{self, Ended};
use crate::lease::{By, Runs};
use crate::pause;

/// An occurrence missed for longer than this is left out.
const CATCH_UP: TimeDelta = TimeDelta::hours(1);

/// A run that is due for longer than this without having begun has lost its job.
const FORGOTTEN: TimeDelta = TimeDelta::minutes(10);

/// Tasks planned in one look; a tick looks until nothing is due.
const BATCH: i64 = 50;

#[derive(sqlx::FromRow)]
struct Due {
    id: i64,
    cron: String,
    timezone: String,
    next_run_at: Option<DateTime<Utc>>,
}

/// Everything that the scheduler does at the beginning of a tick.
pub async fn tick(run: Run) -> Result<(), JobError> {
    close_lost(&run).await?;
    wake_forgotten(&run).await?;
    if pause::current(run.db()).await?.is_some() {
        return Ok(());
    }
    for _ in 0..20 {
        let due = due(&run).await?;
        let is_last = due.len() < usize::try_from(BATCH).unwrap_or(0);
        for task in due {
            // One task that cannot be planned must not keep the others from it.
            if let Err(error) = insist!(plan(&run, &task)) {
                tracing::error!(task.id = task.id, ?error, "a task could not be planned");
            }
        }
        if is_last {
            break;
        }
    }
    Ok(())
}

async fn due(run: &Run) -> Result<Vec<Due>> {
    Ok(sql("SELECT id, cron, timezone, next_run_at FROM scheduled_tasks \
         WHERE active = TRUE AND (next_run_at IS NULL OR next_run_at <= ?) ORDER BY next_run_at, id LIMIT ?")
    .bind(run.now())
    .bind(BATCH)
    .fetch_all(run.db())
    .await?)
}

async fn plan(run: &Run, task: &Due) -> Result<()> {
    let Some((cron, zone)) = Cron::parse(&task.cron).ok().zip(parse_zone(&task.timezone).ok()) else {
        return switch_off(run, task).await;
    };
    let now = run.now();
    let Some(planned) = task.next_run_at else {
        // Never planned: a task that came with the product.
        return move_on(run, task, cron.next_after(now, zone)).await;
    };
    // After a pause only the latest occurrence counts.
    let latest = cron.last_until(now, zone).filter(|at| *at > planned).unwrap_or(planned);
    let next = cron.next_after(latest, zone);
    let mut tx = begin(run).await?;
    if !moved(&mut tx, task, next).await? {
        return Ok(());
    }
    let details = (latest > planned).then(|| "Caught up: earlier occurrences were missed".to_owned());
    let new = NewRun {
        task_id: task.id,
        started_by: "schedule",
        scheduled_for: Some(latest),
        attempt: 1,
        due_at: now,
        details,
        triggered_by: None,
    };
    if now - latest >= CATCH_UP {
        runs::skip(&mut tx, &NewRun { details: Some("missed".to_owned()), ..new }).await?;
    } else if is_busy(&mut tx, task.id).await? {
        runs::skip(&mut tx, &NewRun { details: Some("previous run still active".to_owned()), ..new }).await?;
    } else if let Some(id) = runs::queue(&mut tx, &new).await? {
        runs::take(&mut tx, task.id, id).await?;
    }
    tx.commit().await
}

async fn begin(run: &Run) -> Result<Tx> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    Ok(tx)
}

/// True for the one worker that plans this occurrence.
async fn moved(tx: &mut Tx, task: &Due, next: Option<DateTime<Utc>>) -> Result<bool> {
    let query =
        sql("UPDATE scheduled_tasks SET next_run_at = ? WHERE id = ? AND active = TRUE").bind(next).bind(task.id);
    let query = match task.next_run_at {
        Some(planned) => query.push(" AND next_run_at = ?").bind(planned),
        None => query.push(" AND next_run_at IS NULL"),
    };
    Ok(query.execute(tx).await? == 1)
}

async fn move_on(run: &Run, task: &Due, next: Option<DateTime<Utc>>) -> Result<()> {
    let mut tx = begin(run).await?;
    moved(&mut tx, task, next).await?;
    tx.commit().await
}

/// An expression or zone that no longer makes sense must not stop the tick.
async fn switch_off(run: &Run, task: &Due) -> Result<()> {
    let mut tx = begin(run).await?;
    sql("UPDATE scheduled_tasks SET active = FALSE, next_run_at = NULL, last_error = ? WHERE id = ?")
        .bind("The timetable cannot be read. Edit the task to set it again.")
        .bind(task.id)
        .execute(&mut tx)
        .await?;
    tx.commit().await
}

async fn is_busy(tx: &mut Tx, task: i64) -> Result<bool> {
    let row: Option<(Option<i64>,)> =
        sql("SELECT active_run_id FROM scheduled_tasks WHERE id = ?").bind(task).fetch_optional(tx).await?;
    Ok(row.is_some_and(|(active,)| active.is_some()))
}

/// A run whose lease has ended belongs to a worker that is gone.
async fn close_lost(run: &Run) -> Result<()> {
    let lost: Vec<(i64,)> = sql("SELECT id FROM scheduled_task_runs WHERE status = 'running' AND locked_until < ? \
         ORDER BY id LIMIT 100")
    .bind(run.now())
    .fetch_all(run.db())
    .await?;
    for (id,) in lost {
        let mut tx = begin(run).await?;
        let ended = Ended { status: "lost", details: "The worker was lost during this run".to_owned() };
        if work::close(run, &mut tx, By::Finder(Runs::Tasks, id), &ended).await? {
            tx.commit().await?;
        }
    }
    Ok(())
}

/// A queued run always has a job; should it ever be lost, it gets another.
async fn wake_forgotten(run: &Run) -> Result<()> {
    let forgotten: Vec<(i64,)> =
        sql("SELECT id FROM scheduled_task_runs WHERE status = 'queued' AND due_at < ? ORDER BY due_at LIMIT 50")
            .bind(run.now() - FORGOTTEN)
            .fetch_all(run.db())
            .await?;
    for (id,) in forgotten {
        let mut tx = begin(run).await?;
        runs::wake(&mut tx, id, run.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}
