//! JSON routes of sessions, and signing out.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use shared::accounts::sessions;
use shared::audit::Change;
use shared::caller::Unsettled;
use shared::error::Result;
use shared::flash;
use shared::web::{EndCookies, Json, Path};
use utoipa::ToSchema;

use super::store::{self, LiveSession};
use crate::sign_in::password_is_settled;
use crate::sign_in::views::SignedIn;

/// The session of the request and its person.
#[utoipa::path(get, path = "/auth/session", summary = "Who is signed in",
    responses((status = 200, description = "The session", body = SignedIn)))]
pub async fn current_session(by: Unsettled) -> Result<Json<SignedIn>> {
    Ok(Json(SignedIn::current(by.me())))
}

/// The live sessions of the signed-in person, last used first.
#[utoipa::path(get, path = "/auth/sessions", summary = "List own sessions",
    responses((status = 200, description = "The sessions", body = Vec<LiveSession>)))]
pub async fn list_sessions(by: Unsettled) -> Result<Json<Vec<LiveSession>>> {
    password_is_settled(&by)?;
    Ok(Json(store::live(&by).await?))
}

/// How many sessions were ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"revoked": 2}))]
pub struct RevokedSessions {
    /// The number.
    pub revoked: u64,
}

/// Ends all sessions of the signed-in person but this one.
#[utoipa::path(delete, path = "/auth/sessions", summary = "Sign out everywhere else",
    responses((status = 200, description = "Ended", body = RevokedSessions)))]
pub async fn delete_sessions(by: Unsettled) -> Result<Json<RevokedSessions>> {
    password_is_settled(&by)?;
    Ok(Json(RevokedSessions { revoked: store::end_others(&by).await? }))
}

/// Ends one session of the signed-in person.
#[utoipa::path(delete, path = "/auth/sessions/{id}", summary = "End a session",
    params(("id" = i64, Path, description = "The session", example = 1)),
    responses((status = 204, description = "Ended"), (status = 404, description = "Not one of yours")))]
pub async fn delete_session(by: Unsettled, Path(id): Path<i64>) -> Result<StatusCode> {
    password_is_settled(&by)?;
    store::end_one(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the session of the request and deletes its cookies. A form gets 303 to the sign-in page.
#[utoipa::path(post, path = "/auth/logout", summary = "Sign out",
    responses((status = 204, description = "Signed out"), (status = 303, description = "Forms: signed out")))]
pub async fn logout(by: Unsettled) -> Result<Response> {
    let me = by.me();
    let mut tx = by.begin().await?;
    sessions::revoke_one(&mut tx, me.id(), me.session.id, "logout").await?;
    tx.audit(Change::new("auth.logout", "user", me.id()).label(me.user.email.clone()));
    tx.commit().await?;
    let mut response = if by.request().wants_page() { by.go("/login") } else { StatusCode::NO_CONTENT.into_response() };
    if by.request().wants_page() {
        response.headers_mut().append(header::SET_COOKIE, flash::notice_cookie("signed_out"));
    }
    // What the browser keeps of this person is not shown to the next one.
    let clear = HeaderValue::from_static("\"cache\", \"storage\"");
    response.headers_mut().insert("clear-site-data", clear);
    response.extensions_mut().insert(EndCookies);
    Ok(response)
}
