//! One ticket of Syncro into ours, in one transaction (tickets 9.4).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, json};
use shared::accounts::users;
use shared::db::{At, Tx, sql};
use shared::error::Result;
use shared::events::{emit, names};
use shared::modules::Slug;
use shared::{search, tokens};

use super::mapping::{Author, Comment, Mapped};
use crate::model::{self, NewReply, NewTicket};
use crate::scope::{Doer, Scope};
use crate::store::{self, NewActivity, Ticket};

/// What became of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It is new here.
    Created,
    /// Something about it changed.
    Updated,
    /// Everything was as it is.
    Same,
}

/// What was written.
#[derive(Debug, Clone, Copy)]
pub struct Written {
    /// Row of `tickets` where the conversation is.
    pub ticket_id: i64,
    /// What became of it.
    pub became: Became,
    /// Replies that are new here.
    pub comments: i64,
    /// Its customer is nobody's company here.
    pub has_no_company: bool,
}

/// A ticket that came from Syncro before, and when it had last changed there.
pub async fn known(at: impl Into<At<'_>>, reference: &str) -> Result<Option<(i64, Option<DateTime<Utc>>)>> {
    let query = sql("SELECT id, external_updated_at FROM tickets WHERE external_source = 'syncro' \
         AND external_reference = ?");
    Ok(query.bind(reference).fetch_optional(at).await?)
}

/// Who does what an import does.
pub fn doer() -> Doer {
    Doer { id: None, label: "Syncro import".to_owned(), is_desk: true, source: "syncro" }
}

/// The people and the company of a ticket, as far as they are known here.
#[derive(Debug, Clone, Copy, Default)]
struct People {
    company: Option<i64>,
    requester: Option<i64>,
    assignee: Option<i64>,
}

async fn people(tx: &mut Tx, mapped: &Mapped) -> Result<People> {
    let mut people = People::default();
    if let Some(customer) = &mapped.customer {
        let query = sql("SELECT id FROM companies WHERE syncro_company_id = ? AND archived_at IS NULL");
        let row: Option<(i64,)> = query.bind(customer).fetch_optional(&mut *tx).await?;
        people.company = row.map(|(id,)| id);
    }
    if let (Some(company), Some(id)) = (people.company, person(tx, mapped.requester.as_deref()).await?)
        && store::is_requester_of(&mut *tx, id, company).await?
    {
        people.requester = Some(id);
    }
    if let Some(id) = person(tx, mapped.assignee.as_deref()).await?
        && store::is_assignable(&mut *tx, id).await?
    {
        people.assignee = Some(id);
    }
    Ok(people)
}

async fn person(tx: &mut Tx, email: Option<&str>) -> Result<Option<i64>> {
    let Some(Ok(email)) = email.map(users::parse_email) else { return Ok(None) };
    Ok(users::find_by_email(tx, &email).await?.map(|user| user.id))
}

/// Adds a ticket or makes ours follow; `emits` lets automations hear of it, people never do.
pub async fn upsert(tx: &mut Tx, mapped: &Mapped, has_comments: bool, emits: bool) -> Result<Written> {
    let people = people(tx, mapped).await?;
    let (own_id, ticket_id, mut became) = match known(&mut *tx, &mapped.reference).await? {
        None => {
            let id = create(tx, mapped, people).await?;
            (id, id, Became::Created)
        }
        Some((id, _)) => match store::merge_of(&mut *tx, id).await? {
            None => (id, id, follow(tx, id, mapped, people).await?),
            // It is over here; only what is said there goes on, where people read it.
            Some(merge) => {
                store::lock(&mut *tx, merge.target_id).await?;
                (id, merge.target_id, Became::Same)
            }
        },
    };
    let said = if has_comments { comments(tx, ticket_id, mapped, people).await? } else { Said::default() };
    if said.changed && became == Became::Same {
        became = Became::Updated;
    }
    if own_id == ticket_id {
        external(tx, own_id, mapped, has_comments).await?;
    } else {
        seen(tx, own_id, mapped, has_comments).await?;
    }
    if emits && became != Became::Same {
        let name = if became == Became::Created { names::TICKET_CREATED } else { names::TICKET_UPDATED };
        emit(tx, name, json!({ "ticket_id": ticket_id, "actor_id": null, "quiet": true })).await?;
    }
    let has_no_company = mapped.customer.is_some() && people.company.is_none();
    Ok(Written { ticket_id, became, comments: said.created, has_no_company })
}

async fn create(tx: &mut Tx, mapped: &Mapped, people: People) -> Result<i64> {
    let new = NewTicket {
        subject: mapped.subject.clone(),
        description: mapped.description.clone(),
        status: mapped.status,
        priority: mapped.priority,
        category: mapped.category.clone(),
        module_slug: Some(Slug::Syncro.as_str().to_owned()),
        company_id: people.company,
        requester_id: people.requester,
        assigned_user_id: people.assignee,
        external_reference: Some(mapped.reference.clone()),
        tags: Vec::new(),
    };
    let id = store::insert(&mut *tx, &doer(), &new).await?;
    store::record(tx, &doer(), id, NewActivity { kind: "created", changes: Map::new() }).await?;
    Ok(id)
}

/// What Syncro says wins; what it does not say stays, and so do the people who were set here.
async fn follow(tx: &mut Tx, id: i64, mapped: &Mapped, people: People) -> Result<Became> {
    store::lock(&mut *tx, id).await?;
    let before = store::find(Scope::everywhere(), &mut *tx, id).await?;
    let wanted = Ticket {
        subject: mapped.subject.clone(),
        description: mapped.description.clone().or_else(|| before.description.clone()),
        status: mapped.status.as_str().to_owned(),
        priority: mapped.priority.as_str().to_owned(),
        category: mapped.category.clone().or_else(|| before.category.clone()),
        company_id: people.company.or(before.company_id),
        requester_id: before.requester_id.or(people.requester),
        assigned_user_id: before.assigned_user_id.or(people.assignee),
        ..before.clone()
    };
    let differs = |name: &str| before.facts().get(name) != wanted.facts().get(name);
    let is_same = !["subject", "status", "priority", "category", "company_id", "requester_id", "assigned_user_id"]
        .into_iter()
        .any(differs)
        && before.description == wanted.description;
    if is_same {
        return Ok(Became::Same);
    }
    store::save(&mut *tx, &before, &wanted).await?;
    let after = store::find(Scope::everywhere(), &mut *tx, id).await?;
    let changes = model::differences(&before.facts(), &after.facts());
    store::record(tx, &doer(), id, NewActivity { kind: "updated", changes }).await?;
    Ok(Became::Updated)
}

/// Where the ticket came from and its times there. Without its comments it is not yet all here, so the
/// time of the last change is not kept, and a later run looks again.
async fn external(tx: &mut Tx, id: i64, mapped: &Mapped, has_comments: bool) -> Result<()> {
    let now = tx.stamp().at;
    let updated_at = mapped.updated_at.or(mapped.created_at);
    let closed_at = mapped.status.is_done().then(|| mapped.closed_at.or(updated_at).unwrap_or(now));
    sql("UPDATE tickets SET source = CASE WHEN external_source IS NULL THEN 'syncro' ELSE source END, \
         external_source = 'syncro', external_number = ?, external_updated_at = ?, \
         created_at = COALESCE(?, created_at), updated_at = COALESCE(?, updated_at), closed_at = ? WHERE id = ?")
    .bind(mapped.number.clone())
    .bind(mapped.updated_at.filter(|_| has_comments))
    .bind(mapped.created_at)
    .bind(updated_at)
    .bind(closed_at)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}

/// As [`external`], for a ticket that became part of another and keeps its own times.
async fn seen(tx: &mut Tx, id: i64, mapped: &Mapped, has_comments: bool) -> Result<()> {
    sql("UPDATE tickets SET external_updated_at = ? WHERE id = ?")
        .bind(mapped.updated_at.filter(|_| has_comments))
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

#[derive(Debug, Clone, Copy, Default)]
struct Said {
    created: i64,
    changed: bool,
}

#[derive(sqlx::FromRow)]
struct Kept {
    id: i64,
    ticket_id: i64,
    external_reference: String,
    body_hash: String,
    is_internal: bool,
}

async fn comments(tx: &mut Tx, ticket_id: i64, mapped: &Mapped, people: People) -> Result<Said> {
    let mut said = Said::default();
    for batch in mapped.comments.chunks(shared::db::MAX_IN) {
        let references: Vec<&str> = batch.iter().map(|comment| comment.reference.as_str()).collect();
        let rows: Vec<Kept> = sql("SELECT id, ticket_id, external_reference, body_hash, is_internal \
             FROM ticket_replies WHERE external_source = 'syncro'")
        .push_in(" AND external_reference IN", &references)
        .push(" LIMIT 200")
        .fetch_all(&mut *tx)
        .await?;
        let kept: HashMap<&str, &Kept> = rows.iter().map(|row| (row.external_reference.as_str(), row)).collect();
        let mut seen = Vec::new();
        for comment in batch {
            // The same comment twice in one answer is one comment.
            if seen.contains(&comment.reference) {
                continue;
            }
            seen.push(comment.reference.clone());
            match kept.get(comment.reference.as_str()) {
                None => {
                    add(tx, ticket_id, comment, people).await?;
                    said.created += 1;
                    said.changed = true;
                }
                Some(row) => said.changed |= change(tx, ticket_id, row, comment).await?,
            }
        }
    }
    if said.changed {
        last_words(tx, ticket_id, &mapped.comments).await?;
    }
    Ok(said)
}

async fn add(tx: &mut Tx, ticket_id: i64, comment: &Comment, people: People) -> Result<()> {
    let id = match comment.author {
        Author::Requester => people.requester,
        Author::Assignee => people.assignee,
        Author::Other => None,
    };
    let is_desk = comment.author != Author::Requester;
    let author = Doer { id, label: comment.label.clone(), is_desk, source: "syncro" };
    let new = NewReply { body: comment.body.clone(), is_internal: comment.is_internal, status: None };
    let reply = store::insert_reply(&mut *tx, &author, ticket_id, &new).await?;
    sql("UPDATE ticket_replies SET external_source = 'syncro', external_reference = ?, \
         created_at = COALESCE(?, created_at) WHERE id = ?")
    .bind(&comment.reference)
    .bind(comment.created_at)
    .bind(reply)
    .execute(tx)
    .await?;
    Ok(())
}

/// True when the words or who may read them changed. A comment that moved to another ticket stays where it
/// was imported.
async fn change(tx: &mut Tx, ticket_id: i64, row: &Kept, comment: &Comment) -> Result<bool> {
    let hash = tokens::sha256_hex(comment.body.as_bytes());
    if row.ticket_id != ticket_id || (row.body_hash == hash && row.is_internal == comment.is_internal) {
        return Ok(false);
    }
    let now = tx.stamp().at;
    sql("UPDATE ticket_replies SET body = ?, body_hash = ?, is_internal = ?, search_text = ?, edited_at = ? WHERE id = ?")
        .bind(&comment.body)
        .bind(hash)
        .bind(comment.is_internal)
        .bind(search::fold(&comment.body))
        .bind(now)
        .bind(row.id)
        .execute(&mut *tx)
        .await?;
    store::renew_texts(tx, ticket_id).await?;
    Ok(true)
}

/// Who spoke last in public, and when the desk first did.
async fn last_words(tx: &mut Tx, id: i64, comments: &[Comment]) -> Result<()> {
    let public = || comments.iter().filter(|comment| !comment.is_internal && comment.created_at.is_some());
    let Some(last) = public().max_by_key(|comment| comment.created_at) else { return Ok(()) };
    let side = if last.author == Author::Requester { model::Side::Requester } else { model::Side::Technician };
    let first = public().filter(|c| c.author != Author::Requester).filter_map(|c| c.created_at).min();
    sql("UPDATE tickets SET last_reply_side = CASE WHEN last_reply_at IS NULL OR last_reply_at <= ? THEN ? \
         ELSE last_reply_side END, last_reply_at = CASE WHEN last_reply_at IS NULL OR last_reply_at <= ? THEN ? \
         ELSE last_reply_at END, first_response_at = COALESCE(first_response_at, ?) WHERE id = ?")
    .bind(last.created_at)
    .bind(side.as_str())
    .bind(last.created_at)
    .bind(last.created_at)
    .bind(first)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}
