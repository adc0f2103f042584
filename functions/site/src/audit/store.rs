//! Rows of `audit_logs`; nothing here changes one. Every question carries whose lines may be read.

use chrono::{DateTime, Utc};
use shared::caller::{Audits, Person};
use shared::context::By;
use shared::db::{Db, Sql, sql};
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
    chosen(narrowed, scope).append(looked_for(narrowed))
}

/// What narrows the trail by whole values, for which there are indexes.
fn chosen(narrowed: &Narrowed, scope: &Scope) -> Sql {
    let filter = &narrowed.filter;
    let query = sql(" WHERE 1 = 1")
        .append(scope.condition())
        .push_if(" AND company_id = ?", filter.company_id)
        .push_if(" AND entity_type = ?", filter.entity_type.clone())
        .push_if(" AND entity_id = ?", filter.entity_id)
        .push_if(" AND user_id = ?", filter.user_id)
        .push_if(" AND api_key_id = ?", filter.api_key_id)
        .push_if(" AND created_at >= ?", narrowed.from)
        .push_if(" AND created_at < ?", narrowed.until);
    match filter.action.as_deref() {
        None => query,
        Some(start) if start.ends_with('.') => {
            query.push(" AND action LIKE ? ESCAPE '!'").bind(format!("{}%", escape_like(start)))
        }
        Some(action) => query.push(" AND action = ?").bind(action),
    }
}

/// What no index finds: it is looked for line by line.
fn looked_for(narrowed: &Narrowed) -> Sql {
    let filter = &narrowed.filter;
    let part = |text: &Option<String>| text.as_ref().map(|text| format!("%{}%", escape_like(&text.to_lowercase())));
    let query = sql("")
        .push_if(" AND ip_address = ?", filter.ip.clone())
        .push_if(" AND user_email LIKE ? ESCAPE '!'", part(&filter.actor));
    match part(&filter.q) {
        None => query,
        Some(part) => query
            .push(" AND (action LIKE ? ESCAPE '!' OR LOWER(entity_label) LIKE ? ESCAPE '!')")
            .bind(part.clone())
            .bind(part),
    }
}

/// So many lines are searched at once: whoever looks for what is not there must not read the whole trail.
pub const SEARCHED: i64 = 5000;

/// A line searched last.
type Edge = (i64, DateTime<Utc>, String, Option<String>, Option<String>);

/// Lines of a page, and where the search for them ended when it ended before the trail did.
#[derive(Debug)]
pub struct Searched {
    /// The lines.
    pub rows: Vec<Row>,
    /// When the line was written that was searched last, and its place; there are more behind it.
    pub edge: Option<(DateTime<Utc>, Place)>,
}

/// Lines of a page. Words are looked for in at most [`SEARCHED`] lines of those that the other filters leave.
pub async fn search(db: &Db, narrowed: &Narrowed, scope: &Scope, part: Part<'_>) -> Result<Searched> {
    let filter = &narrowed.filter;
    if filter.q.is_none() && filter.actor.is_none() && filter.ip.is_none() {
        return Ok(Searched { rows: list(db, narrowed, scope, part).await?, edge: None });
    }
    let window = |select: &'static str| {
        let query = sql(select).push(" FROM audit_logs").append(chosen(narrowed, scope));
        part.behind.map(|place| part.order.behind(place)).into_iter().fold(query, Sql::append).append(part.order.by())
    };
    let query = sql(COLUMNS)
        .push(" JOIN (SELECT w.id AS found FROM (")
        .append(window(WINDOW))
        .push(" LIMIT ?) w WHERE 1 = 1")
        .bind(SEARCHED)
        .append(looked_for(narrowed))
        .append(part.order.by())
        .push(" LIMIT ? OFFSET ?) k ON k.found = audit_logs.id")
        .bind(part.limit)
        .bind(part.offset)
        .append(part.order.by());
    let rows: Vec<Row> = query.fetch_all(db).await?;
    if i64::try_from(rows.len()).is_ok_and(|found| found >= part.limit) {
        return Ok(Searched { rows, edge: None });
    }
    // One line more than is searched tells whether anything stands behind.
    let last = window(EDGE).push(" LIMIT 2 OFFSET ?").bind(SEARCHED - 1);
    let last: Vec<Edge> = last.fetch_all(db).await?;
    let edge = last.into_iter().rev().nth(1).map(|(id, at, action, person, kind)| {
        (at, part.order.place_of(at, id, [Some(&action), person.as_ref(), kind.as_ref()]))
    });
    Ok(Searched { rows, edge })
}

const WINDOW: &str = "SELECT id, created_at, action, entity_type, entity_label, user_email, ip_address";

const EDGE: &str = "SELECT id, created_at, action, user_email, entity_type";

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

/// The names in the trail, for the selects.
#[derive(Debug, Default)]
pub struct Names {
    /// `area.verb`, in order.
    pub actions: Vec<String>,
    /// The kinds of things, in order.
    pub entity_types: Vec<String>,
}

/// Those that the worker has noted and those of the newest lines, which it may not have sealed yet; for who
/// reads some companies only, those of their newest lines.
pub async fn names(by: &By, scope: &Scope) -> Result<Names> {
    let newest = if scope.is_whole() { 500 } else { 5000 };
    let newest_of = |select: &'static str| {
        sql(select).append(scope.condition()).push(" ORDER BY id DESC LIMIT ?").bind(newest).push(") r")
    };
    let noted = if scope.is_whole() { sql("SELECT kind, name FROM audit_names UNION ") } else { sql("") };
    let rows: Vec<(String, String)> = noted
        .append(newest_of("SELECT 'action' AS kind, action AS name FROM (SELECT action FROM audit_logs WHERE 1 = 1"))
        .push(" UNION ")
        .append(newest_of(
            "SELECT 'entity_type' AS kind, entity_type AS name FROM (SELECT entity_type FROM audit_logs \
             WHERE entity_type IS NOT NULL",
        ))
        .push(" ORDER BY name LIMIT 1000")
        .fetch_all(by.db())
        .await?;
    let (actions, kinds): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(kind, _)| kind == "action");
    let names = |rows: Vec<(String, String)>| rows.into_iter().map(|(_, name)| name).collect();
    Ok(Names { actions: names(actions), entity_types: names(kinds) })
}

/// Companies to choose from, by name.
pub async fn companies(by: &By) -> Result<Vec<(i64, String)>> {
    Ok(sql("SELECT id, name FROM companies ORDER BY sort_name, id LIMIT 500").fetch_all(by.db()).await?)
}
