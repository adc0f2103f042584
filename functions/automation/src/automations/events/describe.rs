//! An event as filters and actions see it: the ids of the payload with the ticket, the people and the reply
//! behind them.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use shared::app::App;
use shared::db::{At, sql};
use shared::error::Result;

/// An event with everything that filters and actions may name.
pub async fn describe<'a>(
    at: impl Into<At<'a>>,
    id: Option<i64>,
    name: &str,
    payload: Map<String, Value>,
    when: DateTime<Utc>,
) -> Result<Value> {
    let number = |key: &str| payload.get(key).and_then(Value::as_i64);
    let is_assignment = name == "tickets.assigned";
    let about = About {
        ticket: number("ticket_id"),
        actor: number("actor_id"),
        reply: number("reply_id"),
        staff: number("staff_id"),
        before: number("previous_assigned_user_id").filter(|_| is_assignment),
        after: number("user_id").filter(|_| is_assignment),
    };
    let found = look_up(at, &about).await?;
    let changes = changes(&payload, &about, found.as_ref());
    let mut event = payload;
    if let Some(changes) = changes {
        event.insert("changes".to_owned(), Value::Object(changes));
    }
    event.insert("event".to_owned(), json!({ "id": id, "name": name, "created_at": when }));
    for (key, value) in found.into_iter().flat_map(objects) {
        event.insert(key.to_owned(), value);
    }
    Ok(Value::Object(event))
}

/// Names of the payload, and those that the same thing has in the ticket.
const SAME: [(&str, &str); 4] = [
    ("assigned_user_id", "assigned_id"),
    ("assigned_name", "assigned"),
    ("requester_name", "requester"),
    ("company_name", "company"),
];

/// What changed, under the names that the fields have in the ticket: each what it was and what it has become.
fn changes(payload: &Map<String, Value>, about: &About, found: Option<&Found>) -> Option<Map<String, Value>> {
    if let Some(told) = payload.get("changes") {
        let mut told = told.as_object()?.clone();
        for (from, to) in SAME {
            if let Some(change) = told.get(from).cloned() {
                told.entry(to).or_insert(change);
            }
        }
        return Some(told);
    }
    if let (Some(from), Some(to)) = (payload.get("from"), payload.get("to")) {
        return Some(Map::from_iter([("status".to_owned(), json!([from, to]))]));
    }
    let after = about.after?;
    let names = found.map_or((None, None), |found| (found.before_name(), found.after_name()));
    Some(Map::from_iter([
        ("assigned_id".to_owned(), json!([about.before, after])),
        ("assigned".to_owned(), json!([names.0, names.1])),
    ]))
}

/// The ids of everything that an event is about.
#[derive(Debug, Default)]
struct About {
    ticket: Option<i64>,
    actor: Option<i64>,
    reply: Option<i64>,
    staff: Option<i64>,
    /// Who had the ticket before it was assigned, and who has it since.
    before: Option<i64>,
    after: Option<i64>,
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
    before_first: Option<String>,
    before_last: Option<String>,
    before_email: Option<String>,
    after_first: Option<String>,
    after_last: Option<String>,
    after_email: Option<String>,
}

impl Found {
    fn before_name(&self) -> Option<String> {
        full(self.before_first.as_ref(), self.before_last.as_ref(), self.before_email.as_ref())
    }

    fn after_name(&self) -> Option<String> {
        full(self.after_first.as_ref(), self.after_last.as_ref(), self.after_email.as_ref())
    }
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
    s.company_id AS staff_company_id, d.name AS staff_company, b.first_name AS before_first, \
    b.last_name AS before_last, b.email AS before_email, n.first_name AS after_first, n.last_name AS after_last, \
    n.email AS after_email \
    FROM (SELECT 1 AS one) x LEFT JOIN tickets t ON t.id = ? LEFT JOIN companies c ON c.id = t.company_id \
    LEFT JOIN users r ON r.id = t.requester_id LEFT JOIN users a ON a.id = t.assigned_user_id \
    LEFT JOIN users u ON u.id = ? LEFT JOIN ticket_replies p ON p.id = ? AND p.ticket_id = t.id \
    LEFT JOIN staff s ON s.id = ? LEFT JOIN companies d ON d.id = s.company_id \
    LEFT JOIN users b ON b.id = ? LEFT JOIN users n ON n.id = ? LIMIT 1";

async fn look_up<'a>(at: impl Into<At<'a>>, about: &About) -> Result<Option<Found>> {
    if about.ticket.is_none() && about.actor.is_none() && about.staff.is_none() {
        return Ok(None);
    }
    let found = sql(LOOK_UP).bind(about.ticket).bind(about.actor).bind(about.reply).bind(about.staff);
    Ok(found.bind(about.before).bind(about.after).fetch_optional(at).await?)
}

/// What was found, under the names by which filters and actions call it.
fn objects(found: Found) -> Vec<(&'static str, Value)> {
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
    all
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

    fn changes_of(payload: Value) -> Value {
        let about = About { after: payload["user_id"].as_i64(), ..About::default() };
        changes(payload.as_object().unwrap(), &about, None).map_or(Value::Null, Value::Object)
    }

    #[test]
    fn changes_have_the_names_of_the_fields() {
        let told = changes_of(json!({"changes": {"assigned_user_id": [null, 7], "assigned_name": [null, "Grace Lin"],
            "status": ["open", "closed"], "company_name": ["Acme", null]}}));
        assert_eq!(told["assigned"], json!([null, "Grace Lin"]));
        assert_eq!((&told["assigned_id"], &told["company"]), (&json!([null, 7]), &json!(["Acme", null])));
        assert_eq!(told["status"], json!(["open", "closed"]));
        assert!(told.get("requester").is_none());
        assert_eq!(changes_of(json!({"from": "open", "to": "closed"})), json!({"status": ["open", "closed"]}));
        assert_eq!(changes_of(json!({"user_id": 7}))["assigned_id"], json!([null, 7]));
        assert_eq!(changes_of(json!({"from": "open"})), Value::Null);
    }
}
