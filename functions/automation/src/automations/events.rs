//! The events that start automations (automation 3.3), and an event as filters and actions see it: the ids
//! of the payload with the ticket, the people and the reply behind them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::app::App;
use shared::db::{At, sql};
use shared::error::Result;
use utoipa::ToSchema;

/// An event of the product.
#[derive(Debug, Clone, Copy)]
struct Known {
    name: &'static str,
    label: &'static str,
    fields: &'static [(&'static str, &'static str)],
}

const TICKET: &[(&str, &str)] = &[
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

const REPLY: &[(&str, &str)] = &[
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

const STAFF: &[(&str, &str)] = &[
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

const TASK: &[(&str, &str)] = &[("name", "Task"), ("error", "Error"), ("task_id", "Task number")];

const WEBHOOK: &[(&str, &str)] =
    &[("name", "Delivery"), ("target", "Target"), ("status", "Status"), ("error", "Error")];

const KNOWN: [Known; 17] = [
    Known { name: "tickets.created", label: "Ticket created", fields: TICKET },
    Known { name: "tickets.updated", label: "Ticket updated", fields: TICKET },
    Known { name: "tickets.replied", label: "Reply or note added", fields: REPLY },
    Known { name: "tickets.assigned", label: "Ticket assigned", fields: TICKET },
    Known { name: "tickets.status_changed", label: "Ticket status changed", fields: TICKET },
    Known { name: "tickets.closed", label: "Ticket resolved or closed", fields: TICKET },
    Known { name: "tickets.reopened", label: "Ticket reopened", fields: TICKET },
    Known { name: "scheduler.task_failed", label: "Scheduled task failed", fields: TASK },
    Known { name: "webhook.delivered", label: "Webhook delivered", fields: WEBHOOK },
    Known { name: "webhook.failed", label: "Webhook failed for good", fields: WEBHOOK },
    Known { name: "shop.order_submitted", label: "Order placed", fields: &[] },
    Known { name: "staff.created", label: "Staff member added", fields: STAFF },
    Known { name: "staff.updated", label: "Staff member changed", fields: STAFF },
    Known { name: "staff.onboard_requested", label: "Starter announced", fields: STAFF },
    Known { name: "staff.offboard_requested", label: "Leaver announced", fields: STAFF },
    Known { name: "staff.offboarded", label: "Staff member has left", fields: STAFF },
    Known { name: "knowledge_base.published", label: "Article published", fields: &[] },
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
    let fields = |known: &Known| known.fields.iter().map(|(path, _)| *path).collect();
    KNOWN.iter().map(|known| Trigger { value: known.name, label: known.label, fields: fields(known) }).collect()
}

/// The fields of an event with their words; those of a ticket for an event that is not known.
pub fn fields(name: &str) -> &'static [(&'static str, &'static str)] {
    KNOWN.iter().find(|known| known.name == name).map_or(&[], |known| known.fields)
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

/// An event with everything that filters and actions may name.
pub async fn describe<'a>(
    at: impl Into<At<'a>>,
    id: Option<i64>,
    name: &str,
    payload: Map<String, Value>,
    when: DateTime<Utc>,
) -> Result<Value> {
    let number = |key: &str| payload.get(key).and_then(Value::as_i64);
    let found = look_up(at, number("ticket_id"), number("actor_id"), number("reply_id"), number("staff_id")).await?;
    let mut event = payload;
    let status = event.get("from").cloned().zip(event.get("to").cloned());
    if let Some((from, to)) = status.filter(|_| !event.contains_key("changes")) {
        event.insert("changes".to_owned(), json!({ "status": [from, to] }));
    }
    event.insert("event".to_owned(), json!({ "id": id, "name": name, "created_at": when }));
    for (key, value) in found {
        event.insert(key.to_owned(), value);
    }
    Ok(Value::Object(event))
}

#[derive(sqlx::FromRow)]
struct Found {
    id: Option<i64>,
    subject: Option<String>,
    description: Option<String>,
    status: Option<String>,
    priority: Option<String>,
    category: Option<String>,
    source: Option<String>,
    company_id: Option<i64>,
    company: Option<String>,
    requester_id: Option<i64>,
    requester_first: Option<String>,
    requester_last: Option<String>,
    requester_email: Option<String>,
    assigned_id: Option<i64>,
    assigned_first: Option<String>,
    assigned_last: Option<String>,
    assigned_email: Option<String>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    actor_id: Option<i64>,
    actor_first: Option<String>,
    actor_last: Option<String>,
    actor_email: Option<String>,
    reply_id: Option<i64>,
    reply_body: Option<String>,
    reply_is_internal: Option<bool>,
    reply_author: Option<String>,
    staff_id: Option<i64>,
    staff_first: Option<String>,
    staff_last: Option<String>,
    staff_email: Option<String>,
    staff_department: Option<String>,
    staff_job: Option<String>,
    staff_action: Option<String>,
    staff_company_id: Option<i64>,
    staff_company: Option<String>,
}

/// Read only, and in one statement; other areas own these tables.
const LOOK_UP: &str = "SELECT t.id, t.subject, t.description, t.status, t.priority, t.category, t.source, \
    t.company_id, c.name AS company, t.requester_id, r.first_name AS requester_first, r.last_name AS requester_last, \
    r.email AS requester_email, t.assigned_user_id AS assigned_id, a.first_name AS assigned_first, \
    a.last_name AS assigned_last, a.email AS assigned_email, t.created_at, t.updated_at, u.id AS actor_id, \
    u.first_name AS actor_first, u.last_name AS actor_last, u.email AS actor_email, p.id AS reply_id, \
    p.body AS reply_body, p.is_internal AS reply_is_internal, p.author_label AS reply_author, s.id AS staff_id, \
    s.first_name AS staff_first, s.last_name AS staff_last, s.email AS staff_email, \
    s.department AS staff_department, s.job_title AS staff_job, s.account_action AS staff_action, \
    s.company_id AS staff_company_id, d.name AS staff_company \
    FROM (SELECT 1 AS one) x LEFT JOIN tickets t ON t.id = ? LEFT JOIN companies c ON c.id = t.company_id \
    LEFT JOIN users r ON r.id = t.requester_id LEFT JOIN users a ON a.id = t.assigned_user_id \
    LEFT JOIN users u ON u.id = ? LEFT JOIN ticket_replies p ON p.id = ? AND p.ticket_id = t.id \
    LEFT JOIN staff s ON s.id = ? LEFT JOIN companies d ON d.id = s.company_id LIMIT 1";

async fn look_up<'a>(
    at: impl Into<At<'a>>,
    ticket: Option<i64>,
    actor: Option<i64>,
    reply: Option<i64>,
    staff: Option<i64>,
) -> Result<Vec<(&'static str, Value)>> {
    if ticket.is_none() && actor.is_none() && staff.is_none() {
        return Ok(Vec::new());
    }
    let found = sql(LOOK_UP).bind(ticket).bind(actor).bind(reply).bind(staff);
    let found: Option<Found> = found.fetch_optional(at).await?;
    let Some(found) = found else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    if found.id.is_some() {
        all.push(("ticket", ticket_of(&found)));
    }
    if found.staff_id.is_some() {
        all.push(("staff", staff_of(&found)));
    }
    let actor = full(found.actor_first.as_ref(), found.actor_last.as_ref(), found.actor_email.as_ref());
    if found.actor_id.is_some() {
        all.push(("actor", json!({ "id": found.actor_id, "name": actor, "email": found.actor_email })));
    }
    if found.reply_id.is_some() {
        let author = found.reply_author.or(actor);
        all.push((
            "reply",
            json!({ "id": found.reply_id, "body": found.reply_body,
            "is_internal": found.reply_is_internal, "author": author }),
        ));
    }
    Ok(all)
}

fn ticket_of(found: &Found) -> Value {
    let requester = full(found.requester_first.as_ref(), found.requester_last.as_ref(), found.requester_email.as_ref());
    let assigned = full(found.assigned_first.as_ref(), found.assigned_last.as_ref(), found.assigned_email.as_ref());
    json!({
        "id": found.id, "number": found.id, "subject": found.subject, "description": found.description,
        "status": found.status, "priority": found.priority, "category": found.category, "source": found.source,
        "company_id": found.company_id, "company": found.company, "requester_id": found.requester_id,
        "requester": requester, "requester_email": found.requester_email, "assigned_id": found.assigned_id,
        "assigned": assigned, "assigned_email": found.assigned_email, "created_at": found.created_at,
        "updated_at": found.updated_at, "path": found.id.map(|id| format!("/tickets/{id}")),
    })
}

fn staff_of(found: &Found) -> Value {
    let name = full(found.staff_first.as_ref(), found.staff_last.as_ref(), found.staff_email.as_ref());
    json!({
        "id": found.staff_id, "name": name, "first_name": found.staff_first, "last_name": found.staff_last,
        "email": found.staff_email, "department": found.staff_department, "job_title": found.staff_job,
        "account_action": found.staff_action, "company_id": found.staff_company_id, "company": found.staff_company,
        "path": found.staff_id.map(|id| format!("/staff/{id}")),
    })
}

fn full(first: Option<&String>, last: Option<&String>, email: Option<&String>) -> Option<String> {
    let name: Vec<&str> = [first, last].into_iter().flatten().map(String::as_str).filter(|t| !t.is_empty()).collect();
    if name.is_empty() { email.cloned() } else { Some(name.join(" ")) }
}

/// The same with what is true of every run: the automation, the portal, the time.
pub fn surround(event: &Value, app: &App, automation: (i64, &str), now: DateTime<Utc>) -> Value {
    let mut known = event.as_object().cloned().unwrap_or_default();
    known.insert("automation".to_owned(), json!({ "id": automation.0, "name": automation.1 }));
    known.insert("portal".to_owned(), json!({ "baseUrl": app.config().base_url().unwrap_or_default() }));
    known.insert("now".to_owned(), json!(now));
    known.insert("steps".to_owned(), json!([]));
    Value::Object(known)
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
