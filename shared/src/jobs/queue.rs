//! Queueing: what a job is, how often it is tried, and its row.

use chrono::{DateTime, Utc};

use crate::db::{Tx, is_unique_violation, sql};
use crate::error::Result;

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
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Mail => "mail",
            Self::Gateway => "gateway",
            Self::Model => "model",
            Self::Once => "once",
        }
    }

    pub(super) fn parse(name: &str) -> Self {
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
    pub(super) fn wait(self, attempt: i64) -> i64 {
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
        if let Some(key) = &self.dedupe_key {
            let waiting: Option<(i64,)> =
                sql("SELECT id FROM jobs WHERE dedupe_key = ?").bind(key).fetch_optional(&mut *tx).await?;
            if waiting.is_some() {
                return Ok(None);
            }
        }
        tx.has_work();
        match insert(tx, std::slice::from_ref(&self)).await {
            Ok(id) => Ok(Some(id)),
            Err(error) if is_unique_violation(&error, "jobs_dedupe", "jobs.dedupe_key") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Rows written by one statement; the rest one by one, so that there are two texts and no more.
const AT_ONCE: usize = 10;

/// Queues jobs whose keys, if they have any, are known to be free.
pub(crate) async fn queue_all(tx: &mut Tx, jobs: &[NewJob]) -> Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    tx.has_work();
    for part in jobs.chunks(AT_ONCE) {
        let each = if part.len() == AT_ONCE { AT_ONCE } else { 1 };
        for rows in part.chunks(each) {
            insert(tx, rows).await?;
        }
    }
    Ok(())
}

async fn insert(tx: &mut Tx, jobs: &[NewJob]) -> Result<i64, sqlx::Error> {
    let now = tx.stamp().at;
    let mut query = sql("INSERT INTO jobs (kind, dedupe_key, payload, priority, status, schedule, run_at, \
         max_attempts, created_at) VALUES ");
    for (index, job) in jobs.iter().enumerate() {
        query = query
            .push(if index == 0 { "" } else { ", " })
            .push("(?, ?, ?, ?, 'queued', ?, ?, ?, ?)")
            .bind(job.kind)
            .bind(job.dedupe_key.clone())
            .bind(job.payload.to_string())
            .bind(job.priority)
            .bind(job.schedule.as_str())
            .bind(job.run_at.unwrap_or(now))
            .bind(job.schedule.tries())
            .bind(now);
    }
    query.insert(tx).await
}

/// Moves a job that is waiting to another time; false when none waits under the key.
pub async fn put_off(tx: &mut Tx, dedupe_key: &str, at: DateTime<Utc>) -> Result<bool> {
    let moved = sql("UPDATE jobs SET run_at = ? WHERE dedupe_key = ? AND status = 'queued' AND attempts = 0");
    Ok(moved.bind(at).bind(dedupe_key).execute(tx).await? == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_follow_the_named_schedule() {
        assert_eq!([1, 2, 3].map(|n| Schedule::Default.wait(n)), [30, 60, 120]);
        assert_eq!([1, 2, 3].map(|n| Schedule::Mail.wait(n)), [60, 300, 1800]);
        assert_eq!([1, 2].map(|n| Schedule::Gateway.wait(n)), [300, 600]);
        assert_eq!([1, 2].map(|n| Schedule::Model.wait(n)), [30, 120]);
        let all = [Schedule::Mail, Schedule::Gateway, Schedule::Model, Schedule::Once, Schedule::Default];
        for schedule in all {
            assert_eq!(Schedule::parse(schedule.as_str()), schedule);
        }
    }
}
