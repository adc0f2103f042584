//! Closing, reopening, deleting.

use shared::audit::Change as Line;
use shared::context::By;
use shared::db::Tx;
use shared::error::{Error, Result};
use shared::files;

use super::update::save;
use crate::model::{self, Status};
use crate::scope::{Doer, Scope};
use crate::store::{self, Ticket};

/// Where a follow-up to a ticket is raised.
pub fn follow_up(ticket_id: i64) -> String {
    format!("/tickets/new?follow_up={ticket_id}")
}

/// 409 after the fourteen days.
pub(super) fn too_late(ticket_id: i64) -> Error {
    Error::conflict("This ticket was closed more than 14 days ago. Create a follow-up ticket.")
        .code("closed_too_long")
        .with("follow_up", follow_up(ticket_id))
}

/// Closes a ticket that the caller may see.
pub async fn close(by: &By, id: i64) -> Result<Ticket> {
    move_to(by, id, Status::Closed, |ticket, _| {
        if model::may_close(ticket.state()) {
            Ok(())
        } else {
            Err(Error::conflict("The ticket is already closed").code("already_closed"))
        }
    })
    .await
}

/// Opens a ticket again that the caller may see.
pub async fn reopen(by: &By, id: i64) -> Result<Ticket> {
    let now = by.now();
    move_to(by, id, Status::Open, |ticket, doer| match model::may_reopen(ticket.state(), doer.is_desk, now) {
        Err(model::TooLate) => Err(too_late(id)),
        Ok(false) => Err(Error::conflict("The ticket is not closed").code("not_closed")),
        Ok(true) => Ok(()),
    })
    .await
}

async fn move_to(by: &By, id: i64, to: Status, check: impl Fn(&Ticket, &Doer) -> Result<()>) -> Result<Ticket> {
    let (scope, doer) = (Scope::of(by), Doer::of(by));
    store::find(scope, by.db(), id).await?;
    let mut tx = by.begin().await?;
    store::lock(&mut tx, id).await?;
    let before = store::find(scope, &mut tx, id).await?;
    // A colleague who sees the ticket answers it; whether it is solved is for the person who asked.
    if !doer.is_desk && before.requester_id != doer.id {
        return Err(Error::forbidden("Only the person who asked, or the desk, closes and reopens this ticket"));
    }
    super::merge::refuse_merged(&before)?;
    check(&before, &doer)?;
    let mut wanted = before.clone();
    to.as_str().clone_into(&mut wanted.status);
    wanted.closed_at = model::closed_at(before.closed_at, to, tx.stamp().at);
    let after = save(&mut tx, &doer, before, wanted).await?;
    tx.commit().await?;
    match after {
        Some(after) => Ok(after),
        None => store::find(scope, by.db(), id).await,
    }
}

/// Deletes a ticket with everything on it; what it was stays in the audit trail.
pub async fn delete(by: &By, id: i64) -> Result<()> {
    let scope = Scope::of(by);
    let mut tx = by.begin().await?;
    let ticket = store::find(scope, &mut tx, id).await?;
    delete_in(&mut tx, &ticket).await?;
    tx.commit().await
}

/// The same inside the transaction of many.
pub(super) async fn delete_in(tx: &mut Tx, ticket: &Ticket) -> Result<()> {
    let (scope, id) = (Scope::everywhere(), ticket.id);
    let files = store::attachments(scope, &mut *tx, id).await?;
    let replies = store::replies(scope, &mut *tx, id).await?.len();
    for file in &files {
        files::remove(&mut *tx, file.file_id).await?;
    }
    store::delete(&mut *tx, id).await?;
    let line = Line::new("tickets.delete", "ticket", id).label(&ticket.subject).company(ticket.company_id);
    tx.audit(line.before(ticket.facts()).meta("replies", replies).meta("files", files.len()));
    Ok(())
}
