//! Who watches, and what happened.

#![expect(unused_qualifications, reason = "the documentation macro writes the query types out again")]

use serde::Deserialize;
use shared::caller::{Keyed, Technician};
use shared::error::{Error, Result};
use shared::web::{Json, Path, Query};
use utoipa::IntoParams;

use super::bodies::ReplaceWatchers;
use crate::actions;
use crate::model::{ActivityOut, TicketDetail};
use crate::scope::Scope;
use crate::store;

/// People in one request.
const MOST: usize = 100;

/// Replace the watchers of a ticket
///
/// Technicians, super administrators and active members of the ticket's company may watch. When one of the
/// ids may not, nothing changes.
#[utoipa::path(put, path = "/api/tickets/{id}/watchers", request_body = ReplaceWatchers,
    params(("id" = i64, Path, description = "Number of the ticket")),
    responses((status = 200, description = "The ticket", body = TicketDetail),
        (status = 400, description = "Somebody may not watch"), (status = 404, description = "No such ticket")))]
pub async fn replace_watchers(
    by: Keyed<Technician>,
    Path(id): Path<i64>,
    Json(body): Json<ReplaceWatchers>,
) -> Result<Json<TicketDetail>> {
    by.portal_wide()?;
    let mut ids = body.user_ids;
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > MOST {
        return Err(Error::field("user_ids", "Name at most 100 people"));
    }
    actions::watch_only(&by, id, &ids).await?;
    let ticket = store::find(Scope::of(&by), by.db(), id).await?;
    super::tickets::detail(&by, ticket).await
}

/// How much is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ActivityQuery {
    /// 1 to 200.
    #[serde(default = "fifty")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: i64,
}

fn fifty() -> i64 {
    50
}

/// List what happened on a ticket
///
/// Newest first.
#[utoipa::path(get, path = "/api/tickets/{id}/activity",
    params(("id" = i64, Path, description = "Number of the ticket"), ActivityQuery),
    responses((status = 200, description = "Changes", body = Vec<ActivityOut>),
        (status = 404, description = "No such ticket")))]
pub async fn list_activity(
    by: Keyed<Technician>,
    Path(id): Path<i64>,
    query: Query<ActivityQuery>,
) -> Result<Json<Vec<ActivityOut>>> {
    by.portal_wide()?;
    if !(1..=200).contains(&query.limit) {
        return Err(Error::field("limit", "Enter a number from 1 to 200"));
    }
    let scope = Scope::of(&by);
    store::find(scope, by.db(), id).await?;
    Ok(Json(store::activity(scope, by.db(), id, query.limit).await?))
}
