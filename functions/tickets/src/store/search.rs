//! How a list is found so that it stays quick on a million tickets.
//!
//! Without a search the indexes of the lists hold all that is asked, and a few statuses are read as one
//! ordered run each. With one, `shared::ticket_search` says how.

use shared::db::{Db, Sql, sql};
use shared::error::Result;
use shared::search::words;
pub use shared::ticket_search::Plan;
use shared::ticket_search::{Needle, WINDOW};

use super::list::{Found, Tally, conditions, order};
use crate::model::{Sort, TicketFilter};
use crate::scope::Scope;

/// With so many hits in the window the words are common: more than the first pages show.
const COMMON: i64 = 60;

/// What a filter finds, before any row is read.
#[derive(Debug, Clone)]
pub struct Search {
    /// How rows are to be read.
    pub plan: Plan,
    /// How many there are.
    pub found: Found,
}

fn needle(scope: Scope, filter: &TicketFilter) -> Needle<'_> {
    Needle::new(filter.search.as_deref().unwrap_or_default(), scope.sees_desk())
}

/// Decides how to read a list, and counts it.
pub async fn search(scope: Scope, db: &Db, filter: &TicketFilter) -> Result<Search> {
    if filter.search.is_none() {
        return counted(scope, db, filter, Plan::List).await;
    }
    let needle = needle(scope, filter);
    match needle.clear_plan() {
        Some(Plan::Nothing) => return Ok(Search { plan: Plan::Nothing, found: Found::default() }),
        Some(plan) => return counted(scope, db, filter, plan).await,
        None => {}
    }
    let rows = needle.look(db, ordered(scope, filter, WINDOW)).await?;
    let seen = rows.iter().map(|row| row.seen).sum();
    let hits = rows.into_iter().filter(|row| row.hits > 0);
    let found = Found::of(hits.map(|row| Tally { status: row.status, tickets: row.hits }).collect());
    match needle.plan_after(seen, found.counted, COMMON) {
        Plan::Hits => counted(scope, db, filter, Plan::Hits).await,
        plan => Ok(Search { plan, found: Found { has_more: seen >= WINDOW, ..found } }),
    }
}

async fn counted(scope: Scope, db: &Db, filter: &TicketFilter, plan: Plan) -> Result<Search> {
    let query = sql("SELECT f.status, COUNT(*) AS tickets FROM (SELECT t.status FROM")
        .append(source(scope, filter, plan))
        .append(conditions(scope, filter))
        .push(" LIMIT 10001) f GROUP BY f.status");
    Ok(Search { plan, found: Found::of(query.fetch_all(db).await?) })
}

/// The condition that a ticket `t` with its text `x` is what the search means: every word begins a word of what
/// the caller may read. Texts begin with a space.
pub(super) fn holds(scope: Scope, filter: &TicketFilter) -> Sql {
    let Some(text) = filter.search.as_deref() else { return sql("") };
    let words = words(text);
    if words.is_empty() {
        return sql(" AND 1 = 0");
    }
    let query = sql(" AND (t.id = ? OR (1 = 1").bind(needle(scope, filter).number());
    let query = words.into_iter().fold(query, |query, word| {
        let word = format!(" {word}");
        let query = query.push(" AND (INSTR(x.public_text, ?) > 0").bind(word.clone());
        if scope.sees_desk() { query.push(" OR INSTR(x.internal_text, ?) > 0)").bind(word) } else { query.push(")") }
    });
    query.push("))")
}

/// `tickets t`, behind what the full-text index found where that leads.
fn source(scope: Scope, filter: &TicketFilter, plan: Plan) -> Sql {
    if plan != Plan::Hits {
        return tagged(filter);
    }
    needle(scope, filter).hits(|| ordered(scope, filter, WINDOW))
}

/// `tickets t`, behind the newest tickets that have one of the tags where tags are asked for: by the order
/// of the list the whole of it might be read for a tag that is rare.
pub(super) fn tagged(filter: &TicketFilter) -> Sql {
    if filter.tags.is_empty() {
        return sql(" tickets t");
    }
    sql(" (SELECT DISTINCT g.ticket_id AS id FROM ticket_tags g WHERE 1 = 1")
        .push_in(" AND g.tag IN", &filter.tags)
        .push(" ORDER BY g.ticket_id DESC LIMIT 30001) h")
        .push_by_engine(" CROSS JOIN tickets t ON t.id = h.id", " STRAIGHT_JOIN tickets t ON t.id = h.id")
}

/// The ids of a page as the table `k`, so that only the rows that are shown are read.
pub(super) fn keys(scope: Scope, filter: &TicketFilter, plan: Plan, limit: i64, offset: i64) -> Sql {
    match plan {
        Plan::List => ordered(scope, filter, offset + limit),
        Plan::Nothing => sql(" (SELECT t.id FROM tickets t WHERE 1 = 0) k"),
        Plan::Hits => sql(" (SELECT t.id, t.status,")
            .push(sort_key(filter.sort))
            .append(sql(" FROM"))
            .append(source(scope, filter, plan))
            .append(conditions(scope, filter))
            .push(order(filter))
            .push(" LIMIT ?) k")
            .bind(offset + limit),
        Plan::Window => sql(" (SELECT w.id, w.status, w.sort_key FROM (SELECT k.id, k.status, k.sort_key FROM")
            .append(ordered(scope, filter, WINDOW))
            .append(needle(scope, filter).of_window())
            .push(") w) k"),
    }
}

fn sort_key(sort: Sort) -> &'static str {
    match sort {
        Sort::Updated => " t.updated_at AS sort_key",
        Sort::Created => " t.created_at AS sort_key",
        Sort::Priority => " t.priority_order AS sort_key",
        Sort::Status => " t.status AS sort_key",
        Sort::Id => " t.id AS sort_key",
    }
}

/// The order of a list over `k`.
pub(super) fn order_of_keys(filter: &TicketFilter) -> &'static str {
    if filter.is_ascending { " ORDER BY k.sort_key, k.id DESC" } else { " ORDER BY k.sort_key DESC, k.id DESC" }
}

/// The first of a list as the table `k`, in no order of its own. Several statuses or priorities are several
/// runs of one index, each in order: neither engine would read them so by itself.
fn ordered(scope: Scope, filter: &TicketFilter, most: i64) -> Sql {
    let is_led = filter.assigned.is_some()
        || filter.requester.is_some()
        || !filter.companies.is_empty()
        || scope.is_led()
        || !filter.tags.is_empty();
    let runs = if filter.sort == Sort::Updated && !is_led { filter.runs() } else { Vec::new() };
    if runs.len() < 2 {
        return run(scope, filter, most).push(" k");
    }
    let mut query = sql(" (SELECT m.id, m.status, m.sort_key FROM (");
    for (index, part) in runs.iter().enumerate() {
        let before = if index == 0 { "SELECT * FROM" } else { " UNION ALL SELECT * FROM" };
        query = query.push(before).append(run(scope, part, most)).push(" l");
    }
    let order = if filter.is_ascending {
        ") m ORDER BY m.sort_key, m.id DESC"
    } else {
        ") m ORDER BY m.sort_key DESC, m.id DESC"
    };
    query.push(order).push(" LIMIT ?) k").bind(most)
}

fn run(scope: Scope, filter: &TicketFilter, most: i64) -> Sql {
    sql(" (SELECT t.id, t.status,")
        .push(sort_key(filter.sort))
        .push(" FROM")
        .append(tagged(filter))
        .append(conditions(scope, filter))
        .push(order(filter))
        .push(" LIMIT ?)")
        .bind(most)
}
