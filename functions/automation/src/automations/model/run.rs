//! What narrows the list, what a run by hand is given, and what runs look like in answers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// Which automations to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Filter {
    /// `active`, `inactive`, or `failed` for those whose last run failed.
    pub status: Option<String>,
    /// `scheduled` or `event`.
    pub kind: Option<String>,
    /// Words that begin a word of name or description.
    #[serde(alias = "q")]
    pub search: Option<String>,
}

/// What to try or run an automation with: nothing, a ticket, or an event's fields.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(example = json!({"ticket_id": 10432}))]
pub struct Sample {
    /// A ticket, as if the event had just happened to it.
    #[serde(alias = "ticketId")]
    pub ticket_id: Option<i64>,
    /// The fields of an event.
    #[schema(value_type = Option<Object>)]
    pub event: Option<Map<String, Value>>,
}

/// An event that somebody outside reports.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(example = json!({"name": "backup.finished", "payload": {"server": "nas-1", "ok": true}}))]
pub struct EventIn {
    /// A name of your own: small letters, digits, dots, dashes.
    pub name: String,
    /// Its fields, at most 64 KB.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub payload: Map<String, Value>,
}

/// The event that was taken.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(example = json!({"event_id": 812}))]
pub struct EventTaken {
    /// Number of the event.
    pub event_id: i64,
}

/// One run of an automation.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"id": 40, "automation_id": 5, "trigger": "event", "scheduled_for": null, "event_id": 812,
    "event_name": "tickets.created", "status": "succeeded", "started_at": "2026-11-23T09:12:01Z",
    "finished_at": "2026-11-23T09:12:02Z", "duration_ms": 640, "error_message": null,
    "result_payload": [{"module": "ntfy", "status": "succeeded", "result": {"topic": "desk"}, "error": null,
    "duration_ms": 610}]}))]
pub struct AutomationRun {
    /// Number of the run.
    pub id: i64,
    /// Its automation.
    pub automation_id: i64,
    /// `schedule`, `event` or `manual`.
    pub trigger: String,
    /// The planned time.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// The event.
    pub event_id: Option<i64>,
    /// Its name.
    pub event_name: Option<String>,
    /// `queued`, `running`, `succeeded`, `failed`, `skipped` or `lost`.
    pub status: String,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// What each action did, in their order.
    #[schema(value_type = Vec<Object>)]
    pub result_payload: Value,
    /// Why it failed.
    pub error_message: Option<String>,
}

/// What came of a run started by hand.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"status": "succeeded", "result": [], "error": null, "started_at": "2026-11-23T09:12:01Z",
    "finished_at": "2026-11-23T09:12:02Z", "next_run_at": null, "run_id": 40}))]
pub struct Executed {
    /// As of the run; `running` when it takes longer than 25 seconds.
    pub status: String,
    /// What each action did, in their order.
    #[schema(value_type = Vec<Object>)]
    pub result: Value,
    /// Why it failed.
    pub error: Option<String>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The next planned run; a run by hand does not move it.
    pub next_run_at: Option<DateTime<Utc>>,
    /// The run, to look up.
    pub run_id: i64,
}
