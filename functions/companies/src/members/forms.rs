//! The addresses that the matrix posts to; each change is one request and one line of the trail
//! (organisation 7.2).

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::accounts::memberships::{Status, role_id};
use shared::caller::{SuperAdmin, User};
use shared::context::By;
use shared::error::{Error, Result};
use shared::web::{Form, Json, Path};
use shared::{Flash, Tone};
use utoipa::ToSchema;

use super::access::{Field, is_true, staff_level};
use super::change::{self, Cause, Wish};
use super::joining;
use super::manager::Manager;
use super::record::{self, Which};
use crate::companies::store as companies;

/// What every change of the matrix answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"success": true, "role_id": 3, "role_name": "Member"}))]
pub struct Saved {
    /// Always true; refusals are problems.
    success: bool,
    /// The role, when it was what changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    role_id: Option<i64>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    role_name: Option<String>,
}

const SAVED: Saved = Saved { success: true, role_id: None, role_name: None };

/// Members who manage nobody are told so; to others the membership does not exist.
fn managed(by: &User, company_id: i64) -> Result<Manager> {
    let is_member = by.me().memberships.iter().any(|m| m.company.id == company_id);
    Manager::of(by.me(), company_id)
        .ok_or_else(|| if is_member { Error::forbidden("Access denied") } else { record::unknown() })
}

/// A section and whether it is on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"field": "can_access_shop", "value": "true"}))]
pub struct PermissionForm {
    /// Name of the section flag.
    field: String,
    /// `1`, `true`, `t`, `yes`, `y` or `on` is on; anything else is off.
    value: String,
}

/// Switches one section of a member.
#[utoipa::path(post, path = "/admin/companies/assignment/{company}/{user}/permission",
    params(("company" = i64, Path, description = "Number of the company"),
    ("user" = i64, Path, description = "Number of the person")),
    request_body(content = PermissionForm, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "Saved", body = Saved),
    (status = 400, description = "Unsupported permission field"),
    (status = 404, description = "Membership not found")))]
pub async fn set_permission(
    by: User,
    Path((company_id, user_id)): Path<(i64, i64)>,
    form: Form<PermissionForm>,
) -> Result<Json<Saved>> {
    let manager = managed(&by, company_id)?;
    let name = form.field.trim();
    let field =
        Field::parse(name).ok_or_else(|| Error::bad_request(format!("Unsupported permission field: {name}")))?;
    let cause = Cause { manager: &manager, company_id, action: "membership.permissions_changed" };
    change::change(&by, cause, Which::Person(user_id), &Wish::flag(field, is_true(&form.value.value))).await?;
    Ok(Json(SAVED))
}

/// A staff level.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"permission": "2"}))]
pub struct StaffForm {
    /// 0 to 3.
    permission: String,
}

/// Sets the staff level of a member.
#[utoipa::path(post, path = "/admin/companies/assignment/{company}/{user}/staff-permission",
    params(("company" = i64, Path, description = "Number of the company"),
    ("user" = i64, Path, description = "Number of the person")),
    request_body(content = StaffForm, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "Saved", body = Saved),
    (status = 400, description = "Invalid permission value"),
    (status = 404, description = "Membership not found")))]
pub async fn set_staff_permission(
    by: User,
    Path((company_id, user_id)): Path<(i64, i64)>,
    form: Form<StaffForm>,
) -> Result<Json<Saved>> {
    let manager = managed(&by, company_id)?;
    let level = staff_level(&form.permission).ok_or_else(|| Error::bad_request("Invalid permission value"))?;
    let cause = Cause { manager: &manager, company_id, action: "membership.staff_permission_changed" };
    let wish = Wish { staff_permission: Some(level), ..Wish::default() };
    change::change(&by, cause, Which::Person(user_id), &wish).await?;
    Ok(Json(SAVED))
}

/// A role.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"roleId": "3"}))]
#[serde(rename_all = "camelCase")]
pub struct RoleForm {
    /// Number of the role.
    #[serde(alias = "role_id")]
    role_id: String,
}

/// Gives a member another role.
#[utoipa::path(post, path = "/admin/companies/assignment/{company}/{user}/role",
    params(("company" = i64, Path, description = "Number of the company"),
    ("user" = i64, Path, description = "Number of the person")),
    request_body(content = RoleForm, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "Saved", body = Saved),
    (status = 400, description = "Select a role for the membership, or Invalid role selection"),
    (status = 404, description = "Membership not found or Role not found")))]
pub async fn set_role(
    by: User,
    Path((company_id, user_id)): Path<(i64, i64)>,
    form: Form<RoleForm>,
) -> Result<Json<Saved>> {
    let manager = managed(&by, company_id)?;
    let text = form.role_id.trim();
    if text.is_empty() {
        return Err(Error::bad_request("Select a role for the membership"));
    }
    let role = text.parse().map_err(|_| Error::bad_request("Invalid role selection"))?;
    let cause = Cause { manager: &manager, company_id, action: "membership.role_changed" };
    let wish = Wish { role_id: Some(role), ..Wish::default() };
    let (record, _) = change::change(&by, cause, Which::Person(user_id), &wish).await?;
    Ok(Json(Saved { success: true, role_id: Some(record.role_id), role_name: Some(record.role_name) }))
}

/// Takes everything away from a member and keeps the row for the record.
#[utoipa::path(post, path = "/admin/companies/assignment/{company}/{user}/remove",
    params(("company" = i64, Path, description = "Number of the company"),
    ("user" = i64, Path, description = "Number of the person")), responses(
    (status = 200, description = "The membership is suspended", body = Saved),
    (status = 404, description = "Membership not found")))]
pub async fn remove_assignment(by: SuperAdmin, Path((company_id, user_id)): Path<(i64, i64)>) -> Result<Json<Saved>> {
    let manager = Manager::of(by.me(), company_id).ok_or_else(record::unknown)?;
    let cause = Cause { manager: &manager, company_id, action: "membership.suspended" };
    change::change(&by, cause, Which::Person(user_id), &Wish::cleared()).await?;
    Ok(Json(SAVED))
}

/// Who should belong to which company.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AssignForm {
    #[serde(alias = "userId")]
    user_id: String,
    #[serde(alias = "companyId")]
    company_id: String,
}

/// Makes somebody with an account a member at once, without any section. Who is one already stays as
/// they are.
pub async fn assign(by: SuperAdmin, form: Form<AssignForm>) -> Result<Response> {
    let ids = (form.user_id.trim().parse::<i64>(), form.company_id.trim().parse::<i64>());
    let (Ok(user_id), Ok(company_id)) = ids else {
        return Err(Error::bad_request("Select both a user and a company."));
    };
    let missing = |error: Error| match error.status() {
        http::StatusCode::NOT_FOUND => Error::not_found("User or company not found."),
        _ => error,
    };
    let company = companies::find(by.db(), company_id).await.map_err(missing)?;
    let manager = Manager::of(by.me(), company_id).ok_or_else(companies::unknown)?;
    let is_new = join(&by, &manager, company_id, user_id).await.map_err(missing)?;
    let to = format!("/admin/companies/{company_id}");
    let flash = match is_new {
        Some(email) => Flash::done(format!("{email} now works in {}", company.name)),
        None => Flash::new(Tone::Info, "This person is a member already. Nothing was changed."),
    };
    by.see(to, flash).await
}

/// The address of who joined, or nothing when they had joined before.
async fn join(by: &By, manager: &Manager, company_id: i64, user_id: i64) -> Result<Option<String>> {
    let known = record::find(by.db(), company_id, Which::Person(user_id)).await?;
    let Some(known) = known else {
        let member = role_id(by.db(), "Member").await?;
        let wish = Wish { role_id: member, status: Some(Status::Active), ..Wish::default() };
        let cause = Cause { manager, company_id, action: "membership.created" };
        return joining::add(by, cause, user_id, &wish).await.map(|record| Some(record.user_email));
    };
    let cause = Cause { manager, company_id, action: "membership.reactivated" };
    let wish = Wish { status: Some(Status::Active), ..Wish::default() };
    let (record, changed) = change::change(by, cause, Which::Row(known.id), &wish).await?;
    Ok(changed.then_some(record.user_email))
}
