//! Everything about an automation that a caller decides, and the rules for it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::{Value, json};
use shared::config::Config;
use shared::error::Invalid;

use super::Action;
use crate::automations::filters::Filters;
use crate::automations::timetable::{Cadence, Timetable};
use crate::automations::{events, modules};
use crate::scheduler::cron::{Cron, parse_zone};
use crate::scheduler::model::default_zone;
use crate::scheduler::words::describe;

/// Actions of one automation.
pub const MOST_ACTIONS: usize = 10;

/// The longest payload of an action, in bytes.
const MAX_PAYLOAD: usize = 32 * 1024;

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
