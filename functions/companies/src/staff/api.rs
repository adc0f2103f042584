//! `/api/staff` for programs, and the two JSON routes of the page (organisation 10.2, 10.3).

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::{Keyed, Member, SuperAdmin, User};
use shared::error::{Error, Invalid, Result};
use shared::web::{Json, Limits, Listed, Path, Query};
use utoipa::{IntoParams, ToSchema};

use super::body::StaffBody;
use super::change;
use super::field::{Field, Wish};
use super::model::{ACTIONS, Staff};
use super::scope::{Directory, Viewer};
use super::store::{self, Filter};
use crate::companies::model::Flag;
use crate::companies::store as companies;

/// What narrows the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Asked {
    /// Only this company; callers who are not super administrators name one of theirs.
    #[serde(rename = "companyId", alias = "company_id")]
    company_id: Option<i64>,
    /// One of the eight account actions.
    #[serde(rename = "accountAction", alias = "account_action")]
    #[param(example = "Offboard Requested")]
    account_action: Option<String>,
    /// A part of the address.
    email: Option<String>,
    /// `1` or `0`.
    #[param(value_type = Option<bool>)]
    enabled: Option<Flag>,
    /// A department, compared without case.
    department: Option<String>,
    /// Words that begin a word of the name, the address, the job or the place.
    #[serde(alias = "search")]
    q: Option<String>,
}

impl Asked {
    fn filter(&self) -> Result<Filter> {
        let known = |text: &String| ACTIONS.iter().find(|action| action.eq_ignore_ascii_case(text));
        let account_action = match &self.account_action {
            None => None,
            Some(text) => Some(
                known(text).ok_or_else(|| Error::field("accountAction", "Choose an account action from the list"))?,
            ),
        };
        Ok(Filter {
            company_id: self.company_id,
            enabled: self.enabled.map(|flag| flag.0),
            department: self.department.clone(),
            account_action: account_action.map(|action| (*action).to_owned()),
            email: self.email.clone(),
            words: self.q.clone().unwrap_or_default(),
            sort: None,
        })
    }
}

/// Lists staff by company and name.
#[utoipa::path(get, path = "/api/staff", params(Asked, Limits), responses(
    (status = 200, description = "Staff within reach, with `X-Total-Count` and `Link`", body = Vec<Staff>),
    (status = 400, description = "No company associated with the current user"),
    (status = 403, description = "No staff level in the company"),
    (status = 404, description = "Company not found")))]
pub async fn list_staff(by: Keyed<User>, asked: Query<Asked>, limits: Query<Limits>) -> Result<Listed<Vec<Staff>>> {
    let limits = limits.checked()?;
    let filter = asked.filter()?;
    let viewer = Viewer::of_api(&by, asked.company_id).await?;
    let (rows, counted) = store::list(&by, &viewer, &filter, limits.limit(), limits.offset()).await?;
    let rows = rows.into_iter().map(|staff| viewer.show(&by, staff)).collect();
    Ok(Listed::new(&by, rows, counted, limits))
}

/// Adds a staff member.
#[utoipa::path(post, path = "/api/staff", request_body = StaffBody, responses(
    (status = 201, description = "The new staff member", body = Staff),
    (status = 404, description = "Company not found"),
    (status = 409, description = "The company has the address already")))]
pub async fn create_staff(by: Keyed<SuperAdmin>, body: Json<StaffBody>) -> Result<(StatusCode, Json<Staff>)> {
    let viewer = everything(&by);
    let company_id = body.company_id;
    let wish = body.0.wish();
    let mut bad = Invalid::none();
    if company_id.is_none() {
        bad.add("company_id", "Name the company");
    }
    for field in [Field::FirstName, Field::LastName, Field::Email] {
        if wish.text(field).is_empty() {
            bad.add(field.name(), format!("Enter the {}", field.label().to_lowercase()));
        }
    }
    bad.finish()?;
    let company = companies::find(by.db(), company_id.unwrap_or_default()).await?;
    if by.key_company().is_some_and(|only| only != company.id) {
        return Err(companies::unknown());
    }
    let staff = change::create(&by, &viewer, company.id, &wish).await?;
    Ok((StatusCode::CREATED, Json(viewer.show(&by, staff))))
}

/// Keys and super administrators reach everything that the key is not limited from.
fn everything(by: &Keyed<SuperAdmin>) -> Viewer {
    Viewer::machine(by.key_company(), by.person().is_some())
}

/// Gives one staff member.
#[utoipa::path(get, path = "/api/staff/{id}", params(("id" = i64, Path, description = "Number of the staff member")),
    responses((status = 200, description = "The staff member", body = Staff),
    (status = 404, description = "Staff not found, or out of the caller's reach")))]
pub async fn get_staff(by: Keyed<User>, Path(id): Path<i64>) -> Result<Json<Staff>> {
    let found = store::get(by.db(), id, by.now()).await?.ok_or_else(store::unknown)?;
    let viewer = Viewer::of_record(&by, found.company_id).await?.ok_or_else(store::unknown)?;
    let staff = store::find(by.db(), &viewer, id, by.now()).await?;
    Ok(Json(viewer.show(&by, staff)))
}

/// Changes what is sent.
#[utoipa::path(put, path = "/api/staff/{id}", request_body = StaffBody,
    params(("id" = i64, Path, description = "Number of the staff member")),
    responses((status = 200, description = "The staff member after the change", body = Staff),
    (status = 404, description = "Staff not found"),
    (status = 409, description = "The company has the address already")))]
pub async fn update_staff(by: Keyed<SuperAdmin>, Path(id): Path<i64>, body: Json<StaffBody>) -> Result<Json<Staff>> {
    let viewer = everything(&by);
    let staff = change::update(&by, &viewer, id, &body.0.wish()).await?;
    Ok(Json(viewer.show(&by, staff)))
}

/// Deletes a staff member for good.
#[utoipa::path(delete, path = "/api/staff/{id}",
    params(("id" = i64, Path, description = "Number of the staff member")),
    responses((status = 204, description = "The staff member is gone"),
    (status = 404, description = "Staff not found")))]
pub async fn delete_staff(by: Keyed<SuperAdmin>, Path(id): Path<i64>) -> Result<StatusCode> {
    change::delete(&by, &everything(&by), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a change on the page answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffSaved, example = json!({"success": true, "staff": {"id": 12, "first_name": "Ana", "enabled": true}}))]
pub struct Saved {
    success: bool,
    /// After the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    staff: Option<Staff>,
}

/// Changes what is sent, as far as the caller's staff level goes.
#[utoipa::path(put, path = "/staff/{id}", request_body = StaffBody,
    params(("id" = i64, Path, description = "Number of the staff member")),
    responses((status = 200, description = "The staff member after the change", body = Saved),
    (status = 403, description = "A field that the caller may not change; `field` names it"),
    (status = 404, description = "Staff not found, or out of the caller's reach"),
    (status = 409, description = "The company has the address already")))]
pub async fn put_staff(by: Member<Directory>, Path(id): Path<i64>, body: Json<StaffBody>) -> Result<Json<Saved>> {
    let viewer = Viewer::of_one(&by).await?;
    let wish: Wish = body.0.wish();
    let staff = change::update(&by, &viewer, id, &wish).await?;
    Ok(Json(Saved { success: true, staff: Some(viewer.show(&by, staff)) }))
}

/// Deletes a staff member for good.
#[utoipa::path(delete, path = "/staff/{id}", params(("id" = i64, Path, description = "Number of the staff member")),
    responses((status = 200, description = "The staff member is gone", body = Saved),
    (status = 404, description = "Staff not found")))]
pub async fn remove_staff(by: SuperAdmin, Path(id): Path<i64>) -> Result<Json<Saved>> {
    change::delete(&by, &Viewer::super_admin(), id).await?;
    Ok(Json(Saved { success: true, staff: None }))
}
