//! Starting an import, and waiting for the end of a small one.

use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::audit::Change;
use shared::caller::SuperAdmin;
use shared::context::By;
use shared::db::sql;
use shared::error::{Error, Result};
use shared::syncro::Syncro;
use shared::web::{Input, Json};
use utoipa::ToSchema;

use super::PATH;
use super::runs::{self, Import, Start};
use super::work::NO_CUSTOMER;

/// Whoever asks for a small import waits so long for its end.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(200);

/// A number, or a number as text.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Number {
    /// As programs send it.
    Whole(i64),
    /// As forms send it.
    Text(String),
}

impl Number {
    fn text(&self) -> String {
        match self {
            Self::Whole(number) => number.to_string(),
            Self::Text(text) => text.trim().to_owned(),
        }
    }
}

/// Whose contacts to import.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = StaffImportWanted, example = json!({"syncroCompanyId": "88121"}))]
pub struct Wanted {
    /// The company's number at Syncro; `syncro_company_id` is taken too.
    #[serde(default, rename = "syncroCompanyId", alias = "syncro_company_id")]
    #[schema(value_type = Option<String>)]
    syncro_company_id: Option<Number>,
}

/// What came of an import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffImported, example = json!({"success": true, "import_id": 3, "status": "succeeded", "created": 12, "updated": 1,
    "unchanged": 40, "skipped": 2}))]
pub struct Imported {
    /// Always true; failures are problems.
    success: bool,
    /// Number of the run; its page is `/staff/import/{id}`.
    import_id: i64,
    /// `succeeded`, or `queued` or `running` when it goes on in the background.
    status: String,
    /// New people.
    created: i64,
    /// People of whom something changed.
    updated: i64,
    /// People of whom nothing changed.
    unchanged: i64,
    /// Contacts that were left out.
    skipped: i64,
}

/// Imports the contacts of a company from Syncro.
#[utoipa::path(post, path = "/admin/syncro/import-contacts", request_body = Wanted, responses(
    (status = 200, description = "Imported", body = Imported),
    (status = 202, description = "Goes on in the background", body = Imported),
    (status = 400, description = "syncroCompanyId required"),
    (status = 404, description = "No company has this Syncro ID, or Syncro does not know it"),
    (status = 409, description = "An import of this company is already running"),
    (status = 502, description = "Syncro did not answer as it should"),
    (status = 503, description = "Syncro is not configured")))]
pub async fn import_contacts(by: SuperAdmin, input: Input<Wanted>) -> Result<Response> {
    let wanted = input.syncro_company_id.as_ref().map(Number::text).filter(|text| !text.is_empty());
    let wanted = wanted.ok_or_else(|| Error::bad_request("syncroCompanyId required").or_see(PATH))?;
    let row: Option<(i64,)> =
        sql("SELECT id FROM companies WHERE syncro_company_id = ?").bind(wanted).fetch_optional(by.db()).await?;
    let (company_id,) = row.ok_or_else(|| Error::not_found("No company has this Syncro ID").or_see(PATH))?;
    let id = start(&by, company_id).await?;
    if input.form.is_some() {
        return Ok(by.go(&format!("{PATH}/{id}")));
    }
    answer(awaited(&by, id).await?)
}

/// Queues a run, if Syncro is set up and no other of the company is active.
async fn start(by: &By, company_id: i64) -> Result<i64> {
    if Syncro::of_module(by.app()).await?.is_none() {
        return Err(Error::refused(StatusCode::SERVICE_UNAVAILABLE, "Syncro is not configured")
            .code("syncro_not_configured")
            .or_see(PATH));
    }
    let mut tx = by.begin().await?;
    let Some(id) = runs::insert(&mut tx, company_id, "syncro", None, Start::Job).await? else {
        return Err(busy(runs::active(&mut tx, company_id).await?));
    };
    tx.audit(trail(id, company_id, "syncro"));
    tx.commit().await?;
    Ok(id)
}

/// The line of a run that begins.
pub(super) fn trail(id: i64, company_id: i64, source: &str) -> Change {
    let line = Change::new("staff.import_started", "staff_import", id).company(Some(company_id));
    line.after(json!({ "source": source }))
}

/// One at a time.
pub(super) fn busy(other: Option<i64>) -> Error {
    let to = other.map_or_else(|| PATH.to_owned(), |id| format!("{PATH}/{id}"));
    Error::conflict("An import of this company is already running")
        .code("import_running")
        .with("import_id", json!(other))
        .or_see(to)
}

/// A run, or 404.
pub(super) async fn found(by: &By, id: i64) -> Result<Import> {
    runs::find(by.db(), id).await?.ok_or_else(|| Error::not_found("Import not found"))
}

/// Waits a while for the end of a run. The work is a job's; only the row is looked at.
async fn awaited(by: &By, id: i64) -> Result<Import> {
    let until = tokio::time::Instant::now() + PATIENCE;
    let mut row = found(by, id).await?;
    while row.is_active() && tokio::time::Instant::now() < until {
        tokio::time::sleep(PAUSE).await;
        row = found(by, id).await?;
    }
    Ok(row)
}

fn answer(row: Import) -> Result<Response> {
    if row.status == "failed" {
        let text = row.last_error.unwrap_or_else(|| "The import failed".to_owned());
        let status = if text.starts_with(NO_CUSTOMER) { StatusCode::NOT_FOUND } else { StatusCode::BAD_GATEWAY };
        return Err(Error::refused(status, text).code("import_failed").with("import_id", row.id));
    }
    let status = if row.is_active() { StatusCode::ACCEPTED } else { StatusCode::OK };
    let body = Imported {
        success: true,
        import_id: row.id,
        status: row.status,
        created: row.created,
        updated: row.updated,
        unchanged: row.unchanged,
        skipped: row.skipped,
    };
    Ok((status, Json(body)).into_response())
}
