//! Merging tickets, taking one out again, and making a reply into a ticket of its own.

use serde_json::json;
use shared::audit::Change as Line;
use shared::context::By;
use shared::db::Tx;
use shared::error::{Error, Result};
use shared::events::{emit, names};

use super::link::{note, other};
use crate::model::{self, NewTicket, Priority, Relation, ReplyOut, Status};
use crate::scope::{Doer, Scope};
use crate::store::{self, Ticket};

/// Tickets that become part of another at once.
pub const MOST_MERGED: usize = 20;

/// A ticket that became part of another is changed there.
pub(super) fn refuse_merged(ticket: &Ticket) -> Result<()> {
    match ticket.merged_into_id {
        None => Ok(()),
        Some(target) => Err(Error::conflict(format!("This ticket was merged into #{target}. Work on that one."))
            .code("merged")
            .with("merged_into_id", target)),
    }
}

/// Makes tickets part of another: their conversations move, they are closed and point there.
pub async fn merge(by: &By, target_id: i64, ids: &[i64]) -> Result<()> {
    let (scope, doer) = (Scope::of(by), Doer::of(by));
    let mut tx = by.begin().await?;
    let mut all: Vec<i64> = ids.to_vec();
    all.push(target_id);
    all.sort_unstable();
    all.dedup();
    if all.len() != ids.len() + 1 {
        return Err(Error::bad_request("Choose another ticket to merge into").code("same_ticket"));
    }
    let found = store::lock_all(scope, &mut tx, &all).await?;
    let target = found.iter().find(|ticket| ticket.id == target_id).ok_or_else(store::not_found)?;
    refuse_merged(target)?;
    for id in ids {
        let from = found.iter().find(|ticket| ticket.id == *id);
        let from =
            from.ok_or_else(|| Error::bad_request(format!("There is no ticket #{id}")).code("no_such_ticket"))?;
        refuse_merged(from)?;
        fits(from, target)?;
        // Of several, each finds the last word of those before it.
        let target = store::find(scope, &mut tx, target_id).await?;
        merge_one(&mut tx, &doer, from, &target).await?;
    }
    tx.commit().await
}

/// Who asked on one reads the other afterwards: that must not cross companies.
fn fits(from: &Ticket, target: &Ticket) -> Result<()> {
    let same_company = from.company_id.is_some() && from.company_id == target.company_id;
    let same_person = from.requester_id.is_some() && from.requester_id == target.requester_id;
    let is_bare = from.requester_id.is_none() && from.company_id.is_none();
    if same_company || is_bare || (same_person && (from.company_id.is_none() || target.company_id.is_none())) {
        return Ok(());
    }
    let text = format!("#{} and #{} are of different customers, who would read each other's words", from.id, target.id);
    Err(Error::conflict(text).code("different_customers"))
}

async fn merge_one(tx: &mut Tx, doer: &Doer, from: &Ticket, target: &Ticket) -> Result<()> {
    store::merge(tx, from, target).await?;
    note(tx, doer, from.id, "merged", target.id).await?;
    note(tx, doer, target.id, "merged_here", from.id).await?;
    for (ticket, name, id) in [(from, "merged_into_id", target.id), (target, "merged_id", from.id)] {
        let payload = json!({ "ticket_id": ticket.id, "actor_id": doer.id, "fields": [name],
            "changes": { name: [null, id] } });
        emit(tx, names::TICKET_UPDATED, payload).await?;
    }
    let line = Line::new("tickets.merge", "ticket", from.id).label(&from.subject).company(from.company_id);
    tx.audit(doer.named(line.before(json!({ "status": from.status })).after(json!({ "merged_into_id": target.id }))));
    Ok(())
}

/// Takes a ticket out of the one it became part of.
pub async fn unmerge(by: &By, id: i64) -> Result<i64> {
    let (scope, doer) = (Scope::of(by), Doer::of(by));
    let mut tx = by.begin().await?;
    let ticket = store::find(scope, &mut tx, id).await?;
    let none = || Error::conflict("This ticket is not part of another").code("not_merged");
    let target_id = ticket.merged_into_id.ok_or_else(none)?;
    store::lock_all(scope, &mut tx, &[id.min(target_id), id.max(target_id)]).await?;
    let merge = store::merge_of(&mut tx, id).await?.ok_or_else(none)?;
    store::unmerge(&mut tx, &ticket, &merge).await?;
    note(&mut tx, &doer, id, "unmerged", merge.target_id).await?;
    note(&mut tx, &doer, merge.target_id, "unmerged_here", id).await?;
    let line = Line::new("tickets.unmerge", "ticket", id).label(&ticket.subject).company(ticket.company_id);
    tx.audit(doer.named(line.before(json!({ "merged_into_id": merge.target_id }))));
    tx.commit().await?;
    Ok(merge.target_id)
}

/// The reply that may become a ticket of its own.
pub async fn splittable(scope: Scope, by: &By, ticket_id: i64, reply_id: i64) -> Result<(Ticket, ReplyOut)> {
    let ticket = store::find(scope, by.db(), ticket_id).await?;
    let reply = store::find_reply(scope, by.db(), ticket_id, reply_id).await?;
    let reply = reply.ok_or_else(|| Error::not_found("Reply not found"))?;
    may_split(&ticket, &reply)?;
    Ok((ticket, reply))
}

fn may_split(ticket: &Ticket, reply: &ReplyOut) -> Result<()> {
    refuse_merged(ticket)?;
    if reply.is_internal {
        // Who asked would read it as the description of the new ticket.
        return Err(Error::conflict("Internal notes cannot become tickets").code("internal_note"));
    }
    if reply.source == "syncro" {
        return Err(Error::conflict("Imported replies stay where the next import looks for them").code("imported"));
    }
    Ok(())
}

/// Makes a reply with its files into a ticket of its own, linked with the old one; gives its id.
pub async fn split(by: &By, ticket_id: i64, reply_id: i64, subject: String) -> Result<i64> {
    let (scope, doer) = (Scope::of(by), Doer::of(by));
    let mut tx = by.begin().await?;
    store::lock(&mut tx, ticket_id).await?;
    let ticket = store::find(scope, &mut tx, ticket_id).await?;
    let reply = store::find_reply(scope, &mut tx, ticket_id, reply_id).await?;
    let reply = reply.ok_or_else(|| Error::not_found("Reply not found"))?;
    may_split(&ticket, &reply)?;
    let new = new_ticket(&mut tx, &ticket, &reply, subject).await?;
    let id = store::insert(&mut tx, &doer, &new).await?;
    store::take_reply(&mut tx, ticket_id, reply_id, id).await?;
    if let Some(person) = doer.id {
        store::watch(&mut tx, id, person).await?;
    }
    store::link(&mut tx, Relation::Relates.stored(ticket_id, id)).await?;
    note(&mut tx, &doer, ticket_id, "split", id).await?;
    note(&mut tx, &doer, id, "split_from", ticket_id).await?;
    emit(&mut tx, names::TICKET_CREATED, json!({ "ticket_id": id, "actor_id": doer.id })).await?;
    let line = Line::new("tickets.split", "ticket", id).label(&new.subject).company(new.company_id);
    tx.audit(doer.named(line.after(json!({ "from": other(ticket_id), "reply_id": reply_id }))));
    tx.commit().await?;
    Ok(id)
}

/// Everything as on the old ticket; who wrote the reply asks, where they may.
async fn new_ticket(tx: &mut Tx, ticket: &Ticket, reply: &ReplyOut, subject: String) -> Result<NewTicket> {
    let mut requester_id = ticket.requester_id;
    if let (Some(author), Some(company)) = (reply.author_id, ticket.company_id)
        && !store::is_assignable(&mut *tx, author).await?
        && store::is_requester_of(tx, author, company).await?
    {
        requester_id = Some(author);
    }
    Ok(NewTicket {
        subject,
        description: Some(reply.body.clone()),
        status: Status::Open,
        priority: Priority::stored(&ticket.priority),
        category: ticket.category.clone(),
        module_slug: ticket.module_slug.clone(),
        company_id: ticket.company_id,
        requester_id,
        assigned_user_id: ticket.assigned_user_id,
        external_reference: None,
        tags: ticket.tags(),
    })
}

/// What a new ticket is called unless somebody says otherwise: the first line of the reply.
pub fn first_line(body: &str) -> String {
    let line = body.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let short: String = line.chars().take(120).collect();
    model::subject(&short).unwrap_or(short)
}
