//! Rows of `tickets`, with the names that belong to them.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use shared::db::{At, Tx, sql};
use shared::error::{Error, Result};
use shared::search;

use super::{tags, texts};
use crate::model::{self, NewTicket, State, Status, TicketOut, person_name};
use crate::scope::{Doer, Scope};

/// A ticket as stored, with joined names.
#[expect(missing_docs, reason = "each field is the column of its name")]
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Ticket {
    pub id: i64,
    pub subject: String,
    pub description: Option<String>,
    pub status: String,
    pub priority: String,
    pub category: Option<String>,
    pub module_slug: Option<String>,
    pub source: String,
    pub company_id: Option<i64>,
    pub company_name: Option<String>,
    pub requester_id: Option<i64>,
    pub requester_first: Option<String>,
    pub requester_last: Option<String>,
    pub requester_email: Option<String>,
    pub created_by_id: Option<i64>,
    pub created_first: Option<String>,
    pub created_last: Option<String>,
    pub created_email: Option<String>,
    pub assigned_user_id: Option<i64>,
    pub assigned_first: Option<String>,
    pub assigned_last: Option<String>,
    pub assigned_email: Option<String>,
    pub external_source: Option<String>,
    pub external_reference: Option<String>,
    pub external_number: Option<String>,
    pub ai_summary: Option<String>,
    pub ai_summary_status: Option<String>,
    pub ai_summary_model: Option<String>,
    pub ai_resolution_state: Option<String>,
    pub ai_summary_updated_at: Option<DateTime<Utc>>,
    pub ai_tags: Option<String>,
    pub ai_tags_status: Option<String>,
    pub ai_tags_model: Option<String>,
    pub ai_tags_updated_at: Option<DateTime<Utc>>,
    pub first_response_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub last_reply_at: Option<DateTime<Utc>>,
    pub last_reply_side: Option<String>,
    /// With commas between them, in no order.
    pub tag_list: Option<String>,
    /// The ticket that this one became part of.
    pub merged_into_id: Option<i64>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Everything of a ticket.
pub(super) const COLUMNS: &str = "SELECT t.id, t.subject, t.description, t.status, t.priority, t.category, \
    t.module_slug, t.source, t.company_id, c.name AS company_name, t.requester_id, \
    q.first_name AS requester_first, q.last_name AS requester_last, q.email AS requester_email, \
    t.created_by_id, b.first_name AS created_first, b.last_name AS created_last, b.email AS created_email, \
    t.assigned_user_id, a.first_name AS assigned_first, a.last_name AS assigned_last, a.email AS assigned_email, \
    t.external_source, t.external_reference, t.external_number, t.ai_summary, t.ai_summary_status, \
    t.ai_summary_model, t.ai_resolution_state, t.ai_summary_updated_at, t.ai_tags, t.ai_tags_status, \
    t.ai_tags_model, t.ai_tags_updated_at, t.first_response_at, t.closed_at, t.last_reply_at, t.last_reply_side, \
    t.version, t.created_at, t.updated_at, \
    (SELECT GROUP_CONCAT(g.tag) FROM ticket_tags g WHERE g.ticket_id = t.id) AS tag_list, \
    (SELECT z.target_id FROM ticket_merges z WHERE z.ticket_id = t.id) AS merged_into_id";

/// The names that belong to a ticket.
pub(super) const NAMES: &str = " LEFT JOIN companies c ON c.id = t.company_id \
    LEFT JOIN users q ON q.id = t.requester_id LEFT JOIN users a ON a.id = t.assigned_user_id \
    LEFT JOIN users b ON b.id = t.created_by_id";

impl Ticket {
    /// Who asks.
    pub fn requester_name(&self) -> Option<String> {
        let (first, last) = (self.requester_first.as_deref(), self.requester_last.as_deref());
        person_name(first, last, self.requester_email.as_deref())
    }

    /// Who works on it.
    pub fn assigned_name(&self) -> Option<String> {
        let (first, last) = (self.assigned_first.as_deref(), self.assigned_last.as_deref());
        person_name(first, last, self.assigned_email.as_deref())
    }

    /// Who typed it in, where that is not who asks.
    pub fn raised_by(&self) -> Option<String> {
        let (first, last) = (self.created_first.as_deref(), self.created_last.as_deref());
        let is_other = self.created_by_id.is_some() && self.created_by_id != self.requester_id;
        person_name(first, last, self.created_email.as_deref()).filter(|_| is_other)
    }

    /// What the rules look at.
    pub fn state(&self) -> State {
        State { status: Status::stored(&self.status), closed_at: self.closed_at }
    }

    /// What the desk put on it, by alphabet.
    pub fn tags(&self) -> Vec<String> {
        split_tags(self.tag_list.as_deref())
    }

    /// Sets what `save` writes.
    pub fn set_tags(&mut self, tags: &[String]) {
        self.tag_list = (!tags.is_empty()).then(|| tags.join(","));
    }

    /// What a model suggests, in the form of tags.
    pub fn suggested_tags(&self) -> Vec<String> {
        let told: Vec<String> =
            self.ai_tags.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        told.iter().filter_map(|text| model::tag(text).ok()).collect()
    }

    /// What people may change, for the record of changes.
    pub fn facts(&self) -> Map<String, Value> {
        let description: Option<String> = self.description.as_ref().map(|text| text.chars().take(500).collect());
        let facts = json!({
            "subject": self.subject, "description": description, "status": self.status, "priority": self.priority,
            "category": self.category, "module_slug": self.module_slug, "external_reference": self.external_reference,
            "company_id": self.company_id, "company_name": self.company_name,
            "requester_id": self.requester_id, "requester_name": self.requester_name(),
            "assigned_user_id": self.assigned_user_id, "assigned_name": self.assigned_name(),
            "tags": self.tags(),
        });
        if let Value::Object(facts) = facts { facts } else { Map::new() }
    }

    /// As programs in this scope read it.
    pub fn out(self, scope: Scope) -> TicketOut {
        let (requester_name, assigned_name) = (self.requester_name(), self.assigned_name());
        let desk = scope.sees_desk();
        let ai_tags = self.ai_tags.as_deref().map(|text| serde_json::from_str(text).unwrap_or_default());
        let tags = desk.then(|| self.tags());
        TicketOut {
            id: self.id,
            subject: self.subject,
            description: self.description,
            status: self.status,
            priority: self.priority,
            category: self.category,
            module_slug: self.module_slug,
            company_id: self.company_id,
            requester_id: self.requester_id,
            assigned_user_id: self.assigned_user_id,
            external_reference: self.external_reference.filter(|_| desk),
            created_at: self.created_at,
            updated_at: self.updated_at,
            closed_at: self.closed_at,
            ai_summary: self.ai_summary.filter(|_| desk),
            ai_summary_status: self.ai_summary_status.filter(|_| desk),
            ai_summary_model: self.ai_summary_model.filter(|_| desk),
            ai_resolution_state: self.ai_resolution_state.filter(|_| desk),
            ai_summary_updated_at: self.ai_summary_updated_at.filter(|_| desk),
            ai_tags: desk.then(|| ai_tags.unwrap_or_default()),
            ai_tags_status: self.ai_tags_status.filter(|_| desk),
            ai_tags_model: self.ai_tags_model.filter(|_| desk),
            ai_tags_updated_at: self.ai_tags_updated_at.filter(|_| desk),
            tags,
            merged_into_id: self.merged_into_id.filter(|_| desk),
            source: self.source,
            external_source: self.external_source.filter(|_| desk),
            external_number: self.external_number.filter(|_| desk),
            first_response_at: self.first_response_at,
            last_reply_at: self.last_reply_at,
            last_reply_side: self.last_reply_side,
            version: self.version,
            company_name: self.company_name,
            requester_name,
            requester_email: self.requester_email,
            assigned_name,
        }
    }
}

/// The tags of a ticket from the database's list of them.
pub(super) fn split_tags(list: Option<&str>) -> Vec<String> {
    let mut tags: Vec<String> =
        list.unwrap_or_default().split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
    tags.sort();
    tags
}

/// The one answer for what is missing and for what the caller may not see.
pub fn not_found() -> Error {
    Error::not_found("Ticket not found")
}

/// A ticket that the caller may see.
pub async fn find(scope: Scope, at: impl Into<At<'_>>, id: i64) -> Result<Ticket> {
    let query =
        sql(COLUMNS).push(" FROM tickets t").push(NAMES).push(" WHERE t.id = ?").bind(id).append(scope.reading());
    query.fetch_optional(at).await?.ok_or_else(not_found)
}

/// Takes the ticket for the rest of the transaction, so that two replies or changes come one after
/// the other on every engine.
pub async fn lock(tx: &mut Tx, id: i64) -> Result<()> {
    let locked = sql("UPDATE tickets SET version = version WHERE id = ?").bind(id).execute(tx).await?;
    if locked == 1 { Ok(()) } else { Err(not_found()) }
}

fn search_text(subject: &str, description: Option<&str>, reference: Option<&str>) -> String {
    search::fold(&format!("{subject} {} {}", description.unwrap_or_default(), reference.unwrap_or_default()))
}

/// Adds a ticket.
pub async fn insert(tx: &mut Tx, doer: &Doer, new: &NewTicket) -> Result<i64> {
    let now = tx.stamp().at;
    let words = search_text(&new.subject, new.description.as_deref(), new.external_reference.as_deref());
    let id =
        sql("INSERT INTO tickets (company_id, requester_id, assigned_user_id, created_by_id, subject, description, \
         status, priority, priority_order, category, module_slug, source, external_reference, closed_at, search_text, \
         version, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)")
        .bind(new.company_id)
        .bind(new.requester_id)
        .bind(new.assigned_user_id)
        .bind(doer.id)
        .bind(&new.subject)
        .bind(new.description.clone())
        .bind(new.status.as_str())
        .bind(new.priority.as_str())
        .bind(new.priority.order())
        .bind(new.category.clone())
        .bind(new.module_slug.clone())
        .bind(doer.source)
        .bind(new.external_reference.clone())
        .bind(new.status.is_done().then_some(now))
        .bind(&words)
        .bind(now)
        .bind(now)
        .insert(&mut *tx)
        .await?;
    tags::retag(&mut *tx, id, &[], &new.tags).await?;
    texts::begin(tx, id, &words).await?;
    Ok(id)
}

/// Writes the fields that people change; the version rises. The texts follow where words changed.
pub async fn save(tx: &mut Tx, before: &Ticket, ticket: &Ticket) -> Result<()> {
    write(&mut *tx, ticket).await?;
    tags::retag(&mut *tx, ticket.id, &before.tags(), &ticket.tags()).await?;
    let words = |t: &Ticket| search_text(&t.subject, t.description.as_deref(), t.external_reference.as_deref());
    let new = words(ticket);
    if new == words(before) {
        return Ok(());
    }
    sql("UPDATE tickets SET search_text = ? WHERE id = ?").bind(&new).bind(ticket.id).execute(&mut *tx).await?;
    texts::renew(tx, ticket.id).await
}

async fn write(tx: &mut Tx, ticket: &Ticket) -> Result<()> {
    let now = tx.stamp().at;
    let priority = crate::model::Priority::stored(&ticket.priority);
    sql(
        "UPDATE tickets SET subject = ?, description = ?, status = ?, priority = ?, priority_order = ?, category = ?, \
         module_slug = ?, company_id = ?, requester_id = ?, assigned_user_id = ?, external_reference = ?, closed_at = ?, \
         version = version + 1, updated_at = ? WHERE id = ?",
    )
    .bind(&ticket.subject)
    .bind(ticket.description.clone())
    .bind(&ticket.status)
    .bind(&ticket.priority)
    .bind(priority.order())
    .bind(ticket.category.clone())
    .bind(ticket.module_slug.clone())
    .bind(ticket.company_id)
    .bind(ticket.requester_id)
    .bind(ticket.assigned_user_id)
    .bind(ticket.external_reference.clone())
    .bind(ticket.closed_at)
    .bind(now)
    .bind(ticket.id)
    .execute(tx)
    .await?;
    Ok(())
}

/// What a reply leaves on its ticket.
#[derive(Debug, Clone, Copy)]
pub struct Touch {
    /// Set by public replies.
    pub side: Option<crate::model::Side>,
    /// The first public answer by a technician.
    pub is_first_response: bool,
    /// The status and closing time that follow, if the status changes; the version rises with it.
    pub status: Option<(Status, Option<DateTime<Utc>>)>,
}

/// Notes a reply on its ticket.
pub async fn touch(tx: &mut Tx, id: i64, touch: &Touch) -> Result<()> {
    let now = tx.stamp().at;
    let mut query = sql("UPDATE tickets SET updated_at = ?").bind(now);
    if let Some(side) = touch.side {
        query = query.push(", last_reply_at = ?").bind(now).push(", last_reply_side = ?").bind(side.as_str());
    }
    if touch.is_first_response {
        query = query.push(", first_response_at = ?").bind(now);
    }
    if let Some((status, closed_at)) = touch.status {
        query = query.push(", status = ?").bind(status.as_str()).push(", closed_at = ?").bind(closed_at);
        query = query.push(", version = version + 1");
    }
    query.push(" WHERE id = ?").bind(id).execute(tx).await?;
    Ok(())
}

/// Removes a ticket with its replies, watchers, activity and the links to its files.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<()> {
    sql("DELETE FROM tickets WHERE id = ?").bind(id).execute(tx).await?;
    Ok(())
}
