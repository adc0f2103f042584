//! `/audit-logs` for programs (organisation 9.2).
#![expect(unused_qualifications, reason = "the documentation macro names the types of the query by their path")]

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Deserialize;
use shared::caller::{Auditor, Keyed};
use shared::context::encode_component;
use shared::error::{Error, Result};
use shared::web::{Json, Path, Query};
use utoipa::IntoParams;

use super::model::{AuditLog, Filter};
use super::order::Sorting;
use super::store::{self, Part, Scope, Searched};

/// How much of the trail, and from where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Slice {
    /// Lines to give, 1 to 500.
    #[serde(default = "two_hundred")]
    #[param(minimum = 1, maximum = 500, default = 200)]
    limit: i64,
    /// Lines to skip, 0 to 10,000; use the cursor to go further.
    #[serde(default)]
    #[param(minimum = 0, maximum = 10000, default = 0)]
    offset: i64,
    /// `X-Next-Cursor` of the answer before.
    cursor: Option<String>,
}

fn two_hundred() -> i64 {
    200
}

impl Slice {
    fn check(&self) -> Result<()> {
        if !(1..=500).contains(&self.limit) {
            return Err(Error::field("limit", "Enter a number from 1 to 500"));
        }
        if !(0..=10_000).contains(&self.offset) {
            return Err(Error::field("offset", "Enter a number from 0 to 10000"));
        }
        Ok(())
    }
}

/// Lists the audit trail, the newest first unless another order is asked for
///
/// `q`, `actor` and `ip` are looked for in 5,000 lines at a time, counted after the other filters: an answer may have
/// fewer lines than `limit`, or none, and still say where to go on. Only an answer without `X-Next-Cursor` is the last.
#[utoipa::path(get, path = "/audit-logs", params(Filter, Sorting, Slice), responses(
    (status = 200, description = "Lines, with `X-Next-Cursor` and `Link` while there are more", body = Vec<AuditLog>)))]
pub async fn list_audit_logs(
    by: Keyed<Auditor>,
    filter: Query<Filter>,
    sorting: Query<Sorting>,
    slice: Query<Slice>,
) -> Result<Response> {
    slice.check()?;
    let narrowed = filter.value.clone().narrowed()?;
    let order = sorting.value.order().map_err(|text| Error::field("sort", text))?;
    let scope = Scope::of(by.person(), by.key_company())?;
    let read = |text: &str| {
        order.parse(text).ok_or_else(|| Error::field("cursor", "Use a cursor that the portal gave for this order"))
    };
    let behind = slice.cursor.as_deref().map(read).transpose()?;
    let part = Part { order, behind: behind.as_ref(), limit: slice.limit + 1, offset: slice.offset };
    let Searched { mut rows, edge } = store::search(by.db(), &narrowed, &scope, part).await?;
    let limit = usize::try_from(slice.limit).unwrap_or(200);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|row| order.place(row));
    let next = last.or(edge.map(|(_, place)| place)).map(|place| place.text());
    let mut response = Json(rows.into_iter().map(AuditLog::from).collect::<Vec<_>>()).into_response();
    if let Some(next) = next {
        let link = format!("<{}>; rel=\"next\"", address(filter.pairs(), slice.limit, &next));
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| Error::Internal(error.into()));
        response.headers_mut().insert("x-next-cursor", value(&next)?);
        response.headers_mut().insert(header::LINK, value(&link)?);
    }
    Ok(response)
}

/// The same question from the cursor on.
fn address(pairs: &[(String, String)], limit: i64, cursor: &str) -> String {
    let kept = pairs.iter().filter(|(name, _)| !matches!(name.as_str(), "limit" | "offset" | "cursor"));
    let mut address = format!("/audit-logs?limit={limit}&cursor={cursor}");
    for (name, value) in kept {
        address.push('&');
        address.push_str(&encode_component(name));
        address.push('=');
        address.push_str(&encode_component(value));
    }
    address
}

/// Gives one line of the trail.
#[utoipa::path(get, path = "/audit-logs/{id}", params(("id" = i64, Path, description = "Number of the line")), responses(
    (status = 200, description = "The line", body = AuditLog),
    (status = 404, description = "Audit log not found")))]
pub async fn get_audit_log(by: Keyed<Auditor>, Path(id): Path<i64>) -> Result<Json<AuditLog>> {
    let row = store::find(&by, id, &Scope::of(by.person(), by.key_company())?).await?;
    row.map(|row| Json(row.into())).ok_or_else(|| Error::not_found("Audit log not found"))
}
