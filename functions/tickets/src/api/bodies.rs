//! What programs send (tickets 4.4, 4.5, 4.6).

use serde::{Deserialize, Serialize};
use shared::error::{Error, Invalid};
use shared::web::Patch;
use utoipa::ToSchema;

use crate::model::{self, Change, Priority, RawTicket, ReplyOut, Status, TicketOut};

/// A ticket to be raised. From people who are not technicians `subject`, `description` and
/// the files count, and `requester_id` where they may see the tickets of their company.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"subject": "Printer in room 4 jams", "description": "On every second page."}))]
pub struct CreateTicket {
    /// 1 to 255 characters.
    pub subject: Option<String>,
    /// Plain text of at most 50,000 characters.
    pub description: Option<String>,
    /// `open` unless given.
    pub status: Option<String>,
    /// `normal` unless given.
    pub priority: Option<String>,
    /// At most 64 characters.
    pub category: Option<String>,
    /// Slug of an integration module.
    pub module_slug: Option<String>,
    /// Whom it is for.
    pub company_id: Option<i64>,
    /// Who asks; must work for the company.
    pub requester_id: Option<i64>,
    /// Who works on it; must work at the desk.
    pub assigned_user_id: Option<i64>,
    /// Id in another system, at most 128 characters.
    pub external_reference: Option<String>,
    /// At most 20.
    pub tags: Vec<String>,
    /// Files that were sent ahead, at most 10.
    pub upload_ids: Vec<i64>,
}

impl From<CreateTicket> for RawTicket {
    fn from(body: CreateTicket) -> Self {
        Self {
            subject: body.subject.unwrap_or_default(),
            description: body.description,
            status: body.status,
            priority: body.priority,
            category: body.category,
            module_slug: body.module_slug,
            company_id: body.company_id,
            requester_id: body.requester_id,
            assigned_user_id: body.assigned_user_id,
            external_reference: body.external_reference,
            tags: body.tags,
        }
    }
}

/// A partial change: what is absent stays, null clears.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"status": "resolved", "version": 3}))]
pub struct UpdateTicket {
    /// 1 to 255 characters, never null.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub subject: Patch<String>,
    /// Plain text.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub description: Patch<String>,
    /// Never null.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub status: Patch<String>,
    /// Never null.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub priority: Patch<String>,
    /// Free text.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub category: Patch<String>,
    /// Slug of an integration module.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub module_slug: Patch<String>,
    /// Whom it is for.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub company_id: Patch<i64>,
    /// Who asks.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub requester_id: Patch<i64>,
    /// Who works on it.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub assigned_user_id: Patch<i64>,
    /// Id in another system.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub external_reference: Patch<String>,
    /// All tags that the ticket has from now on, at most 20; absent or null changes none.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// The version you looked at; 409 when the ticket has changed since.
    pub version: Option<i64>,
}

/// Reads a field that may not be null.
fn firm<T>(
    bad: &mut Invalid,
    field: &str,
    patch: Patch<String>,
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Option<T> {
    match patch {
        Patch::Absent => None,
        Patch::Null => bad.check(field, Err("This cannot be empty")),
        Patch::Value(text) => bad.check(field, parse(&text)),
    }
}

/// Reads a field that null clears.
fn loose(
    bad: &mut Invalid,
    field: &str,
    patch: Patch<String>,
    parse: impl Fn(Option<&str>) -> Result<Option<String>, &'static str>,
) -> Patch<String> {
    let Some(text) = patch.change() else { return Patch::Absent };
    match bad.check(field, parse(text.as_deref())) {
        Some(Some(text)) => Patch::Value(text),
        Some(None) => Patch::Null,
        None => Patch::Absent,
    }
}

impl UpdateTicket {
    /// Reads every field before any is refused.
    pub fn parse(self) -> Result<Change, Error> {
        let mut bad = Invalid::none();
        let change = Change {
            subject: firm(&mut bad, "subject", self.subject, model::subject),
            description: loose(&mut bad, "description", self.description, model::description),
            status: firm(&mut bad, "status", self.status, Status::parse),
            priority: firm(&mut bad, "priority", self.priority, Priority::parse),
            category: loose(&mut bad, "category", self.category, model::category),
            module_slug: loose(&mut bad, "module_slug", self.module_slug, model::module),
            company_id: self.company_id,
            requester_id: self.requester_id,
            assigned_user_id: self.assigned_user_id,
            external_reference: loose(&mut bad, "external_reference", self.external_reference, model::reference),
            tags: self.tags.and_then(|list| bad.check("tags", model::tags(list.iter().map(String::as_str)))),
            version: self.version,
        };
        bad.finish()?;
        Ok(change)
    }
}

/// A reply or note to be added.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"body": "Could you check whether tray 2 has the new paper?", "status": "pending"}))]
pub struct CreateReply {
    /// 1 to 50,000 characters.
    pub body: Option<String>,
    /// Only technicians see it. Ignored from other people.
    pub is_internal: bool,
    /// The status that the ticket gets with it. Ignored from people who are not technicians.
    pub status: Option<String>,
    /// Needed with an API key: a technician, or somebody who may ask on the ticket.
    pub author_id: Option<i64>,
    /// Files that were sent ahead, at most 10.
    pub upload_ids: Vec<i64>,
}

/// A reply with its ticket as it is now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replied {
    /// The ticket.
    pub ticket: TicketOut,
    /// The reply.
    pub reply: ReplyOut,
}

/// The people who shall watch, instead of those who do.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"user_ids": [4, 8]}))]
pub struct ReplaceWatchers {
    /// At most 100; doubles count once.
    pub user_ids: Vec<i64>,
}

/// Which entry an upload belongs to.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"reply_id": 77}))]
pub struct CompleteAttachment {
    /// A reply of the ticket; none for the ticket itself.
    pub reply_id: Option<i64>,
}
