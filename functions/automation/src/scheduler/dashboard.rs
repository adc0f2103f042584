//! The numbers on top of "Automation & monitoring", read in one statement.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use shared::db::{Db, sql};
use shared::error::Result;
use shared::format::{grouped, wait};

/// Without a tick for this long, nobody works.
const SILENT: TimeDelta = TimeDelta::minutes(3);

/// A card: a number that leads to its list.
#[derive(Debug, Serialize)]
pub struct Card {
    label: &'static str,
    value: String,
    href: Option<&'static str>,
    tone: Option<&'static str>,
}

/// What the page shows above the tasks.
#[derive(Debug, Serialize)]
pub struct Dashboard {
    /// When any worker last looked for work.
    pub last_tick: Option<DateTime<Utc>>,
    /// No worker has for minutes.
    pub is_silent: bool,
    /// In order.
    pub cards: Vec<Card>,
}

#[derive(sqlx::FromRow)]
struct Numbers {
    tasks: i64,
    failed: i64,
    queued: i64,
    oldest: Option<DateTime<Utc>>,
    automations: i64,
    automations_failed: i64,
    last_tick: Option<DateTime<Utc>>,
}

/// Reads the numbers; none of them costs more than 10,001 entries of an index.
pub async fn load(db: &Db, now: DateTime<Utc>) -> Result<Dashboard> {
    let numbers: Option<Numbers> = sql("SELECT \
         (SELECT COUNT(*) FROM scheduled_tasks WHERE active = TRUE) AS tasks, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM scheduled_task_runs WHERE status IN ('failed', 'lost') \
            AND finished_at >= ? LIMIT 10001) a) AS failed, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM jobs WHERE status = 'queued' AND run_at <= ? LIMIT 10001) b) \
            AS queued, \
         (SELECT run_at FROM jobs WHERE status = 'queued' AND run_at <= ? ORDER BY run_at LIMIT 1) AS oldest, \
         (SELECT COUNT(*) FROM automations WHERE status = 'active') AS automations, \
         (SELECT COUNT(*) FROM automations WHERE last_status IN ('failed', 'lost')) AS automations_failed, \
         (SELECT last_tick_at FROM worker_heartbeats ORDER BY last_tick_at DESC LIMIT 1) AS last_tick")
    .bind(now - TimeDelta::hours(24))
    .bind(now)
    .bind(now)
    .fetch_optional(db)
    .await?;
    Ok(numbers.map_or_else(|| Dashboard { last_tick: None, is_silent: true, cards: Vec::new() }, |n| show(&n, now)))
}

fn show(numbers: &Numbers, now: DateTime<Utc>) -> Dashboard {
    let card = |label, value: i64, href, bad: bool| Card {
        label,
        value: grouped(value),
        href: Some(href),
        tone: (bad && value > 0).then_some("danger"),
    };
    let waiting = numbers.oldest.map_or_else(|| "None".to_owned(), |at| wait((now - at).num_seconds()));
    Dashboard {
        last_tick: numbers.last_tick,
        is_silent: numbers.last_tick.is_none_or(|at| now - at > SILENT),
        cards: vec![
            card("Active tasks", numbers.tasks, "/admin/automation?active=on#tasks", false),
            card("Runs failed in 24 h", numbers.failed, "/admin/automation/runs?status=failed", true),
            card("Jobs waiting", numbers.queued, "/admin/automation/runs?status=queued", false),
            Card { label: "Oldest waiting job", value: waiting, href: None, tone: None },
            card("Automations on", numbers.automations, "/admin/automations?status=active", false),
            card("Automations failing", numbers.automations_failed, "/admin/automations?status=failed", true),
        ],
    }
}

/// Believable numbers, for samples.
pub fn samples(now: DateTime<Utc>) -> [Dashboard; 2] {
    let busy = Numbers {
        tasks: 4,
        failed: 2,
        queued: 12,
        oldest: Some(now - TimeDelta::seconds(80)),
        automations: 3,
        automations_failed: 1,
        last_tick: Some(now - TimeDelta::seconds(4)),
    };
    let silent = Numbers {
        tasks: 1,
        failed: 0,
        queued: 0,
        oldest: None,
        automations: 0,
        automations_failed: 0,
        last_tick: Some(now - TimeDelta::minutes(4)),
    };
    [show(&busy, now), show(&silent, now)]
}
