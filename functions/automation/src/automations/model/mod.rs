//! An automation as callers write and read it, and what its fields may hold (automation 3.1 to 3.5).

mod body;
mod draft;
mod run;

pub use body::{AutomationCreate, AutomationUpdate};
use chrono::{DateTime, Utc};
pub use draft::{Draft, MOST_ACTIONS, actions_of};
pub use run::{AutomationRun, EventIn, EventTaken, Executed, Filter, Sample};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::timetable::Timetable;

/// One thing that an automation does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"module": "ntfy", "payload": {"title": "{{ticket.subject}}"}, "continue_on_error": false}))]
pub struct Action {
    /// `ntfy`, `smtp`, `ollama` or `tacticalrmm`.
    pub module: String,
    /// What the module is given; text may hold variables.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub payload: Map<String, Value>,
    /// The next action runs also when this one fails.
    #[serde(default, alias = "continueOnError")]
    pub continue_on_error: bool,
}

/// A row of `automations`.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of automations, documented at AutomationOut")]
pub struct Automation {
    pub id: i64,
    pub name: String,
    pub description: Option<String>,
    pub kind: String,
    pub cadence: Option<String>,
    pub cron_expression: Option<String>,
    pub timezone: String,
    pub trigger_event: Option<String>,
    pub trigger_filters: Option<String>,
    pub action_payload: String,
    pub status: String,
    pub anchor_at: Option<DateTime<Utc>>,
    pub next_run_at: Option<DateTime<Utc>>,
    pub last_run_at: Option<DateTime<Utc>>,
    pub last_status: Option<String>,
    pub last_error: Option<String>,
    pub consecutive_failures: i64,
    pub stopped_at: Option<DateTime<Utc>>,
    pub run_as_id: Option<i64>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// An automation in answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Automation, example = json!({"id": 5, "name": "Tell the desk of urgent tickets", "description": null,
    "kind": "event", "cadence": null, "cron_expression": null, "timezone": "Europe/London",
    "trigger_event": "tickets.created", "trigger_filters": {"match": {"priority": {"eq": "urgent"}}},
    "action_module": "ntfy", "action_payload": {"actions": [{"module": "ntfy",
    "payload": {"title": "{{ticket.subject}}"}, "continue_on_error": false}]}, "status": "active",
    "next_run_at": null, "last_run_at": null, "last_status": null, "last_error": null, "consecutive_failures": 0,
    "run_as_id": 1, "version": 1, "created_at": "2026-11-23T09:12:00Z", "updated_at": "2026-11-23T09:12:00Z"}))]
pub struct AutomationOut {
    /// Number of the automation.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// `scheduled` or `event`.
    pub kind: String,
    /// `hourly`, `daily`, `weekly` or `monthly`.
    pub cadence: Option<String>,
    /// Five fields; wins over the cadence.
    pub cron_expression: Option<String>,
    /// The zone of the timetable.
    pub timezone: String,
    /// The event it waits for.
    pub trigger_event: Option<String>,
    /// Conditions; null for none.
    #[schema(value_type = Option<Object>)]
    pub trigger_filters: Value,
    /// Module of the first action.
    pub action_module: Option<String>,
    /// `{"actions": [...]}`.
    #[schema(value_type = Object)]
    pub action_payload: Value,
    /// `active` or `inactive`.
    pub status: String,
    /// The next planned run.
    pub next_run_at: Option<DateTime<Utc>>,
    /// When the last run began.
    pub last_run_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub last_status: Option<String>,
    /// Why it failed.
    pub last_error: Option<String>,
    /// Failures in a row.
    pub consecutive_failures: i64,
    /// Who made it.
    pub run_as_id: Option<i64>,
    /// Counts the changes.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last edited; runs do not move it.
    pub updated_at: DateTime<Utc>,
}

impl From<Automation> for AutomationOut {
    fn from(row: Automation) -> Self {
        let draft = row.draft();
        Self {
            id: row.id,
            kind: row.kind,
            action_module: draft.actions.first().map(|action| action.module.clone()),
            action_payload: json!({ "actions": draft.actions }),
            trigger_filters: draft.trigger_filters,
            name: row.name,
            description: row.description,
            cadence: row.cadence,
            cron_expression: row.cron_expression,
            timezone: row.timezone,
            trigger_event: row.trigger_event,
            status: row.status,
            next_run_at: row.next_run_at,
            last_run_at: row.last_run_at,
            last_status: row.last_status,
            last_error: row.last_error,
            consecutive_failures: row.consecutive_failures,
            run_as_id: row.run_as_id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Automation {
    /// What is stored, as it could be typed again.
    pub fn draft(&self) -> Draft {
        #[derive(Default, Deserialize)]
        struct Stored {
            actions: Vec<Action>,
        }
        let stored: Stored = serde_json::from_str(&self.action_payload).unwrap_or_default();
        let filters = self.trigger_filters.as_deref().and_then(|text| serde_json::from_str(text).ok());
        Draft {
            name: self.name.clone(),
            description: self.description.clone(),
            kind: self.kind.clone(),
            status: self.status.clone(),
            cadence: self.cadence.clone(),
            cron_expression: self.cron_expression.clone(),
            timezone: self.timezone.clone(),
            trigger_event: self.trigger_event.clone(),
            trigger_filters: filters.unwrap_or(Value::Null),
            actions: stored.actions,
        }
    }

    /// When it runs, if it is of the scheduled kind.
    pub fn timetable(&self, now: DateTime<Utc>) -> Option<Timetable> {
        self.draft().timetable(self.anchor_at.unwrap_or(now))
    }

    /// `active`, `inactive`, or `stopped` after too many failures.
    pub fn state(&self) -> &'static str {
        match (self.status.as_str(), self.stopped_at) {
            ("active", _) => "active",
            (_, Some(_)) => "stopped",
            _ => "inactive",
        }
    }
}
