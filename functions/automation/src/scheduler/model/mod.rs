//! A task as callers write and read it, and what its fields may hold (automation 2.1, 2.5).

mod body;
mod run;

pub use body::{Activation, TaskCreate, TaskUpdate, Typed};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
pub use run::{Accepted, ListFilter, Preview, PreviewQuery, TaskRun, following};
use serde::Serialize;
use shared::commands;
use shared::config::Config;
use shared::error::Invalid;
use shared::web::FormState;
use utoipa::ToSchema;

use super::cron::{Cron, parse_zone};

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
