//! `POST /switch-company`: the company a person works for now (organisation 5.2).

mod body;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use shared::caller::User;
use shared::context::safe_path;
use shared::db::sql;
use shared::error::{Error, Result};
use shared::routes::Routes;
use shared::web::{Json, Query};
use shared::{Flash, Tone};
use utoipa::ToSchema;

/// Adds the route.
pub fn add(routes: Routes) -> Routes {
    routes.no_scope().api(shared::api!(switch_company))
}

/// The longest body, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// The company to switch to. The snake-case names `company_id` and `return_url` are taken too.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"companyId": 42, "returnUrl": "/tickets?status=open"}))]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "documents a body that is read by hand, in many shapes")]
pub struct SwitchCompany {
    /// Number of the company.
    company_id: i64,
    /// Where to go afterwards: a path of the portal, `/` when it is anything else.
    return_url: Option<String>,
}

/// The company that is active now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"active_company_id": 42, "redirect": "/tickets?status=open"}))]
pub struct Switched {
    /// Number of the company.
    active_company_id: i64,
    /// Where to go now.
    redirect: String,
}

/// Makes another company the active one of this session.
///
/// Both values may come in the body, as JSON or a form, or in the query string. Browsers are sent on
/// with 303; programs that accept `application/json` get 200.
#[utoipa::path(post, path = "/switch-company",
    request_body(content((SwitchCompany = "application/json"), (SwitchCompany = "application/x-www-form-urlencoded"))),
    responses(
    (status = 200, description = "Switched, for programs", body = Switched),
    (status = 303, description = "Switched, for browsers"),
    (status = 400, description = "`companyId is required`, or `Invalid company identifier`"),
    (status = 403, description = "The company is not open to the caller")))]
pub async fn switch_company(
    by: User,
    query: Query<IgnoredAny>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response> {
    let body = body.ok().filter(|bytes| bytes.len() <= BODY_LIMIT).ok_or_else(too_large)?;
    let asked = Asked::read(&body::pairs(&headers, &body).await, query.pairs());
    let back = asked.back.as_deref().and_then(safe_path).unwrap_or("/").to_owned();
    let company = asked.company.ok_or_else(|| Error::bad_request("companyId is required"))?;
    let company: i64 = company.parse().map_err(|_| Error::bad_request("Invalid company identifier"))?;
    if !is_open(&by, company).await? {
        return refuse(&by, &back).await;
    }
    store(&by, company).await?;
    if accepts_json(&headers) {
        return Ok(Json(Switched { active_company_id: company, redirect: back }).into_response());
    }
    Ok(by.go(&back))
}

fn too_large() -> Error {
    Error::refused(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large. This one may have 64 KB.")
}

/// What was asked, before it means anything.
struct Asked {
    company: Option<String>,
    back: Option<String>,
}

impl Asked {
    /// The first value that is not blank wins: the body's names in order, then the query's.
    fn read(body: &[(String, String)], query: &[(String, String)]) -> Self {
        let find = |names: [&str; 2]| {
            [body, query].into_iter().find_map(|pairs| {
                names.iter().find_map(|name| {
                    let mut values = pairs.iter().filter(|(n, _)| n == name).map(|(_, value)| value.trim());
                    values.next().filter(|value| !value.is_empty()).map(str::to_owned)
                })
            })
        };
        Self { company: find(["companyId", "company_id"]), back: find(["returnUrl", "return_url"]) }
    }
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.to_ascii_lowercase().contains("application/json")
}

async fn is_open(by: &User, company: i64) -> Result<bool> {
    if !by.me().user.is_super_admin {
        return Ok(by.me().may_work_in(company));
    }
    let open: Option<(i64,)> = sql("SELECT id FROM companies WHERE id = ? AND archived_at IS NULL")
        .bind(company)
        .fetch_optional(by.db())
        .await?;
    Ok(open.is_some())
}

/// Programs are told; people go back to where they were.
async fn refuse(by: &User, back: &str) -> Result<Response> {
    if !by.request().wants_page() {
        return Err(Error::forbidden("Access denied"));
    }
    by.see(back, Flash::new(Tone::Warning, "You do not have access to that company.")).await
}

async fn store(by: &User, company: i64) -> Result<()> {
    let mut tx = by.begin().await?;
    tx.housekeeping();
    let now = by.now();
    sql("UPDATE user_sessions SET active_company_id = ?, last_seen_at = ? WHERE id = ? AND revoked_at IS NULL")
        .bind(company)
        .bind(now)
        .bind(by.me().session.id)
        .execute(&mut tx)
        .await?;
    sql("UPDATE company_memberships SET last_seen_at = ? WHERE company_id = ? AND user_id = ? AND status = 'active'")
        .bind(now)
        .bind(company)
        .bind(by.me().id())
        .execute(&mut tx)
        .await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn the_first_value_that_is_not_blank_wins() {
        let body = pairs(&[("companyId", " "), ("company_id", "7"), ("return_url", "")]);
        let query = pairs(&[("companyId", "9"), ("returnUrl", "/a")]);
        let asked = Asked::read(&body, &query);
        assert_eq!((asked.company.as_deref(), asked.back.as_deref()), (Some("7"), Some("/a")));
        let asked = Asked::read(&pairs(&[("companyId", "")]), &query);
        assert_eq!(asked.company.as_deref(), Some("9"));
    }
}
