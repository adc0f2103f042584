//! `/api/tickets/import/syncro` for programs.

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use shared::caller::{Keyed, SuperAdmin};
use shared::error::Result;
use shared::routes::Routes;
use shared::web::{Json, Limits, Listed, Path, Query};
use utoipa::ToSchema;

use super::request::{self, ImportRequest};
use super::runs::{self, ImportRun, Problem};
use super::start;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .api(shared::api!(import_from_syncro))
        .api(shared::api!(list_imports))
        .api(shared::api!(read_import))
        .api(shared::api!(cancel_import))
}

/// An import and what it did so far.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"mode": "range", "fetched": 26, "created": 20, "updated": 4, "skipped": 2, "failed": 0,
    "comments_created": 81, "run_id": 7, "status": "succeeded"}))]
pub struct ImportSummary {
    /// `single`, `range` or `all`.
    mode: String,
    /// Tickets that Syncro gave.
    fetched: i64,
    /// Tickets that are new here.
    created: i64,
    /// Tickets that changed.
    updated: i64,
    /// Tickets that were as they are, or that Syncro does not have.
    skipped: i64,
    /// Tickets that could not be imported.
    failed: i64,
    /// Replies that are new here.
    comments_created: i64,
    run_id: i64,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    status: String,
}

/// An import with its place and its problems.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportProgress {
    #[serde(flatten)]
    summary: ImportSummary,
    /// The page it is at.
    cursor_page: Option<i64>,
    /// Pages in all.
    total_pages: Option<i64>,
    /// The last ticket that was done.
    cursor_id: Option<i64>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    /// Why it failed.
    last_error: Option<String>,
    /// Tickets whose customer is no company here.
    without_company: i64,
    /// The first 50 problems with tickets.
    errors: Vec<ImportProblem>,
}

/// A ticket that could not be imported.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportProblem {
    /// Its ID in Syncro.
    external_reference: Option<String>,
    message: String,
    created_at: DateTime<Utc>,
}

impl From<ImportRun> for ImportSummary {
    fn from(run: ImportRun) -> Self {
        Self {
            mode: run.mode,
            fetched: run.fetched,
            created: run.created,
            updated: run.updated,
            skipped: run.skipped,
            failed: run.failed,
            comments_created: run.comments_created,
            run_id: run.id,
            status: run.status,
        }
    }
}

impl From<Problem> for ImportProblem {
    fn from(row: Problem) -> Self {
        Self { external_reference: row.external_reference, message: row.message, created_at: row.created_at }
    }
}

/// Import tickets from Syncro
///
/// Starts a background run and answers with its figures: final ones when a single ticket or a small range is
/// done within 20 seconds, otherwise those so far. One run at a time; keys must not be limited to a company.
#[utoipa::path(post, path = "/api/tickets/import/syncro", request_body = ImportRequest, responses(
    (status = 202, description = "The run", body = ImportSummary),
    (status = 400, description = "More than 5,000 IDs at once"),
    (status = 409, description = "An import is already running; `run_id` names it"),
    (status = 503, description = "Syncro is not configured")))]
pub async fn import_from_syncro(by: Keyed<SuperAdmin>, Json(body): Json<Map<String, Value>>) -> Result<Response> {
    by.portal_wide()?;
    let run = start::start(&by, &request::parse(&body)?).await?;
    let run = start::awaited(&by, run).await?;
    Ok((StatusCode::ACCEPTED, Json(ImportSummary::from(run))).into_response())
}

/// List imports, the newest first
#[utoipa::path(get, path = "/api/tickets/import/syncro/runs", params(Limits),
    responses((status = 200, description = "Imports", body = Vec<ImportSummary>)))]
pub async fn list_imports(by: Keyed<SuperAdmin>, limits: Query<Limits>) -> Result<Listed<Vec<ImportSummary>>> {
    by.portal_wide()?;
    let limits = limits.value.checked()?;
    let rows = runs::recent(by.db(), limits.limit(), limits.offset()).await?;
    let count = runs::count(by.db()).await?;
    Ok(Listed::new(&by, rows.into_iter().map(Into::into).collect(), count, limits))
}

/// Read an import
#[utoipa::path(get, path = "/api/tickets/import/syncro/runs/{run_id}",
    params(("run_id" = i64, Path, description = "Number of the import")),
    responses((status = 200, description = "The import", body = ImportProgress),
        (status = 404, description = "No such import")))]
pub async fn read_import(by: Keyed<SuperAdmin>, Path(run_id): Path<i64>) -> Result<Json<ImportProgress>> {
    by.portal_wide()?;
    let run = start::found(&by, run_id).await?;
    let errors = runs::problems(by.db(), run_id, 50).await?.into_iter().map(Into::into).collect();
    Ok(Json(ImportProgress {
        cursor_page: run.cursor_page,
        total_pages: run.total_pages,
        cursor_id: run.cursor_id,
        started_at: run.started_at,
        finished_at: run.finished_at,
        last_error: run.last_error.clone(),
        without_company: run.no_company,
        errors,
        summary: run.into(),
    }))
}

/// Cancel an import
///
/// What was imported stays.
#[utoipa::path(post, path = "/api/tickets/import/syncro/runs/{run_id}/cancel",
    params(("run_id" = i64, Path, description = "Number of the import")),
    responses((status = 200, description = "The import", body = ImportSummary),
        (status = 404, description = "No such import"), (status = 409, description = "It is over")))]
pub async fn cancel_import(by: Keyed<SuperAdmin>, Path(run_id): Path<i64>) -> Result<Json<ImportSummary>> {
    by.portal_wide()?;
    Ok(Json(start::cancel(&by, run_id).await?.into()))
}
