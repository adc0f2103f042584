//! `/events/poll`: what changed since the last question. Nothing is announced yet; the address is kept
//! so that pages which ask are answered.
#![expect(unused_qualifications, reason = "the documentation macro names the types of the query by their path")]

use http::StatusCode;
use serde::Deserialize;
use shared::caller::User;
use shared::routes::Routes;
use shared::web::Query;
use utoipa::IntoParams;

/// Adds the route.
pub fn add(routes: Routes) -> Routes {
    routes.no_scope().api(shared::api!(poll))
}

/// Where the caller stands.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// The cursor of the last answer.
    #[expect(dead_code, reason = "documented for clients; nothing is announced yet")]
    since: Option<String>,
}

/// Gives what changed, or 204.
#[utoipa::path(get, path = "/events/poll", params(Since), responses((status = 204, description = "Nothing new")))]
pub async fn poll(_by: User, _since: Query<Since>) -> StatusCode {
    StatusCode::NO_CONTENT
}
