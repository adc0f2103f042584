//! The JSON routes of users.

use http::StatusCode;
use serde::Serialize;
use shared::caller::{Fresh, Keyed, SuperAdmin, User};
use shared::error::{Error, Result};
use shared::web::{Json, Limits, Listed, Path, Query};
use utoipa::ToSchema;

use super::change::{self, not_found};
use super::model::{NewUserBody, UserPatch, UserQuery, UserRecord};
use super::store::{self, may_see};

/// The list of users
///
/// Newest first. Keys that are limited to a company see the people of that company.
#[utoipa::path(get, path = "/users", params(UserQuery, Limits),
    responses((status = 200, description = "One page of users; `X-Total-Count` and `Link` say what is left",
        body = Vec<UserRecord>)))]
pub async fn list_users(
    by: Keyed<SuperAdmin>,
    query: Query<UserQuery>,
    limits: Query<Limits>,
) -> Result<Listed<Vec<UserRecord>>> {
    let limits = limits.value.checked()?;
    let filter = query.filter(by.key_company());
    let rows = store::list(by.db(), &filter, limits.limit(), limits.offset()).await?;
    let counted = store::count(by.db(), &filter).await?;
    Ok(Listed::new(&by, rows.into_iter().map(store::Row::record).collect(), counted, limits))
}

/// Add a user
///
/// Without `password` an invitation is sent. With `company_id` the person becomes an active member of that
/// company. Keys that are limited to a company add people to that company only.
#[utoipa::path(post, path = "/users", request_body = NewUserBody, responses(
    (status = 201, description = "The new user", body = UserRecord),
    (status = 409, description = "Email already registered")))]
pub async fn create_user(by: Keyed<SuperAdmin>, body: Json<NewUserBody>) -> Result<(StatusCode, Json<UserRecord>)> {
    let mut new = body.parse(&by.app().config().app_name)?;
    if let Some(company) = by.key_company() {
        if new.company_id.is_some_and(|wanted| wanted != company) {
            return Err(Error::field("company_id", "This API key is limited to another company"));
        }
        new.company_id = Some(company);
    }
    let id = change::create(&by, new).await?;
    let row = store::find(by.db(), id).await?.ok_or_else(not_found)?;
    Ok((StatusCode::CREATED, Json(row.record())))
}

/// One user
///
/// People see themselves; super administrators and keys see everybody.
#[utoipa::path(get, path = "/users/{id}", params(("id" = i64, Path, description = "The user", example = 42)),
    responses((status = 200, description = "The user", body = UserRecord),
        (status = 404, description = "User not found, or not for the caller")))]
pub async fn show_user(by: Keyed<User>, Path(id): Path<i64>) -> Result<Json<UserRecord>> {
    let is_whole = match by.person() {
        Some(person) if !may_see(person, id) => return Err(not_found()),
        Some(person) => person.user.is_super_admin,
        None => true,
    };
    if let Some(company) = by.key_company()
        && !store::is_in_company(by.db(), id, company).await?
    {
        return Err(not_found());
    }
    let row = store::find(by.db(), id).await?.ok_or_else(not_found)?;
    Ok(Json(if is_whole { row.record() } else { row.own_record() }))
}

/// Change a user
///
/// People change their own names and mobile number. Everything else is for super administrators, who can
/// neither disable nor demote themselves. Granting or taking away super administration wants the password
/// confirmed within the last 15 minutes.
#[utoipa::path(patch, path = "/users/{id}", params(("id" = i64, Path, description = "The user", example = 42)),
    request_body = UserPatch, responses((status = 200, description = "The user as changed", body = UserRecord),
        (status = 403, description = "A field that only super administrators may set, or the password must be \
            confirmed (`reauthentication_required`)"),
        (status = 404, description = "User not found, or not for the caller"),
        (status = 409, description = "Email already registered, own account, or the last active super administrator")))]
pub async fn change_user(by: User, Path(id): Path<i64>, body: Json<UserPatch>) -> Result<Json<UserRecord>> {
    if !may_see(by.me(), id) {
        return Err(not_found());
    }
    let is_admin = by.me().user.is_super_admin;
    if !is_admin && body.wants_administrator() {
        return Err(Error::forbidden("Only super administrators can change this").code("super_admin_only"));
    }
    change::update(&by, id, &body.0.parse()?).await?;
    let row = store::find(by.db(), id).await?.ok_or_else(not_found)?;
    Ok(Json(if is_admin { row.record() } else { row.own_record() }))
}

/// Delete a user
///
/// Sessions, authenticators and memberships go with the account; what the person wrote stays.
#[utoipa::path(delete, path = "/users/{id}", params(("id" = i64, Path, description = "The user", example = 42)),
    responses((status = 204, description = "Deleted"), (status = 404, description = "User not found"),
        (status = 409, description = "Own account, or the last active super administrator")))]
pub async fn delete_user(by: SuperAdmin, Path(id): Path<i64>) -> Result<StatusCode> {
    change::delete(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"detail": "Reset instructions have been sent."}))]
pub struct SentOut {
    /// In words.
    pub detail: &'static str,
}

/// Send a password link
///
/// Reset instructions, or the invitation again to a person who has no password yet.
#[utoipa::path(post, path = "/users/{id}/send-password-reset",
    params(("id" = i64, Path, description = "The user", example = 42)),
    responses((status = 202, description = "The mail is on its way", body = SentOut),
        (status = 404, description = "User not found"), (status = 409, description = "The account is disabled")))]
pub async fn send_password_reset(by: SuperAdmin, Path(id): Path<i64>) -> Result<(StatusCode, Json<SentOut>)> {
    let (_, sent) = change::send_password_link(&by, id).await?;
    let detail = match sent {
        change::Sent::Reset => "Reset instructions have been sent.",
        change::Sent::Invitation => "The invitation has been sent again.",
    };
    Ok((StatusCode::ACCEPTED, Json(SentOut { detail })))
}

/// How many sessions were ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"revoked": 3}))]
pub struct Ended {
    /// Sessions that were live.
    pub revoked: u64,
}

/// Sign a user out everywhere
///
/// One's own current session stays.
#[utoipa::path(delete, path = "/users/{id}/sessions",
    params(("id" = i64, Path, description = "The user", example = 42)),
    responses((status = 200, description = "The sessions have ended", body = Ended),
        (status = 404, description = "User not found")))]
pub async fn end_sessions(by: SuperAdmin, Path(id): Path<i64>) -> Result<Json<Ended>> {
    Ok(Json(Ended { revoked: change::end_sessions(&by, id).await? }))
}

/// Remove a user's authenticators
///
/// Recovery codes go too, and the person is told. Wants a confirmed password.
#[utoipa::path(delete, path = "/users/{id}/totp", params(("id" = i64, Path, description = "The user", example = 42)),
    responses((status = 204, description = "Removed"), (status = 404, description = "User not found")))]
pub async fn reset_mfa(by: Fresh<SuperAdmin>, Path(id): Path<i64>) -> Result<StatusCode> {
    change::reset_mfa(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
