//! One worker process: who it is, and what a tick did.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::shift::Shift;
use super::{JOB_LIMIT, JOB_LIMIT_OF_A_FUNCTION, Jobs, Run};
use crate::app::App;
use crate::audit::Stamp;
use crate::commands::Handlers;
use crate::db::{Db, Tx, sql};
use crate::error::Result;
use crate::tokens;

/// Jobs that a worker does side by side.
const AT_ONCE: usize = 8;

/// What a tick did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Claims that had run out.
    pub requeued: u64,
    /// Events looked at and turned into jobs where somebody listens.
    pub dispatched: u64,
    /// Jobs that succeeded.
    pub succeeded: u64,
    /// Tries that failed.
    pub failed: u64,
    /// Periodic work done.
    pub periodic: u64,
}

/// What a worker does by the machine's clock while it is at work.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often it shows that it is alive and looks for what has become due.
    pub pulse: Duration,
    /// How often it renews the claims of running jobs.
    pub renew: Duration,
    /// How long what is running may go on after it was told to stop; then it goes back into the queue.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { pulse: seconds(5), renew: seconds(30), patience: seconds(15) }
    }
}

/// One worker process.
#[derive(Debug)]
pub struct Worker {
    pub(super) app: App,
    pub(super) jobs: Jobs,
    commands: Arc<Handlers>,
    pub(super) id: String,
    kind: &'static str,
    started_at: DateTime<Utc>,
    pub(super) places: usize,
    pub(super) pace: Pace,
}

impl Worker {
    /// A worker; `kind` says in the monitor who it is (`local`, `function`, `tick`).
    pub fn new(app: App, jobs: Jobs, kind: &'static str) -> Self {
        let started_at = app.now();
        let commands = Arc::new(jobs.commands().clone());
        let places = places(&app);
        Self { app, jobs, commands, id: tokens::random_hex(8), kind, started_at, places, pace: Pace::default() }
    }

    /// Does so many jobs side by side. With one, tests see them in their order.
    #[must_use]
    pub fn at_once(mut self, count: usize) -> Self {
        self.places = count.max(1);
        self
    }

    /// Another pace, for tests that do not wait.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Does what is due until nothing is left or `budget` is used up; stops taking work when told to.
    /// What is running then may finish.
    pub async fn tick(&self, budget: Duration, stop: &watch::Receiver<bool>) -> Result<Counts> {
        Shift::new(self, budget, stop.clone()).work().await
    }

    pub(super) fn limit(&self) -> Duration {
        if self.kind == "function" { JOB_LIMIT_OF_A_FUNCTION } else { JOB_LIMIT }
    }

    pub(super) fn run(&self, id: i64, attempt: i64, is_last: bool, payload: serde_json::Value) -> Run {
        let commands = Arc::clone(&self.commands);
        Run { app: self.app.clone(), id, attempt, is_last, limit: self.limit(), payload, commands }
    }

    pub(super) async fn begin(&self) -> Result<Tx> {
        let mut tx = self.app.db().begin(Stamp::system(self.app.now())).await?;
        tx.housekeeping();
        Ok(tx)
    }

    pub(super) async fn heartbeat(&self) -> Result<()> {
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
}

/// A job that writes may hold one connection and read through another, and requests need some too.
fn places(app: &App) -> usize {
    if app.db().is_sqlite() {
        return AT_ONCE;
    }
    let connections = usize::try_from(app.config().database_connections).unwrap_or(AT_ONCE);
    (connections / 2).clamp(1, AT_ONCE)
}

/// When any worker last ran.
pub async fn last_tick(db: &Db) -> Result<Option<DateTime<Utc>>> {
    let row: Option<(DateTime<Utc>,)> =
        sql("SELECT last_tick_at FROM worker_heartbeats ORDER BY last_tick_at DESC LIMIT 1").fetch_optional(db).await?;
    Ok(row.map(|(at,)| at))
}
