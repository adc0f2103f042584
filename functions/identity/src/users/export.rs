//! Users as a table file, with the filters of the list.

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use http::header;
use shared::audit::Change;
use shared::caller::{Fresh, SuperAdmin};
use shared::context::By;
use shared::error::Result;
use shared::web::{Query, csv_cell};

use super::model::{Filter, UserQuery};
use super::store;

/// Rows read at once.
const CHUNK: i64 = 5_000;

/// Rows in one file.
const MOST: usize = 100_000;

const HEAD: &str = "id,email,first_name,last_name,mobile_phone,companies,status,super_admin,mfa,email_verified_at,\
    last_login_at,created_at\r\n";

/// Users as CSV
///
/// UTF-8, times in UTC, newest first, at most 100,000 rows. Cells that a spreadsheet would take for a formula
/// begin with an apostrophe. Wants a confirmed password.
#[utoipa::path(get, path = "/users/export.csv", params(UserQuery),
    responses((status = 200, description = "The selection", content_type = "text/csv", body = String)))]
pub async fn export_users(by: Fresh<SuperAdmin>, query: Query<UserQuery>) -> Result<Response> {
    export(&by, &query).await
}

/// The same for browsers, which are asked for the password on a page.
pub(super) async fn export_page(by: Fresh<SuperAdmin>, query: Query<UserQuery>) -> Result<Response> {
    export(&by, &query).await
}

async fn export(by: &By, query: &Query<UserQuery>) -> Result<Response> {
    let (body, rows) = file(by, &query.filter(None)).await?;
    let mut tx = by.begin().await?;
    let filters: serde_json::Map<String, serde_json::Value> =
        query.pairs().iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    tx.audit(Change::of_many("user.exported", "user").meta("rows", rows).meta("filters", filters));
    tx.commit().await?;
    let name = format!("attachment; filename=\"users-{}.csv\"", by.now().format("%Y-%m-%d"));
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, body).into_response())
}

async fn file(by: &By, filter: &Filter) -> Result<(String, usize)> {
    let mut body = HEAD.to_owned();
    let (mut below, mut written) = (i64::MAX, 0);
    while written < MOST {
        let rows = store::below(by.db(), filter, below, CHUNK).await?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { break };
        let companies = store::companies_between(by.db(), last.id, first.id).await?;
        below = last.id;
        written += rows.len();
        for row in &rows {
            let names: Vec<&str> = companies.get(&row.id).into_iter().flatten().map(|c| c.name.as_str()).collect();
            push_line(&mut body, row, &names.join("; "));
        }
    }
    Ok((body, written))
}

fn push_line(body: &mut String, row: &store::Row, companies: &str) {
    let time = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    let cells = [
        Some(row.id.to_string()),
        Some(row.email.clone()),
        row.first_name.clone(),
        row.last_name.clone(),
        row.mobile_phone.clone(),
        Some(companies.to_owned()),
        Some(row.standing().label().to_owned()),
        Some(yes_no(row.is_super_admin)),
        Some(yes_no(row.totp_enabled)),
        time(row.email_verified_at),
        time(row.last_login_at),
        time(Some(row.created_at)),
    ];
    let cells: Vec<String> = cells.into_iter().map(|cell| csv_cell(&cell.unwrap_or_default())).collect();
    body.push_str(&cells.join(","));
    body.push_str("\r\n");
}

fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}
