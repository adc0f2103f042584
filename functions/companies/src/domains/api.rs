//! `/companies/{id}/email-domains` for programs.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use shared::caller::{Keyed, User};
use shared::error::{Error, Result};
use shared::web::{Json, Path};

use super::model::{self, Domain, DomainCreate, DomainUpdate};
use super::store;
use crate::companies::frame::may_edit;
use crate::companies::model::Company;
use crate::companies::store as companies;

type Caller = Keyed<User>;

/// The company, if the caller may read its domains.
async fn readable(by: &Caller, id: i64) -> Result<Company> {
    let may = match by.person() {
        Some(person) => may_edit(person, id),
        None => by.key_company().is_none_or(|only| only == id),
    };
    if !may {
        return Err(companies::unknown());
    }
    companies::find(by.db(), id).await
}

/// True for super administrators and keys that reach every company.
fn may_decide(by: &Caller) -> bool {
    by.person().map_or(by.key_company().is_none(), |person| person.user.is_super_admin)
}

async fn decidable(by: &Caller, id: i64) -> Result<Company> {
    let company = readable(by, id).await?;
    if may_decide(by) { Ok(company) } else { Err(Error::forbidden("Only super administrators change email domains")) }
}

/// Lists the email domains of a company.
#[utoipa::path(get, path = "/companies/{id}/email-domains",
    params(("id" = i64, Path, description = "Number of the company")), responses(
    (status = 200, description = "At most 200 domains", body = Vec<Domain>),
    (status = 404, description = "Company not found")))]
pub async fn list_domains(by: Caller, Path(id): Path<i64>) -> Result<Json<Vec<Domain>>> {
    let company = readable(&by, id).await?;
    Ok(Json(store::list(by.db(), company.id).await?))
}

/// Adds an email domain; who manages the company without deciding proposes it.
#[utoipa::path(post, path = "/companies/{id}/email-domains", request_body = DomainCreate,
    params(("id" = i64, Path, description = "Number of the company")), responses(
    (status = 201, description = "The new domain", body = Domain),
    (status = 202, description = "Proposed to the super administrators"),
    (status = 404, description = "Company not found"),
    (status = 409, description = "Another company has the domain")))]
pub async fn create_domain(by: Caller, Path(id): Path<i64>, body: Json<DomainCreate>) -> Result<Response> {
    let company = readable(&by, id).await?;
    let domain = model::parse(&body.domain).map_err(|text| Error::field("domain", text))?;
    if !may_decide(&by) {
        store::propose(&by, &company, &domain).await?;
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    let auto_join = body.auto_join.unwrap_or_default().0;
    let domain = store::create(&by, &company, &domain, auto_join).await?;
    Ok((StatusCode::CREATED, Json(domain)).into_response())
}

/// Switches joining by itself on or off.
#[utoipa::path(patch, path = "/companies/{id}/email-domains/{domain_id}", request_body = DomainUpdate,
    params(("id" = i64, Path, description = "Number of the company"),
    ("domain_id" = i64, Path, description = "Number of the domain")), responses(
    (status = 200, description = "The domain after the change", body = Domain),
    (status = 404, description = "Company not found or Email domain not found")))]
pub async fn update_domain(
    by: Caller,
    Path((id, domain_id)): Path<(i64, i64)>,
    body: Json<DomainUpdate>,
) -> Result<Json<Domain>> {
    let company = decidable(&by, id).await?;
    let auto_join = body.auto_join.ok_or_else(|| Error::field("auto_join", "Enter true or false"))?;
    Ok(Json(store::set_auto_join(&by, &company, domain_id, auto_join.0).await?))
}

/// Takes an email domain away.
#[utoipa::path(delete, path = "/companies/{id}/email-domains/{domain_id}",
    params(("id" = i64, Path, description = "Number of the company"),
    ("domain_id" = i64, Path, description = "Number of the domain")), responses(
    (status = 204, description = "The domain is gone"),
    (status = 404, description = "Company not found or Email domain not found")))]
pub async fn delete_domain(by: Caller, Path((id, domain_id)): Path<(i64, i64)>) -> Result<StatusCode> {
    let company = decidable(&by, id).await?;
    store::remove(&by, &company, domain_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
