//! Rows of `companies` as the area reads and changes them.

use shared::accounts::companies::{NewCompany, name_key, search_text, taken};
use shared::audit::Change;
use shared::context::By;
use shared::db::{At, Sql, Tx, sql};
use shared::error::{Error, Result};
use shared::search;

use super::model::{Company, Fields, Filter};

const COLUMNS: &str = "SELECT c.id, c.name, c.address, c.phone, c.website, c.contact_email, c.is_vip, c.is_provider, \
    c.syncro_company_id, c.xero_id, c.archived_at, c.created_at, c.updated_at FROM companies c";

/// One company.
pub async fn find(at: impl Into<At<'_>>, id: i64) -> Result<Company> {
    let found = sql(COLUMNS).push(" WHERE c.id = ?").bind(id).fetch_optional(at).await?;
    found.ok_or_else(unknown)
}

/// 404, also for companies that the caller may not see.
pub fn unknown() -> Error {
    Error::not_found("Company not found")
}

fn conditions(filter: &Filter, only: Option<i64>) -> Sql {
    let archived = match filter.archived.as_deref() {
        Some("all") => "",
        Some("1") => " AND c.archived_at IS NOT NULL",
        _ => " AND c.archived_at IS NULL",
    };
    let words = filter.search.as_deref().unwrap_or_default();
    sql(" WHERE 1 = 1")
        .push(archived)
        .push_if(" AND c.id = ?", only)
        .push_if(" AND c.is_vip = ?", filter.is_vip.map(|flag| flag.0))
        .append(matching(words))
}

/// The condition that every word begins a word of what is searched.
pub fn matching(words: &str) -> Sql {
    search::condition(&shared::accounts::companies::SEARCH, words)
}

fn order(sort: Option<&str>) -> &'static str {
    match sort {
        Some("-name") => " ORDER BY c.sort_name DESC, c.id DESC",
        Some("created_at") => " ORDER BY c.created_at, c.id",
        Some("-created_at") => " ORDER BY c.created_at DESC, c.id DESC",
        _ => " ORDER BY c.sort_name, c.id",
    }
}

/// Companies of a list, and how many there are up to 10,001. `only` is the company of a limited key.
pub async fn list(by: &By, filter: &Filter, only: Option<i64>, limit: i64, offset: i64) -> Result<(Vec<Company>, i64)> {
    let rows = sql(COLUMNS)
        .append(conditions(filter, only))
        .push(order(filter.sort.as_deref()))
        .push(" LIMIT ? OFFSET ?")
        .bind(limit)
        .bind(offset)
        .fetch_all(by.db())
        .await?;
    Ok((rows, count(by, filter, only).await?))
}

async fn count(by: &By, filter: &Filter, only: Option<i64>) -> Result<i64> {
    let counted = sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM companies c")
        .append(conditions(filter, only))
        .push(" LIMIT 10001) n");
    Ok(counted.fetch_value(by.db()).await?)
}

/// A company in the table of all companies.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of the table in organisation 6.3")]
pub struct Listed {
    pub id: i64,
    pub name: String,
    pub syncro_company_id: Option<String>,
    pub xero_id: Option<String>,
    pub is_vip: bool,
    pub is_provider: bool,
    pub is_archived: bool,
    pub members: i64,
    pub open_tickets: i64,
}

/// The same list with the number of members and of open tickets, for the page. Only the rows that are
/// shown are counted.
pub async fn table(by: &By, filter: &Filter, limit: i64, offset: i64) -> Result<(Vec<Listed>, i64)> {
    let rows = sql("SELECT c.id, c.name, c.syncro_company_id, c.xero_id, c.is_vip, c.is_provider, \
         c.archived_at IS NOT NULL AS is_archived, \
         (SELECT COUNT(*) FROM company_memberships m WHERE m.company_id = c.id AND m.status = 'active') AS members, \
         (SELECT COUNT(*) FROM tickets t WHERE t.company_id = c.id AND t.status IN ('open', 'in_progress', 'pending')) \
         AS open_tickets FROM (SELECT c.id FROM companies c")
    .append(conditions(filter, None))
    .push(order(filter.sort.as_deref()))
    .push(" LIMIT ? OFFSET ?")
    .bind(limit)
    .bind(offset)
    .push(") k JOIN companies c ON c.id = k.id")
    .push(order(filter.sort.as_deref()))
    .fetch_all(by.db())
    .await?;
    Ok((rows, count(by, filter, None).await?))
}

/// Adds a company.
pub async fn create(by: &By, new: &NewCompany) -> Result<Company> {
    let mut tx = by.begin().await?;
    let id = shared::accounts::companies::insert(&mut tx, new, by.now()).await?;
    let company = find(&mut tx, id).await?;
    tx.audit(change("company.created", &company).after(&company));
    tx.commit().await?;
    Ok(company)
}

fn change(action: &'static str, company: &Company) -> Change {
    Change::new(action, "company", company.id).label(&company.name).company(Some(company.id))
}

/// Changes a company: what is typed is put over what is stored, with the row held meanwhile.
pub async fn update(by: &By, id: i64, put: impl FnOnce(Fields) -> Fields) -> Result<Company> {
    let mut tx = by.begin().await?;
    hold(&mut tx, id).await?;
    let before = find(&mut tx, id).await?;
    write(&mut tx, &before, &put(before.fields()).parse()?).await?;
    let after = find(&mut tx, id).await?;
    tx.audit(change("company.updated", &after).changed(audited(&before)?, audited(&after)?));
    tx.commit().await?;
    Ok(after)
}

/// Touching the row first makes parallel changes wait for each other on both engines.
async fn hold(tx: &mut Tx, id: i64) -> Result<()> {
    let now = tx.stamp().at;
    let held = sql("UPDATE companies SET updated_at = ? WHERE id = ?").bind(now).bind(id).execute(tx).await?;
    if held == 1 { Ok(()) } else { Err(unknown()) }
}

/// What the trail compares: everything but the time of the change.
fn audited(company: &Company) -> Result<serde_json::Value> {
    let mut value = serde_json::to_value(company)?;
    if let Some(fields) = value.as_object_mut() {
        fields.remove("updated_at");
    }
    Ok(value)
}

async fn write(tx: &mut Tx, before: &Company, new: &NewCompany) -> Result<()> {
    let now = tx.stamp().at;
    // An archived company keeps its name without holding it against others.
    let key = before.archived_at.is_none().then(|| name_key(&new.name));
    sql("UPDATE companies SET name = ?, name_key = ?, address = ?, phone = ?, website = ?, contact_email = ?, \
         is_vip = ?, is_provider = ?, syncro_company_id = ?, xero_id = ?, search_text = ?, updated_at = ? WHERE id = ?")
    .bind(&new.name)
    .bind(key)
    .bind(new.address.clone())
    .bind(new.phone.clone())
    .bind(new.website.clone())
    .bind(new.contact_email.clone())
    .bind(new.is_vip)
    .bind(new.is_provider)
    .bind(new.syncro_company_id.clone())
    .bind(new.xero_id.clone())
    .bind(search_text(&new.name, new.website.as_deref(), new.contact_email.as_deref()))
    .bind(now)
    .bind(before.id)
    .execute(tx)
    .await
    .map_err(taken)?;
    Ok(())
}

/// Closes a company to its members and moves their sessions away. Archiving twice changes nothing.
pub async fn archive(by: &By, company: &Company) -> Result<()> {
    if company.archived_at.is_some() {
        return Ok(());
    }
    let mut tx = by.begin().await?;
    let now = by.now();
    sql("UPDATE companies SET archived_at = ?, name_key = NULL, updated_at = ? WHERE id = ?")
        .bind(now)
        .bind(now)
        .bind(company.id)
        .execute(&mut tx)
        .await?;
    sql("UPDATE user_sessions SET active_company_id = NULL WHERE active_company_id = ?")
        .bind(company.id)
        .execute(&mut tx)
        .await?;
    tx.audit(change("company.archived", company));
    tx.commit().await
}

/// Opens an archived company again; 409 when another company has taken its name.
pub async fn unarchive(by: &By, company: &Company) -> Result<()> {
    if company.archived_at.is_none() {
        return Ok(());
    }
    let mut tx = by.begin().await?;
    sql("UPDATE companies SET archived_at = NULL, name_key = ?, updated_at = ? WHERE id = ?")
        .bind(name_key(&company.name))
        .bind(by.now())
        .bind(company.id)
        .execute(&mut tx)
        .await
        .map_err(taken)?;
    tx.audit(change("company.unarchived", company));
    tx.commit().await
}
