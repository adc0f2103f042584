//! The settings for programs of administrators.

use http::StatusCode;
use serde::Serialize;
use shared::caller::SuperAdmin;
use shared::error::{Error, Result};
use shared::web::{Json, Multipart, Path};
use utoipa::ToSchema;

use super::logos::{self, Slot};
use super::model::Settings;
use super::store;

/// Gives the settings of the portal.
#[utoipa::path(get, path = "/api/site-settings", responses((status = 200, description = "The settings", body = Settings)))]
pub async fn get_site_settings(by: SuperAdmin) -> Result<Json<Settings>> {
    Ok(Json(store::find(by.db()).await?))
}

/// Replaces the settings; what is left out is cleared.
#[utoipa::path(put, path = "/api/site-settings", request_body = Settings, responses(
    (status = 200, description = "The settings", body = Settings)))]
pub async fn put_site_settings(by: SuperAdmin, settings: Json<Settings>) -> Result<Json<Settings>> {
    let new = settings.0.parse()?;
    Ok(Json(store::change(&by, |_| new).await?))
}

/// A picture to upload.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"file": "logo.png"}))]
pub struct LogoUpload {
    /// PNG, JPEG or WebP, at most 512 KB.
    #[schema(value_type = String, format = Binary)]
    pub file: String,
}

/// Sets a logo or the favicon.
#[utoipa::path(put, path = "/api/site-settings/logos/{slot}",
    params(("slot" = String, Path, description = "`login`, `sidebar` or `favicon`")),
    request_body(content = LogoUpload, content_type = "multipart/form-data"), responses(
    (status = 204, description = "Stored"), (status = 404, description = "No such slot"), (status = 413, description = "More than 512 KB")))]
pub async fn put_logo(by: SuperAdmin, Path(slot): Path<String>, form: Multipart) -> Result<StatusCode> {
    let slot = Slot::parse(&slot)?;
    let file = form.files.into_iter().next().ok_or_else(|| Error::field("file", "Choose a picture"))?;
    logos::set(&by, slot, file).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a logo or the favicon away.
#[utoipa::path(delete, path = "/api/site-settings/logos/{slot}",
    params(("slot" = String, Path, description = "`login`, `sidebar` or `favicon`")), responses(
    (status = 204, description = "Gone"), (status = 404, description = "No such slot")))]
pub async fn delete_logo(by: SuperAdmin, Path(slot): Path<String>) -> Result<StatusCode> {
    logos::clear(&by, Slot::parse(&slot)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
