//! Exports by programs that act for a person.

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Serialize;
use shared::caller::{Keyed, User};
use shared::error::{Error, Result};
use shared::web::{Json, Path, Query};
use utoipa::ToSchema;

use super::order;
use super::store::{self, Export};
use crate::api::{ListQuery, filter};
use crate::scope::Doer;

/// A list of tickets as a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": 4, "status": "ready", "row_count": 12408, "url": "/tickets/exports/4",
    "created_at": "2026-11-23T09:12:00Z", "finished_at": "2026-11-23T09:12:09Z", "expires_at": "2026-11-30T09:12:09Z"}))]
pub struct ExportOut {
    id: i64,
    /// `queued`, `ready` or `failed`.
    status: String,
    /// Lines of the file without its head.
    row_count: i64,
    /// Leads to the file, once it is ready.
    url: Option<String>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    /// The file is removed then.
    expires_at: DateTime<Utc>,
}

impl From<Export> for ExportOut {
    fn from(export: Export) -> Self {
        Self {
            url: (export.status == "ready").then(|| format!("/tickets/exports/{}", export.id)),
            id: export.id,
            status: export.status,
            row_count: export.row_count,
            created_at: export.created_at,
            finished_at: export.finished_at,
            expires_at: export.expires_at,
        }
    }
}

/// Order an export
///
/// Writes every ticket that the filters find to a file, by number, without a limit; its person is told when it is
/// ready. One at a time. Needs a person, not an API key.
#[utoipa::path(post, path = "/api/tickets/exports", params(ListQuery),
    responses((status = 202, description = "It is being written", body = ExportOut),
        (status = 409, description = "One is being written already")))]
pub async fn order_export(by: Keyed<User>, query: Query<ListQuery>) -> Result<(StatusCode, Json<ExportOut>)> {
    let scope = query.scope(&by);
    let filter = filter(scope, Doer::of(&by).id, &query)?;
    let id = order::order(&by, &filter, !scope.is_own()).await?;
    let export = store::find(by.db(), id, by.now()).await?.ok_or_else(missing)?;
    Ok((StatusCode::ACCEPTED, Json(export.into())))
}

/// Read an export
///
/// Its own person only.
#[utoipa::path(get, path = "/api/tickets/exports/{id}", params(("id" = i64, Path, description = "From the order")),
    responses((status = 200, description = "How far it is", body = ExportOut),
        (status = 404, description = "No such export, not yours, or removed by now")))]
pub async fn read_export(by: Keyed<User>, Path(id): Path<i64>) -> Result<Json<ExportOut>> {
    let found = store::find(by.db(), id, by.now()).await?;
    let export = found.filter(|export| by.person().is_some_and(|person| person.id() == export.user_id));
    Ok(Json(export.ok_or_else(missing)?.into()))
}

fn missing() -> Error {
    Error::not_found("Export not found")
}
