//! The rows of `jobs` as a worker finds, claims, keeps and ends them: several in each short transaction.
//! Which worker has a job is decided by the update that claims it, and by nothing else.

use chrono::{DateTime, TimeDelta, Utc};

use super::places::Choice;
use super::worker::Worker;
use super::{JobError, LEASE, Schedule};
use crate::db::{Tx, sql};
use crate::error::Result;
use crate::insist;
use crate::tokens;

/// A job that has seen so many workers go is held to be the reason.
const MOST_LOSSES: i64 = 25;

/// The first losses cost a job no time; after that it waits longer each time, and others go on.
const FREE_LOSSES: i64 = 3;

/// Lanes looked at: priorities that have waiting jobs.
const LANES: usize = 20;

/// Rows read beyond those that are wanted: some are of kinds that may not begin.
const SPARE: i64 = 24;

/// A job that was claimed.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Row {
    pub id: i64,
    pub kind: String,
    pub payload: String,
    pub schedule: String,
    /// With the one that begins.
    pub attempts: i64,
    pub max_attempts: i64,
}

/// A try that is over.
#[derive(Debug)]
pub(super) struct Ended {
    pub row: Row,
    pub outcome: Result<(), JobError>,
}

impl Worker {
    /// Takes back claims that ran out. The try does not count, because the worker may have been lost to
    /// another of its jobs or to none; but a job that has seen many workers go is given up, and so is one
    /// that is to be tried once only.
    pub(super) async fn requeue_lost(&self) -> Result<u64> {
        let lost: Vec<(i64, i64, bool)> = sql("SELECT id, losses, (schedule <> 'once' AND losses < ?) AS may_try \
             FROM jobs WHERE status = 'running' AND locked_until < ? ORDER BY id LIMIT 100")
        .bind(MOST_LOSSES - 1)
        .bind(self.app.now())
        .fetch_all(self.app.db())
        .await?;
        let mut requeued = 0;
        for (id, losses, may_try) in lost {
            let pause = TimeDelta::minutes((losses + 1 - FREE_LOSSES).max(0));
            let changed = insist!(self.take_back(id, may_try, pause))?;
            requeued += if may_try { changed } else { 0 };
        }
        Ok(requeued)
    }

    async fn take_back(&self, id: i64, may_try: bool, pause: TimeDelta) -> Result<u64> {
        let mut tx = self.begin().await?;
        let now = tx.stamp().at;
        let query = sql("UPDATE jobs SET locked_by = NULL, locked_until = NULL, losses = losses + 1, \
             last_error = 'the worker was lost'");
        let query = if may_try {
            query.push(", status = 'queued', attempts = attempts - 1, run_at = ?").bind(now + pause)
        } else {
            query.push(", status = 'failed', dedupe_key = NULL, finished_at = ?").bind(now)
        };
        let query = query.push(" WHERE id = ? AND status = 'running' AND locked_until < ?").bind(id).bind(now);
        let changed = query.execute(&mut tx).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Jobs that are due, the urgent first, then whoever has waited longest; `skip` leaves out the first
    /// ones, over which many workers would meet.
    pub(super) async fn due(&self, mut choice: Choice<'_>, skip: i64) -> Result<Vec<i64>> {
        let now = self.app.now();
        let mut lane = i64::MIN;
        for _ in 0..LANES {
            if choice.left() == 0 {
                break;
            }
            let Some((priority, first)) = self.next_lane(lane).await? else { break };
            lane = priority;
            if first <= now {
                for (id, kind) in self.waiting(priority, &choice, skip).await? {
                    choice.offer(id, kind);
                }
            }
        }
        Ok(choice.chosen())
    }

    /// The next priority of which a job waits, and when the first of them is due.
    async fn next_lane(&self, after: i64) -> Result<Option<(i64, DateTime<Utc>)>> {
        let head = sql("SELECT priority, run_at FROM jobs WHERE status = 'queued' AND priority > ? \
             ORDER BY priority, run_at LIMIT 1");
        Ok(head.bind(after).fetch_optional(self.app.db()).await?)
    }

    async fn waiting(&self, priority: i64, choice: &Choice<'_>, skip: i64) -> Result<Vec<(i64, String)>> {
        let query = sql("SELECT id, kind FROM jobs WHERE status = 'queued' AND priority = ? AND run_at <= ?")
            .bind(priority)
            .bind(self.app.now());
        let full = choice.full_kinds();
        let query = if full.is_empty() { query } else { query.push_in(" AND kind NOT IN", &full) };
        let wanted = i64::try_from(choice.left()).unwrap_or(1) + SPARE;
        Ok(query.push(" ORDER BY run_at, id LIMIT ? OFFSET ?").bind(wanted).bind(skip).fetch_all(self.app.db()).await?)
    }

    /// Claims what is still waiting of these; gives what is ours now.
    pub(super) async fn claim(&self, ids: &[i64]) -> Result<Vec<Row>> {
        let mut tx = self.begin().await?;
        let now = tx.stamp().at;
        let won = sql("UPDATE jobs SET status = 'running', locked_by = ?, locked_until = ?, attempts = attempts + 1 \
             WHERE status = 'queued' AND run_at <= ?")
        .bind(&self.id)
        .bind(now + LEASE)
        .bind(now)
        .push_in(" AND id IN", ids)
        .execute(&mut tx)
        .await?;
        if won == 0 {
            return Ok(Vec::new());
        }
        let rows = sql("SELECT id, kind, payload, schedule, attempts, max_attempts FROM jobs \
             WHERE status = 'running' AND locked_by = ?")
        .bind(&self.id)
        .push_in(" AND id IN", ids)
        .push(" ORDER BY priority, run_at, id LIMIT 200")
        .fetch_all(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// Renews claims; gives those that another worker has now.
    pub(super) async fn renew(&self, ids: &[i64]) -> Result<Vec<i64>> {
        let mut tx = self.begin().await?;
        let until = tx.stamp().at + LEASE;
        let renewed = sql("UPDATE jobs SET locked_until = ? WHERE locked_by = ? AND status = 'running'")
            .bind(until)
            .bind(&self.id)
            .push_in(" AND id IN", ids)
            .execute(&mut tx)
            .await?;
        if usize::try_from(renewed).is_ok_and(|renewed| renewed == ids.len()) {
            tx.commit().await?;
            return Ok(Vec::new());
        }
        let kept: Vec<(i64,)> = sql("SELECT id FROM jobs WHERE locked_by = ? AND status = 'running'")
            .bind(&self.id)
            .push_in(" AND id IN", ids)
            .push(" LIMIT 200")
            .fetch_all(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(ids.iter().copied().filter(|id| !kept.contains(&(*id,))).collect())
    }

    /// Writes what came of several tries, each only while its claim is still ours; gives how many jobs
    /// have succeeded.
    pub(super) async fn settle(&self, ended: &[Ended]) -> Result<u64> {
        let mut tx = self.begin().await?;
        let now = tx.stamp().at;
        let good: Vec<i64> = ended.iter().filter(|e| e.outcome.is_ok()).map(|e| e.row.id).collect();
        let mut succeeded = 0;
        if !good.is_empty() {
            succeeded = sql("UPDATE jobs SET status = 'succeeded', last_error = NULL, locked_by = NULL, \
                 locked_until = NULL, dedupe_key = NULL, finished_at = ? WHERE locked_by = ? AND status = 'running'")
            .bind(now)
            .bind(&self.id)
            .push_in(" AND id IN", &good)
            .execute(&mut tx)
            .await?;
        }
        for Ended { row, outcome } in ended {
            if let Err(error) = outcome {
                self.put_down(&mut tx, row, error).await?;
            }
        }
        tx.commit().await?;
        Ok(succeeded)
    }

    /// A try that did not succeed: again later, or not at all.
    async fn put_down(&self, tx: &mut Tx, row: &Row, error: &JobError) -> Result<()> {
        let now = tx.stamp().at;
        let (error, again) = match error {
            JobError::NotBefore(at) => {
                return self.give_back(tx, &[row.id], *at).await;
            }
            JobError::Retry(text) if row.attempts < row.max_attempts => {
                (text, Some(now + jittered(Schedule::parse(&row.schedule).wait(row.attempts))))
            }
            JobError::Retry(text) | JobError::Fail(text) => (text, None),
        };
        let query = sql("UPDATE jobs SET last_error = ?, locked_by = NULL, locked_until = NULL")
            .bind(error.chars().take(2000).collect::<String>());
        let query = match again {
            Some(at) => query.push(", status = 'queued', run_at = ?").bind(at),
            None => query.push(", status = 'failed', dedupe_key = NULL, finished_at = ?").bind(now),
        };
        query.push(" WHERE id = ? AND locked_by = ?").bind(row.id).bind(&self.id).execute(tx).await?;
        Ok(())
    }

    /// Puts jobs back as if they had not been tried.
    pub(super) async fn give_back(&self, tx: &mut Tx, ids: &[i64], at: DateTime<Utc>) -> Result<()> {
        sql("UPDATE jobs SET status = 'queued', run_at = ?, attempts = attempts - 1, locked_by = NULL, \
             locked_until = NULL WHERE locked_by = ? AND status = 'running'")
        .bind(at)
        .bind(&self.id)
        .push_in(" AND id IN", ids)
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// Plus or minus a tenth, so that failed jobs do not come back all at once.
fn jittered(seconds: i64) -> TimeDelta {
    let random = tokens::random_hex(2);
    let share = i64::from_str_radix(&random, 16).unwrap_or(0) % 201 - 100;
    TimeDelta::milliseconds(seconds * 1000 + seconds * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_differ_by_a_tenth_at_most() {
        for _ in 0..100 {
            let wait = jittered(100).num_milliseconds();
            assert!((90_000..=110_000).contains(&wait), "{wait}");
        }
    }
}
