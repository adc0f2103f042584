//! Tags for programs.

use serde::Deserialize;
use shared::caller::{Keyed, Technician};
use shared::error::{Invalid, Result};
use shared::web::{Json, Path};
use utoipa::ToSchema;

use crate::actions;
use crate::model::{self, Retag, TicketDetail};
use crate::store;

/// Which tags go on, and which come off.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"add": ["vip"], "remove": ["needs-visit"]}))]
pub struct ChangeTags {
    /// Lower-case letters, digits and hyphens; other spellings are brought to that form.
    pub add: Vec<String>,
    /// Tags that the ticket does not have are ignored.
    pub remove: Vec<String>,
    /// Puts on what the model suggests in `ai_tags` as well.
    pub suggested: bool,
}

/// List the tags in use
///
/// At most 200, those used last first.
#[utoipa::path(get, path = "/api/tickets/tags",
    responses((status = 200, description = "Tags", body = Vec<String>, example = json!(["vip", "printer"]))))]
pub async fn list_tags(by: Keyed<Technician>) -> Result<Json<Vec<String>>> {
    by.portal_wide()?;
    Ok(Json(store::tags_in_use(by.db()).await?))
}

/// Change the tags of a ticket
///
/// A ticket has at most 20. `PUT /api/tickets/{id}` with `tags` sets them all.
#[utoipa::path(post, path = "/api/tickets/{id}/tags", request_body = ChangeTags,
    params(("id" = i64, Path, description = "Number of the ticket")),
    responses((status = 200, description = "The ticket", body = TicketDetail),
        (status = 404, description = "No such ticket")))]
pub async fn change_tags(
    by: Keyed<Technician>,
    Path(id): Path<i64>,
    Json(body): Json<ChangeTags>,
) -> Result<Json<TicketDetail>> {
    by.portal_wide()?;
    let mut bad = Invalid::none();
    let add = bad.check("add", model::tags(body.add.iter().map(String::as_str)));
    let remove = bad.check("remove", model::tags(body.remove.iter().map(String::as_str)));
    bad.finish()?;
    let change =
        Retag { add: add.unwrap_or_default(), remove: remove.unwrap_or_default(), takes_suggested: body.suggested };
    let ticket = actions::retag(&by, id, &change).await?;
    super::tickets::detail(&by, ticket).await
}
