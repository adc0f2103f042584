//! Files that go straight to the bucket with a signed address (decisions 11.14).

use axum::response::Response;
use http::StatusCode;
use shared::caller::{Keyed, User};
use shared::error::{Error, Result};
use shared::files::{self, Announced, Upload};
use shared::web::{Json, Path};

use super::bodies::CompleteAttachment;
use crate::actions::{self, HOME};
use crate::model::AttachmentOut;
use crate::scope::{Doer, Scope};
use crate::store;

/// Begin to attach a file
///
/// Answers a signed address for a `PUT` with exactly the announced length; then complete the upload. At most
/// 15 MB.
#[utoipa::path(post, path = "/api/tickets/{id}/attachments", request_body = Announced,
    params(("id" = i64, Path, description = "Number of the ticket")),
    responses((status = 201, description = "Where to put the file", body = Upload),
        (status = 404, description = "No such ticket, or not yours to see")))]
pub async fn begin_attachment(
    by: Keyed<User>,
    Path(id): Path<i64>,
    Json(body): Json<Announced>,
) -> Result<(StatusCode, Json<Upload>)> {
    store::find(Scope::of(&by), by.db(), id).await?;
    Ok((StatusCode::CREATED, Json(files::begin_upload(&by, HOME, &body).await?)))
}

/// Attach a file that has arrived
///
/// Only whoever began the upload completes it. A repeated call answers the same attachment.
#[utoipa::path(post, path = "/api/tickets/{id}/attachments/{upload_id}/complete", request_body = CompleteAttachment,
    params(("id" = i64, Path, description = "Number of the ticket"),
        ("upload_id" = i64, Path, description = "From the first step")),
    responses((status = 201, description = "The attachment", body = AttachmentOut),
        (status = 200, description = "It was attached before", body = AttachmentOut),
        (status = 404, description = "No such ticket or upload"),
        (status = 409, description = "The file has not arrived, or there are 10 files already")))]
pub async fn complete_attachment(
    by: Keyed<User>,
    Path((id, upload_id)): Path<(i64, i64)>,
    Json(body): Json<CompleteAttachment>,
) -> Result<(StatusCode, Json<AttachmentOut>)> {
    let scope = Scope::of(&by);
    store::find(scope, by.db(), id).await?;
    let known = store::attachment_of(scope, by.db(), id, upload_id).await?;
    if let Some(known) = known.filter(|file| file.uploaded_by == Doer::of(&by).id) {
        return Ok((StatusCode::OK, Json(known.into())));
    }
    let file = files::complete_upload(&by, HOME, upload_id).await?;
    let attachment = actions::add_upload(&by, id, &file, body.reply_id).await?;
    let attachment = store::attachment(scope, by.db(), id, attachment).await?;
    let attachment = attachment.ok_or_else(|| Error::not_found("File not found"))?;
    Ok((StatusCode::CREATED, Json(attachment.into())))
}

/// Download a file of a ticket
///
/// Leads to an address of the bucket that is good for a minute.
#[utoipa::path(get, path = "/api/tickets/{id}/attachments/{attachment_id}",
    params(("id" = i64, Path, description = "Number of the ticket"),
        ("attachment_id" = i64, Path, description = "From the ticket")),
    responses((status = 302, description = "Where the file is"),
        (status = 404, description = "No such ticket or file, or not yours to see")))]
pub async fn read_attachment(by: Keyed<User>, Path((id, attachment_id)): Path<(i64, i64)>) -> Result<Response> {
    let missing = || Error::not_found("File not found");
    let found = store::attachment(Scope::of(&by), by.db(), id, attachment_id).await?.ok_or_else(missing)?;
    let file = files::find(by.db(), found.file_id).await?.ok_or_else(missing)?;
    files::download(&by, &file).await
}

/// Take a file off a ticket
///
/// Technicians take off any, other people what they sent themselves.
#[utoipa::path(delete, path = "/api/tickets/{id}/attachments/{attachment_id}",
    params(("id" = i64, Path, description = "Number of the ticket"),
        ("attachment_id" = i64, Path, description = "From the ticket")),
    responses((status = 204, description = "Taken off"), (status = 404, description = "No such ticket or file")))]
pub async fn delete_attachment(by: Keyed<User>, Path((id, attachment_id)): Path<(i64, i64)>) -> Result<StatusCode> {
    actions::remove_file(&by, id, attachment_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
