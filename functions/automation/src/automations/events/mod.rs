//! The events that start automations (automation 3.3), and what conditions and variables may name of each.

pub mod describe;
pub mod latest;

use serde::Serialize;
use utoipa::ToSchema;

pub use describe::{describe, surround};
pub use latest::latest_change;

/// A dotted path into an event, and its words.
type Field = (&'static str, &'static str);

/// An event of the product.
#[derive(Debug, Clone, Copy)]
struct Known {
    name: &'static str,
    label: &'static str,
    fields: &'static [Field],
    /// What fields were and have become, for variables; conditions have comparisons for that.
    changes: &'static [Field],
}

const fn known(name: &'static str, label: &'static str, fields: &'static [Field]) -> Known {
    Known { name, label, fields, changes: &[] }
}

const fn with_changes(changes: &'static [Field], known: Known) -> Known {
    Known { changes, ..known }
}

const TICKET: &[Field] = &[
    ("ticket.priority", "Priority"),
    ("ticket.status", "Status"),
    ("ticket.category", "Category"),
    ("ticket.subject", "Subject"),
    ("ticket.description", "Description"),
    ("ticket.company", "Company"),
    ("ticket.company_id", "Company number"),
    ("ticket.requester", "Requester"),
    ("ticket.requester_email", "Requester’s email"),
    ("ticket.assigned", "Assignee"),
    ("ticket.source", "Source"),
    ("ticket.id", "Ticket number"),
    ("actor.name", "Who did it"),
    ("actor.email", "Email of who did it"),
];

const REPLY: &[Field] = &[
    ("reply.body", "Reply"),
    ("reply.is_internal", "Reply is a note"),
    ("reply.author", "Author of the reply"),
    ("ticket.priority", "Priority"),
    ("ticket.status", "Status"),
    ("ticket.category", "Category"),
    ("ticket.subject", "Subject"),
    ("ticket.company", "Company"),
    ("ticket.requester_email", "Requester’s email"),
    ("ticket.assigned", "Assignee"),
    ("ticket.id", "Ticket number"),
    ("actor.name", "Who did it"),
];

const STAFF: &[Field] = &[
    ("staff.name", "Name"),
    ("staff.email", "Email"),
    ("staff.department", "Department"),
    ("staff.job_title", "Job title"),
    ("staff.account_action", "Account action"),
    ("staff.company", "Company"),
    ("staff.company_id", "Company number"),
    ("staff.id", "Staff number"),
    ("actor.name", "Who did it"),
    ("actor.email", "Email of who did it"),
];

const TASK: &[Field] = &[("name", "Task"), ("error", "Error"), ("task_id", "Task number")];

const WEBHOOK: &[Field] = &[("name", "Delivery"), ("target", "Target"), ("status", "Status"), ("error", "Error")];

const CHANGES: &[Field] = &[
    ("changes.status.0", "Status before"),
    ("changes.status.1", "Status after"),
    ("changes.priority.0", "Priority before"),
    ("changes.priority.1", "Priority after"),
    ("changes.assigned.0", "Assignee before"),
    ("changes.assigned.1", "Assignee after"),
    ("changes.category.0", "Category before"),
    ("changes.category.1", "Category after"),
    ("changes.company.0", "Company before"),
    ("changes.company.1", "Company after"),
    ("changes.requester.0", "Requester before"),
    ("changes.requester.1", "Requester after"),
    ("changes.subject.0", "Subject before"),
    ("changes.subject.1", "Subject after"),
];

const STATUS: &[Field] = &[("changes.status.0", "Status before"), ("changes.status.1", "Status after")];

const ASSIGNEE: &[Field] = &[("changes.assigned.0", "Assignee before"), ("changes.assigned.1", "Assignee after")];

const KNOWN: [Known; 17] = [
    known("tickets.created", "Ticket created", TICKET),
    with_changes(CHANGES, known("tickets.updated", "Ticket updated", TICKET)),
    known("tickets.replied", "Reply or note added", REPLY),
    with_changes(ASSIGNEE, known("tickets.assigned", "Ticket assigned", TICKET)),
    with_changes(STATUS, known("tickets.status_changed", "Ticket status changed", TICKET)),
    with_changes(STATUS, known("tickets.closed", "Ticket resolved or closed", TICKET)),
    with_changes(STATUS, known("tickets.reopened", "Ticket reopened", TICKET)),
    known("scheduler.task_failed", "Scheduled task failed", TASK),
    known("webhook.delivered", "Webhook delivered", WEBHOOK),
    known("webhook.failed", "Webhook failed for good", WEBHOOK),
    known("shop.order_submitted", "Order placed", &[]),
    known("staff.created", "Staff member added", STAFF),
    known("staff.updated", "Staff member changed", STAFF),
    known("staff.onboard_requested", "Starter announced", STAFF),
    known("staff.offboard_requested", "Leaver announced", STAFF),
    known("staff.offboarded", "Staff member has left", STAFF),
    known("knowledge_base.published", "Article published", &[]),
];

/// Names that begin so belong to the product, also those that do not exist yet.
const RESERVED: [&str; 12] = [
    "tickets.",
    "webhook.",
    "shop.",
    "staff.",
    "knowledge_base.",
    "scheduler.",
    "users.",
    "automation.",
    "licenses.",
    "invoices.",
    "assets.",
    "ports.",
];

/// An event in the list of triggers.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"value": "tickets.created", "label": "Ticket created", "fields": ["ticket.priority"]}))]
pub struct Trigger {
    /// As automations name it.
    pub value: &'static str,
    /// For people.
    pub label: &'static str,
    /// What conditions and variables may name.
    pub fields: Vec<&'static str>,
}

/// All events of the product.
pub fn triggers() -> Vec<Trigger> {
    let fields = |known: &Known| known.fields.iter().chain(known.changes).map(|(path, _)| *path).collect();
    KNOWN.iter().map(|known| Trigger { value: known.name, label: known.label, fields: fields(known) }).collect()
}

/// The fields of an event with their words; none for an event that is not known.
pub fn fields(name: &str) -> &'static [Field] {
    KNOWN.iter().find(|known| known.name == name).map_or(&[], |known| known.fields)
}

/// What an event tells of changed fields, with words.
pub fn changes(name: &str) -> &'static [Field] {
    KNOWN.iter().find(|known| known.name == name).map_or(&[], |known| known.changes)
}

/// The words for an event; a custom one is its own name.
pub fn label(name: &str) -> String {
    KNOWN.iter().find(|known| known.name == name).map_or_else(|| name.to_owned(), |known| known.label.to_owned())
}

/// True for events about tickets.
pub fn is_about_tickets(name: &str) -> bool {
    name.starts_with("tickets.")
}

/// `^[a-z][a-z0-9_.-]{0,127}$`.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '-');
    if name.is_empty() {
        return Err("Choose an event");
    }
    if name.len() <= 128 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_plain) {
        Ok(())
    } else {
        Err("Begin with a small letter and use small letters, digits, dots, dashes and underscores")
    }
}

/// A name that somebody outside may report.
pub fn check_custom(name: &str) -> Result<(), &'static str> {
    check_name(name)?;
    if RESERVED.iter().any(|prefix| name.starts_with(prefix)) || KNOWN.iter().any(|known| known.name == name) {
        return Err("This name belongs to the portal. Choose another, such as custom.ping.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_portal_are_reserved() {
        assert!(check_custom("custom.ping").is_ok() && check_custom("backup_done").is_ok());
        for name in ["tickets.created", "tickets.other", "webhook.x", "Custom", "1x", "a b", "", "automation.x"] {
            assert!(check_custom(name).is_err(), "{name}");
        }
        assert!(check_name("tickets.created").is_ok());
        assert!(check_name(&"a".repeat(129)).is_err());
    }
}
