//! Rows of `staff`.

use chrono::{DateTime, Utc};
use shared::accounts::users;
use shared::context::By;
use shared::db::{At, Sql, Tx, is_unique_violation, sql};
use shared::error::{Error, Result};
use shared::search;

use super::model::{Staff, Values, department_key};
use super::scope::Viewer;

const COLUMNS: &str = "SELECT s.id, s.company_id, s.user_id, s.first_name, s.last_name, s.email, s.mobile_phone, \
    s.date_onboarded, s.date_offboarded, s.enabled, s.street, s.city, s.state, s.postcode, s.country, s.department, \
    s.job_title, s.org_company, s.manager_name, s.account_action, s.syncro_contact_id, s.created_at, s.updated_at, \
    c.name AS company_name, v.code AS sealed_code, v.admin_name AS code_by, v.expires_at AS code_expires_at \
    FROM staff s JOIN companies c ON c.id = s.company_id \
    LEFT JOIN staff_verification_codes v ON v.staff_id = s.id AND v.expires_at > ? WHERE 1 = 1";

/// 404, also for what lies out of reach.
pub fn unknown() -> Error {
    Error::not_found("Staff not found")
}

/// One staff member within reach.
pub async fn find(at: impl Into<At<'_>>, viewer: &Viewer, id: i64, now: DateTime<Utc>) -> Result<Staff> {
    let query = sql(COLUMNS).bind(now).append(viewer.condition()).push(" AND s.id = ?").bind(id);
    query.fetch_optional(at).await?.ok_or_else(unknown)
}

/// One staff member, whoever asks: for the work of the system, and for finding out whose it is.
pub async fn get(at: impl Into<At<'_>>, id: i64, now: DateTime<Utc>) -> Result<Option<Staff>> {
    Ok(sql(COLUMNS).bind(now).push(" AND s.id = ?").bind(id).fetch_optional(at).await?)
}

/// Those of these staff members that are within reach, at most 200.
pub async fn some(at: impl Into<At<'_>>, viewer: &Viewer, ids: &[i64], now: DateTime<Utc>) -> Result<Vec<Staff>> {
    let query = sql(COLUMNS).bind(now).append(viewer.condition()).push_in(" AND s.id IN", ids);
    Ok(query.push(" ORDER BY s.sort_name, s.id LIMIT 200").fetch_all(at).await?)
}

/// What narrows and orders a list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only this company.
    pub company_id: Option<i64>,
    /// Only enabled or only disabled.
    pub enabled: Option<bool>,
    /// Only this department, compared without case.
    pub department: Option<String>,
    /// Only this account action.
    pub account_action: Option<String>,
    /// A part of the address.
    pub email: Option<String>,
    /// Words that begin a word of what is searched.
    pub words: String,
    /// See [`SORTS`]; a leading `-` turns it round. None: by company and name.
    pub sort: Option<String>,
}

/// The orders of the page.
pub const SORTS: [&str; 6] = ["name", "email", "department", "account_action", "date_onboarded", "date_offboarded"];

fn conditions(viewer: &Viewer, filter: &Filter) -> Sql {
    let email = filter.email.as_deref().map(|part| format!("%{}%", search::escape_like(&part.trim().to_lowercase())));
    viewer
        .condition()
        .push_if(" AND s.company_id = ?", filter.company_id)
        .push_if(" AND s.enabled = ?", filter.enabled)
        .push_if(" AND s.department_key = ?", filter.department.as_deref().map(department_key))
        .push_if(" AND s.account_action = ?", filter.account_action.clone())
        .push_if(" AND s.email LIKE ? ESCAPE '!'", email)
        .append(search::like_condition(" AND CONCAT(' ', s.search_text) LIKE ? ESCAPE '!'", &filter.words))
}

fn order(sort: Option<&str>) -> &'static str {
    match sort {
        Some("name") => " ORDER BY s.sort_name, s.id",
        Some("-name") => " ORDER BY s.sort_name DESC, s.id DESC",
        Some("email") => " ORDER BY s.email IS NULL, s.email, s.sort_name, s.id",
        Some("-email") => " ORDER BY s.email DESC, s.sort_name, s.id",
        Some("department") => " ORDER BY s.department_key IS NULL, s.department_key, s.sort_name, s.id",
        Some("-department") => " ORDER BY s.department_key DESC, s.sort_name, s.id",
        Some("account_action") => " ORDER BY s.account_action IS NULL, s.account_action, s.sort_name, s.id",
        Some("-account_action") => " ORDER BY s.account_action DESC, s.sort_name, s.id",
        Some("date_onboarded") => " ORDER BY s.date_onboarded IS NULL, s.date_onboarded, s.sort_name, s.id",
        Some("-date_onboarded") => " ORDER BY s.date_onboarded DESC, s.sort_name, s.id",
        Some("date_offboarded") => " ORDER BY s.date_offboarded IS NULL, s.date_offboarded, s.sort_name, s.id",
        Some("-date_offboarded") => " ORDER BY s.date_offboarded DESC, s.sort_name, s.id",
        _ => " ORDER BY c.sort_name, c.id, s.sort_name, s.id",
    }
}

/// Staff of a list without how many there are.
pub async fn rows(by: &By, viewer: &Viewer, filter: &Filter, limit: i64, offset: i64) -> Result<Vec<Staff>> {
    let query = sql(COLUMNS).bind(by.now()).append(conditions(viewer, filter)).push(order(filter.sort.as_deref()));
    Ok(query.push(" LIMIT ? OFFSET ?").bind(limit).bind(offset).fetch_all(by.db()).await?)
}

/// Staff of a list, and how many there are up to 10,001.
pub async fn list(by: &By, viewer: &Viewer, filter: &Filter, limit: i64, offset: i64) -> Result<(Vec<Staff>, i64)> {
    let counted = sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM staff s WHERE 1 = 1")
        .append(conditions(viewer, filter))
        .push(" LIMIT 10001) n");
    Ok((rows(by, viewer, filter, limit, offset).await?, counted.fetch_value(by.db()).await?))
}

/// All departments of a company, each once, whatever the filters.
pub async fn departments(by: &By, company_id: i64) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = sql("SELECT MIN(s.department) AS department FROM staff s WHERE s.company_id = ? \
         AND s.department_key IS NOT NULL GROUP BY s.department_key ORDER BY s.department_key LIMIT 500")
    .bind(company_id)
    .fetch_all(by.db())
    .await?;
    Ok(rows.into_iter().map(|(department,)| department).collect())
}

/// Every column that people write, for an INSERT or an UPDATE with all of them.
fn bind_values(query: Sql, values: &Values) -> Sql {
    query
        .bind(&values.first_name)
        .bind(&values.last_name)
        .bind(values.email.clone())
        .bind(values.mobile_phone.clone())
        .bind(values.date_onboarded)
        .bind(values.date_offboarded)
        .bind(values.enabled)
        .bind(values.street.clone())
        .bind(values.city.clone())
        .bind(values.state.clone())
        .bind(values.postcode.clone())
        .bind(values.country.clone())
        .bind(values.department.clone())
        .bind(values.department_key())
        .bind(values.job_title.clone())
        .bind(values.org_company.clone())
        .bind(values.manager_name.clone())
        .bind(values.account_action.clone())
        .bind(values.sort_name())
        .bind(values.search_text())
}

/// Adds a staff member; 409 when the company has the address already.
pub async fn insert(tx: &mut Tx, company_id: i64, values: &Values, contact: Option<&str>) -> Result<i64> {
    let now = tx.stamp().at;
    let account = account(tx, company_id, values.email.as_deref()).await?;
    let insert = sql("INSERT INTO staff (first_name, last_name, email, mobile_phone, date_onboarded, \
         date_offboarded, enabled, street, city, state, postcode, country, department, department_key, job_title, \
         org_company, manager_name, account_action, sort_name, search_text, company_id, user_id, syncro_contact_id, \
         created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    let insert =
        bind_values(insert, values).bind(company_id).bind(account).bind(contact.map(str::to_owned)).bind(now).bind(now);
    insert.insert(tx).await.map_err(taken)
}

/// Writes what people write; with another address the account is looked for again.
pub async fn update(tx: &mut Tx, before: &Staff, values: &Values) -> Result<()> {
    let now = tx.stamp().at;
    let user_id = if before.values.email == values.email {
        before.user_id
    } else {
        account(tx, before.company_id, values.email.as_deref()).await?
    };
    let update = sql("UPDATE staff SET first_name = ?, last_name = ?, email = ?, mobile_phone = ?, \
         date_onboarded = ?, date_offboarded = ?, enabled = ?, street = ?, city = ?, state = ?, postcode = ?, \
         country = ?, department = ?, department_key = ?, job_title = ?, org_company = ?, manager_name = ?, \
         account_action = ?, sort_name = ?, search_text = ?, user_id = ?, updated_at = ? WHERE id = ?");
    bind_values(update, values).bind(user_id).bind(now).bind(before.id).execute(tx).await.map_err(taken)?;
    Ok(())
}

/// Touching the row first makes parallel changes wait for each other on both engines.
pub async fn hold(tx: &mut Tx, id: i64) -> Result<()> {
    // Whether the row is there is seen when it is read.
    sql("UPDATE staff SET updated_at = updated_at WHERE id = ?").bind(id).execute(tx).await?;
    Ok(())
}

/// The account of an address that is a member of the company and has proved the address.
pub async fn account(tx: &mut Tx, company_id: i64, email: Option<&str>) -> Result<Option<i64>> {
    let Some(email) = email else { return Ok(None) };
    let Some(user) = users::find_by_email(&mut *tx, email).await?.filter(|user| user.email_verified_at.is_some())
    else {
        return Ok(None);
    };
    let member: Option<(i64,)> = sql("SELECT user_id FROM company_memberships WHERE company_id = ? AND user_id = ?")
        .bind(company_id)
        .bind(user.id)
        .fetch_optional(tx)
        .await?;
    Ok(member.map(|(id,)| id))
}

/// 409 for an address or a contact that the company has already, else the error itself.
pub fn taken(error: sqlx::Error) -> Error {
    if is_unique_violation(&error, "staff_email", "staff.email") {
        Error::conflict("Another staff member of the company has this email").code("email_taken")
    } else if is_unique_violation(&error, "staff_contact", "staff.syncro_contact_id") {
        Error::conflict("Another staff member of the company has this Syncro contact").code("contact_taken")
    } else {
        error.into()
    }
}

/// The time zone in which times without an offset are read.
pub async fn zone(at: impl Into<At<'_>>) -> Result<String> {
    let found: Option<(String,)> =
        sql("SELECT default_timezone FROM site_settings WHERE id = 1").fetch_optional(at).await?;
    Ok(found.map_or_else(|| "UTC".to_owned(), |(zone,)| zone))
}
