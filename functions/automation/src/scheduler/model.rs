//! A task as callers write and read it, and what its fields may hold (automation 2.1, 2.5).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use shared::commands;
use shared::config::Config;
use shared::error::Invalid;
use shared::web::{FormState, Patch};
use utoipa::{IntoParams, ToSchema};

use super::cron::{Cron, parse_zone};
use super::words::describe;

/// A scheduled task.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"id": 3, "name": "Sync assets", "command": "sync_assets", "cron": "0 2 * * *",
    "timezone": "Europe/London", "companyId": null, "companyName": null, "description": null, "active": true,
    "maxRetries": 2, "retryBackoffSeconds": 300, "timeoutSeconds": 900, "nextRunAt": "2026-11-24T02:00:00Z",
    "lastRunAt": "2026-11-23T02:00:00Z", "lastStatus": "succeeded", "lastError": null, "version": 4}))]
pub struct Task {
    /// Number of the task.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// What it runs, from the catalogue.
    pub command: String,
    /// When, in five fields.
    pub cron: String,
    /// The zone that the expression is read in.
    pub timezone: String,
    /// The one company it works for; null for all.
    pub company_id: Option<i64>,
    /// The name of that company.
    pub company_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Runs by itself.
    pub active: bool,
    /// Further tries after a failure, 0 to 10.
    pub max_retries: i64,
    /// Wait before the first further try; it doubles.
    pub retry_backoff_seconds: i64,
    /// A run is ended after this long.
    pub timeout_seconds: i64,
    /// The next occurrence; null while off.
    pub next_run_at: Option<DateTime<Utc>>,
    /// When the last run began.
    pub last_run_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub last_status: Option<String>,
    /// Why it failed.
    pub last_error: Option<String>,
    /// The run that is queued or running.
    #[serde(skip)]
    pub active_run_id: Option<i64>,
    /// Counts the changes.
    pub version: i64,
}

impl Task {
    /// What is stored, as it could be typed again.
    pub fn draft(&self) -> Draft {
        Draft {
            name: self.name.clone(),
            command: self.command.clone(),
            cron: self.cron.clone(),
            timezone: self.timezone.clone(),
            company_id: self.company_id,
            description: self.description.clone(),
            active: self.active,
            max_retries: self.max_retries,
            retry_backoff_seconds: self.retry_backoff_seconds,
            timeout_seconds: self.timeout_seconds,
        }
    }

    /// The expression and its zone, if both still make sense.
    pub fn timetable(&self) -> Option<(Cron, Tz)> {
        Cron::parse(&self.cron).ok().zip(parse_zone(&self.timezone).ok())
    }
}

/// Everything about a task that a caller decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "columns of scheduled_tasks, documented at Task")]
pub struct Draft {
    pub name: String,
    pub command: String,
    pub cron: String,
    pub timezone: String,
    pub company_id: Option<i64>,
    pub description: Option<String>,
    pub active: bool,
    pub max_retries: i64,
    pub retry_backoff_seconds: i64,
    pub timeout_seconds: i64,
}

/// The zone of new schedules.
pub fn default_zone(config: &Config) -> String {
    if parse_zone(&config.cron_timezone).is_ok() { config.cron_timezone.clone() } else { "UTC".to_owned() }
}

impl Draft {
    /// A new task with nothing but defaults.
    pub fn blank(config: &Config) -> Self {
        Self {
            name: String::new(),
            command: String::new(),
            cron: "0 2 * * *".to_owned(),
            timezone: default_zone(config),
            company_id: None,
            description: None,
            active: true,
            max_retries: 0,
            retry_backoff_seconds: 300,
            timeout_seconds: 900,
        }
    }

    /// The draft with everything in order, and its timetable.
    pub fn check(mut self, config: &Config, now: DateTime<Utc>) -> Result<(Self, Cron, Tz), Invalid> {
        let mut bad = Invalid::none();
        bad.check("name", name(&self.name).map(|name| self.name = name));
        bad.check("command", command(config, &self.command));
        let zone = bad.check("timezone", parse_zone(&self.timezone));
        let cron = bad.check("cron", timetable(&self.cron, zone.unwrap_or(Tz::UTC), now));
        bad.check("maxRetries", within(self.max_retries, 0, 10));
        bad.check("retryBackoffSeconds", within(self.retry_backoff_seconds, 30, 86_400));
        bad.check("timeoutSeconds", within(self.timeout_seconds, 30, 3_600));
        let works_for_companies = commands::find(config, &self.command).is_none_or(|command| command.each_company);
        if self.company_id.is_some() && !works_for_companies {
            bad.check::<(), _>("companyId", Err("This command works for the whole portal. Choose all companies."));
        }
        bad.finish()?;
        self.cron = self.cron.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        self.timezone = self.timezone.trim().to_owned();
        self.description = self.description.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok((self, cron.unwrap_or_else(never), zone.unwrap_or(Tz::UTC)))
    }

    /// As a form shows it.
    pub fn state(&self) -> FormState {
        FormState::of([
            ("name", self.name.clone()),
            ("command", self.command.clone()),
            ("cron", self.cron.clone()),
            ("timezone", self.timezone.clone()),
            ("companyId", self.company_id.map(|id| id.to_string()).unwrap_or_default()),
            ("description", self.description.clone().unwrap_or_default()),
            ("active", if self.active { "true".to_owned() } else { String::new() }),
            ("maxRetries", self.max_retries.to_string()),
            ("retryBackoffSeconds", self.retry_backoff_seconds.to_string()),
            ("timeoutSeconds", self.timeout_seconds.to_string()),
        ])
    }
}

/// Stands where a check has failed already.
fn never() -> Cron {
    Cron { minute: NOTHING, hour: NOTHING, day: NOTHING, month: NOTHING, weekday: NOTHING }
}

const NOTHING: super::cron::Field = super::cron::Field::nothing();

fn name(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("Enter a name"),
        1..=255 => Ok(text.to_owned()),
        _ => Err("Use at most 255 characters"),
    }
}

fn command(config: &Config, name: &str) -> Result<(), &'static str> {
    commands::find(config, name).map(|_| ()).ok_or("Choose a command from the list")
}

fn timetable(text: &str, zone: Tz, now: DateTime<Utc>) -> Result<Cron, String> {
    if text.chars().count() > 100 {
        return Err("Use at most 100 characters".to_owned());
    }
    Cron::parse_firing(text, zone, now)
}

fn within(value: i64, min: i64, max: i64) -> Result<(), String> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(format!("Enter a number from {min} to {max}")) }
}

/// A new task. Names may also be written with underscores.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(example = json!({"name": "Clean up history", "command": "cleanup_history", "cron": "30 3 * * *",
    "timezone": "Europe/London", "maxRetries": 2}))]
pub struct TaskCreate {
    /// 1 to 255 characters.
    pub name: String,
    /// From the catalogue.
    pub command: String,
    /// Five fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    pub cron: String,
    /// IANA name; the portal's schedule zone when left out.
    pub timezone: Option<String>,
    /// One company; all when left out.
    #[serde(alias = "company_id")]
    pub company_id: Option<i64>,
    /// What it is for.
    pub description: Option<String>,
    /// True when left out.
    pub active: Option<bool>,
    /// 0 to 10; 0 when left out.
    #[serde(alias = "max_retries")]
    pub max_retries: Option<i64>,
    /// 30 to 86,400; 300 when left out.
    #[serde(alias = "retry_backoff_seconds")]
    pub retry_backoff_seconds: Option<i64>,
    /// 30 to 3,600; 900 when left out.
    #[serde(alias = "timeout_seconds")]
    pub timeout_seconds: Option<i64>,
}

impl TaskCreate {
    /// With the defaults where nothing was said.
    pub fn draft(self, config: &Config) -> Draft {
        let blank = Draft::blank(config);
        Draft {
            name: self.name,
            command: self.command,
            cron: self.cron,
            timezone: self.timezone.unwrap_or(blank.timezone),
            company_id: self.company_id,
            description: self.description,
            active: self.active.unwrap_or(true),
            max_retries: self.max_retries.unwrap_or(blank.max_retries),
            retry_backoff_seconds: self.retry_backoff_seconds.unwrap_or(blank.retry_backoff_seconds),
            timeout_seconds: self.timeout_seconds.unwrap_or(blank.timeout_seconds),
        }
    }
}

/// A change: what is left out stays, null clears the company and the description.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"cron": "0 4 * * *", "companyId": null}))]
pub struct TaskUpdate {
    /// 1 to 255 characters.
    pub name: Option<String>,
    /// From the catalogue.
    pub command: Option<String>,
    /// Five fields.
    pub cron: Option<String>,
    /// IANA name.
    pub timezone: Option<String>,
    /// One company; null for all.
    #[serde(default, alias = "company_id")]
    #[schema(value_type = Option<i64>)]
    pub company_id: Patch<i64>,
    /// Null clears it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub description: Patch<String>,
    /// Runs by itself.
    pub active: Option<bool>,
    /// 0 to 10.
    #[serde(alias = "max_retries")]
    pub max_retries: Option<i64>,
    /// 30 to 86,400.
    #[serde(alias = "retry_backoff_seconds")]
    pub retry_backoff_seconds: Option<i64>,
    /// 30 to 3,600.
    #[serde(alias = "timeout_seconds")]
    pub timeout_seconds: Option<i64>,
}

impl TaskUpdate {
    /// What is said, over what is stored.
    pub fn over(self, stored: Draft) -> Draft {
        Draft {
            name: self.name.unwrap_or(stored.name),
            command: self.command.unwrap_or(stored.command),
            cron: self.cron.unwrap_or(stored.cron),
            timezone: self.timezone.unwrap_or(stored.timezone),
            company_id: self.company_id.change().unwrap_or(stored.company_id),
            description: self.description.change().unwrap_or(stored.description),
            active: self.active.unwrap_or(stored.active),
            max_retries: self.max_retries.unwrap_or(stored.max_retries),
            retry_backoff_seconds: self.retry_backoff_seconds.unwrap_or(stored.retry_backoff_seconds),
            timeout_seconds: self.timeout_seconds.unwrap_or(stored.timeout_seconds),
        }
    }
}

/// On or off.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[schema(example = json!({"active": true}))]
pub struct Activation {
    /// Whether the task runs by itself.
    pub active: bool,
}

/// The form of a task, as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "fields of the form, documented at TaskCreate")]
pub struct Typed {
    pub name: String,
    pub command: String,
    pub cron: String,
    pub timezone: String,
    pub company_id: String,
    pub description: String,
    pub active: String,
    pub max_retries: String,
    pub retry_backoff_seconds: String,
    pub timeout_seconds: String,
    pub version: String,
}

impl Typed {
    /// The draft; text that is no number is refused with everything else that is wrong.
    pub fn draft(&self) -> Draft {
        // A number no range admits, so that the check names the field.
        let number = |text: &str| text.trim().parse().unwrap_or(-1);
        Draft {
            name: self.name.clone(),
            command: self.command.clone(),
            cron: self.cron.clone(),
            timezone: self.timezone.clone(),
            company_id: Some(self.company_id.trim()).filter(|text| !text.is_empty()).map(number),
            description: Some(self.description.clone()),
            active: !matches!(self.active.as_str(), "" | "false"),
            max_retries: number(&self.max_retries),
            retry_backoff_seconds: number(&self.retry_backoff_seconds),
            timeout_seconds: number(&self.timeout_seconds),
        }
    }
}

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
