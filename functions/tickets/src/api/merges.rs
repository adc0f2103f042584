//! Merging, splitting and linking for programs.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::{Keyed, Technician, User};
use shared::error::{Error, Result};
use shared::web::{Json, Path};
use utoipa::ToSchema;

use crate::actions;
use crate::model::{self, Relation, TicketDetail};
use crate::scope::Scope;
use crate::store::{self, Related};

/// Tickets that become part of another.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"ids": [10411, 10420]}))]
pub struct MergeTickets {
    /// 1 to 20.
    pub ids: Vec<i64>,
}

/// A reply that becomes a ticket.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"reply_id": 77, "subject": "Scanner in room 4 as well"}))]
pub struct SplitTicket {
    /// A public reply of the ticket.
    pub reply_id: i64,
    /// 1 to 255 characters; the first line of the reply unless given.
    pub subject: Option<String>,
}

/// Two tickets that belong together.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"other_id": 10411, "relation": "blocked_by"}))]
pub struct LinkTicket {
    /// The other ticket.
    pub other_id: i64,
    /// `relates`, `duplicate_of`, `duplicated_by`, `blocks` or `blocked_by`.
    pub relation: String,
}

/// A ticket that belongs to another.
#[derive(Debug, Serialize, ToSchema)]
pub struct RelatedOut {
    /// The link.
    #[schema(example = 5)]
    link_id: i64,
    /// As seen from the ticket that was asked for.
    #[schema(example = "blocked_by")]
    relation: &'static str,
    /// The other ticket.
    #[schema(example = 10411)]
    id: i64,
    #[schema(example = "New starter 1 Dec")]
    subject: String,
    #[schema(example = "pending")]
    status: String,
}

impl From<Related> for RelatedOut {
    fn from(row: Related) -> Self {
        let relation = row.relation.as_str();
        Self { link_id: row.link_id, relation, id: row.id, subject: row.subject, status: row.status }
    }
}

/// Merge tickets into this one
///
/// Replies, notes, files and watchers move here; the others are closed and point here in `merged_into_id`.
/// Tickets of different customers are refused.
#[utoipa::path(post, path = "/api/tickets/{id}/merge", request_body = MergeTickets,
    params(("id" = i64, Path, description = "The ticket that remains")),
    responses((status = 200, description = "The ticket that remains", body = TicketDetail),
        (status = 400, description = "One of them does not exist, or is this one"),
        (status = 404, description = "No such ticket"),
        (status = 409, description = "One of them was merged before, or is another customer's")))]
pub async fn merge_tickets(
    by: Keyed<Technician>,
    Path(id): Path<i64>,
    Json(body): Json<MergeTickets>,
) -> Result<Json<TicketDetail>> {
    by.portal_wide()?;
    let mut ids = body.ids;
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() || ids.len() > actions::MOST_MERGED {
        return Err(Error::field("ids", "Name 1 to 20 tickets"));
    }
    actions::merge(&by, id, &ids).await?;
    let ticket = store::find(Scope::of(&by), by.db(), id).await?;
    super::tickets::detail(&by, ticket).await
}

/// Take a ticket out of the one it was merged into
///
/// What came from it goes back, and it stands where it stood; what was written since stays.
#[utoipa::path(post, path = "/api/tickets/{id}/unmerge",
    params(("id" = i64, Path, description = "The ticket that was merged")),
    responses((status = 200, description = "The ticket", body = TicketDetail),
        (status = 404, description = "No such ticket"), (status = 409, description = "It is not part of another")))]
pub async fn unmerge_ticket(by: Keyed<Technician>, Path(id): Path<i64>) -> Result<Json<TicketDetail>> {
    by.portal_wide()?;
    actions::unmerge(&by, id).await?;
    let ticket = store::find(Scope::of(&by), by.db(), id).await?;
    super::tickets::detail(&by, ticket).await
}

/// Make a reply into a ticket
///
/// With its files; the new ticket is linked with the old one.
#[utoipa::path(post, path = "/api/tickets/{id}/split", request_body = SplitTicket,
    params(("id" = i64, Path, description = "The ticket of the reply")),
    responses((status = 201, description = "The new ticket", body = TicketDetail),
        (status = 404, description = "No such ticket or reply"),
        (status = 409, description = "Internal notes and imported replies stay")))]
pub async fn split_ticket(
    by: Keyed<Technician>,
    Path(id): Path<i64>,
    Json(body): Json<SplitTicket>,
) -> Result<(StatusCode, Json<TicketDetail>)> {
    by.portal_wide()?;
    let scope = Scope::of(&by);
    let (_, reply) = actions::splittable(scope, &by, id, body.reply_id).await?;
    let subject = body.subject.unwrap_or_else(|| actions::first_line(&reply.body));
    let subject = model::subject(&subject).map_err(|text| Error::field("subject", text))?;
    let new = actions::split(&by, id, body.reply_id, subject).await?;
    let ticket = store::find(scope, by.db(), new).await?;
    Ok((StatusCode::CREATED, super::tickets::detail(&by, ticket).await?))
}

/// List the tickets that belong to a ticket
///
/// Those that you may see.
#[utoipa::path(get, path = "/api/tickets/{id}/links", params(("id" = i64, Path, description = "Number of the ticket")),
    responses((status = 200, description = "Linked tickets", body = Vec<RelatedOut>),
        (status = 404, description = "No such ticket, or not yours to see")))]
pub async fn list_links(by: Keyed<User>, Path(id): Path<i64>) -> Result<Json<Vec<RelatedOut>>> {
    let scope = Scope::of(&by);
    store::find(scope, by.db(), id).await?;
    let related = store::related(scope, by.db(), id).await?;
    Ok(Json(related.into_iter().map(Into::into).collect()))
}

/// Link a ticket with another
#[utoipa::path(post, path = "/api/tickets/{id}/links", request_body = LinkTicket,
    params(("id" = i64, Path, description = "Number of the ticket")),
    responses((status = 201, description = "All its links", body = Vec<RelatedOut>),
        (status = 400, description = "The other ticket does not exist, or is this one"),
        (status = 404, description = "No such ticket"), (status = 409, description = "Linked like that already")))]
pub async fn link_ticket(
    by: Keyed<Technician>,
    Path(id): Path<i64>,
    Json(body): Json<LinkTicket>,
) -> Result<(StatusCode, Json<Vec<RelatedOut>>)> {
    by.portal_wide()?;
    let relation = Relation::parse(&body.relation).map_err(|text| Error::field("relation", text))?;
    actions::link(&by, id, body.other_id, relation).await?;
    let related = store::related(Scope::of(&by), by.db(), id).await?;
    Ok((StatusCode::CREATED, Json(related.into_iter().map(Into::into).collect())))
}

/// Remove a link
#[utoipa::path(delete, path = "/api/tickets/{id}/links/{link_id}",
    params(("id" = i64, Path, description = "Number of the ticket"), ("link_id" = i64, Path, description = "The link")),
    responses((status = 204, description = "Removed"), (status = 404, description = "No such ticket or link")))]
pub async fn unlink_ticket(by: Keyed<Technician>, Path((id, link_id)): Path<(i64, i64)>) -> Result<StatusCode> {
    by.portal_wide()?;
    let scope = Scope::of(&by);
    store::find(scope, by.db(), id).await?;
    let related = store::related(scope, by.db(), id).await?;
    let link = related.into_iter().find(|link| link.link_id == link_id);
    let link = link.ok_or_else(|| Error::not_found("Link not found"))?;
    actions::unlink(&by, id, link.id, link.relation).await?;
    Ok(StatusCode::NO_CONTENT)
}
