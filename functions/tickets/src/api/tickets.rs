//! One ticket: raise, read, change, close, reopen, delete.

use http::StatusCode;
use shared::caller::{Keyed, SuperAdmin, Technician, User};
use shared::context::By;
use shared::error::{Error, Result};
use shared::web::{Json, Path};

use super::bodies::{CreateTicket, UpdateTicket};
use crate::actions::{self, Outcome};
use crate::model::TicketDetail;
use crate::scope::Scope;
use crate::store::{self, Ticket};

/// A ticket with its conversation, as the caller may see it.
pub(super) async fn detail(by: &By, ticket: Ticket) -> Result<Json<TicketDetail>> {
    let (scope, id) = (Scope::of(by), ticket.id);
    let replies = store::replies(scope, by.db(), id).await?;
    let watchers = store::watchers(scope, by.db(), id).await?;
    let files = store::attachments(scope, by.db(), id).await?;
    let attachments = files.into_iter().map(Into::into).collect();
    Ok(Json(TicketDetail { ticket: ticket.out(scope), replies, watchers, attachments }))
}

async fn detail_of(by: &By, id: i64) -> Result<Json<TicketDetail>> {
    let ticket = store::find(Scope::of(by), by.db(), id).await?;
    detail(by, ticket).await
}

/// Raise a ticket
///
/// People who are not technicians may raise 20 in an hour.
#[utoipa::path(post, path = "/api/tickets", request_body = CreateTicket,
    responses((status = 201, description = "The ticket", body = TicketDetail),
        (status = 400, description = "Company or people do not fit together")))]
pub async fn create_ticket(
    by: Keyed<User>,
    Json(body): Json<CreateTicket>,
) -> Result<(StatusCode, Json<TicketDetail>)> {
    let uploads = actions::distinct(&body.upload_ids);
    let wanted = actions::wanted(&by, body.into())?;
    wanted.count(&by).await?;
    let files = actions::gathered(&by, Vec::new(), &uploads).await?;
    let id = actions::create(&by, wanted, &files).await?;
    Ok((StatusCode::CREATED, detail_of(&by, id).await?))
}

/// Read a ticket
#[utoipa::path(get, path = "/api/tickets/{id}", params(("id" = i64, Path, description = "Number of the ticket")),
    responses((status = 200, description = "The ticket", body = TicketDetail),
        (status = 404, description = "No such ticket, or not yours to see")))]
pub async fn read_ticket(by: Keyed<User>, Path(id): Path<i64>) -> Result<Json<TicketDetail>> {
    detail_of(&by, id).await
}

/// Change a ticket
///
/// What is absent stays, null clears. With `version`, a change by somebody else in the meantime answers 409
/// with the ticket as it is now in `current`.
#[utoipa::path(put, path = "/api/tickets/{id}", request_body = UpdateTicket,
    params(("id" = i64, Path, description = "Number of the ticket")),
    responses((status = 200, description = "The ticket", body = TicketDetail),
        (status = 404, description = "No such ticket"),
        (status = 409, description = "Changed by somebody else")))]
pub async fn update_ticket(
    by: Keyed<Technician>,
    Path(id): Path<i64>,
    Json(body): Json<UpdateTicket>,
) -> Result<Json<TicketDetail>> {
    match actions::update(&by, id, body.parse()?).await? {
        Outcome::Saved(ticket) => detail(&by, *ticket).await,
        Outcome::Conflict(ticket) => {
            let current = serde_json::to_value(ticket.out(Scope::of(&by)))?;
            Err(Error::conflict("Ticket was changed by someone else").code("version_conflict").with("current", current))
        }
    }
}

/// Delete a ticket
///
/// With its replies, watchers, activity and files. Keys must not be limited to a company.
#[utoipa::path(delete, path = "/api/tickets/{id}", params(("id" = i64, Path, description = "Number of the ticket")),
    responses((status = 204, description = "Deleted"), (status = 404, description = "No such ticket")))]
pub async fn delete_ticket(by: Keyed<SuperAdmin>, Path(id): Path<i64>) -> Result<StatusCode> {
    by.portal_wide()?;
    actions::delete(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Close a ticket
#[utoipa::path(post, path = "/api/tickets/{id}/close",
    params(("id" = i64, Path, description = "Number of the ticket")),
    responses((status = 200, description = "The ticket", body = TicketDetail),
        (status = 404, description = "No such ticket, or not yours to see"),
        (status = 409, description = "Already closed")))]
pub async fn close_ticket(by: Keyed<User>, Path(id): Path<i64>) -> Result<Json<TicketDetail>> {
    let ticket = actions::close(&by, id).await?;
    detail(&by, ticket).await
}

/// Reopen a ticket
///
/// People who are not technicians do so within 14 days of closing.
#[utoipa::path(post, path = "/api/tickets/{id}/reopen",
    params(("id" = i64, Path, description = "Number of the ticket")),
    responses((status = 200, description = "The ticket", body = TicketDetail),
        (status = 404, description = "No such ticket, or not yours to see"),
        (status = 409, description = "Not closed, or closed too long ago")))]
pub async fn reopen_ticket(by: Keyed<User>, Path(id): Path<i64>) -> Result<Json<TicketDetail>> {
    let ticket = actions::reopen(&by, id).await?;
    detail(&by, ticket).await
}
