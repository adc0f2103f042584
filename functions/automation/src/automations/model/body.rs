//! What programs send to make and to change an automation.

use serde::Deserialize;
use serde_json::Value;
use shared::config::Config;
use shared::error::Invalid;
use shared::web::Patch;
use utoipa::ToSchema;

use super::{Draft, actions_of};
use crate::scheduler::model::default_zone;

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
