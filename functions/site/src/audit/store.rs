//! Rows of `audit_logs`; nothing here changes one.

use shared::context::By;
use shared::db::{Sql, sql};
use shared::error::Result;
use shared::search::escape_like;

use super::model::{Narrowed, Row};

/// Names of companies come by a sub-select, so that conditions need no table name.
const COLUMNS: &str = "SELECT id, created_at, user_id, user_email, company_id, \
    (SELECT c.name FROM companies c WHERE c.id = company_id) AS company_name, action, entity_type, entity_id, \
    entity_label, previous_value, new_value, metadata, api_key_id, api_key, ip_address, request_id FROM audit_logs";

/// Everything that narrows the trail. `only` is the company of a limited key.
fn conditions(narrowed: &Narrowed, only: Option<i64>) -> Sql {
    let filter = &narrowed.filter;
    let part = |text: &Option<String>| text.as_ref().map(|text| format!("%{}%", escape_like(&text.to_lowercase())));
    let query = sql(" WHERE 1 = 1")
        .push_if(" AND company_id = ?", only)
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

/// Lines of the trail; `tail` carries the cursor, the order and the limit.
pub async fn list(by: &By, narrowed: &Narrowed, only: Option<i64>, tail: Sql) -> Result<Vec<Row>> {
    Ok(sql(COLUMNS).append(conditions(narrowed, only)).append(tail).fetch_all(by.db()).await?)
}

/// One line.
pub async fn find(by: &By, id: i64, only: Option<i64>) -> Result<Option<Row>> {
    Ok(sql(COLUMNS).push(" WHERE id = ?").bind(id).push_if(" AND company_id = ?", only).fetch_optional(by.db()).await?)
}

/// The kinds of things in the trail. Each step of the recursion is one look into the index, so the
/// length of the trail does not matter.
pub async fn entity_types(by: &By) -> Result<Vec<String>> {
    names(
        by,
        "WITH RECURSIVE kinds AS (SELECT MIN(entity_type) AS name FROM audit_logs UNION ALL \
         SELECT (SELECT MIN(l.entity_type) FROM audit_logs l WHERE l.entity_type > kinds.name) FROM kinds \
         WHERE kinds.name IS NOT NULL) SELECT name FROM kinds WHERE name IS NOT NULL LIMIT 200",
    )
    .await
}

/// The actions in the trail.
pub async fn actions(by: &By) -> Result<Vec<String>> {
    names(
        by,
        "WITH RECURSIVE kinds AS (SELECT MIN(action) AS name FROM audit_logs UNION ALL \
         SELECT (SELECT MIN(l.action) FROM audit_logs l WHERE l.action > kinds.name) FROM kinds \
         WHERE kinds.name IS NOT NULL) SELECT name FROM kinds WHERE name IS NOT NULL LIMIT 500",
    )
    .await
}

async fn names(by: &By, text: &'static str) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = sql(text).fetch_all(by.db()).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}
