//! Lists of tickets: rows, counts, export. Names come with the rows, counts stop at 10,001.

use chrono::{DateTime, Utc};
use shared::db::{Db, Sql, sql, sql_by_engine};
use shared::error::Result;

use super::search::{self, Plan};
use super::tickets::{COLUMNS, NAMES, Ticket, split_tags};
use crate::model::{Assigned, Sort, Status, TicketFilter, person_name};
use crate::scope::Scope;

/// One line of a page's list.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Line {
    pub id: i64,
    pub subject: String,
    pub status: String,
    pub priority: String,
    pub category: Option<String>,
    pub company_name: Option<String>,
    pub requester_first: Option<String>,
    pub requester_last: Option<String>,
    pub requester_email: Option<String>,
    pub assigned_user_id: Option<i64>,
    pub assigned_first: Option<String>,
    pub assigned_last: Option<String>,
    pub assigned_email: Option<String>,
    pub last_reply_at: Option<DateTime<Utc>>,
    pub last_reply_side: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
    /// With commas between them, in no order.
    pub tag_list: Option<String>,
}

const LINE: &str = "SELECT t.id, t.subject, t.status, t.priority, t.category, t.created_at, c.name AS company_name, \
    q.first_name AS requester_first, q.last_name AS requester_last, q.email AS requester_email, \
    t.assigned_user_id, a.first_name AS assigned_first, a.last_name AS assigned_last, a.email AS assigned_email, \
    t.last_reply_at, t.last_reply_side, t.updated_at, t.version, \
    (SELECT GROUP_CONCAT(g.tag) FROM ticket_tags g WHERE g.ticket_id = t.id) AS tag_list";

impl Line {
    /// Who asks.
    pub fn requester_name(&self) -> Option<String> {
        let (first, last) = (self.requester_first.as_deref(), self.requester_last.as_deref());
        person_name(first, last, self.requester_email.as_deref())
    }

    /// What the desk put on it, by alphabet.
    pub fn tags(&self) -> Vec<String> {
        split_tags(self.tag_list.as_deref())
    }

    /// Who works on it.
    pub fn assigned_name(&self) -> Option<String> {
        let (first, last) = (self.assigned_first.as_deref(), self.assigned_last.as_deref());
        person_name(first, last, self.assigned_email.as_deref())
    }
}

/// One line of the export.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ExportRow {
    #[sqlx(flatten)]
    pub line: Line,
    pub category: Option<String>,
    pub source: String,
    pub external_reference: Option<String>,
    pub created_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
}

const EXPORT: &str = "SELECT t.id, t.subject, t.status, t.priority, c.name AS company_name, \
    q.first_name AS requester_first, q.last_name AS requester_last, q.email AS requester_email, \
    t.assigned_user_id, a.first_name AS assigned_first, a.last_name AS assigned_last, a.email AS assigned_email, \
    t.last_reply_at, t.last_reply_side, t.updated_at, t.version, \
    (SELECT GROUP_CONCAT(g.tag) FROM ticket_tags g WHERE g.ticket_id = t.id) AS tag_list, t.category, t.source, t.external_reference, t.created_at, \
    t.closed_at";

/// What narrows a list besides its tags, over `tickets t`.
pub(super) fn conditions(scope: Scope, filter: &TicketFilter) -> Sql {
    let query = sql(" WHERE 1 = 1").append(scope.condition()).append(with_status(" AND t.status", filter));
    query.append(with_priority(" AND t.priority_order", filter)).append(narrowed(filter))
}

/// The same for the rows of a list. By age several statuses or a priority are as good as everything: `SQLite` is
/// kept from collecting and sorting them all, by the sign before their columns, and reads in order of age.
pub(super) fn conditions_in_order(scope: Scope, filter: &TicketFilter) -> Sql {
    if filter.sort != Sort::Created {
        return conditions(scope, filter);
    }
    let status = if filter.statuses.len() > 1 { " AND +t.status" } else { " AND t.status" };
    let query = sql(" WHERE 1 = 1").append(scope.condition()).append(with_status(status, filter));
    query.append(with_priority(" AND +t.priority_order", filter)).append(narrowed(filter))
}

/// One of the statuses that are asked for; `SQLite` reads the column as it is written here.
fn with_status(on_sqlite: &'static str, filter: &TicketFilter) -> Sql {
    if filter.statuses.is_empty() {
        return sql("");
    }
    let words: Vec<&str> = filter.statuses.iter().map(|s| s.as_str()).collect();
    sql_by_engine(on_sqlite, " AND t.status").push_in(" IN", &words)
}

/// One of the priorities that are asked for, by their rank, which the indexes of the lists hold.
fn with_priority(on_sqlite: &'static str, filter: &TicketFilter) -> Sql {
    if filter.priorities.is_empty() {
        return sql("");
    }
    let ranks: Vec<i64> = filter.priorities.iter().map(|p| p.order()).collect();
    sql_by_engine(on_sqlite, " AND t.priority_order").push_in(" IN", &ranks)
}

/// What else is asked for.
fn narrowed(filter: &TicketFilter) -> Sql {
    let mut query = sql("");
    if !filter.companies.is_empty() {
        query = query.push_in(" AND t.company_id IN", &filter.companies);
    }
    query = match filter.assigned {
        None => query,
        Some(Assigned::Nobody) => query.push(" AND t.assigned_user_id IS NULL"),
        Some(Assigned::Person(id)) => query.push(" AND t.assigned_user_id = ?").bind(id),
    };
    let query = query.push(if filter.waits_for_us {
        " AND (t.last_reply_side = 'requester' OR t.last_reply_side IS NULL)"
    } else {
        ""
    });
    query
        .push_if(" AND t.module_slug = ?", filter.module_slug.clone())
        .push_if(" AND t.requester_id = ?", filter.requester)
        .push_if(" AND t.updated_at >= ?", filter.updated_since)
        .push_if(" AND t.created_at >= ?", filter.created_from)
        .push_if(" AND t.created_at <= ?", filter.created_to)
}

/// The tags that are asked for, over `tickets t` that do not stand behind [`search::tagged`].
pub(super) fn has_tag(filter: &TicketFilter) -> Sql {
    if filter.tags.is_empty() {
        return sql("");
    }
    sql(" AND EXISTS (SELECT 1 FROM ticket_tags g WHERE g.ticket_id = t.id")
        .push_in(" AND g.tag IN", &filter.tags)
        .push(")")
}

/// The order of a list, over `tickets t`.
pub(super) fn order(filter: &TicketFilter) -> &'static str {
    match (filter.sort, filter.is_ascending) {
        (Sort::Updated, false) => " ORDER BY t.updated_at DESC, t.id DESC",
        (Sort::Updated, true) => " ORDER BY t.updated_at, t.id DESC",
        (Sort::Created, false) => " ORDER BY t.created_at DESC, t.id DESC",
        (Sort::Created, true) => " ORDER BY t.created_at, t.id DESC",
        (Sort::Priority, false) => " ORDER BY t.priority_order DESC, t.id DESC",
        (Sort::Priority, true) => " ORDER BY t.priority_order, t.id DESC",
        (Sort::Status, false) => " ORDER BY t.status DESC, t.id DESC",
        (Sort::Status, true) => " ORDER BY t.status, t.id DESC",
        (Sort::Id, false) => " ORDER BY t.id DESC",
        (Sort::Id, true) => " ORDER BY t.id",
    }
}

/// The ids are found first, from indexes where they can be, and only the rows that are shown are read.
fn rows(columns: &'static str, scope: Scope, filter: &TicketFilter, plan: Plan, limit: i64, offset: i64) -> Sql {
    sql(columns)
        .push(" FROM")
        .append(search::keys(scope, filter, plan, limit, offset))
        .push(" JOIN tickets t ON t.id = k.id")
        .push(NAMES)
        .push(order(filter))
}

/// Lines of a page.
pub async fn page(
    scope: Scope,
    db: &Db,
    filter: &TicketFilter,
    plan: Plan,
    (limit, offset): (i64, i64),
) -> Result<Vec<Line>> {
    Ok(rows(LINE, scope, filter, plan, limit, offset).fetch_all(db).await?)
}

/// Tickets with everything, for programs.
pub async fn full_page(
    scope: Scope,
    db: &Db,
    filter: &TicketFilter,
    plan: Plan,
    (limit, offset): (i64, i64),
) -> Result<Vec<Ticket>> {
    Ok(rows(COLUMNS, scope, filter, plan, limit, offset).fetch_all(db).await?)
}

/// Lines of the export, from the first.
pub async fn export(scope: Scope, db: &Db, filter: &TicketFilter, plan: Plan, limit: i64) -> Result<Vec<ExportRow>> {
    Ok(rows(EXPORT, scope, filter, plan, limit, 0).fetch_all(db).await?)
}

/// Lines of the export behind a ticket, by number: every ticket of the list comes once, however long it takes.
/// Words are looked for in each text, because an index finds only so many.
pub async fn export_after(
    scope: Scope,
    db: &Db,
    filter: &TicketFilter,
    after: i64,
    limit: i64,
) -> Result<Vec<ExportRow>> {
    let query = sql(EXPORT).push(" FROM tickets t").push(NAMES);
    let query = match filter.search.as_deref() {
        Some(_) => query.push(" LEFT JOIN ticket_texts x ON x.id = t.id"),
        None => query,
    };
    let query = query.append(conditions(scope, filter)).append(has_tag(filter)).append(search::holds(scope, filter));
    let query = query.push(" AND t.id > ?").bind(after).push(" ORDER BY t.id LIMIT ?").bind(limit);
    Ok(query.fetch_all(db).await?)
}

/// Tickets of one status among those found.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Tally {
    /// The status.
    pub status: String,
    /// How many.
    pub tickets: i64,
}

/// How many were found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// By status; part of the truth when more than 10,000 were found.
    pub by_status: Vec<Tally>,
    /// In all, at most 10,001.
    pub counted: i64,
    /// There are more than were counted.
    pub has_more: bool,
}

impl Found {
    /// More than are counted.
    pub(super) fn many() -> Self {
        Self { by_status: Vec::new(), counted: 10_001, has_more: true }
    }

    pub(super) fn of(mut by_status: Vec<Tally>) -> Self {
        by_status.sort_by_key(|tally| Status::ALL.iter().position(|s| s.as_str() == tally.status));
        let counted = by_status.iter().map(|tally| tally.tickets).sum();
        Self { by_status, counted, has_more: counted > 10_000 }
    }
}

/// Open tickets of the views, each counted to 1,001.
#[derive(Debug, Clone, Default)]
pub struct ViewCounts {
    /// A technician's own.
    pub mine: i64,
    /// Nobody's.
    pub nobodys: i64,
    /// Everybody's.
    pub open: i64,
    /// Those in which the customer spoke last.
    pub waiting: i64,
    /// What saved views find, by their ids.
    pub saved: Vec<(i64, i64)>,
}

/// Counts what the views of the desk hold, and what saved ones find, in one statement.
pub async fn view_counts(db: &Db, me: i64, saved: &[(i64, TicketFilter)]) -> Result<ViewCounts> {
    let mut query = sql("SELECT 'mine' AS kind, 0 AS id, (SELECT COUNT(*) FROM (SELECT t.id FROM tickets t \
           WHERE t.assigned_user_id = ? AND t.status IN ('open', 'in_progress', 'pending') LIMIT 1001) m) AS tickets \
         UNION ALL SELECT 'nobodys', 0, (SELECT COUNT(*) FROM (SELECT t.id FROM tickets t \
           WHERE t.assigned_user_id IS NULL AND t.status IN ('open', 'in_progress', 'pending') LIMIT 1001) n) \
         UNION ALL SELECT 'open', 0, (SELECT COUNT(*) FROM (SELECT t.id FROM tickets t \
           WHERE t.status IN ('open', 'in_progress', 'pending') LIMIT 1001) o) \
         UNION ALL SELECT 'waiting', 0, (SELECT COUNT(*) FROM (SELECT t.id FROM tickets t \
           WHERE t.status IN ('open', 'in_progress') \
           AND (t.last_reply_side = 'requester' OR t.last_reply_side IS NULL) LIMIT 1001) w)")
    .bind(me);
    for (id, filter) in saved {
        query = query
            .push(" UNION ALL SELECT 'saved', ?, (SELECT COUNT(*) FROM (SELECT t.id FROM")
            .bind(*id)
            .append(search::tagged(filter))
            .append(conditions(Scope::everywhere(), filter))
            .push(" LIMIT 1001) s)");
    }
    let rows: Vec<(String, i64, i64)> = query.fetch_all(db).await?;
    let mut counts = ViewCounts::default();
    for (kind, id, tickets) in rows {
        match kind.as_str() {
            "mine" => counts.mine = tickets,
            "nobodys" => counts.nobodys = tickets,
            "open" => counts.open = tickets,
            "waiting" => counts.waiting = tickets,
            _ => counts.saved.push((id, tickets)),
        }
    }
    Ok(counts)
}
