//! The list as a file for spreadsheets (tickets 4.7).

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use shared::caller::{Keyed, User};
use shared::error::Result;
use shared::web::Query;

use super::list::{ListQuery, filter};
use crate::export::csv;
use crate::scope::Doer;
use crate::store::{self, Search};

/// Rows in one file at most.
const MOST: i64 = 10_000;

/// Export tickets as CSV
///
/// The filters of the list, at most 10,000 rows; `X-Total-Count-Capped` says when there are more. For those,
/// order an export.
#[utoipa::path(get, path = "/api/tickets/export.csv", params(ListQuery),
    responses((status = 200, description = "Comma-separated values, UTF-8", body = String, content_type = "text/csv")))]
pub async fn export_tickets(by: Keyed<User>, query: Query<ListQuery>) -> Result<Response> {
    let scope = query.scope(&by);
    let filter = filter(scope, Doer::of(&by).id, &query)?;
    let Search { plan, found } = store::search(scope, by.db(), &filter).await?;
    let rows = store::export(scope, by.db(), &filter, plan, MOST + 1).await?;
    let has_more = found.has_more || rows.len() > usize::try_from(MOST).unwrap_or(usize::MAX);
    let mut text = csv::HEAD.to_owned();
    for row in rows.iter().take(usize::try_from(MOST).unwrap_or(usize::MAX)) {
        csv::push(&mut text, row, scope.sees_desk());
    }
    let name = format!("attachment; filename=\"tickets-{}.csv\"", by.now().format("%Y-%m-%d"));
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    let mut response = (headers, text).into_response();
    if has_more {
        response.headers_mut().insert("x-total-count-capped", HeaderValue::from_static("true"));
    }
    Ok(response)
}
