//! `/companies` for programs (organisation 6.1).

use http::StatusCode;
use shared::caller::{Keyed, SuperAdmin};
use shared::error::Result;
use shared::web::{Json, Limits, Listed, Path, Query};

use super::model::{Company, CompanyCreate, CompanyUpdate, Fields, Filter};
use super::{removal, store};

type Caller = Keyed<SuperAdmin>;

/// The company, if the caller may see it: a key limited to one company sees only that one.
async fn visible(by: &Caller, id: i64) -> Result<Company> {
    if by.key_company().is_some_and(|only| only != id) {
        return Err(store::unknown());
    }
    store::find(by.db(), id).await
}

/// Lists companies by name.
#[utoipa::path(get, path = "/companies", params(Filter, Limits),
    responses((status = 200, description = "The companies, with `X-Total-Count` and `Link`", body = Vec<Company>)))]
pub async fn list_companies(by: Caller, filter: Query<Filter>, limits: Query<Limits>) -> Result<Listed<Vec<Company>>> {
    let (filter, limits) = (filter.value.checked()?, limits.checked()?);
    let (rows, counted) = store::list(&by, &filter, by.key_company(), limits.limit(), limits.offset()).await?;
    Ok(Listed::new(&by, rows, counted, limits))
}

/// Adds a company.
#[utoipa::path(post, path = "/companies", request_body = CompanyCreate, responses(
    (status = 201, description = "The new company", body = Company),
    (status = 409, description = "Another company has the name, the Syncro ID or the Xero ID")))]
pub async fn create_company(by: Caller, body: Json<CompanyCreate>) -> Result<(StatusCode, Json<Company>)> {
    by.portal_wide()?;
    let new = Fields::from(body.0).parse()?;
    Ok((StatusCode::CREATED, Json(store::create(&by, &new).await?)))
}

/// Gives one company.
#[utoipa::path(get, path = "/companies/{id}", params(("id" = i64, Path, description = "Number of the company")), responses(
    (status = 200, description = "The company", body = Company),
    (status = 404, description = "Company not found")))]
pub async fn get_company(by: Caller, Path(id): Path<i64>) -> Result<Json<Company>> {
    Ok(Json(visible(&by, id).await?))
}

/// Changes the fields that are sent.
#[utoipa::path(patch, path = "/companies/{id}", params(("id" = i64, Path, description = "Number of the company")),
    request_body = CompanyUpdate, responses(
    (status = 200, description = "The company after the change", body = Company),
    (status = 404, description = "Company not found"),
    (status = 409, description = "Another company has the name, the Syncro ID or the Xero ID")))]
pub async fn update_company(by: Caller, Path(id): Path<i64>, body: Json<CompanyUpdate>) -> Result<Json<Company>> {
    visible(&by, id).await?;
    Ok(Json(store::update(&by, id, |fields| body.0.over(fields)).await?))
}

/// Archives a company: it closes to its members with their next request.
#[utoipa::path(post, path = "/companies/{id}/archive", params(("id" = i64, Path, description = "Number of the company")),
    responses((status = 200, description = "The archived company", body = Company),
    (status = 404, description = "Company not found")))]
pub async fn archive_company(by: Caller, Path(id): Path<i64>) -> Result<Json<Company>> {
    by.portal_wide()?;
    store::archive(&by, &visible(&by, id).await?).await?;
    Ok(Json(store::find(by.db(), id).await?))
}

/// Opens an archived company again.
#[utoipa::path(post, path = "/companies/{id}/unarchive",
    params(("id" = i64, Path, description = "Number of the company")),
    responses((status = 200, description = "The company", body = Company),
    (status = 404, description = "Company not found"),
    (status = 409, description = "Another company has taken the name")))]
pub async fn unarchive_company(by: Caller, Path(id): Path<i64>) -> Result<Json<Company>> {
    by.portal_wide()?;
    store::unarchive(&by, &visible(&by, id).await?).await?;
    Ok(Json(store::find(by.db(), id).await?))
}

/// Deletes a company that has no records; archive the others.
#[utoipa::path(delete, path = "/companies/{id}",
    params(("id" = i64, Path, description = "Number of the company")), responses(
    (status = 204, description = "The company is gone, with its members, domains and settings"),
    (status = 404, description = "Company not found"),
    (status = 409, description = "Company has linked records: `dependents` counts them by kind")))]
pub async fn delete_company(by: Caller, Path(id): Path<i64>) -> Result<StatusCode> {
    by.portal_wide()?;
    removal::delete(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
