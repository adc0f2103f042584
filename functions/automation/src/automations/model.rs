//! An automation as callers write and read it, and what its fields may hold (automation 3.1 to 3.5).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::config::Config;
use shared::error::Invalid;
use shared::web::Patch;
use utoipa::{IntoParams, ToSchema};

use super::events;
use super::filters::Filters;
use super::modules;
use super::timetable::{Cadence, Timetable};
use crate::scheduler::cron::{Cron, parse_zone};
use crate::scheduler::model::default_zone;
use crate::scheduler::words::describe;

/// Actions of one automation.
pub const MOST_ACTIONS: usize = 10;

/// The longest payload of an action, in bytes.
const MAX_PAYLOAD: usize = 32 * 1024;

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

/// Everything about an automation that a caller decides.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "documented at AutomationOut")]
pub struct Draft {
    pub name: String,
    pub description: Option<String>,
    pub kind: String,
    pub status: String,
    pub cadence: Option<String>,
    pub cron_expression: Option<String>,
    pub timezone: String,
    pub trigger_event: Option<String>,
    pub trigger_filters: Value,
    pub actions: Vec<Action>,
}

fn filled(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

impl Draft {
    /// A new automation with nothing but defaults.
    pub fn blank(config: &Config) -> Self {
        Self {
            name: String::new(),
            description: None,
            kind: "event".to_owned(),
            status: "inactive".to_owned(),
            cadence: None,
            cron_expression: None,
            timezone: default_zone(config),
            trigger_event: Some("tickets.created".to_owned()),
            trigger_filters: Value::Null,
            actions: Vec::new(),
        }
    }

    /// When it runs, if that can be read.
    pub fn timetable(&self, anchor: DateTime<Utc>) -> Option<Timetable> {
        if self.kind != "scheduled" {
            return None;
        }
        let zone = parse_zone(&self.timezone).ok()?;
        match filled(self.cron_expression.as_ref()) {
            Some(cron) => Some(Timetable::Cron(Cron::parse(cron).ok()?, zone)),
            None => Some(Timetable::Cadence(Cadence::parse(self.cadence.as_deref()?)?, anchor, zone)),
        }
    }

    /// `Every day at 09:12` or `Ticket created`.
    pub fn when(&self, anchor: DateTime<Utc>) -> String {
        if self.kind == "event" {
            return events::label(self.trigger_event.as_deref().unwrap_or_default());
        }
        match self.timetable(anchor) {
            Some(Timetable::Cron(cron, _)) => describe(&cron),
            Some(Timetable::Cadence(cadence, anchor, zone)) => cadence.words(anchor, zone),
            None => "No timetable".to_owned(),
        }
    }

    /// The conditions, if they can be read.
    pub fn filters(&self) -> Filters {
        Filters::parse(&self.trigger_filters).unwrap_or_default()
    }

    /// The draft with everything in order.
    pub fn check(mut self, now: DateTime<Utc>) -> Result<Self, Invalid> {
        let mut bad = Invalid::none();
        bad.check("name", name(&self.name).map(|name| self.name = name));
        if !matches!(self.status.as_str(), "active" | "inactive") {
            bad.add("status", "Choose on or off");
        }
        let zone = bad.check("timezone", parse_zone(&self.timezone)).unwrap_or(Tz::UTC);
        match self.kind.as_str() {
            "scheduled" => self.check_schedule(zone, now, &mut bad),
            "event" => {
                let event = filled(self.trigger_event.as_ref()).unwrap_or_default().to_owned();
                bad.check("triggerEvent", events::check_name(&event));
                self.trigger_event = Some(event);
                (self.cadence, self.cron_expression) = (None, None);
            }
            _ => bad.add("kind", "Choose what starts it: an event or a schedule"),
        }
        bad.check("triggerFilters", Filters::parse(&self.trigger_filters).map(|f| self.trigger_filters = f.json()));
        self.check_actions(&mut bad);
        bad.finish()?;
        self.description = filled(self.description.as_ref()).map(str::to_owned);
        Ok(self)
    }

    fn check_schedule(&mut self, zone: Tz, now: DateTime<Utc>, bad: &mut Invalid) {
        self.cron_expression = filled(self.cron_expression.as_ref()).map(str::to_owned);
        self.cadence = filled(self.cadence.as_ref()).map(str::to_owned);
        self.trigger_event = None;
        match (&self.cron_expression, &self.cadence) {
            (Some(cron), _) => {
                let short =
                    if cron.chars().count() > 255 { Err("Use at most 255 characters".to_owned()) } else { Ok(()) };
                bad.check("cronExpression", short.and_then(|()| Cron::parse_firing(cron, zone, now)));
            }
            (None, None) => bad.add("cadence", "Choose how often it runs, or write a timetable"),
            (None, Some(cadence)) if Cadence::parse(cadence).is_none() => {
                bad.add("cadence", "Choose hourly, daily, weekly or monthly");
            }
            _ => {}
        }
    }

    fn check_actions(&self, bad: &mut Invalid) {
        if self.actions.is_empty() {
            bad.add("actionPayload", "Add at least one action");
        }
        if self.actions.len() > MOST_ACTIONS {
            bad.add("actionPayload", format!("Use at most {MOST_ACTIONS} actions"));
        }
        for (index, action) in self.actions.iter().enumerate().take(MOST_ACTIONS) {
            let position = index + 1;
            if let Err((field, text)) = modules::check(action) {
                bad.add(&format!("actions.{index}.{field}"), format!("Action {position}: {text}"));
            } else if serde_json::to_string(&action.payload).is_ok_and(|text| text.len() > MAX_PAYLOAD) {
                bad.add(&format!("actions.{index}.module"), format!("Action {position}: use at most 32 KB"));
            }
        }
    }
}

fn name(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("Enter a name"),
        1..=255 => Ok(text.to_owned()),
        _ => Err("Use at most 255 characters"),
    }
}

/// The actions in a body: `{"actions": [...]}`, a bare list, or the payload of one action of `action_module`
/// as old clients send it.
pub fn actions_of(module: Option<&str>, payload: &Value) -> Result<Vec<Action>, String> {
    let list = match payload {
        Value::Array(list) => list.clone(),
        Value::Object(map) if map.contains_key("actions") => match map.get("actions") {
            Some(Value::Array(list)) => list.clone(),
            _ => return Err("Write actions as a list".to_owned()),
        },
        Value::Object(map) => vec![json!({ "module": module.unwrap_or_default(), "payload": map })],
        Value::Null => module.map(|module| vec![json!({ "module": module })]).unwrap_or_default(),
        _ => return Err("Write {\"actions\": [...]}".to_owned()),
    };
    let read = |(index, value): (usize, Value)| {
        let text = || format!("Action {}: write {{\"module\": …, \"payload\": {{…}}}}", index + 1);
        serde_json::from_value::<Action>(value).map_err(|_| text())
    };
    list.into_iter().enumerate().map(read).collect()
}

/// A new automation.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(example = json!({"name": "Tell the desk of urgent tickets", "kind": "event",
    "trigger_event": "tickets.created", "trigger_filters": {"match": {"priority": {"in": ["urgent"]}}},
    "action_payload": {"actions": [{"module": "ntfy", "payload": {"title": "{{ticket.subject}}"}}]}}))]
pub struct AutomationCreate {
    /// 1 to 255 characters.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// `scheduled` or `event`.
    #[serde(default)]
    pub kind: String,
    /// `inactive` when left out.
    pub status: Option<String>,
    /// `hourly`, `daily`, `weekly` or `monthly`.
    pub cadence: Option<String>,
    /// Five fields; wins over the cadence.
    #[serde(alias = "cronExpression")]
    pub cron_expression: Option<String>,
    /// IANA name; the portal's schedule zone when left out.
    pub timezone: Option<String>,
    /// Needed for the kind `event`.
    #[serde(alias = "triggerEvent")]
    pub trigger_event: Option<String>,
    /// Conditions; all events when left out.
    #[serde(default, alias = "triggerFilters")]
    #[schema(value_type = Option<Object>)]
    pub trigger_filters: Value,
    /// For one action only.
    #[serde(alias = "actionModule")]
    pub action_module: Option<String>,
    /// `{"actions": [{"module", "payload", "continue_on_error"}]}`.
    #[serde(default, alias = "actionPayload")]
    #[schema(value_type = Object)]
    pub action_payload: Value,
}

impl AutomationCreate {
    /// With the defaults where nothing was said.
    pub fn draft(self, config: &Config) -> Result<Draft, Invalid> {
        let actions = actions_of(self.action_module.as_deref(), &self.action_payload);
        Ok(Draft {
            name: self.name,
            description: self.description,
            kind: self.kind,
            status: self.status.unwrap_or_else(|| "inactive".to_owned()),
            cadence: self.cadence,
            cron_expression: self.cron_expression,
            timezone: self.timezone.unwrap_or_else(|| default_zone(config)),
            trigger_event: self.trigger_event,
            trigger_filters: self.trigger_filters,
            actions: actions.map_err(|text| Invalid::field("actionPayload", text))?,
        })
    }
}

/// A change: what is left out stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(example = json!({"status": "active", "trigger_filters": null}))]
pub struct AutomationUpdate {
    /// 1 to 255 characters.
    pub name: Option<String>,
    /// Null clears it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub description: Patch<String>,
    /// `scheduled` or `event`.
    pub kind: Option<String>,
    /// `active` or `inactive`.
    pub status: Option<String>,
    /// Null clears it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub cadence: Patch<String>,
    /// Null clears it.
    #[serde(default, alias = "cronExpression")]
    #[schema(value_type = Option<String>)]
    pub cron_expression: Patch<String>,
    /// IANA name.
    pub timezone: Option<String>,
    /// Needed for the kind `event`.
    #[serde(default, alias = "triggerEvent")]
    #[schema(value_type = Option<String>)]
    pub trigger_event: Patch<String>,
    /// Null clears the conditions.
    #[serde(default, alias = "triggerFilters")]
    #[schema(value_type = Option<Object>)]
    pub trigger_filters: Patch<Value>,
    /// For one action only.
    #[serde(alias = "actionModule")]
    pub action_module: Option<String>,
    /// `{"actions": [...]}`.
    #[serde(alias = "actionPayload")]
    #[schema(value_type = Object)]
    pub action_payload: Option<Value>,
}

impl AutomationUpdate {
    /// What is said, over what is stored.
    pub fn over(self, stored: Draft) -> Result<Draft, Invalid> {
        let actions = match (&self.action_module, &self.action_payload) {
            (None, None) => Ok(stored.actions),
            (module, payload) => actions_of(module.as_deref(), payload.as_ref().unwrap_or(&Value::Null)),
        };
        Ok(Draft {
            name: self.name.unwrap_or(stored.name),
            description: self.description.change().unwrap_or(stored.description),
            kind: self.kind.unwrap_or(stored.kind),
            status: self.status.unwrap_or(stored.status),
            cadence: self.cadence.change().unwrap_or(stored.cadence),
            cron_expression: self.cron_expression.change().unwrap_or(stored.cron_expression),
            timezone: self.timezone.unwrap_or(stored.timezone),
            trigger_event: self.trigger_event.change().unwrap_or(stored.trigger_event),
            trigger_filters: self.trigger_filters.change().map_or(stored.trigger_filters, Option::unwrap_or_default),
            actions: actions.map_err(|text| Invalid::field("actionPayload", text))?,
        })
    }
}

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
