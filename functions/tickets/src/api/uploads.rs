//! Files that are sent to the bucket before the ticket or reply that they belong to.

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use shared::caller::{Keyed, User};
use shared::error::Result;
use shared::files::{self, Announced, File, Upload};
use shared::web::{Json, Path};
use utoipa::ToSchema;

use crate::actions::{self, HOME};

/// A file that has arrived and waits for its ticket or reply.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": 812, "name": "tray.jpg", "content_type": "image/jpeg", "size": 245_760}))]
pub struct ArrivedFile {
    /// To be named in `upload_ids`.
    id: i64,
    /// As its owner knows it.
    name: String,
    /// Told by content, not by name.
    content_type: String,
    /// Bytes.
    size: i64,
}

impl From<File> for ArrivedFile {
    fn from(file: File) -> Self {
        Self { id: file.id, name: file.display_name, content_type: file.content_type, size: file.size_bytes }
    }
}

/// Begin to send a file ahead
///
/// Answers a signed address for a `PUT` with exactly the announced length. Complete the upload, then name it in
/// `upload_ids` of a ticket or reply within an hour. At most 15 MB.
#[utoipa::path(post, path = "/api/tickets/uploads", request_body = Announced,
    responses((status = 201, description = "Where to put the file", body = Upload),
        (status = 413, description = "More than 15 MB")))]
pub async fn begin_upload(by: Keyed<User>, Json(body): Json<Announced>) -> Result<(StatusCode, Json<Upload>)> {
    Ok((StatusCode::CREATED, Json(files::begin_upload(&by, HOME, &body).await?)))
}

/// Say that a file has been sent
///
/// Only whoever began the upload completes it. A repeated call is fine.
#[utoipa::path(post, path = "/api/tickets/uploads/{upload_id}/complete",
    params(("upload_id" = i64, Path, description = "From the first step")),
    responses((status = 200, description = "The file", body = ArrivedFile),
        (status = 404, description = "No such upload"),
        (status = 409, description = "The file has not arrived")))]
pub async fn complete_upload(by: Keyed<User>, Path(upload_id): Path<i64>) -> Result<Json<ArrivedFile>> {
    Ok(Json(files::complete_upload(&by, HOME, upload_id).await?.into()))
}

/// Take an upload back
///
/// As long as it belongs to nothing.
#[utoipa::path(delete, path = "/api/tickets/uploads/{upload_id}",
    params(("upload_id" = i64, Path, description = "From the first step")),
    responses((status = 204, description = "Taken back"), (status = 404, description = "No such upload")))]
pub async fn cancel_upload(by: Keyed<User>, Path(upload_id): Path<i64>) -> Result<StatusCode> {
    files::cancel_upload(&by, HOME, upload_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Download all files of a ticket
///
/// As one ZIP archive, of the ticket and of those replies that you may read.
#[utoipa::path(get, path = "/api/tickets/{id}/attachments.zip",
    params(("id" = i64, Path, description = "Number of the ticket")),
    responses((status = 200, description = "The archive", body = Vec<u8>, content_type = "application/zip"),
        (status = 404, description = "No such ticket, not yours to see, or no files")))]
pub async fn read_attachments(by: Keyed<User>, Path(id): Path<i64>) -> Result<Response> {
    actions::archive(&by, id).await
}
