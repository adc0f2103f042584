//! A ticket as Syncro writes it, read into ours (tickets 9.4). Records are odd in the field: every value
//! may be missing, null, a number in place of a text or the other way round.

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::syncro::time;

use super::text;
use crate::model::{Priority, Status};

/// A ticket of Syncro in our words; people and companies still by their names there.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// Its id there.
    pub reference: String,
    /// The number that people see there.
    pub number: Option<String>,
    /// One line.
    pub subject: String,
    /// None when nothing says it.
    pub description: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// How much it matters.
    pub priority: Priority,
    /// What it is about.
    pub category: Option<String>,
    /// The customer's id there.
    pub customer: Option<String>,
    /// The address of who asks.
    pub requester: Option<String>,
    /// The address of who works on it.
    pub assignee: Option<String>,
    /// When it was raised.
    pub created_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// When it was done.
    pub closed_at: Option<DateTime<Utc>>,
    /// What was said, oldest first, without what became the description.
    pub comments: Vec<Comment>,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Comment {
    /// Its id there.
    pub reference: String,
    /// Plain text.
    pub body: String,
    /// Customers do not see it.
    pub is_internal: bool,
    /// Who said it.
    pub author: Author,
    /// The name to show where nobody here is meant.
    pub label: String,
    /// When.
    pub created_at: Option<DateTime<Utc>>,
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The customer.
    Requester,
    /// The technician of the ticket.
    Assignee,
    /// Another technician.
    Other,
}

/// A file of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its id there.
    pub reference: String,
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub address: String,
}

/// Files of one ticket.
const MOST_FILES: usize = 200;

/// The first of some fields that says something, as text.
fn first(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| scalar(value.get(*name)?))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        }
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn time_of(value: &Value, names: &[&str], zone: &str) -> Option<DateTime<Utc>> {
    names.iter().find_map(|name| time(value.get(*name)?.as_str()?, zone))
}

/// The id of a ticket; without one it is nobody's.
pub fn reference(ticket: &Value) -> Option<String> {
    first(ticket, &["id"]).filter(|id| id.len() <= 128)
}

/// The comments that came with a ticket, if they did.
pub fn comments_of(ticket: &Value) -> Option<&Vec<Value>> {
    ticket.get("comments").and_then(Value::as_array)
}

/// The files that a ticket names; none where it does not say whether it has any.
pub fn attachments_of(ticket: &Value) -> Option<Vec<Attachment>> {
    let list = ticket.get("attachments")?.as_array()?;
    Some(list.iter().filter_map(attachment).take(MOST_FILES).collect())
}

fn attachment(value: &Value) -> Option<Attachment> {
    let reference = first(value, &["id"]).filter(|id| id.len() <= 128)?;
    let inner = value.get("file").and_then(|file| scalar(file).or_else(|| first(file, &["url"])));
    let address = inner.or_else(|| first(value, &["url", "file_url"])).filter(|address| address.len() <= 8000)?;
    let end = address.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let name = first(value, &["file_name", "filename", "name"]).and_then(|name| text::line(&name, 255));
    let name = name.or_else(|| text::line(end, 255)).unwrap_or_else(|| format!("File {reference}"));
    Some(Attachment { reference, name, address })
}

/// When a ticket last changed.
pub fn updated_at(ticket: &Value, zone: &str) -> Option<DateTime<Utc>> {
    time_of(ticket, &["updated_at", "updated_on"], zone)
}

/// Reads a ticket with its comments; none without an id.
pub fn read(ticket: &Value, comments: &[Value], zone: &str) -> Option<Mapped> {
    let reference = reference(ticket)?;
    let subject = ["subject", "title", "summary"].iter().find_map(|name| text::line(ticket.get(*name)?.as_str()?, 255));
    let mut comments: Vec<&Value> = comments.iter().filter(|comment| comment.is_object()).collect();
    comments.sort_by_key(|comment| time_of(comment, &["created_at"], zone));
    let issue = issue(&comments);
    let own = ["problem", "description", "issue", "body", "notes"];
    let described = issue.and_then(body);
    let described = described.or_else(|| own.iter().find_map(|name| text::plain(ticket.get(*name)?.as_str()?)));
    let said = comments.iter().filter(|comment| issue.is_none_or(|issue| !std::ptr::eq(issue, **comment)));
    let mut status = status(&first(ticket, &["status_name", "status"]).unwrap_or_default());
    let closed_at = time_of(ticket, &["resolved_at", "closed_at", "completed_at", "date_resolved"], zone);
    if closed_at.is_some() && !status.is_done() {
        status = Status::Resolved;
    }
    let nested = |outer: &str, name: &str| ticket.get(outer).and_then(|value| first(value, &[name]));
    Some(Mapped {
        number: first(ticket, &["number"]).map(|number| number.chars().take(64).collect()),
        subject: subject.unwrap_or_else(|| format!("Syncro Ticket {reference}")),
        description: described,
        status,
        priority: priority(&first(ticket, &["priority"]).unwrap_or_default()),
        category: first(ticket, &["problem_type", "type", "category"]).and_then(|category| text::line(&category, 64)),
        customer: first(ticket, &["customer_id", "customerId"]).or_else(|| nested("customer", "id")),
        requester: nested("contact", "email").or_else(|| nested("customer", "email")),
        assignee: nested("user", "email"),
        created_at: time_of(ticket, &["created_at", "created_on"], zone),
        updated_at: updated_at(ticket, zone),
        closed_at,
        comments: said.filter_map(|comment| comment_of(ticket, comment, zone)).collect(),
        reference,
    })
}

/// What the customer wrote first: the initial issue, else the oldest words that no technician wrote.
fn issue<'c>(comments: &[&'c Value]) -> Option<&'c Value> {
    let subject = |comment: &Value| first(comment, &["subject"]).unwrap_or_default().to_lowercase();
    let initial = comments.iter().find(|comment| subject(comment) == "initial issue" && body(comment).is_some());
    let theirs = || comments.iter().find(|comment| first(comment, &["user_id"]).is_none() && body(comment).is_some());
    initial.or_else(theirs).copied().filter(|comment| !is_hidden(comment))
}

fn body(comment: &Value) -> Option<String> {
    text::plain(comment.get("body")?.as_str()?)
}

fn is_hidden(comment: &Value) -> bool {
    match comment.get("hidden") {
        Some(Value::Bool(hidden)) => *hidden,
        Some(Value::String(text)) => text == "true",
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        _ => false,
    }
}

fn comment_of(ticket: &Value, comment: &Value, zone: &str) -> Option<Comment> {
    let reference = first(comment, &["id"]).filter(|id| id.len() <= 128)?;
    let title = first(comment, &["subject"])
        .filter(|title| !matches!(title.to_lowercase().as_str(), "initial issue" | "update"));
    let body = match (title.and_then(|title| text::line(&title, 255)), body(comment)) {
        (Some(title), Some(body)) => format!("{title}\n{body}").chars().take(50_000).collect(),
        (Some(title), None) => title,
        (None, body) => body?,
    };
    let technician = ticket.get("user").and_then(|user| first(user, &["id"])).or_else(|| first(ticket, &["user_id"]));
    let author = match first(comment, &["user_id"]) {
        None => Author::Requester,
        id if id == technician => Author::Assignee,
        Some(_) => Author::Other,
    };
    let contact = ticket.get("contact").and_then(|contact| first(contact, &["name", "fullname"]));
    let contact = contact.or_else(|| first(ticket, &["customer_business_then_name"]));
    let label = match author {
        Author::Requester => contact,
        Author::Assignee | Author::Other => first(comment, &["tech"]),
    };
    let label = label.and_then(|label| text::line(&label, 255)).unwrap_or_else(|| "Syncro".to_owned());
    let created_at = time_of(comment, &["created_at"], zone);
    Some(Comment { reference, body, is_internal: is_hidden(comment), author, label, created_at })
}

/// The status of a word of Syncro.
pub fn status(word: &str) -> Status {
    let word = word.trim().to_lowercase();
    if let Ok(same) = Status::parse(&word) {
        return same;
    }
    let has = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    if has(&["progress"]) {
        Status::InProgress
    } else if has(&["pend", "wait", "schedul"]) {
        Status::Pending
    } else if has(&["resolv", "complete"]) {
        Status::Resolved
    } else if has(&["clos", "invoic"]) {
        Status::Closed
    } else {
        Status::Open
    }
}

/// The priority of a word of Syncro.
pub fn priority(word: &str) -> Priority {
    let word = word.trim().to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    if has(&["urgent", "emer", "crit"]) || word == "0" {
        Priority::Urgent
    } else if has(&["high"]) || word == "1" {
        Priority::High
    } else if has(&["low"]) || word == "3" {
        Priority::Low
    } else {
        Priority::Normal
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_of_syncro_become_ours() {
        for (word, ours) in [
            ("New", Status::Open),
            ("Customer Reply", Status::Open),
            ("", Status::Open),
            ("???", Status::Open),
            ("In Progress", Status::InProgress),
            ("in_progress", Status::InProgress),
            ("Waiting on Customer", Status::Pending),
            ("Waiting for Parts", Status::Pending),
            ("Scheduled", Status::Pending),
            ("Resolved", Status::Resolved),
            ("Completed", Status::Resolved),
            ("Closed", Status::Closed),
            ("Invoiced", Status::Closed),
        ] {
            assert_eq!(status(word), ours, "{word}");
        }
        for (word, ours) in [
            ("0 Urgent", Priority::Urgent),
            ("Emergency", Priority::Urgent),
            ("Critical", Priority::Urgent),
            ("1 High", Priority::High),
            ("2 Normal", Priority::Normal),
            ("Medium", Priority::Normal),
            ("", Priority::Normal),
            ("weird", Priority::Normal),
            ("3 Low", Priority::Low),
        ] {
            assert_eq!(priority(word), ours, "{word}");
        }
    }

    #[test]
    fn a_whole_ticket_is_read() {
        let ticket = json!({
            "id": 4711, "number": 1042, "subject": "Printer &amp; scanner", "status": "Waiting on Customer",
            "priority": "0 Urgent", "problem_type": "Hardware", "customer_id": 77, "user_id": 5,
            "contact": {"name": "Ana Lima", "email": "ana@example.com"}, "user": {"id": 5, "email": "tom@example.com"},
            "created_at": "2026-06-01T09:00:00-04:00", "updated_at": "2026-06-02T09:00:00-04:00", "resolved_at": null,
        });
        let comments = [
            json!({"id": 3, "subject": "Update", "body": "Look inside", "hidden": true, "user_id": 6, "tech": "Eve",
                "created_at": "2026-06-01T12:00:00-04:00"}),
            json!({"id": 1, "subject": "Initial Issue", "body": "<p>It jams</p>", "user_id": null,
                "created_at": "2026-06-01T09:00:00-04:00"}),
            json!({"id": 2, "subject": "Called back", "body": "No answer", "hidden": false, "user_id": 5, "tech": "Tom",
                "created_at": "2026-06-01T10:00:00-04:00"}),
            json!({"id": 4, "subject": "Update", "body": "Thanks", "user_id": null, "created_at": "2026-06-02T09:00:00-04:00"}),
            json!({"id": 5, "subject": "Update", "body": "", "user_id": null}),
            json!("nonsense"),
        ];
        let read = read(&ticket, &comments, "UTC").unwrap();
        assert_eq!((read.reference.as_str(), read.number.as_deref()), ("4711", Some("1042")));
        assert_eq!((read.subject.as_str(), read.description.as_deref()), ("Printer & scanner", Some("It jams")));
        assert_eq!((read.status, read.priority), (Status::Pending, Priority::Urgent));
        assert_eq!((read.category.as_deref(), read.customer.as_deref()), (Some("Hardware"), Some("77")));
        assert_eq!(read.created_at.unwrap().to_rfc3339(), "2026-06-01T13:00:00+00:00");
        let said: Vec<(&str, &str, bool, Author, &str)> = read
            .comments
            .iter()
            .map(|c| (c.reference.as_str(), c.body.as_str(), c.is_internal, c.author, c.label.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                ("2", "Called back\nNo answer", false, Author::Assignee, "Tom"),
                ("3", "Look inside", true, Author::Other, "Eve"),
                ("4", "Thanks", false, Author::Requester, "Ana Lima"),
            ]
        );
    }

    #[test]
    fn files_are_named_in_several_ways() {
        assert_eq!(attachments_of(&json!({"id": 1})), None);
        assert_eq!(attachments_of(&json!({"id": 1, "attachments": null})), None);
        let list = json!([
            {"id": 1, "file_name": "tray.png", "file": {"url": "https://files.example/a/1.png?sig=x"}},
            {"id": "2", "url": "/uploads/2/plan.pdf?x=1"},
            {"id": 3, "file": "https://files.example/3/"},
            {"id": 4, "file": {"url": null}},
            {"file": {"url": "https://files.example/5"}},
            null,
            "text",
        ]);
        let read: Vec<(String, String)> = attachments_of(&json!({ "attachments": list }))
            .unwrap()
            .into_iter()
            .map(|file| (file.name, file.address))
            .collect();
        let wanted = [
            ("tray.png", "https://files.example/a/1.png?sig=x"),
            ("plan.pdf", "/uploads/2/plan.pdf?x=1"),
            ("File 3", "https://files.example/3/"),
        ];
        assert_eq!(read, wanted.map(|(name, address)| (name.to_owned(), address.to_owned())));
    }

    #[test]
    fn odd_records_are_read_as_far_as_they_go() {
        assert_eq!(read(&json!({}), &[], "UTC"), None);
        assert_eq!(read(&json!({"id": null}), &[], "UTC"), None);
        assert_eq!(read(&json!("text"), &[], "UTC"), None);
        let bare = read(
            &json!({"id": "9", "subject": "  ", "priority": 0, "status": null, "customer": {"id": "12"},
            "created_at": "soon", "notes": "From notes"}),
            &[],
            "UTC",
        )
        .unwrap();
        assert_eq!(
            (bare.subject.as_str(), bare.priority, bare.status),
            ("Syncro Ticket 9", Priority::Urgent, Status::Open)
        );
        assert_eq!((bare.customer.as_deref(), bare.description.as_deref()), (Some("12"), Some("From notes")));
        assert_eq!((bare.created_at, bare.updated_at), (None, None));
        let done = read(&json!({"id": 1, "status": "New", "resolved_at": "2026-06-01T00:00:00Z"}), &[], "UTC").unwrap();
        assert_eq!(done.status, Status::Resolved);
        // A hidden initial issue is a note and never the description that customers read.
        let hidden = json!({"id": 2, "subject": "Initial Issue", "body": "Secret", "hidden": true});
        let kept = read(&json!({"id": 1}), &[hidden], "UTC").unwrap();
        assert_eq!((kept.description, kept.comments.len(), kept.comments[0].is_internal), (None, 1, true));
    }
}
