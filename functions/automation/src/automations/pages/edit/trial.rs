//! What the automation in the form would do: each condition with the value found, each action as it would be sent.

use serde::Serialize;
use serde_json::Value;
use shared::context::By;
use shared::error::Result;

use crate::automations::filters::Tried;
use crate::automations::model::{Automation, Draft, Sample};
use crate::automations::pages::sample;
use crate::automations::work::{self, Rendered};
use crate::automations::{events, modules, runs, store};

/// What a trial found.
#[derive(Debug, Serialize)]
pub struct Trial {
    about: String,
    matched: bool,
    conditions: Vec<Tried>,
    actions: Vec<TriedAction>,
}

impl Trial {
    /// One that finds nothing and leaves an action out.
    pub(super) fn sample(draft: &Draft) -> Self {
        let off = ["ntfy".to_owned()];
        let actions = work::rehearse(draft, &Value::Null).into_iter();
        Self {
            about: "#10432".to_owned(),
            matched: false,
            conditions: draft.filters().explain(&Value::Null),
            actions: actions.map(|action| TriedAction::of(action, &off)).collect(),
        }
    }
}

/// An action as it would be sent.
#[derive(Debug, Serialize)]
pub struct TriedAction {
    label: String,
    payload: String,
    unknown: Vec<String>,
    /// The module is off, so that the step would be left out.
    is_off: bool,
}

impl TriedAction {
    fn of(rendered: Rendered, off: &[String]) -> Self {
        Self {
            is_off: off.contains(&rendered.module),
            label: modules::find(&rendered.module).map_or(rendered.module, |module| module.label.to_owned()),
            payload: serde_json::to_string_pretty(&rendered.payload).unwrap_or_default(),
            unknown: rendered.unknown,
        }
    }
}

/// The dry run of what stands in the form.
pub(super) async fn try_on(by: &By, stored: Option<&Automation>, draft: &Draft, ticket: &str) -> Result<Trial> {
    let row = Automation { trigger_event: draft.trigger_event.clone(), ..stored.cloned().unwrap_or_else(sample) };
    let about = if ticket.is_empty() { "an empty event".to_owned() } else { format!("ticket #{ticket}") };
    let given = Sample { ticket_id: ticket.parse().ok(), event: None };
    let event = runs::sample_event(by.db(), &row, given, by.now()).await?;
    let id = stored.map_or(0, |row| row.id);
    let known = events::surround(&event, by.app(), (id, &draft.name), by.now());
    let filters = draft.filters();
    let off = store::modules_off(by.db()).await?;
    Ok(Trial {
        about,
        matched: filters.matches(&event),
        conditions: filters.explain(&event),
        actions: work::rehearse(draft, &known).into_iter().map(|a| TriedAction::of(a, &off)).collect(),
    })
}
