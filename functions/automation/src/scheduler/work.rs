//! Doing a run (automation 2.2, 2.4): claimed by one worker under a lease, company by company, in slices,
//! with retries and one message when it has failed for good.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::commands::Progress;
use shared::db::{Tx, sql};
use shared::error::Result;
use shared::events;
use shared::jobs::{JobError, Run};
use shared::notify::{self, Notice};

use super::runs::{self, NewRun};
use crate::lease::{self, Lease};
use crate::pause as everything;

/// Long work saves where it is and gives way to other jobs after this long.
const SLICE: Duration = Duration::from_secs(50);
/// The longest wait before a retry, in seconds.
const LONGEST_WAIT: i64 = 86_400;

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// `succeeded`, `failed`, `skipped` or `lost`.
    pub status: &'static str,
    /// For the history.
    pub details: String,
}

impl Ended {
    fn of(status: &'static str, details: impl Into<String>) -> Self {
        Self { status, details: details.into() }
    }
}

#[derive(Debug, sqlx::FromRow)]
struct Claimed {
    task_id: i64,
    started_by: String,
    command: String,
    company_id: Option<i64>,
    timeout_seconds: i64,
    started_at: Option<DateTime<Utc>>,
    details: Option<String>,
    progress: Option<String>,
}

/// Where a run over many companies has come to.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Place {
    /// The companies up to this one are done.
    after: usize,
    cursor: Option<String>,
    lines: Vec<String>,
    failed: bool,
}

/// The handler of `task.run`.
pub async fn run_task(run: Run) -> Result<(), JobError> {
    #[derive(Deserialize)]
    struct Payload {
        run_id: i64,
    }
    let payload: Payload = run.payload()?;
    let Some((claimed, lease)) = claim(&run, payload.run_id).await? else { return Ok(()) };
    let mut place: Place =
        claimed.progress.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let ended = lease.hold(&run, in_time(&run, &claimed, &mut place)).await?;
    let Some(ended) = ended else { return pause(&run, &lease, &place).await };
    let ended = Ended { details: join_details(claimed.details.as_deref(), &ended.details), ..ended };
    let mut tx = lease::begin(&run).await?;
    if close(&run, &mut tx, lease::By::Holder(&lease), &ended).await? {
        tx.commit().await?;
    }
    Ok(())
}

fn join_details(first: Option<&str>, then: &str) -> String {
    match first {
        Some(first) if !first.is_empty() => format!("{first}\n{then}"),
        _ => then.to_owned(),
    }
}

/// None when somebody else has the run, or another run of the task is active.
async fn claim(run: &Run, id: i64) -> Result<Option<(Claimed, Lease)>, JobError> {
    let mut tx = lease::begin(run).await?;
    let found: Option<Claimed> = sql("SELECT r.task_id, r.started_by, t.command, t.company_id, t.timeout_seconds, \
         r.started_at, r.details, r.progress FROM scheduled_task_runs r \
         JOIN scheduled_tasks t ON t.id = r.task_id WHERE r.id = ? AND r.status = 'queued'")
    .bind(id)
    .fetch_optional(&mut tx)
    .await?;
    let Some(mut claimed) = found else { return Ok(None) };
    // What has begun goes on to its end, slice by slice.
    if claimed.started_at.is_none() {
        everything::hold(run, &claimed.started_by).await?;
    }
    let now = tx.stamp().at;
    if !runs::take(&mut tx, claimed.task_id, id).await? {
        sql(
            "UPDATE scheduled_task_runs SET status = 'skipped', finished_at = ?, details = 'previous run still active' \
             WHERE id = ? AND status = 'queued'",
        )
        .bind(now)
        .bind(id)
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        return Ok(None);
    }
    let Some(lease) = Lease::claim(&mut tx, lease::Runs::Tasks, id).await? else { return Ok(None) };
    tx.commit().await?;
    claimed.started_at = claimed.started_at.or(Some(now));
    Ok(Some((claimed, lease)))
}

/// Works as long as the task may. None: the slice is over and more is left.
async fn in_time(run: &Run, claimed: &Claimed, place: &mut Place) -> Option<Ended> {
    let done = tokio::time::timeout(time_left(run, claimed), perform(run, claimed, place)).await;
    done.unwrap_or_else(|_| Some(Ended::of("failed", format!("Ended after {} seconds", claimed.timeout_seconds))))
}

/// What is left of the task's own limit, and always less than the worker's.
fn time_left(run: &Run, claimed: &Claimed) -> Duration {
    let spent = claimed.started_at.map_or(TimeDelta::zero(), |at| run.now() - at);
    let left = TimeDelta::seconds(claimed.timeout_seconds) - spent;
    left.to_std().unwrap_or(Duration::ZERO).min(run.limit.saturating_sub(Duration::from_secs(20)))
}

/// All steps, or as many as a slice holds.
async fn perform(run: &Run, claimed: &Claimed, place: &mut Place) -> Option<Ended> {
    let begun = Instant::now();
    let companies = match run.commands().companies(&claimed.command, run.step(claimed.company_id, None)).await {
        Ok(companies) => companies,
        Err(error) => return Some(Ended::of("failed", plain(&error))),
    };
    let Some(companies) = companies else { return one(run, claimed, place, begun).await };
    let chosen: Vec<(i64, String)> =
        companies.into_iter().filter(|(id, _)| claimed.company_id.is_none_or(|only| only == *id)).collect();
    if chosen.is_empty() {
        return Some(Ended::of("skipped", nobody(claimed)));
    }
    let many = chosen.len();
    for (id, name) in chosen.into_iter().skip(place.after) {
        let (failed, line) = match step(run, claimed, Some(id), place, begun).await? {
            Ok(line) => (false, line),
            Err(error) => (true, format!("failed, {error}")),
        };
        place.failed |= failed;
        place.lines.push(format!("{name}: {line}"));
        place.after += 1;
        place.cursor = None;
        if begun.elapsed() >= SLICE && place.after < many {
            return None;
        }
    }
    Some(Ended::of(if place.failed { "failed" } else { "succeeded" }, place.lines.join("\n")))
}

fn nobody(claimed: &Claimed) -> &'static str {
    match claimed.company_id {
        Some(_) => "The company is not set up for this command",
        None => "No company is set up for this command",
    }
}

async fn one(run: &Run, claimed: &Claimed, place: &mut Place, begun: Instant) -> Option<Ended> {
    Some(match step(run, claimed, None, place, begun).await? {
        Ok(line) => Ended::of("succeeded", line),
        Err(error) => Ended::of("failed", error),
    })
}

/// One step to its end; none when the slice is over before.
async fn step(
    run: &Run,
    claimed: &Claimed,
    company: Option<i64>,
    place: &mut Place,
    begun: Instant,
) -> Option<Result<String, String>> {
    loop {
        match run.commands().perform(&claimed.command, run.step(company, place.cursor.take())).await {
            Ok(Progress::Done(line)) => return Some(Ok(line)),
            Ok(Progress::More(cursor)) => place.cursor = Some(cursor),
            Err(error) => return Some(Err(plain(&error))),
        }
        if begun.elapsed() >= SLICE {
            return None;
        }
    }
}

fn plain(error: &JobError) -> String {
    match error {
        JobError::Retry(text) | JobError::Fail(text) => text.clone(),
        JobError::NotBefore(at) => at.to_rfc3339(),
    }
}

/// Saves where the run is and queues its next slice.
async fn pause(run: &Run, lease: &Lease, place: &Place) -> Result<(), JobError> {
    let text = serde_json::to_string(place).map_err(|error| JobError::Fail(error.to_string()))?;
    let mut tx = lease::begin(run).await?;
    let now = tx.stamp().at;
    if lease.give_back(&mut tx, sql(", due_at = ?, progress = ?").bind(now).bind(text)).await? {
        // The running job holds the run's own key until it has ended.
        let key = format!("task.run:{}:{}", lease.id(), lease.token());
        let job = shared::jobs::NewJob::new("task.run", json!({ "run_id": lease.id() })).dedupe(key);
        job.queue(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Closing {
    task_id: i64,
    name: String,
    attempt: i64,
    scheduled_for: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    triggered_by_id: Option<i64>,
    max_retries: i64,
    retry_backoff_seconds: i64,
    next_run_at: Option<DateTime<Utc>>,
}

/// Writes the end of a run, lets the task go and plans the retry. False when the run is not ours to close.
pub async fn close(run: &Run, tx: &mut Tx, by: lease::By<'_>, ended: &Ended) -> Result<bool> {
    let (now, id) = (tx.stamp().at, by.id());
    let found: Option<Closing> = sql("SELECT r.task_id, t.name, r.attempt, r.scheduled_for, r.started_at, \
         r.triggered_by_id, t.max_retries, t.retry_backoff_seconds, t.next_run_at FROM scheduled_task_runs r \
         JOIN scheduled_tasks t ON t.id = r.task_id WHERE r.id = ?")
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = found else { return Ok(false) };
    let retry = plan_retry(&row, ended, now);
    let details = match retry {
        Retry::Dropped => format!("{}\nNot tried again, because the next run comes first", ended.details),
        _ => ended.details.clone(),
    };
    let more = sql(", details = ?, progress = NULL").bind(runs::cut(&details));
    if !by.end(tx, ended.status, row.started_at, more).await? {
        return Ok(false);
    }
    sql("UPDATE scheduled_tasks SET active_run_id = NULL, last_run_at = ?, last_status = ?, last_error = ? \
         WHERE id = ? AND active_run_id = ?")
    .bind(row.started_at.unwrap_or(now))
    .bind(ended.status)
    .bind(matches!(ended.status, "failed" | "lost").then(|| runs::cut(&ended.details)))
    .bind(row.task_id)
    .bind(id)
    .execute(&mut *tx)
    .await?;
    match retry {
        Retry::At(due_at) => queue_retry(tx, &row, due_at).await?,
        Retry::Dropped | Retry::Spent => tell(run, tx, id, &row, ended).await?,
        Retry::NotNeeded => {}
    }
    Ok(true)
}

enum Retry {
    NotNeeded,
    At(DateTime<Utc>),
    Dropped,
    Spent,
}

fn plan_retry(row: &Closing, ended: &Ended, now: DateTime<Utc>) -> Retry {
    if !matches!(ended.status, "failed" | "lost") {
        return Retry::NotNeeded;
    }
    if row.attempt > row.max_retries {
        return Retry::Spent;
    }
    let at = now + TimeDelta::seconds(wait(row.retry_backoff_seconds, row.attempt));
    if row.next_run_at.is_some_and(|next| at > next) { Retry::Dropped } else { Retry::At(at) }
}

/// Seconds after the given failed try, counted from 1.
fn wait(backoff: i64, attempt: i64) -> i64 {
    backoff.saturating_mul(1 << (attempt - 1).clamp(0, 20)).min(LONGEST_WAIT)
}

async fn queue_retry(tx: &mut Tx, row: &Closing, due_at: DateTime<Utc>) -> Result<()> {
    let new = NewRun {
        task_id: row.task_id,
        started_by: "retry",
        scheduled_for: row.scheduled_for,
        attempt: row.attempt + 1,
        due_at,
        details: None,
        triggered_by: row.triggered_by_id,
    };
    runs::queue(tx, &new).await.map(|_| ())
}

async fn tell(run: &Run, tx: &mut Tx, id: i64, row: &Closing, ended: &Ended) -> Result<()> {
    let reason = ended.details.lines().next().unwrap_or_default();
    let tries = if row.attempt == 1 { String::new() } else { format!(" after {} tries", row.attempt) };
    let notice = Notice {
        kind: notify::TASK_FAILED,
        message: format!("{} failed{tries}: {reason}", row.name),
        link: Some(format!("/admin/automation/tasks/{}/runs", row.task_id)),
        dedupe: Some(&format!("run-{id}")),
    };
    notify::tell_super_admins(run.app(), tx, &notice).await?;
    let payload = json!({ "task_id": row.task_id, "run_id": id, "name": row.name, "error": reason });
    events::emit(tx, events::names::TASK_FAILED, payload).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_day() {
        assert_eq!([1, 2, 3].map(|n| wait(60, n)), [60, 120, 240]);
        assert_eq!(wait(86_400, 2), 86_400);
        assert_eq!(wait(300, 11), 86_400);
    }
}
