//! Replies and internal notes (tickets 4.6).

use serde_json::json;
use shared::audit::Change as Line;
use shared::context::By;
use shared::db::Tx;
use shared::error::{Error, Result};
use shared::events::{emit, names};

use super::status::too_late;
use super::update::tell_status;
use crate::model::{self, NewReply, Side, Status};
use crate::scope::{Doer, Scope};
use crate::store::{self, NewActivity, Ticket, Touch};

/// A reply that is stored.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// The ticket it landed on: where that one became part of another, the other.
    pub ticket_id: i64,
    /// Row of `ticket_replies`.
    pub reply_id: i64,
    /// False when the same text had just been sent.
    pub is_new: bool,
}

/// Whom a key writes for: somebody of the desk, or somebody who may ask on the ticket.
pub async fn author_by_key(by: &By, ticket: &Ticket, author_id: Option<i64>) -> Result<Doer> {
    let doer = Doer::of(by);
    let Some(id) = author_id else {
        return Err(Error::bad_request("Name the author in author_id").code("author_required"));
    };
    let is_desk = store::is_assignable(by.db(), id).await?;
    let is_requester = match ticket.company_id {
        _ if ticket.requester_id == Some(id) => true,
        Some(company) => store::is_requester_of(by.db(), id, company).await?,
        None => false,
    };
    let name = store::active_person(by.db(), id).await?.filter(|_| is_desk || is_requester);
    let Some(label) = name else {
        return Err(Error::bad_request("Name an author who works at the desk or may ask on this ticket")
            .code("author_not_allowed"));
    };
    Ok(Doer { id: Some(id), label, is_desk, source: doer.source })
}

/// Adds a reply to a ticket that the caller may see, with files that have arrived.
pub async fn reply(by: &By, doer: &Doer, ticket_id: i64, new: NewReply, file_ids: &[i64]) -> Result<Sent> {
    reply_in(by.begin().await?, Scope::of(by), doer, ticket_id, new, file_ids).await
}

/// The same for who does not stand behind a request of a person or key.
pub async fn reply_in(
    mut tx: Tx,
    scope: Scope,
    doer: &Doer,
    ticket_id: i64,
    new: NewReply,
    file_ids: &[i64],
) -> Result<Sent> {
    store::lock(&mut tx, ticket_id).await?;
    let mut ticket = store::find(scope, &mut tx, ticket_id).await?;
    // What is answered on a ticket that became part of another belongs there.
    let ticket_id = ticket.merged_into_id.unwrap_or(ticket_id);
    if ticket_id != ticket.id {
        store::lock(&mut tx, ticket_id).await?;
        ticket = store::find(Scope::everywhere(), &mut tx, ticket_id).await?;
    }
    if let Some(author) = doer.id
        && let Some(reply_id) = store::repeated(&mut tx, ticket_id, author, &new).await?
    {
        return Ok(Sent { ticket_id, reply_id, is_new: false });
    }
    let side = side_of(doer, &ticket);
    let now = tx.stamp().at;
    let next = model::after_reply(ticket.state(), side, new.is_internal, new.status, now);
    let next = next.map_err(|_| too_late(ticket_id))?;
    let reply_id = store::insert_reply(&mut tx, doer, ticket_id, &new).await?;
    store::attach(&mut tx, ticket_id, Some(reply_id), file_ids).await?;
    let is_first = side == Side::Technician && !new.is_internal && ticket.first_response_at.is_none();
    let touch = Touch {
        side: (!new.is_internal).then_some(side),
        is_first_response: is_first,
        status: next.map(|status| (status, model::closed_at(ticket.closed_at, status, now))),
    };
    store::touch(&mut tx, ticket_id, &touch).await?;
    if let Some(author) = doer.id.filter(|_| doer.is_desk && side == Side::Technician) {
        store::watch(&mut tx, ticket_id, author).await?;
    }
    if let Some(author) = doer.id {
        store::forget_draft(&mut tx, ticket_id, author).await?;
    }
    tell(&mut tx, doer, &ticket, reply_id, next).await?;
    let line = Line::new("tickets.reply", "ticket", ticket_id).label(&ticket.subject).company(ticket.company_id);
    let line = line.meta("reply_id", reply_id).meta("is_internal", new.is_internal).meta("files", file_ids.len());
    tx.audit(doer.named(line));
    tx.commit().await?;
    Ok(Sent { ticket_id, reply_id, is_new: true })
}

/// Somebody who answers their own request is its requester, also when they work at the desk.
fn side_of(doer: &Doer, ticket: &Ticket) -> Side {
    let is_requester = doer.id.is_some() && doer.id == ticket.requester_id;
    if is_requester || !doer.is_desk { Side::Requester } else { Side::Technician }
}

async fn tell(tx: &mut Tx, doer: &Doer, ticket: &Ticket, reply_id: i64, next: Option<Status>) -> Result<()> {
    let payload = json!({ "ticket_id": ticket.id, "reply_id": reply_id, "actor_id": doer.id });
    emit(tx, names::TICKET_REPLIED, payload).await?;
    let Some(next) = next else { return Ok(()) };
    let changes = json!({ "status": [ticket.status, next.as_str()] });
    let changes = changes.as_object().cloned().unwrap_or_default();
    store::record(tx, doer, ticket.id, NewActivity { kind: "updated", changes }).await?;
    tell_status(tx, doer, ticket.id, ticket.state().status, next).await
}
