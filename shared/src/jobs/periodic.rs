//! Work that runs once per period, whatever the number of workers.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::registry::Periodic;
use super::worker::Worker;
use crate::db::{is_unique_violation, sql};
use crate::error::Result;
use crate::insist;

/// What came of an attempt to take a turn.
enum Turn {
    Taken,
    NotYet,
    Outrun,
}

impl Worker {
    /// Periodic work whose time has come, in one look.
    pub(super) async fn turns(&self) -> Result<Vec<Periodic>> {
        if self.jobs.periodic().is_empty() {
            return Ok(Vec::new());
        }
        let now = self.app.now();
        let rows: Vec<(String, DateTime<Utc>)> =
            sql("SELECT name, next_run_at FROM periodic_runs ORDER BY name LIMIT 500").fetch_all(self.app.db()).await?;
        let known: BTreeMap<String, DateTime<Utc>> = rows.into_iter().collect();
        let is_due = |work: &&Periodic| known.get(work.name).is_none_or(|next| *next <= now);
        Ok(self.jobs.periodic().iter().filter(is_due).cloned().collect())
    }

    /// True for the one worker that moves the next time on. Clocks differ: whoever loses to a slower clock may
    /// find that its own says it is time again, and then must not leave out what only it can see as due.
    pub(super) async fn take_turn(&self, name: &'static str, period: TimeDelta) -> Result<bool> {
        loop {
            match insist!(self.try_turn(name, period))? {
                Turn::Taken => return Ok(true),
                Turn::NotYet => return Ok(false),
                Turn::Outrun => {}
            }
        }
    }

    async fn try_turn(&self, name: &'static str, period: TimeDelta) -> Result<Turn> {
        let mut tx = self.begin().await?;
        let now = tx.stamp().at;
        let next: Option<(DateTime<Utc>,)> =
            sql("SELECT next_run_at FROM periodic_runs WHERE name = ?").bind(name).fetch_optional(&mut tx).await?;
        let taken = match next {
            Some((at,)) if at > now => return Ok(Turn::NotYet),
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
            Ok(0) => Ok(Turn::Outrun),
            Ok(_) => tx.commit().await.map(|()| Turn::Taken),
            Err(error) if is_unique_violation(&error, "PRIMARY", "periodic_runs.name") => Ok(Turn::Outrun),
            Err(error) => Err(error.into()),
        }
    }
}
