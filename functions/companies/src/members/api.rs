//! `/companies/{company_id}/memberships` for programs (organisation 7.1).

use http::StatusCode;
use serde::Deserialize;
use shared::accounts::memberships::Status;
use shared::caller::{Keyed, User};
use shared::error::{Error, Invalid, Result};
use shared::web::{Json, Limits, Listed, Path, Query};
use utoipa::{IntoParams, ToSchema};

use super::access::Field;
use super::change::{self, Cause, Wish};
use super::joining;
use super::manager::Manager;
use super::record::{self, Filter, Record, Which};
use super::store;
use crate::companies::model::Flag;
use crate::companies::store as companies;

type Caller = Keyed<User>;

/// Companies that the caller does not manage do not exist for them.
fn managed(by: &Caller, company_id: i64) -> Result<Manager> {
    Manager::of_caller(by, company_id).ok_or_else(companies::unknown)
}

/// What narrows the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Asked {
    /// `invited`, `active` or `suspended`.
    #[param(example = "active")]
    status: Option<String>,
    /// Number of a role.
    role_id: Option<i64>,
    /// Words that begin a word of the name or the address.
    #[serde(alias = "q")]
    search: Option<String>,
}

/// The status of a name.
pub fn status(text: &str) -> Option<Status> {
    [Status::Invited, Status::Active, Status::Suspended].into_iter().find(|status| status.as_str() == text)
}

const STATUSES: &str = "Choose invited, active or suspended";

/// Lists the members of a company by address.
#[utoipa::path(get, path = "/companies/{company_id}/memberships", params(Asked, Limits,
    ("company_id" = i64, Path, description = "Number of the company")), responses(
    (status = 200, description = "The memberships, with `X-Total-Count` and `Link`", body = Vec<Record>),
    (status = 404, description = "Company not found, or not managed by the caller")))]
pub async fn list_memberships(
    by: Caller,
    Path(company_id): Path<i64>,
    asked: Query<Asked>,
    limits: Query<Limits>,
) -> Result<Listed<Vec<Record>>> {
    let limits = limits.checked()?;
    managed(&by, company_id)?;
    if asked.status.as_deref().is_some_and(|text| status(text).is_none()) {
        return Err(Error::field("status", STATUSES));
    }
    companies::find(by.db(), company_id).await?;
    let filter = Filter {
        company_id: Some(company_id),
        status: asked.status.clone(),
        role_id: asked.role_id,
        words: asked.search.clone().unwrap_or_default(),
        sort: None,
    };
    let (rows, counted) = record::list(&by, &filter, limits.limit(), limits.offset()).await?;
    Ok(Listed::new(&by, rows, counted, limits))
}

/// A membership as callers write it. The camel-case names of the original are taken too.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"user_id": 12, "role_id": 3, "status": "active", "staff_permission": 1,
    "can_access_shop": true, "can_access_cart": true}))]
pub struct MembershipBody {
    /// The person; only when a membership is added.
    #[serde(alias = "userId")]
    user_id: Option<i64>,
    /// The role; required when a membership is added.
    #[serde(alias = "roleId")]
    role_id: Option<i64>,
    /// `invited`, `active` or `suspended`.
    status: Option<String>,
    /// 0 to 3.
    #[serde(alias = "staffPermission")]
    staff_permission: Option<i64>,
    /// Opens the shop.
    can_access_shop: Option<Flag>,
    /// Opens the cart.
    can_access_cart: Option<Flag>,
    /// Opens the orders.
    can_access_orders: Option<Flag>,
    /// Opens the forms.
    can_access_forms: Option<Flag>,
    /// Opens the assets.
    can_manage_assets: Option<Flag>,
    /// Opens the licences.
    can_manage_licenses: Option<Flag>,
    /// Lets licences be ordered.
    can_order_licenses: Option<Flag>,
    /// Opens the invoices.
    can_manage_invoices: Option<Flag>,
    /// Opens the office groups.
    can_manage_office_groups: Option<Flag>,
    /// Makes company admin.
    is_admin: Option<Flag>,
}

impl MembershipBody {
    fn flag(&self, field: Field) -> Option<bool> {
        let flag = match field {
            Field::Shop => self.can_access_shop,
            Field::Cart => self.can_access_cart,
            Field::Orders => self.can_access_orders,
            Field::Forms => self.can_access_forms,
            Field::Assets => self.can_manage_assets,
            Field::Licenses => self.can_manage_licenses,
            Field::OrderLicenses => self.can_order_licenses,
            Field::Invoices => self.can_manage_invoices,
            Field::OfficeGroups => self.can_manage_office_groups,
            Field::Admin => self.is_admin,
        };
        flag.map(|flag| flag.0)
    }

    fn wish(&self, bad: &mut Invalid) -> Wish {
        let wanted = self.status.as_deref().map(status);
        if wanted == Some(None) {
            bad.add("status", STATUSES);
        }
        if self.staff_permission.is_some_and(|level| !(0..=3).contains(&level)) {
            bad.add("staff_permission", "Enter a number from 0 to 3");
        }
        let flags = Field::ALL.into_iter().filter_map(|field| self.flag(field).map(|on| (field, on))).collect();
        let staff_permission = self.staff_permission;
        Wish { role_id: self.role_id, status: wanted.flatten(), staff_permission, flags }
    }
}

/// Adds a membership of somebody who has an account.
#[utoipa::path(post, path = "/companies/{company_id}/memberships", request_body = MembershipBody,
    params(("company_id" = i64, Path, description = "Number of the company")), responses(
    (status = 201, description = "The new membership", body = Record),
    (status = 403, description = "You cannot grant permissions you do not hold"),
    (status = 404, description = "Company not found, User not found or Role not found"),
    (status = 409, description = "Membership already exists")))]
pub async fn create_membership(
    by: Caller,
    Path(company_id): Path<i64>,
    body: Json<MembershipBody>,
) -> Result<(StatusCode, Json<Record>)> {
    let manager = managed(&by, company_id)?;
    let mut bad = Invalid::none();
    let wish = body.wish(&mut bad);
    if body.user_id.is_none() {
        bad.add("user_id", "Name the person");
    }
    if body.role_id.is_none() {
        bad.add("role_id", "Name the role");
    }
    bad.finish()?;
    let cause = Cause { manager: &manager, company_id, action: "membership.created" };
    let record = joining::add(&by, cause, body.user_id.unwrap_or_default(), &wish).await?;
    Ok((StatusCode::CREATED, Json(record)))
}

/// Changes what is sent: the role, the status, the staff level, sections.
#[utoipa::path(patch, path = "/companies/{company_id}/memberships/{id}", request_body = MembershipBody,
    params(("company_id" = i64, Path, description = "Number of the company"),
    ("id" = i64, Path, description = "Number of the membership")), responses(
    (status = 200, description = "The membership after the change", body = Record),
    (status = 403, description = "You cannot grant permissions you do not hold"),
    (status = 404, description = "Company not found, Membership not found or Role not found"),
    (status = 409, description = "The company needs at least one administrator")))]
pub async fn update_membership(
    by: Caller,
    Path((company_id, id)): Path<(i64, i64)>,
    body: Json<MembershipBody>,
) -> Result<Json<Record>> {
    let manager = managed(&by, company_id)?;
    let mut bad = Invalid::none();
    let wish = body.wish(&mut bad);
    bad.finish()?;
    let cause = Cause { manager: &manager, company_id, action: "membership.updated" };
    Ok(Json(change::change(&by, cause, Which::Row(id), &wish).await?.0))
}

/// Takes a membership away for good.
#[utoipa::path(delete, path = "/companies/{company_id}/memberships/{id}",
    params(("company_id" = i64, Path, description = "Number of the company"),
    ("id" = i64, Path, description = "Number of the membership")), responses(
    (status = 204, description = "The membership is gone"),
    (status = 404, description = "Company not found or Membership not found"),
    (status = 409, description = "The company needs at least one administrator")))]
pub async fn delete_membership(by: Caller, Path((company_id, id)): Path<(i64, i64)>) -> Result<StatusCode> {
    let manager = managed(&by, company_id)?;
    let cause = Cause { manager: &manager, company_id, action: "membership.deleted" };
    change::remove(&by, cause, Which::Row(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Accepts the caller's own invitation.
#[utoipa::path(post, path = "/memberships/{id}/accept",
    params(("id" = i64, Path, description = "Number of the membership")), responses(
    (status = 200, description = "The membership is active", body = Record),
    (status = 404, description = "Membership not found, of somebody else, or no longer waiting")))]
pub async fn accept_membership(by: User, Path(id): Path<i64>) -> Result<Json<Record>> {
    let answered = store::answer(&by, by.me().id(), id, true).await?;
    let record = record::find(by.db(), answered.company_id, Which::Row(id)).await?;
    record.map(Json).ok_or_else(record::unknown)
}

/// Declines the caller's own invitation.
#[utoipa::path(post, path = "/memberships/{id}/decline",
    params(("id" = i64, Path, description = "Number of the membership")), responses(
    (status = 204, description = "The invitation is gone"),
    (status = 404, description = "Membership not found, of somebody else, or no longer waiting")))]
pub async fn decline_membership(by: User, Path(id): Path<i64>) -> Result<StatusCode> {
    store::answer(&by, by.me().id(), id, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
