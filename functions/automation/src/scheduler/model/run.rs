//! Runs in answers, what narrows lists, and the preview of a timetable.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use shared::config::Config;
use shared::error::Invalid;
use utoipa::{IntoParams, ToSchema};

use super::{default_zone, never, timetable};
use crate::scheduler::cron::{Cron, parse_zone};
use crate::scheduler::words::describe;

/// One run of a task.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"id": 91, "taskId": 3, "taskName": "Sync assets", "trigger": "schedule", "attempt": 1,
    "status": "succeeded", "scheduledFor": "2026-11-23T02:00:00Z", "startedAt": "2026-11-23T02:00:03Z",
    "finishedAt": "2026-11-23T02:00:44Z", "durationMs": 41000, "details": "Northwind Dental: 48 assets"}))]
pub struct TaskRun {
    /// Number of the run.
    pub id: i64,
    /// Its task.
    pub task_id: i64,
    /// Name of the task.
    pub task_name: String,
    /// `schedule`, `manual` or `retry`.
    #[serde(rename = "trigger")]
    pub started_by: String,
    /// From 1.
    pub attempt: i64,
    /// `queued`, `running`, `succeeded`, `failed`, `skipped`, `lost` or `cancelled`.
    pub status: String,
    /// The occurrence; null for runs started by hand.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// What came out, at most 2,000 characters.
    pub details: Option<String>,
    /// When it may begin.
    #[serde(skip)]
    pub due_at: DateTime<Utc>,
    /// Who started it.
    #[serde(skip)]
    pub triggered_by: Option<String>,
}

/// That a run is queued.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"accepted": true, "runId": 91}))]
pub struct Accepted {
    /// Always true.
    pub accepted: bool,
    /// The run, to look up.
    pub run_id: i64,
}

/// Which tasks to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ListFilter {
    /// Also tasks that are off.
    #[serde(alias = "includeInactive")]
    pub include_inactive: bool,
}

/// An expression to try.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PreviewQuery {
    /// Five fields.
    pub cron: String,
    /// IANA name; the portal's schedule zone when left out.
    pub timezone: Option<String>,
}

/// What an expression means.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"description": "Every day at 02:00",
    "next": ["2026-11-24T02:00:00Z", "2026-11-25T02:00:00Z"]}))]
pub struct Preview {
    /// In plain words.
    pub description: String,
    /// The next five occurrences.
    pub next: Vec<DateTime<Utc>>,
}

impl Preview {
    /// Reads the expression.
    pub fn of(query: &PreviewQuery, config: &Config, now: DateTime<Utc>) -> Result<Self, Invalid> {
        let mut bad = Invalid::none();
        let name = query.timezone.clone().unwrap_or_else(|| default_zone(config));
        let zone = bad.check("timezone", parse_zone(&name)).unwrap_or(Tz::UTC);
        let cron = bad.check("cron", timetable(&query.cron, zone, now));
        bad.finish()?;
        let cron = cron.unwrap_or_else(never);
        Ok(Self { description: describe(&cron), next: following(&cron, zone, now, 5) })
    }
}

/// The next occurrences.
pub fn following(cron: &Cron, zone: Tz, now: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
    std::iter::successors(cron.next_after(now, zone), |last| cron.next_after(*last, zone)).take(count).collect()
}
