//! Runs that one worker has for a while (automation 1): claimed by one update, held while the lease is renewed,
//! and written by nobody else until it has ended. Tasks and automations keep their runs alike.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shared::db::{Sql, Tx, sql};
use shared::error::Result;
use shared::jobs::{JobError, Run};
use shared::tokens;

/// How long a claim holds without being renewed.
const LEASE: TimeDelta = TimeDelta::seconds(120);
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(30);

/// Whose runs they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// Of scheduled tasks.
    Tasks,
    /// Of automations.
    Automations,
}

impl Runs {
    fn update(self) -> Sql {
        sql(match self {
            Self::Tasks => "UPDATE scheduled_task_runs SET ",
            Self::Automations => "UPDATE automation_runs SET ",
        })
    }
}

/// A run that is ours.
#[derive(Debug, Clone)]
pub struct Lease {
    runs: Runs,
    id: i64,
    token: String,
}

/// A transaction that writes no line of the trail.
pub async fn begin(run: &Run) -> Result<Tx> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    Ok(tx)
}

fn lost() -> JobError {
    JobError::Fail("the run belongs to another worker now".to_owned())
}

impl Lease {
    /// Claims a queued run; none when somebody else was faster. A run that goes on keeps when it began.
    pub async fn claim(tx: &mut Tx, runs: Runs, id: i64) -> Result<Option<Self>> {
        let (now, token) = (tx.stamp().at, tokens::random_hex(16));
        let ours = runs
            .update()
            .push("status = 'running', started_at = COALESCE(started_at, ?), locked_by = ?, locked_until = ?")
            .bind(now)
            .bind(&token)
            .bind(now + LEASE)
            .push(" WHERE id = ? AND status = 'queued'")
            .bind(id)
            .execute(tx)
            .await?;
        Ok((ours == 1).then_some(Self { runs, id, token }))
    }

    /// The run.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Another name for every claim, for keys of jobs.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The end of an update that only the holder may make.
    fn guarded(&self, query: Sql) -> Sql {
        query.push(" WHERE id = ? AND locked_by = ? AND status = 'running'").bind(self.id).bind(&self.token)
    }

    /// Renews the lease; false when the run is no longer ours.
    pub async fn renew(&self, tx: &mut Tx) -> Result<bool> {
        self.keep(tx, sql("")).await
    }

    /// Renews the lease and writes more columns (`, a = ?`); false when the run is no longer ours.
    pub async fn keep(&self, tx: &mut Tx, more: Sql) -> Result<bool> {
        let until = tx.stamp().at + LEASE;
        let query = self.runs.update().push("locked_until = ?").bind(until).append(more);
        Ok(self.guarded(query).execute(tx).await? == 1)
    }

    /// Puts the run back into the queue with more columns; false when it is no longer ours.
    pub async fn give_back(&self, tx: &mut Tx, more: Sql) -> Result<bool> {
        let query = self.runs.update().push("status = 'queued', locked_by = NULL, locked_until = NULL").append(more);
        Ok(self.guarded(query).execute(tx).await? == 1)
    }

    /// Waits for work while the lease is renewed.
    pub async fn hold<T>(&self, run: &Run, work: impl Future<Output = T>) -> Result<T, JobError> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                () = tokio::time::sleep(RENEW) => match self.renewed(run).await {
                    Ok(true) => {}
                    Ok(false) => return Err(lost()),
                    // The lease holds for three more tries.
                    Err(error) => tracing::warn!(run.id = self.id, ?error, "the lease could not be renewed"),
                },
            }
        }
    }

    async fn renewed(&self, run: &Run) -> Result<bool> {
        let mut tx = begin(run).await?;
        let is_ours = self.renew(&mut tx).await?;
        tx.commit().await?;
        Ok(is_ours)
    }

    /// As [`Lease::keep`], where a run that is no longer ours ends the job.
    pub async fn save(&self, run: &Run, more: Sql) -> Result<(), JobError> {
        let mut tx = begin(run).await?;
        let is_ours = self.keep(&mut tx, more).await?;
        tx.commit().await?;
        if is_ours { Ok(()) } else { Err(lost()) }
    }
}

/// Who ends a run.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// Its worker.
    Holder(&'a Lease),
    /// Whoever finds that its lease has run out.
    Finder(Runs, i64),
}

impl By<'_> {
    /// The run.
    pub fn id(self) -> i64 {
        match self {
            Self::Holder(lease) => lease.id,
            Self::Finder(_, id) => id,
        }
    }

    /// Ends the run with more columns (`, a = ?`); false when it is not ours to end.
    pub async fn end(self, tx: &mut Tx, status: &'static str, began: Option<DateTime<Utc>>, more: Sql) -> Result<bool> {
        let now = tx.stamp().at;
        let runs = match self {
            Self::Holder(lease) => lease.runs,
            Self::Finder(runs, _) => runs,
        };
        let query = runs
            .update()
            .push("status = ?, finished_at = ?, duration_ms = ?, locked_by = NULL, locked_until = NULL")
            .bind(status)
            .bind(now)
            .bind(began.map(|at| (now - at).num_milliseconds().max(0)))
            .append(more);
        let query = match self {
            Self::Holder(lease) => lease.guarded(query),
            Self::Finder(_, id) => {
                query.push(" WHERE id = ? AND status = 'running' AND locked_until < ?").bind(id).bind(now)
            }
        };
        Ok(query.execute(tx).await? == 1)
    }
}
