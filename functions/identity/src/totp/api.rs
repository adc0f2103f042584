//! JSON routes of authenticators (identity 13).

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::Unsettled;
use shared::error::Result;
use shared::web::{Json, Path};
use utoipa::ToSchema;

use super::store::{self, Authenticator};
use super::{enrol, recovery};
use crate::sign_in::password_is_settled;

/// A person's authenticators.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"items": [{"id": 3, "name": "Phone", "created_at": "2026-11-23T09:12:00Z", "last_used_at": null}]}))]
pub struct Authenticators {
    /// By name.
    pub items: Vec<Authenticator>,
}

/// The authenticators of the signed-in person, by name.
#[utoipa::path(get, path = "/auth/totp", summary = "List authenticators",
    responses((status = 200, description = "The authenticators", body = Authenticators)))]
pub async fn list_authenticators(by: Unsettled) -> Result<Json<Authenticators>> {
    password_is_settled(&by)?;
    Ok(Json(Authenticators { items: store::list(by.db(), by.me().id()).await? }))
}

/// A secret that waits ten minutes for its first code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
    "otpauth_url": "otpauth://totp/MyPortal:ana%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=MyPortal",
    "qr_code": "data:image/svg+xml;base64,PHN2Zy8+"}))]
pub struct SetupOut {
    /// 32 base32 characters, for typing.
    pub secret: String,
    /// The address that authenticator apps open.
    pub otpauth_url: String,
    /// The address as a picture.
    pub qr_code: String,
}

/// Begins to add an authenticator. The secret waits ten minutes for its first code; an earlier one is
/// replaced. Wants the password confirmed within the last 15 minutes.
#[utoipa::path(post, path = "/auth/totp/setup", summary = "Begin to add an authenticator",
    responses((status = 200, description = "The secret", body = SetupOut),
        (status = 409, description = "There are 5 authenticators already")))]
pub async fn set_up(by: Unsettled) -> Result<Json<SetupOut>> {
    password_is_settled(&by)?;
    by.require_fresh()?;
    let setup = enrol::begin_setup(&by).await?;
    let qr_code = setup.data_uri();
    Ok(Json(SetupOut { secret: setup.secret, otpauth_url: setup.otpauth_url, qr_code }))
}

/// The first code of a new authenticator.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"code": "123 456", "name": "Phone"}))]
pub struct VerifyIn {
    /// Six digits; white space is ignored.
    pub code: String,
    /// At most 100 characters; `Authenticator` when absent.
    pub name: Option<String>,
}

/// An authenticator that was just added.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": 3, "name": "Phone", "recovery_codes": ["k3m9x-7pqr2"]}))]
pub struct EnrolledOut {
    /// Names it in `DELETE /auth/totp/{id}`.
    pub id: i64,
    /// What the person calls it.
    pub name: String,
    /// Ten codes, shown once; only with the first authenticator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_codes: Option<Vec<String>>,
}

/// Adds the waiting authenticator when the code is one of its codes.
#[utoipa::path(post, path = "/auth/totp/verify", summary = "Finish adding an authenticator", request_body = VerifyIn,
    responses((status = 200, description = "Added", body = EnrolledOut),
        (status = 400, description = "`No pending TOTP secret` or `Invalid TOTP code`")))]
pub async fn verify(by: Unsettled, Json(body): Json<VerifyIn>) -> Result<Json<EnrolledOut>> {
    password_is_settled(&by)?;
    let added = enrol::verify(&by, &body.code, body.name.as_deref().unwrap_or_default()).await?;
    Ok(Json(EnrolledOut { id: added.id, name: added.name, recovery_codes: added.recovery_codes }))
}

/// Removes an authenticator; with the last one the recovery codes go too. Wants the password confirmed
/// within the last 15 minutes.
#[utoipa::path(delete, path = "/auth/totp/{id}", summary = "Remove an authenticator",
    params(("id" = i64, Path, description = "The authenticator", example = 3)),
    responses((status = 204, description = "Removed"), (status = 404, description = "Not one of yours")))]
pub async fn delete_authenticator(by: Unsettled, Path(id): Path<i64>) -> Result<StatusCode> {
    password_is_settled(&by)?;
    by.require_fresh()?;
    enrol::remove(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ten codes, each of which replaces one code of an authenticator at sign-in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"codes": ["k3m9x-7pqr2", "b8w4t-6hjn5"]}))]
pub struct RecoveryCodes {
    /// Shown once.
    pub codes: Vec<String>,
}

/// Makes ten new recovery codes; earlier ones stop working. Wants the password confirmed within the last
/// 15 minutes.
#[utoipa::path(post, path = "/auth/totp/recovery-codes", summary = "Make new recovery codes",
    responses((status = 200, description = "The codes", body = RecoveryCodes),
        (status = 400, description = "There is no authenticator")))]
pub async fn new_recovery_codes(by: Unsettled) -> Result<Json<RecoveryCodes>> {
    password_is_settled(&by)?;
    by.require_fresh()?;
    Ok(Json(RecoveryCodes { codes: recovery::renew(&by).await? }))
}
