//! Ready-made automations: each is a whole draft that people take as it is or change.

use serde_json::{Value, json};

use super::model::{Action, Draft};

/// A ready-made automation.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    /// Its name in addresses.
    pub slug: &'static str,
    /// Its name, until somebody changes it.
    pub name: &'static str,
    /// What it is good for.
    pub description: &'static str,
    event: Option<&'static str>,
    cron: Option<&'static str>,
    filters: fn() -> Value,
    module: &'static str,
    payload: fn() -> Value,
}

/// In the order in which they are offered.
pub const READY: [Ready; 6] = [
    Ready {
        slug: "urgent-ticket",
        name: "Push for urgent tickets",
        description: "The desk hears of an urgent ticket at once.",
        event: Some("tickets.created"),
        cron: None,
        filters: || json!({"match": {"ticket.priority": {"eq": "urgent"}}}),
        module: "ntfy",
        payload: || {
            json!({"title": "Urgent: {{ticket.subject}}", "priority": "urgent",
            "message": "Ticket #{{ticket.id}}\n{{portal.baseUrl}}/tickets/{{ticket.id}}"})
        },
    },
    Ready {
        slug: "raised-priority",
        name: "Push when a ticket becomes urgent",
        description: "A ticket that becomes urgent later is not overlooked.",
        event: Some("tickets.updated"),
        cron: None,
        filters: || json!({"match": {"ticket.priority": {"changed_to": "urgent"}}}),
        module: "ntfy",
        payload: || {
            json!({"title": "Now urgent: {{ticket.subject}}", "priority": "high",
            "message": "Ticket #{{ticket.id}}, before: {{changes.priority.0}}"})
        },
    },
    Ready {
        slug: "reopened-ticket",
        name: "Email when a ticket is reopened",
        description: "What was thought solved comes back to the desk's mailbox.",
        event: Some("tickets.reopened"),
        cron: None,
        filters: || Value::Null,
        module: "smtp",
        payload: || {
            json!({"subject": "Reopened: {{ticket.subject}}",
            "text": "Ticket #{{ticket.id}} is open again.\n{{portal.baseUrl}}/tickets/{{ticket.id}}"})
        },
    },
    Ready {
        slug: "confirm-ticket",
        name: "Answer new tickets",
        description: "Requesters read at once that their ticket has arrived.",
        event: Some("tickets.created"),
        cron: None,
        filters: || Value::Null,
        module: super::built_in::REPLY,
        payload: || json!({"text": "Thank you. We have your ticket and answer as soon as we can."}),
    },
    Ready {
        slug: "failed-webhook",
        name: "Email when a webhook fails",
        description: "Somebody looks before the other system is missed.",
        event: Some("webhook.failed"),
        cron: None,
        filters: || Value::Null,
        module: "smtp",
        payload: || {
            json!({"subject": "A webhook failed",
            "text": "All tries of a webhook have failed.\n{{portal.baseUrl}}/admin/webhooks?status=failed"})
        },
    },
    Ready {
        slug: "weekly-reminder",
        name: "Remind the desk on Monday",
        description: "A push message at 08:00 each Monday, to begin the week with the open tickets.",
        event: None,
        cron: Some("0 8 * * 1"),
        filters: || Value::Null,
        module: "ntfy",
        payload: || json!({"title": "Open tickets", "message": "{{portal.baseUrl}}/tickets"}),
    },
];

/// A ready-made automation by its name in addresses.
pub fn find(slug: &str) -> Option<&'static Ready> {
    READY.iter().find(|ready| ready.slug == slug)
}

impl Ready {
    /// As a draft that is off; a timetable is in this zone.
    pub fn draft(&self, zone: &str) -> Draft {
        let action = Action {
            module: self.module.to_owned(),
            payload: (self.payload)().as_object().cloned().unwrap_or_default(),
            continue_on_error: false,
        };
        Draft {
            name: self.name.to_owned(),
            description: Some(self.description.to_owned()),
            status: "inactive".to_owned(),
            cadence: None,
            timezone: zone.to_owned(),
            kind: if self.event.is_some() { "event" } else { "scheduled" }.to_owned(),
            trigger_event: self.event.map(str::to_owned),
            cron_expression: self.cron.map(str::to_owned),
            trigger_filters: (self.filters)(),
            actions: vec![action],
        }
    }
}
