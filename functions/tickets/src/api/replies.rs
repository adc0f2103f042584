//! Replies by programs (tickets 4.6).

use http::StatusCode;
use shared::caller::{Keyed, User};
use shared::error::Result;
use shared::rate_limit;
use shared::web::{Json, Path};

use super::bodies::{CreateReply, Replied};
use crate::actions;
use crate::model::NewReply;
use crate::scope::{Doer, Scope};
use crate::store;

/// Reply to a ticket
///
/// The same text by the same person within ten seconds answers 200 with the first reply. A requester's
/// reply opens a ticket that waits or is done; 14 days after closing it answers 409 with `follow_up`.
#[utoipa::path(post, path = "/api/tickets/{id}/replies", request_body = CreateReply,
    params(("id" = i64, Path, description = "Number of the ticket")),
    responses((status = 201, description = "The reply and its ticket", body = Replied),
        (status = 200, description = "This text had just been sent", body = Replied),
        (status = 404, description = "No such ticket, or not yours to see"),
        (status = 409, description = "Closed more than 14 days ago")))]
pub async fn reply_to_ticket(
    by: Keyed<User>,
    Path(id): Path<i64>,
    Json(body): Json<CreateReply>,
) -> Result<(StatusCode, Json<Replied>)> {
    let scope = Scope::of(&by);
    let ticket = store::find(scope, by.db(), id).await?;
    let text = body.body.as_deref().unwrap_or_default();
    let new = NewReply::parse(text, body.is_internal, body.status.as_deref(), Doer::of(&by).is_desk)?;
    if new.is_internal {
        by.portal_wide()?;
    }
    let doer = match by.person() {
        Some(_) => Doer::of(&by),
        None => actions::author_by_key(&by, &ticket, body.author_id).await?,
    };
    if let Some(person) = by.person().filter(|person| !person.is_technician) {
        rate_limit::hit(by.app(), &rate_limit::TICKET_REPLY, &person.id().to_string()).await?;
    }
    let files = actions::gathered(&by, Vec::new(), &actions::distinct(&body.upload_ids)).await?;
    let sent = actions::reply(&by, &doer, id, new, &files).await?;
    let ticket = store::find(scope, by.db(), sent.ticket_id).await?.out(scope);
    let reply = store::find_reply(scope, by.db(), sent.ticket_id, sent.reply_id).await?.ok_or_else(store::not_found)?;
    let status = if sent.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Replied { ticket, reply })))
}
