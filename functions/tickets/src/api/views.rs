//! Views of the desk's list for programs.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::{Keyed, Technician};
use shared::context::By;
use shared::error::{Error, Result};
use shared::web::{Json, Path};
use utoipa::ToSchema;

use crate::actions;
use crate::model::{Column, NewView};
use crate::pages::kept_query;
use crate::store::{self, View};

/// A list that is kept under a name.
#[derive(Debug, Serialize, ToSchema)]
pub struct ViewOut {
    #[schema(example = 31)]
    id: i64,
    #[schema(example = "Very important")]
    name: String,
    /// What narrows and sorts the list, as in the address of the page.
    #[schema(example = "status=open&tag=vip&sort=-priority")]
    query: String,
    /// The columns of the page, in their order; null for those that each person has chosen.
    #[schema(value_type = Option<Vec<String>>)]
    columns: Option<Vec<&'static str>>,
    /// Everybody's at the desk.
    is_shared: bool,
}

impl From<View> for ViewOut {
    fn from(view: View) -> Self {
        let columns = view.columns.map(|columns| columns.into_iter().map(Column::key).collect());
        Self { id: view.id, name: view.name, query: view.query, columns, is_shared: view.is_shared }
    }
}

/// A list to be kept under a name.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"name": "Very important", "query": "status=open&tag=vip", "is_shared": true}))]
pub struct SaveView {
    /// 1 to 60 characters.
    pub name: String,
    /// What narrows and sorts the list, as in the address of the page; what is unknown is left out.
    pub query: String,
    /// The columns of the page, in their order; absent for those that each person has chosen.
    pub columns: Option<Vec<String>>,
    /// Everybody at the desk uses it and may change it. Needed with an API key.
    pub is_shared: bool,
}

impl SaveView {
    fn parse(&self) -> Result<NewView> {
        if self.query.chars().count() > 4000 {
            return Err(Error::field("query", "This list is narrowed by too much to be saved"));
        }
        let query = kept_query(self.query.trim_start_matches('?'));
        let columns = self.columns.as_ref().map(|keys| Column::list(keys.iter().map(String::as_str)));
        NewView::parse(&self.name, &query, columns, self.is_shared)
    }
}

fn me(by: &By) -> Option<i64> {
    by.person().map(|person| person.id())
}

async fn out(by: &By, id: i64) -> Result<Json<ViewOut>> {
    Ok(Json(actions::find_view(by, id).await?.into()))
}

/// List saved views of the list
///
/// Your own and those of the whole desk, by name; keys get those of the desk.
#[utoipa::path(get, path = "/api/tickets/views",
    responses((status = 200, description = "Views", body = Vec<ViewOut>)))]
pub async fn list_views(by: Keyed<Technician>) -> Result<Json<Vec<ViewOut>>> {
    by.portal_wide()?;
    let views = store::views(by.db(), me(&by)).await?;
    Ok(Json(views.into_iter().map(Into::into).collect()))
}

/// Save a view of the list
#[utoipa::path(post, path = "/api/tickets/views", request_body = SaveView,
    responses((status = 201, description = "The view", body = ViewOut),
        (status = 400, description = "A key has no views of its own"),
        (status = 409, description = "There are 50 views already")))]
pub async fn create_view(by: Keyed<Technician>, Json(body): Json<SaveView>) -> Result<(StatusCode, Json<ViewOut>)> {
    by.portal_wide()?;
    let id = actions::create_view(&by, &body.parse()?).await?;
    Ok((StatusCode::CREATED, out(&by, id).await?))
}

/// Change a saved view
///
/// Views of the desk may be changed by everybody there.
#[utoipa::path(put, path = "/api/tickets/views/{id}", request_body = SaveView,
    params(("id" = i64, Path, description = "The view")),
    responses((status = 200, description = "The view", body = ViewOut),
        (status = 400, description = "A key has no views of its own"),
        (status = 404, description = "No such view, or somebody else's")))]
pub async fn change_view(
    by: Keyed<Technician>,
    Path(id): Path<i64>,
    Json(body): Json<SaveView>,
) -> Result<Json<ViewOut>> {
    by.portal_wide()?;
    let old = actions::find_view(&by, id).await?;
    actions::change_view(&by, &old, &body.parse()?).await?;
    out(&by, id).await
}

/// Delete a saved view
#[utoipa::path(delete, path = "/api/tickets/views/{id}", params(("id" = i64, Path, description = "The view")),
    responses((status = 204, description = "Deleted"), (status = 404, description = "No such view, or somebody else's")))]
pub async fn delete_view(by: Keyed<Technician>, Path(id): Path<i64>) -> Result<StatusCode> {
    by.portal_wide()?;
    let old = actions::find_view(&by, id).await?;
    actions::delete_view(&by, &old).await?;
    Ok(StatusCode::NO_CONTENT)
}
