//! `/events/poll`: what changed since the last question. Pages that ask it fetch their own region then,
//! so that rights are checked as always.
#![expect(unused_qualifications, reason = "the documentation macro names the types of the query by their path")]

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::User;
use shared::error::Result;
use shared::routes::Routes;
use shared::web::{Json, Query};
use utoipa::{IntoParams, ToSchema};

use crate::access;

/// Adds the route.
pub fn add(routes: Routes) -> Routes {
    routes.no_scope().api(shared::api!(poll))
}

/// Where the caller stands.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// The cursor of the last answer.
    since: Option<String>,
}

/// What changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"cursor": "812", "events": [{"kind": "access", "id": 0, "version": 812}]}))]
pub struct Changes {
    /// To be sent with the next question.
    cursor: String,
    /// Each once.
    events: Vec<Event>,
}

/// One thing that changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "access", "id": 0, "version": 812}))]
pub struct Event {
    /// `access`: a membership or a role was changed; for super administrators.
    kind: &'static str,
    /// Which one; 0 for a whole list.
    id: i64,
    /// Grows with every change.
    version: i64,
}

/// Gives what changed, or 204.
#[utoipa::path(get, path = "/events/poll", params(Since), responses(
    (status = 200, description = "Something changed, or the first question", body = Changes),
    (status = 204, description = "Nothing new")))]
pub async fn poll(by: User, since: Query<Since>) -> Result<Response> {
    if !by.me().user.is_super_admin {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let newest = access::store::newest(&by).await?;
    let cursor = newest.to_string();
    if since.since.as_deref() == Some(cursor.as_str()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let events = vec![Event { kind: "access", id: 0, version: newest }];
    Ok(Json(Changes { cursor, events }).into_response())
}
