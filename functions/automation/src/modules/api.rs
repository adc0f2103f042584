//! `/api/integration-modules` for programs (automation 5.2).

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::json;
use shared::caller::{Keyed, SuperAdmin};
use shared::error::{Error, Result};
use shared::modules;
use shared::web::{Json, Path};

use super::model::{ModuleOut, ModuleUpdate, TestOut, slug};
use super::probe;

type Caller = Keyed<SuperAdmin>;

/// Lists modules by name; secrets are masked.
#[utoipa::path(get, path = "/api/integration-modules",
    responses((status = 200, description = "The modules", body = Vec<ModuleOut>)))]
pub async fn list_modules(by: Caller) -> Result<Json<Vec<ModuleOut>>> {
    by.portal_wide()?;
    let modules = modules::all(by.app(), by.db()).await?;
    Ok(Json(modules.iter().map(|module| ModuleOut::of(by.app(), module)).collect::<Result<_>>()?))
}

/// Gives one module; secrets are masked.
#[utoipa::path(get, path = "/api/integration-modules/{slug}",
    params(("slug" = String, Path, description = "Name in addresses", example = "ntfy")), responses(
    (status = 200, description = "The module", body = ModuleOut),
    (status = 404, description = "Module not found")))]
pub async fn get_module(by: Caller, Path(name): Path<String>) -> Result<Json<ModuleOut>> {
    by.portal_wide()?;
    let module = modules::find(by.app(), by.db(), slug(&name)?).await?;
    Ok(Json(ModuleOut::of(by.app(), &module)?))
}

/// Changes what is sent.
#[utoipa::path(put, path = "/api/integration-modules/{slug}", request_body = ModuleUpdate,
    params(("slug" = String, Path, description = "Name in addresses", example = "ntfy")), responses(
    (status = 200, description = "The module after the change", body = ModuleOut),
    (status = 404, description = "Module not found"),
    (status = 409, description = "Somebody else changed it since `version`")))]
pub async fn update_module(by: Caller, Path(name): Path<String>, body: Json<ModuleUpdate>) -> Result<Json<ModuleOut>> {
    by.portal_wide()?;
    let slug = slug(&name)?;
    let mut tx = by.begin().await?;
    let module = modules::save(by.app(), &mut tx, slug, body.0.into()).await?;
    tx.commit().await?;
    Ok(Json(ModuleOut::of(by.app(), &module)?))
}

/// Tries a module out
///
/// The test is a job; the answer waits for it for 15 seconds, then says 202 and the result is found in the module.
#[utoipa::path(post, path = "/api/integration-modules/{slug}/test",
    params(("slug" = String, Path, description = "Name in addresses", example = "ollama")), responses(
    (status = 200, description = "It works", body = TestOut),
    (status = 202, description = "Still running", body = TestOut),
    (status = 404, description = "Module not found"),
    (status = 409, description = "The module is switched off"),
    (status = 429, description = "More than six tests in a minute"),
    (status = 503, description = "It does not work; `detail` says why")))]
pub async fn test_module(by: Caller, Path(name): Path<String>) -> Result<Response> {
    by.portal_wide()?;
    let slug = slug(&name)?;
    probe::start(&by, slug).await?;
    let tested = probe::outcome(&by, slug).await?.and_then(|module| module.tested);
    let Some(tested) = tested else {
        let out = TestOut {
            status: "running".to_owned(),
            message: "The test is still running. Look at the module in a moment.".to_owned(),
            details: json!({}),
        };
        return Ok((StatusCode::ACCEPTED, Json(out)).into_response());
    };
    if tested.status != "ok" {
        return Err(Error::refused(StatusCode::SERVICE_UNAVAILABLE, tested.message).code("module_test_failed"));
    }
    Ok(Json(TestOut { status: tested.status, message: tested.message, details: tested.details }).into_response())
}
