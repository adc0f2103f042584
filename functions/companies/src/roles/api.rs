//! `/roles` for programs.

use http::StatusCode;
use serde::Deserialize;
use shared::caller::{Keyed, SuperAdmin};
use shared::error::{Error, Result};
use shared::web::{Json, Path, Query};
use utoipa::IntoParams;

use super::model::{self, Checked, Fields, Permission, Role, RoleCreate, RoleUpdate};
use super::store;
use crate::members::manager::is_global;

type Caller = Keyed<SuperAdmin>;

/// Keys neither make nor touch what counts beyond a company.
fn refuse_global(by: &Caller, keys: &[String]) -> Result<()> {
    if by.key().is_some() && is_global(keys) {
        return Err(Error::forbidden("API keys may not create or edit a role with a global permission"));
    }
    Ok(())
}

/// What narrows the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Asked {
    /// Words that begin a word of the name or the description.
    #[serde(alias = "q")]
    search: Option<String>,
}

/// Lists the permission keys that a role may carry.
#[utoipa::path(get, path = "/roles/permissions",
    responses((status = 200, description = "Every key with its meaning", body = Vec<Permission>)))]
pub async fn list_permissions(_by: Caller) -> Json<Vec<Permission>> {
    Json(model::catalogue())
}

/// Lists roles by name.
#[utoipa::path(get, path = "/roles", params(Asked),
    responses((status = 200, description = "At most 500 roles", body = Vec<Role>)))]
pub async fn list_roles(by: Caller, asked: Query<Asked>) -> Result<Json<Vec<Role>>> {
    Ok(Json(store::list(&by, asked.search.as_deref().unwrap_or_default()).await?))
}

/// Adds a role.
#[utoipa::path(post, path = "/roles", request_body = RoleCreate, responses(
    (status = 201, description = "The new role", body = Role),
    (status = 409, description = "Role name already exists")))]
pub async fn create_role(by: Caller, body: Json<RoleCreate>) -> Result<(StatusCode, Json<Role>)> {
    by.portal_wide()?;
    let new = Fields::from(body.0).parse()?;
    refuse_global(&by, &new.permissions)?;
    Ok((StatusCode::CREATED, Json(store::create(&by, &new).await?)))
}

/// Gives one role.
#[utoipa::path(get, path = "/roles/{id}", params(("id" = i64, Path, description = "Number of the role")), responses(
    (status = 200, description = "The role", body = Role),
    (status = 404, description = "Role not found")))]
pub async fn get_role(by: Caller, Path(id): Path<i64>) -> Result<Json<Role>> {
    Ok(Json(store::find(by.db(), id).await?))
}

/// Changes a role; everybody who has it feels it with their next request.
#[utoipa::path(patch, path = "/roles/{id}", params(("id" = i64, Path, description = "Number of the role")),
    request_body = RoleUpdate, responses(
    (status = 200, description = "The role after the change", body = Role),
    (status = 400, description = "System roles cannot be renamed"),
    (status = 404, description = "Role not found"),
    (status = 409, description = "Role name already exists")))]
pub async fn update_role(by: Caller, Path(id): Path<i64>, body: Json<RoleUpdate>) -> Result<Json<Role>> {
    by.portal_wide()?;
    let may = |before: &Role, after: &Checked| {
        refuse_global(&by, &before.permissions.0)?;
        refuse_global(&by, &after.permissions)
    };
    Ok(Json(store::update(&by, id, |fields| body.0.over(fields), may).await?.role))
}

/// Deletes a role that nobody has.
#[utoipa::path(delete, path = "/roles/{id}", params(("id" = i64, Path, description = "Number of the role")),
    responses(
    (status = 204, description = "The role is gone"),
    (status = 400, description = "Cannot delete system role"),
    (status = 404, description = "Role not found"),
    (status = 409, description = "Role is assigned to memberships")))]
pub async fn delete_role(by: Caller, Path(id): Path<i64>) -> Result<StatusCode> {
    by.portal_wide()?;
    if by.key().is_some() {
        refuse_global(&by, &store::find(by.db(), id).await?.permissions.0)?;
    }
    store::delete(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
