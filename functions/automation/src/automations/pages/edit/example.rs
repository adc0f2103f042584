//! What the portal gives the builder: tickets to try it on, and the values that stand beside the variables.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use shared::config::Config;
use shared::context::By;
use shared::error::{Invalid, Result};

use super::page::AutomationEdit;
use crate::automations::builder::{Builder, CUSTOM};
use crate::automations::model::Automation;
use crate::automations::{events, runs, store};

/// What the builder needs from the portal.
pub(super) struct Around<'a> {
    pub config: &'a Config,
    pub now: DateTime<Utc>,
    pub tickets: Vec<(i64, String)>,
    /// An event as it might be, for the values of the variables, and the ticket that it is about.
    pub example: Value,
    pub example_of: Option<String>,
}

impl AutomationEdit {
    /// The page over the portal as it is.
    pub(super) async fn load(by: &By, stored: Option<&Automation>, builder: &Builder, bad: &Invalid) -> Result<Self> {
        let tickets = store::recent_tickets(by.db()).await?;
        let ticket = example_ticket(builder, &tickets);
        let name = if builder.name.is_empty() { "New automation" } else { &builder.name };
        let id = stored.map_or(0, |row| row.id);
        let event = example_event(by, builder, ticket.as_ref().map(|(id, _)| *id)).await?;
        let example = events::surround(&event, by.app(), (id, name), by.now());
        // A ticket that is not there gives no values.
        let example_of = ticket.filter(|_| event.get("ticket").is_some()).map(|(_, label)| label);
        let around = Around { config: by.app().config(), now: by.now(), tickets, example, example_of };
        Ok(Self::new(around, stored, builder, bad))
    }
}

/// The event that starts what is being built.
pub(super) fn event(builder: &Builder) -> &str {
    if builder.trigger_event == CUSTOM { &builder.custom_event } else { &builder.trigger_event }
}

/// The ticket whose values stand beside the variables: the one to try it on, else the latest.
fn example_ticket(builder: &Builder, tickets: &[(i64, String)]) -> Option<(i64, String)> {
    if builder.kind == "scheduled" || !events::is_about_tickets(event(builder)) {
        return None;
    }
    let chosen = builder.ticket.parse::<i64>().ok();
    let id = chosen.or_else(|| tickets.first().map(|(id, _)| *id))?;
    let subject = tickets.iter().find(|(other, _)| *other == id).map_or("", |(_, subject)| subject);
    Some((id, format!("#{id} {subject}").trim_end().to_owned()))
}

/// An event as if whoever builds had just caused it.
async fn example_event(by: &By, builder: &Builder, ticket: Option<i64>) -> Result<Value> {
    let Some(ticket) = ticket else { return Ok(json!({})) };
    let mut payload = Map::from_iter([("ticket_id".to_owned(), ticket.into())]);
    payload.insert("actor_id".to_owned(), by.person().map(|person| person.id()).into());
    runs::add_latest_change(by.db(), event(builder), &mut payload).await?;
    events::describe(by.db(), None, event(builder), payload, by.now()).await
}
