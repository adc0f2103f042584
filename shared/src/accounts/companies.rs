//! Rows of `companies`.

use chrono::{DateTime, Utc};

use crate::db::{Tx, is_unique_violation, sql};
use crate::error::{Error, Result};
use crate::search;

/// What it takes to add a company (organisation 3.1).
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "columns of companies, organisation 3.1")]
pub struct NewCompany {
    pub name: String,
    pub address: Option<String>,
    pub phone: Option<String>,
    pub website: Option<String>,
    pub contact_email: Option<String>,
    pub is_vip: bool,
    pub is_provider: bool,
    pub syncro_company_id: Option<String>,
    pub xero_id: Option<String>,
}

/// The name as uniqueness compares it.
pub fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Adds a company; 409 when its name or an outside id is taken.
pub async fn insert(tx: &mut Tx, new: &NewCompany, now: DateTime<Utc>) -> Result<i64> {
    let inserted = sql("INSERT INTO companies (name, name_key, address, phone, website, contact_email, is_vip, \
         is_provider, syncro_company_id, xero_id, search_text, created_at, updated_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    .bind(&new.name)
    .bind(name_key(&new.name))
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
    .bind(now)
    .insert(tx)
    .await;
    inserted.map_err(taken)
}

/// Where the words of companies are looked for; the table is `c`.
pub const SEARCH: search::Index = search::Index {
    sqlite: " AND c.id IN (SELECT rowid FROM companies_search WHERE companies_search MATCH ?)",
    mysql: " AND MATCH (c.search_text) AGAINST (? IN BOOLEAN MODE)",
    like: " AND CONCAT(' ', c.search_text) LIKE ? ESCAPE '!'",
};

/// The words of search over a company.
pub fn search_text(name: &str, website: Option<&str>, contact: Option<&str>) -> String {
    let text = format!("{name} {} {}", website.unwrap_or_default(), contact.unwrap_or_default());
    search::fold(&text).chars().take(2000).collect()
}

/// 409 for what another company already has, else the error itself.
pub fn taken(error: sqlx::Error) -> Error {
    let is = |constraint, column| is_unique_violation(&error, constraint, column);
    if is("companies_name_key", "companies.name_key") {
        Error::conflict("Company name already exists").code("name_taken")
    } else if is("companies_syncro", "companies.syncro_company_id") {
        Error::conflict("Syncro ID already in use").code("syncro_id_taken")
    } else if is("companies_xero", "companies.xero_id") {
        Error::conflict("Xero ID already in use").code("xero_id_taken")
    } else {
        error.into()
    }
}
