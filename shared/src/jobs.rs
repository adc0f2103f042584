//! Work that outlives the request: rows of `jobs`, claimed by any number of workers (automation 1).
//!
//! Handlers are idempotent: a lease that runs out hands the job to another worker.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

use crate::app::App;
use crate::audit::Stamp;
use crate::commands::{Companies, Handlers, Progress, Step};
use crate::db::{Db, Tx, is_unique_violation, sql};
use crate::error::{Error, Result};
use crate::{events, tokens};

/// How long a claim holds before another worker may take the job.
const LEASE: TimeDelta = TimeDelta::seconds(120);

/// How often a long job renews its claim.
const RENEW: Duration = Duration::from_secs(30);

/// A job may take this long: a scheduled task has at most an hour.
const JOB_LIMIT: Duration = Duration::from_mins(61);

/// The same where the platform ends the process after a quarter of an hour.
const JOB_LIMIT_OF_A_FUNCTION: Duration = Duration::from_mins(14);

/// Jobs claimed in one look.
const BATCH: i64 = 20;

/// A step that meets a deadlock is repeated so often.
const TRIES_OF_A_STEP: u32 = 8;

/// Finished jobs are kept this long for the monitor.
const KEPT: TimeDelta = TimeDelta::days(14);

/// How often a job is tried, and how long it waits between tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// 3 tries, 30 s doubling.
    Default,
    /// Mail: after 1, 5 and 30 minutes.
    Mail,
    /// Text messages: 3 tries, 300 s doubling.
    Gateway,
    /// Asking a language model: after 30 and 120 seconds.
    Model,
    /// One try only.
    Once,
}

impl Schedule {
    fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Mail => "mail",
            Self::Gateway => "gateway",
            Self::Model => "model",
            Self::Once => "once",
        }
    }

    fn parse(name: &str) -> Self {
        match name {
            "mail" => Self::Mail,
            "gateway" => Self::Gateway,
            "model" => Self::Model,
            "once" => Self::Once,
            _ => Self::Default,
        }
    }

    fn tries(self) -> i64 {
        match self {
            Self::Default | Self::Gateway | Self::Model => 3,
            Self::Mail => 4,
            Self::Once => 1,
        }
    }

    /// Seconds after the given failed attempt, counted from 1.
    fn wait(self, attempt: i64) -> i64 {
        match self {
            Self::Mail => [60, 300, 1800].get(usize::try_from(attempt - 1).unwrap_or(2)).copied().unwrap_or(1800),
            Self::Gateway => (300 << attempt.clamp(1, 7)) / 2,
            Self::Model => [30, 120].get(usize::try_from(attempt - 1).unwrap_or(1)).copied().unwrap_or(120),
            Self::Default | Self::Once => (30 << attempt.clamp(1, 7)) / 2,
        }
    }
}

/// A job to be queued.
#[derive(Debug, Clone)]
pub struct NewJob {
    kind: &'static str,
    payload: serde_json::Value,
    dedupe_key: Option<String>,
    run_at: Option<DateTime<Utc>>,
    schedule: Schedule,
    priority: i64,
}

impl NewJob {
    /// A job of a kind that some area handles. The payload holds ids only, never secrets.
    pub fn new(kind: &'static str, payload: serde_json::Value) -> Self {
        Self { kind, payload, dedupe_key: None, run_at: None, schedule: Schedule::Default, priority: 100 }
    }

    /// At most one unfinished job with this key exists.
    #[must_use]
    pub fn dedupe(mut self, key: impl Into<String>) -> Self {
        self.dedupe_key = Some(key.into());
        self
    }

    /// Not before.
    #[must_use]
    pub fn run_at(mut self, at: DateTime<Utc>) -> Self {
        self.run_at = Some(at);
        self
    }

    /// How often and when it is tried again.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Lower runs first; 100 by default.
    #[must_use]
    pub fn priority(mut self, priority: i64) -> Self {
        self.priority = priority;
        self
    }

    /// Queues the job in the transaction of its cause. None when its key is already waiting.
    pub async fn queue(self, tx: &mut Tx) -> Result<Option<i64>> {
        let now = tx.stamp().at;
        if let Some(key) = &self.dedupe_key {
            let waiting: Option<(i64,)> =
                sql("SELECT id FROM jobs WHERE dedupe_key = ?").bind(key).fetch_optional(&mut *tx).await?;
            if waiting.is_some() {
                return Ok(None);
            }
        }
        tx.has_work();
        let inserted = sql("INSERT INTO jobs (kind, dedupe_key, payload, priority, status, schedule, run_at, \
             max_attempts, created_at) VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?)")
        .bind(self.kind)
        .bind(self.dedupe_key)
        .bind(self.payload.to_string())
        .bind(self.priority)
        .bind(self.schedule.as_str())
        .bind(self.run_at.unwrap_or(now))
        .bind(self.schedule.tries())
        .bind(now)
        .insert(tx)
        .await;
        match inserted {
            Ok(id) => Ok(Some(id)),
            Err(error) if is_unique_violation(&error, "jobs_dedupe", "jobs.dedupe_key") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Moves a job that is waiting to another time; false when none waits under the key.
pub async fn put_off(tx: &mut Tx, dedupe_key: &str, at: DateTime<Utc>) -> Result<bool> {
    let moved = sql("UPDATE jobs SET run_at = ? WHERE dedupe_key = ? AND status = 'queued' AND attempts = 0");
    Ok(moved.bind(at).bind(dedupe_key).execute(tx).await? == 1)
}

/// Why a job did not succeed.
#[derive(Debug)]
pub enum JobError {
    /// Try again later.
    Retry(String),
    /// Trying again cannot help.
    Fail(String),
    /// Not tried: it is too soon. Does not count as a try.
    NotBefore(DateTime<Utc>),
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        match error {
            Error::Internal(error) => Self::Retry(format!("{error:#}")),
            other => Self::Retry(other.detail().into_owned()),
        }
    }
}

impl From<sqlx::Error> for JobError {
    fn from(error: sqlx::Error) -> Self {
        Error::from(error).into()
    }
}

/// One try of a job.
#[derive(Debug, Clone)]
pub struct Run {
    app: App,
    /// Row of `jobs`; 0 for periodic work.
    pub id: i64,
    /// From 1.
    pub attempt: i64,
    /// No further try follows.
    pub is_last: bool,
    /// The worker ends the job after this long.
    pub limit: Duration,
    payload: serde_json::Value,
    commands: Arc<Handlers>,
}

impl Run {
    /// The app.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// For reading.
    pub fn db(&self) -> &Db {
        self.app.db()
    }

    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.app.now()
    }

    /// For writing; the trail names the system.
    pub async fn begin(&self) -> Result<Tx> {
        self.db().begin(Stamp::system(self.now())).await
    }

    /// The work behind the scheduler's commands.
    pub fn commands(&self) -> &Handlers {
        &self.commands
    }

    /// A step of a command, for one company or for none.
    pub fn step(&self, company: Option<i64>, cursor: Option<String>) -> Step {
        Step { app: self.app.clone(), company, cursor, handlers: Arc::clone(&self.commands) }
    }

    /// The payload as a type.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, JobError> {
        serde_json::from_value(self.payload.clone()).map_err(|error| JobError::Fail(format!("payload: {error}")))
    }
}

type Done = Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>>;
type Handler = Arc<dyn Fn(Run) -> Done + Send + Sync>;

/// The background work of a process, by kind.
#[derive(Clone, Default)]
pub struct Jobs {
    handlers: HashMap<&'static str, Handler>,
    periodic: Vec<(&'static str, TimeDelta, Handler)>,
    listeners: Vec<(&'static str, &'static str)>,
    for_all_events: Vec<&'static str>,
    commands: Handlers,
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.handlers.keys()).finish()
    }
}

fn boxed<F, Fut>(handler: F) -> Handler
where
    F: Fn(Run) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), JobError>> + Send + 'static,
{
    Arc::new(move |run| Box::pin(handler(run)))
}

impl Jobs {
    /// No work yet.
    pub fn none() -> Self {
        Self::default()
    }

    /// What the kernel itself does: mail, expired rows.
    pub fn kernel() -> Self {
        Self::none()
            .on("email.send", crate::mail::send_job)
            .on("email.resend_failed", crate::mail::resend_failed_job)
            .every("audit.seal", TimeDelta::minutes(1), crate::audit::seal_job)
            .every("audit.retention", TimeDelta::days(1), crate::audit::retention_job)
            .on("notify.fan_out", crate::notify::fan_out_job)
            .on("notify.text", crate::notify::text_job)
            .every("notify.due", TimeDelta::minutes(1), crate::notify::due_job)
            .every("notify.purge", TimeDelta::days(1), crate::notify::purge_job)
            .every("purge.kernel", TimeDelta::hours(1), purge)
            .every("purge.uploads", TimeDelta::minutes(10), crate::files::purge_job)
            .on("file.delete", crate::files::delete_job)
            .on("file.scan", crate::files::scan_job)
    }

    /// Handles jobs of a kind.
    #[must_use]
    pub fn on<F, Fut>(mut self, kind: &'static str, handler: F) -> Self
    where
        F: Fn(Run) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        self.handlers.insert(kind, boxed(handler));
        self
    }

    /// Runs once per period, whatever the number of workers.
    #[must_use]
    pub fn every<F, Fut>(mut self, name: &'static str, period: TimeDelta, handler: F) -> Self
    where
        F: Fn(Run) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        self.periodic.push((name, period, boxed(handler)));
        self
    }

    /// Turns an event into a job of a kind; the job's payload is `{"event": id}` with the event's fields.
    #[must_use]
    pub fn on_event(mut self, event: &'static str, kind: &'static str) -> Self {
        self.listeners.push((event, kind));
        self
    }

    /// Turns every event, whatever its name, into a job of a kind with the payload `{"event": id}`.
    #[must_use]
    pub fn on_any_event(mut self, kind: &'static str) -> Self {
        self.for_all_events.push(kind);
        self
    }

    /// Does the work of a command of the scheduler; its line stands in [`crate::commands`].
    #[must_use]
    pub fn command<F, Fut>(mut self, name: &'static str, work: F) -> Self
    where
        F: Fn(Step) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Progress, JobError>> + Send + 'static,
    {
        self.commands.add_work(name, work);
        self
    }

    /// The same for a command that works for one company after the other; `companies` says for which.
    #[must_use]
    pub fn company_command<C, Found, F, Fut>(mut self, name: &'static str, companies: C, work: F) -> Self
    where
        C: Fn(Step) -> Found + Send + Sync + 'static,
        Found: Future<Output = Result<Companies, JobError>> + Send + 'static,
        F: Fn(Step) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Progress, JobError>> + Send + 'static,
    {
        self.commands.add_companies(name, companies);
        self.command(name, work)
    }

    /// Removes an area's old rows when history is cleaned up; gives the number of rows removed.
    #[must_use]
    pub fn cleanup<F, Fut>(mut self, what: &'static str, cleanup: F) -> Self
    where
        F: Fn(Step) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<u64, JobError>> + Send + 'static,
    {
        self.commands.add_cleanup(what, cleanup);
        self
    }

    /// Adds another area's work.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.handlers.extend(other.handlers);
        self.periodic.extend(other.periodic);
        self.listeners.extend(other.listeners);
        self.for_all_events.extend(other.for_all_events);
        self.commands.merge(other.commands);
        self
    }

    /// The work behind the scheduler's commands.
    pub fn commands(&self) -> &Handlers {
        &self.commands
    }

    pub(crate) fn listeners(&self, event: &str) -> impl Iterator<Item = &'static str> {
        let named = self.listeners.iter().filter(move |(name, _)| *name == event).map(|(_, kind)| *kind);
        named.chain(self.for_all_events.iter().copied())
    }
}

/// What a tick did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Claims that had run out.
    pub requeued: u64,
    /// Events turned into jobs.
    pub dispatched: u64,
    /// Jobs that succeeded.
    pub succeeded: u64,
    /// Tries that failed.
    pub failed: u64,
    /// Periodic work done.
    pub periodic: u64,
}

/// Repeats a short transaction while the database asks for it: workers meet over the same rows.
macro_rules! insist {
    ($step:expr) => {{
        let mut tries = 1;
        loop {
            match $step.await {
                Err(Error::Busy) if tries < TRIES_OF_A_STEP => {
                    tokio::time::sleep(Duration::from_millis(10) * tries).await;
                    tries += 1;
                }
                done => break done,
            }
        }
    }};
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    kind: String,
    payload: String,
    schedule: String,
    attempts: i64,
    max_attempts: i64,
}

/// One worker process.
#[derive(Debug)]
pub struct Worker {
    app: App,
    jobs: Jobs,
    commands: Arc<Handlers>,
    id: String,
    kind: &'static str,
    started_at: DateTime<Utc>,
}

impl Worker {
    /// A worker; `kind` says in the monitor who it is (`local`, `function`, `tick`).
    pub fn new(app: App, jobs: Jobs, kind: &'static str) -> Self {
        let started_at = app.now();
        let commands = Arc::new(jobs.commands.clone());
        Self { app, jobs, commands, id: tokens::random_hex(8), kind, started_at }
    }

    fn limit(&self) -> Duration {
        if self.kind == "function" { JOB_LIMIT_OF_A_FUNCTION } else { JOB_LIMIT }
    }

    fn run(&self, id: i64, attempt: i64, is_last: bool, payload: serde_json::Value) -> Run {
        let commands = Arc::clone(&self.commands);
        Run { app: self.app.clone(), id, attempt, is_last, limit: self.limit(), payload, commands }
    }

    /// Does what is due until nothing is left or `budget` is used up; stops taking work when told to.
    pub async fn tick(&self, budget: Duration, stop: &tokio::sync::watch::Receiver<bool>) -> Result<Counts> {
        let until = std::time::Instant::now() + budget;
        let mut counts = Counts::default();
        insist!(self.heartbeat())?;
        counts.requeued = self.requeue_lost().await?;
        if !*stop.borrow() {
            self.run_periodic(&mut counts).await?;
        }
        loop {
            let dispatched = insist!(events::dispatch(&self.app, &self.jobs))?;
            counts.dispatched += dispatched;
            let due = self.due().await?;
            if due.is_empty() && dispatched == 0 {
                break;
            }
            for row in due {
                if *stop.borrow() || std::time::Instant::now() >= until {
                    return Ok(counts);
                }
                match self.claim_and_run(row).await? {
                    Some(true) => counts.succeeded += 1,
                    Some(false) => counts.failed += 1,
                    None => {}
                }
            }
        }
        Ok(counts)
    }

    async fn begin(&self) -> Result<Tx> {
        let mut tx = self.app.db().begin(Stamp::system(self.app.now())).await?;
        tx.housekeeping();
        Ok(tx)
    }

    async fn heartbeat(&self) -> Result<()> {
        let mut tx = self.begin().await?;
        let now = tx.stamp().at;
        let known = sql("UPDATE worker_heartbeats SET last_tick_at = ? WHERE worker_id = ?")
            .bind(now)
            .bind(&self.id)
            .execute(&mut tx)
            .await?;
        if known == 0 {
            sql("INSERT INTO worker_heartbeats (worker_id, kind, version, started_at, last_tick_at) \
                 VALUES (?, ?, ?, ?, ?)")
            .bind(&self.id)
            .bind(self.kind)
            .bind(env!("CARGO_PKG_VERSION"))
            .bind(self.started_at)
            .bind(now)
            .execute(&mut tx)
            .await?;
        }
        tx.commit().await
    }

    /// Claims that ran out count as a lost try; jobs without tries left have failed.
    async fn requeue_lost(&self) -> Result<u64> {
        let lost: Vec<(i64, bool)> = sql("SELECT id, attempts < max_attempts AS may_try FROM jobs \
             WHERE status = 'running' AND locked_until < ? ORDER BY id LIMIT 100")
        .bind(self.app.now())
        .fetch_all(self.app.db())
        .await?;
        let mut requeued = 0;
        for (id, may_try) in lost {
            let changed = insist!(self.take_back(id, may_try))?;
            requeued += if may_try { changed } else { 0 };
        }
        Ok(requeued)
    }

    async fn take_back(&self, id: i64, may_try: bool) -> Result<u64> {
        let mut tx = self.begin().await?;
        let now = tx.stamp().at;
        let query = sql("UPDATE jobs SET locked_by = NULL, locked_until = NULL, last_error = 'the worker was lost'");
        let query = if may_try {
            query.push(", status = 'queued', run_at = ?").bind(now)
        } else {
            query.push(", status = 'failed', dedupe_key = NULL, finished_at = ?").bind(now)
        };
        let query = query.push(" WHERE id = ? AND status = 'running' AND locked_until < ?").bind(id).bind(now);
        let changed = query.execute(&mut tx).await?;
        tx.commit().await?;
        Ok(changed)
    }

    async fn due(&self) -> Result<Vec<Row>> {
        Ok(sql("SELECT id, kind, payload, schedule, attempts, max_attempts FROM jobs \
             WHERE status = 'queued' AND run_at <= ? ORDER BY priority, run_at, id LIMIT ?")
        .bind(self.app.now())
        .bind(BATCH)
        .fetch_all(self.app.db())
        .await?)
    }

    async fn claim_and_run(&self, row: Row) -> Result<Option<bool>> {
        if !insist!(self.claim(&row))? {
            return Ok(None);
        }
        let span = tracing::info_span!("job", job.id = row.id, job.kind = %row.kind);
        let outcome = self.run_leased(&row).instrument(span).await;
        insist!(self.settle(&row, &outcome)).map(Some)
    }

    /// True for the one worker that owns the job now. Another may have tried it since it was looked up.
    async fn claim(&self, row: &Row) -> Result<bool> {
        let mut tx = self.begin().await?;
        let now = tx.stamp().at;
        let claimed = sql("UPDATE jobs SET status = 'running', locked_by = ?, locked_until = ?, \
             attempts = attempts + 1 WHERE id = ? AND status = 'queued' AND attempts = ?")
        .bind(&self.id)
        .bind(now + LEASE)
        .bind(row.id)
        .bind(row.attempts)
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(claimed == 1)
    }

    async fn run_leased(&self, row: &Row) -> Result<(), JobError> {
        let Some(handler) = self.jobs.handlers.get(row.kind.as_str()) else {
            return Err(JobError::Retry(format!("nobody handles {}", row.kind)));
        };
        let payload = serde_json::from_str(&row.payload).unwrap_or_default();
        let attempt = row.attempts + 1;
        let run = self.run(row.id, attempt, attempt >= row.max_attempts, payload);
        let work = tokio::time::timeout(self.limit(), guarded(handler, run));
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => {
                    return done.unwrap_or_else(|_| Err(JobError::Retry("took too long".to_owned())));
                }
                () = tokio::time::sleep(RENEW) => match self.renew(row.id).await {
                    Ok(true) => {}
                    Ok(false) => return Err(JobError::Retry("the claim was lost".to_owned())),
                    // The claim holds for three more tries.
                    Err(error) => tracing::warn!(job.id = row.id, ?error, "the claim could not be renewed"),
                },
            }
        }
    }

    /// False when another worker has the job now.
    async fn renew(&self, id: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        let until = tx.stamp().at + LEASE;
        let renewed = sql("UPDATE jobs SET locked_until = ? WHERE id = ? AND locked_by = ?")
            .bind(until)
            .bind(id)
            .bind(&self.id)
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(renewed == 1)
    }

    /// Writes the outcome, but only while the claim is still ours; true when the job has succeeded.
    async fn settle(&self, row: &Row, outcome: &Result<(), JobError>) -> Result<bool> {
        let attempt = row.attempts + 1;
        let mut tx = self.begin().await?;
        let now = tx.stamp().at;
        if let Err(JobError::NotBefore(at)) = outcome {
            sql("UPDATE jobs SET status = 'queued', run_at = ?, attempts = attempts - 1, locked_by = NULL, \
                 locked_until = NULL WHERE id = ? AND locked_by = ?")
            .bind(*at)
            .bind(row.id)
            .bind(&self.id)
            .execute(&mut tx)
            .await?;
            tx.commit().await?;
            return Ok(false);
        }
        let (status, error, again) = match outcome {
            Ok(()) | Err(JobError::NotBefore(_)) => ("succeeded", None, None),
            Err(JobError::Retry(text)) if attempt < row.max_attempts => {
                ("queued", Some(text), Some(now + jittered(Schedule::parse(&row.schedule).wait(attempt))))
            }
            Err(JobError::Retry(text) | JobError::Fail(text)) => ("failed", Some(text), None),
        };
        if let Some(error) = &error {
            tracing::warn!(job.id = row.id, job.kind = %row.kind, attempt, error, "job failed");
        }
        let is_over = again.is_none();
        let query = sql("UPDATE jobs SET status = ?, last_error = ?, locked_by = NULL, locked_until = NULL, \
             run_at = COALESCE(?, run_at), finished_at = ?")
        .bind(status)
        .bind(error.map(|text| text.chars().take(2000).collect::<String>()))
        .bind(again)
        .bind(is_over.then_some(now));
        let query = if is_over { query.push(", dedupe_key = NULL") } else { query };
        let query = query.push(" WHERE id = ? AND locked_by = ?").bind(row.id).bind(&self.id);
        let is_ours = query.execute(&mut tx).await? == 1;
        tx.commit().await?;
        Ok(is_ours && status == "succeeded")
    }

    async fn run_periodic(&self, counts: &mut Counts) -> Result<()> {
        for (name, period, handler) in &self.jobs.periodic {
            if !insist!(self.take_turn(name, *period))? {
                continue;
            }
            let run = self.run(0, 1, true, serde_json::Value::Null);
            match guarded(handler, run).await {
                Ok(()) => counts.periodic += 1,
                Err(error) => tracing::warn!(job.kind = name, ?error, "periodic work failed"),
            }
        }
        Ok(())
    }

    /// True for the one worker that moves the next time on.
    async fn take_turn(&self, name: &'static str, period: TimeDelta) -> Result<bool> {
        let mut tx = self.begin().await?;
        let now = tx.stamp().at;
        let next: Option<(DateTime<Utc>,)> =
            sql("SELECT next_run_at FROM periodic_runs WHERE name = ?").bind(name).fetch_optional(&mut tx).await?;
        let taken = match next {
            Some((at,)) if at > now => return Ok(false),
            Some((at,)) => {
                sql("UPDATE periodic_runs SET next_run_at = ?, last_run_at = ? WHERE name = ? AND next_run_at = ?")
                    .bind(now + period)
                    .bind(now)
                    .bind(name)
                    .bind(at)
                    .execute(&mut tx)
                    .await
            }
            None => {
                sql("INSERT INTO periodic_runs (name, next_run_at, last_run_at) VALUES (?, ?, ?)")
                    .bind(name)
                    .bind(now + period)
                    .bind(now)
                    .execute(&mut tx)
                    .await
            }
        };
        match taken {
            Ok(rows) => tx.commit().await.map(|()| rows > 0),
            Err(error) if is_unique_violation(&error, "PRIMARY", "periodic_runs.name") => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// A handler that panics has failed its try; the worker goes on.
async fn guarded(handler: &Handler, run: Run) -> Result<(), JobError> {
    let work = AssertUnwindSafe(async { handler(run).await }).catch_unwind();
    work.await.unwrap_or_else(|_| Err(JobError::Retry("the handler panicked".to_owned())))
}

/// Plus or minus a tenth, so that failed jobs do not come back all at once.
fn jittered(seconds: i64) -> TimeDelta {
    let random = tokens::random_hex(2);
    let share = i64::from_str_radix(&random, 16).unwrap_or(0) % 201 - 100;
    TimeDelta::milliseconds(seconds * 1000 + seconds * share)
}

/// Deletes what has expired, in batches.
async fn purge(run: Run) -> Result<(), JobError> {
    let now = run.now();
    let mut tx = run.begin().await?;
    tx.housekeeping();
    crate::rate_limit::purge(&mut tx, now).await?;
    crate::outbound_slots::purge(&mut tx, now).await?;
    sql("DELETE FROM jobs WHERE finished_at < ?").bind(now - KEPT).execute(&mut tx).await?;
    sql("DELETE FROM event_outbox WHERE dispatched_at < ?").bind(now - TimeDelta::days(30)).execute(&mut tx).await?;
    sql("DELETE FROM idempotency_keys WHERE expires_at < ?").bind(now).execute(&mut tx).await?;
    sql("DELETE FROM session_notes WHERE expires_at < ?").bind(now).execute(&mut tx).await?;
    sql("DELETE FROM worker_heartbeats WHERE last_tick_at < ?").bind(now - TimeDelta::days(1)).execute(&mut tx).await?;
    crate::mail::close_lost(&mut tx).await?;
    sql("DELETE FROM email_outbox WHERE created_at < ? AND status IN ('sent', 'skipped', 'failed')")
        .bind(now - TimeDelta::days(30))
        .execute(&mut tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// When any worker last ran.
pub async fn last_tick(db: &Db) -> Result<Option<DateTime<Utc>>> {
    let row: Option<(DateTime<Utc>,)> =
        sql("SELECT last_tick_at FROM worker_heartbeats ORDER BY last_tick_at DESC LIMIT 1").fetch_optional(db).await?;
    Ok(row.map(|(at,)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_follow_the_named_schedule() {
        assert_eq!([1, 2, 3].map(|n| Schedule::Default.wait(n)), [30, 60, 120]);
        assert_eq!([1, 2, 3].map(|n| Schedule::Mail.wait(n)), [60, 300, 1800]);
        assert_eq!([1, 2].map(|n| Schedule::Gateway.wait(n)), [300, 600]);
        for schedule in [Schedule::Mail, Schedule::Gateway, Schedule::Once, Schedule::Default] {
            assert_eq!(Schedule::parse(schedule.as_str()), schedule);
        }
        assert_eq!([1, 2].map(|n| Schedule::Model.wait(n)), [30, 120]);
        assert_eq!(Schedule::parse(Schedule::Mail.as_str()), Schedule::Mail);
        assert_eq!(Schedule::parse(Schedule::Model.as_str()), Schedule::Model);
        let wait = jittered(100).num_milliseconds();
        assert!((90_000..=110_000).contains(&wait), "{wait}");
    }
}
