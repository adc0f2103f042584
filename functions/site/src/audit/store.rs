//! Rows of `audit_logs`; nothing here changes one. Every question carries whose lines may be read.

use shared::caller::{Audits, Person};
use shared::context::By;
use shared::db::{Db, Sql, sql, sql_by_engine};
use shared::error::{Error, Result};
use shared::search::escape_like;

use super::model::{Narrowed, Row};
use super::order::{Order, Place};

/// Names of companies come by a sub-select, so that conditions need no table name.
const COLUMNS: &str = "SELECT id, created_at, user_id, user_email, company_id, \
    (SELECT c.name FROM companies c WHERE c.id = company_id) AS company_name, action, entity_type, entity_id, \
    entity_label, previous_value, new_value, metadata, api_key_id, api_key, ip_address, request_id, chain_seq, \
    row_hash FROM audit_logs";

/// Whose lines a caller may read.
#[derive(Debug, Clone)]
pub struct Scope(Option<Vec<i64>>);

impl Scope {
    /// Of a person, or of a key with the one company to which it may be limited.
    pub fn of(person: Option<&Person>, key_company: Option<i64>) -> Result<Self> {
        match person.map(Person::audits) {
            None => Ok(Self(key_company.map(|id| vec![id]))),
            Some(Some(Audits::Everything)) => Ok(Self(None)),
            Some(Some(Audits::Companies(ids))) => Ok(Self(Some(ids))),
            Some(None) => Err(Error::forbidden("Access denied")),
        }
    }

    /// The whole trail.
    pub fn is_whole(&self) -> bool {
        self.0.is_none()
    }

    /// The condition. Lines of no company are nobody's but the administrators'.
    fn condition(&self) -> Sql {
        match &self.0 {
            None => sql(""),
            Some(ids) => sql("").push_in(" AND company_id IN", &ids[..ids.len().min(shared::db::MAX_IN)]),
        }
    }
}

/// Everything that narrows the trail.
fn conditions(narrowed: &Narrowed, scope: &Scope) -> Sql {
    let filter = &narrowed.filter;
    let part = |text: &Option<String>| text.as_ref().map(|text| format!("%{}%", escape_like(&text.to_lowercase())));
    let query = sql(" WHERE 1 = 1")
        .append(scope.condition())
        .push_if(" AND company_id = ?", filter.company_id)
        .push_if(" AND entity_type = ?", filter.entity_type.clone())
        .push_if(" AND entity_id = ?", filter.entity_id)
        .push_if(" AND user_id = ?", filter.user_id)
        .push_if(" AND api_key_id = ?", filter.api_key_id)
        .push_if(" AND ip_address = ?", filter.ip.clone())
        .push_if(" AND user_email LIKE ? ESCAPE '!'", part(&filter.actor))
        .push_if(" AND created_at >= ?", narrowed.from)
        .push_if(" AND created_at < ?", narrowed.until);
    let query = match filter.action.as_deref() {
        None => query,
        Some(start) if start.ends_with('.') => {
            query.push(" AND action LIKE ? ESCAPE '!'").bind(format!("{}%", escape_like(start)))
        }
        Some(action) => query.push(" AND action = ?").bind(action),
    };
    match part(&filter.q) {
        None => query,
        Some(part) => query
            .push(" AND (action LIKE ? ESCAPE '!' OR LOWER(entity_label) LIKE ? ESCAPE '!')")
            .bind(part.clone())
            .bind(part),
    }
}

/// A part of the trail.
#[derive(Debug, Clone, Copy)]
pub struct Part<'p> {
    /// How it is sorted.
    pub order: Order,
    /// Behind this place.
    pub behind: Option<&'p Place>,
    /// Lines at most.
    pub limit: i64,
    /// Lines to skip.
    pub offset: i64,
}

/// Lines of the trail.
pub async fn list(db: &Db, narrowed: &Narrowed, scope: &Scope, part: Part<'_>) -> Result<Vec<Row>> {
    let query = sql(COLUMNS).append(conditions(narrowed, scope));
    let query = part.behind.map(|place| part.order.behind(place)).into_iter().fold(query, Sql::append);
    let query = query.append(part.order.by()).push(" LIMIT ? OFFSET ?").bind(part.limit).bind(part.offset);
    Ok(query.fetch_all(db).await?)
}

/// One line.
pub async fn find(by: &By, id: i64, scope: &Scope) -> Result<Option<Row>> {
    let query = sql(COLUMNS).push(" WHERE id = ?").bind(id).append(scope.condition());
    Ok(query.fetch_optional(by.db()).await?)
}

/// The kinds of things in the trail. Neither engine reads the trail for it: MySQL leaps from one name to the
/// next in the index by itself, SQLite is told to by a recursion, which MySQL in turn would answer by reading all.
pub async fn entity_types(by: &By, scope: &Scope) -> Result<Vec<String>> {
    let all = sql_by_engine(
        "WITH RECURSIVE kinds AS (SELECT MIN(entity_type) AS name FROM audit_logs UNION ALL \
         SELECT (SELECT MIN(l.entity_type) FROM audit_logs l WHERE l.entity_type > kinds.name) FROM kinds \
         WHERE kinds.name IS NOT NULL) SELECT name FROM kinds WHERE name IS NOT NULL LIMIT 200",
        "SELECT DISTINCT entity_type FROM audit_logs WHERE entity_type IS NOT NULL ORDER BY entity_type LIMIT 200",
    );
    let own = "SELECT DISTINCT entity_type FROM (SELECT entity_type FROM audit_logs WHERE entity_type IS NOT NULL";
    names(by, scope, all, own, ") r ORDER BY entity_type LIMIT 200").await
}

/// The actions in the trail.
pub async fn actions(by: &By, scope: &Scope) -> Result<Vec<String>> {
    let all = sql_by_engine(
        "WITH RECURSIVE kinds AS (SELECT MIN(action) AS name FROM audit_logs UNION ALL \
         SELECT (SELECT MIN(l.action) FROM audit_logs l WHERE l.action > kinds.name) FROM kinds \
         WHERE kinds.name IS NOT NULL) SELECT name FROM kinds WHERE name IS NOT NULL LIMIT 500",
        "SELECT DISTINCT action FROM audit_logs ORDER BY action LIMIT 500",
    );
    let own = "SELECT DISTINCT action FROM (SELECT action FROM audit_logs WHERE 1 = 1";
    names(by, scope, all, own, ") r ORDER BY action LIMIT 500").await
}

/// Those of the whole trail, or those of the newest lines of the companies.
async fn names(by: &By, scope: &Scope, all: Sql, own: &'static str, end: &'static str) -> Result<Vec<String>> {
    let query = if scope.is_whole() {
        all
    } else {
        sql(own).append(scope.condition()).push(" ORDER BY id DESC LIMIT 5000").push(end)
    };
    let rows: Vec<(String,)> = query.fetch_all(by.db()).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Companies to choose from, by name.
pub async fn companies(by: &By) -> Result<Vec<(i64, String)>> {
    Ok(sql("SELECT id, name FROM companies ORDER BY LOWER(name), id LIMIT 500").fetch_all(by.db()).await?)
}
