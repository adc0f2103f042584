//! How a list is found so that it stays quick on a million tickets.
//!
//! Without a search the indexes of the lists hold all that is asked, and a few statuses are read as one
//! ordered run each. With one, `shared::ticket_search` says how.

use shared::db::{Db, Sql, sql, sql_by_engine};
use shared::error::Result;
use shared::search::words;
pub use shared::ticket_search::Plan;
use shared::ticket_search::{Needle, WINDOW};

use super::list::{Found, Tally, conditions, conditions_in_order, has_tag, order};
use crate::model::{Sort, Status, TicketFilter};
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
    let rows = needle.look(db, ordered(scope, filter, (WINDOW, 0))).await?;
    let seen = rows.iter().map(|row| row.seen).sum();
    let hits = rows.into_iter().filter(|row| row.hits > 0);
    let found = Found::of(hits.map(|row| Tally { status: row.status, tickets: row.hits }).collect());
    match needle.plan_after(seen, found.counted, COMMON) {
        Plan::Hits => counted(scope, db, filter, Plan::Hits).await,
        plan => Ok(Search { plan, found: Found { has_more: seen >= WINDOW, ..found } }),
    }
}

async fn counted(scope: Scope, db: &Db, filter: &TicketFilter, plan: Plan) -> Result<Search> {
    if plan == Plan::List && has_more(scope, db, filter).await? {
        return Ok(Search { plan, found: Found::many() });
    }
    let query = sql("SELECT f.status, COUNT(*) AS tickets FROM (SELECT t.status FROM")
        .append(source(scope, filter, plan))
        .append(conditions(scope, filter))
        .append(if plan == Plan::Hits { has_tag(filter) } else { sql("") })
        .push(" LIMIT 10001) f GROUP BY f.status");
    Ok(Search { plan, found: Found::of(query.fetch_all(db).await?) })
}

/// Beyond 10,000 nobody is told how many of each status there are, and the mere number is counted in a tenth of
/// the time.
async fn has_more(scope: Scope, db: &Db, filter: &TicketFilter) -> Result<bool> {
    let query = sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM").append(tagged(filter));
    let query = query.append(conditions(scope, filter)).push(" LIMIT 10001) f");
    Ok(query.fetch_value::<i64>(db).await? > 10_000)
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
    needle(scope, filter).hits(|| ordered(scope, filter, (WINDOW, 0)))
}

/// `tickets t`, behind the newest tickets that have one of the tags where tags are asked for: by the order
/// of the list the whole of it might be read for a tag that is rare.
pub(super) fn tagged(filter: &TicketFilter) -> Sql {
    if filter.tags.is_empty() {
        return sql(" tickets t");
    }
    // A ticket has a tag once; only several tags may lead to the same ticket, and to sort those out costs.
    let is_one = filter.tags.len() == 1;
    sql(if is_one { " (SELECT g.ticket_id AS id" } else { " (SELECT DISTINCT g.ticket_id AS id" })
        .push(" FROM ticket_tags g WHERE 1 = 1")
        .push_in(" AND g.tag IN", &filter.tags)
        .push(" ORDER BY g.ticket_id DESC LIMIT 30001) h")
        .push_by_engine(" CROSS JOIN tickets t ON t.id = h.id", " STRAIGHT_JOIN tickets t ON t.id = h.id")
}

/// The ids of a page as the table `k`, so that only the rows that are shown are read.
pub(super) fn keys(scope: Scope, filter: &TicketFilter, plan: Plan, limit: i64, offset: i64) -> Sql {
    let part = (limit, offset);
    match plan {
        Plan::List => ordered(scope, filter, part),
        Plan::Nothing => sql(" (SELECT t.id FROM tickets t WHERE 1 = 0) k"),
        Plan::Hits => sql(" (SELECT t.id FROM")
            .append(source(scope, filter, plan))
            .append(conditions(scope, filter))
            .append(has_tag(filter))
            .push(order(filter))
            .push(" LIMIT ? OFFSET ?) k")
            .bind(limit)
            .bind(offset),
        Plan::Window => sql(" (SELECT k.id FROM")
            .append(ordered(scope, filter, (WINDOW, 0)))
            .append(needle(scope, filter).of_window())
            .push(order_of_keys(filter))
            .push(" LIMIT ? OFFSET ?) k")
            .bind(limit)
            .bind(offset),
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
fn order_of_keys(filter: &TicketFilter) -> &'static str {
    if filter.is_ascending { " ORDER BY k.sort_key, k.id DESC" } else { " ORDER BY k.sort_key DESC, k.id DESC" }
}

/// A part of a list as the table `k`, in no order of its own: so many, and how many come before. Several
/// statuses or priorities are several runs of one index, each in order, where an index holds them so: neither
/// engine would read them so by itself. By age that is the case from the oldest.
fn ordered(scope: Scope, filter: &TicketFilter, (limit, offset): (i64, i64)) -> Sql {
    let runs = if is_led(scope, filter) {
        Vec::new()
    } else {
        match filter.sort {
            Sort::Updated => filter.runs(),
            Sort::Created if filter.is_ascending && !filter.statuses.contains(&Status::Closed) => filter.runs(),
            _ => Vec::new(),
        }
    };
    if runs.len() < 2 {
        return run(scope, filter).push(" LIMIT ? OFFSET ?) k").bind(limit).bind(offset);
    }
    let mut query = sql(" (");
    for (index, part) in runs.iter().enumerate() {
        let query_so_far = query.push(if index == 0 { "" } else { " UNION ALL " });
        query = query_so_far.append(part_of_merge(scope, part, limit + offset));
    }
    let order = if filter.is_ascending { " ORDER BY sort_key, id DESC" } else { " ORDER BY sort_key DESC, id DESC" };
    query.push(order).push(" LIMIT ? OFFSET ?) k").bind(limit).bind(offset)
}

/// What leads by itself to few tickets, which are then sorted.
fn is_led(scope: Scope, filter: &TicketFilter) -> bool {
    filter.assigned.is_some()
        || filter.requester.is_some()
        || !filter.companies.is_empty()
        || scope.is_led()
        || !filter.tags.is_empty()
}

/// `SQLite` reads sorted runs side by side and stops when it has enough; MySQL writes them down, so each has an
/// end of its own.
fn part_of_merge(scope: Scope, part: &TicketFilter, most: i64) -> Sql {
    sql_by_engine("SELECT t.id AS id, t.status AS status,", "SELECT * FROM (SELECT t.id AS id, t.status AS status,")
        .push(sort_key(part.sort))
        .push(" FROM")
        .append(tagged(part))
        .append(conditions(scope, part))
        .push_by_engine(" AND ? > 0", order_and_limit(part))
        .bind(most)
}

/// The end of a run in MySQL.
fn order_and_limit(part: &TicketFilter) -> &'static str {
    match (part.sort, part.is_ascending) {
        (Sort::Created, false) => " ORDER BY t.created_at DESC, t.id DESC LIMIT ?) l",
        (Sort::Created, true) => " ORDER BY t.created_at, t.id DESC LIMIT ?) l",
        (_, false) => " ORDER BY t.updated_at DESC, t.id DESC LIMIT ?) l",
        (_, true) => " ORDER BY t.updated_at, t.id DESC LIMIT ?) l",
    }
}

fn run(scope: Scope, filter: &TicketFilter) -> Sql {
    sql(" (SELECT t.id, t.status,")
        .push(sort_key(filter.sort))
        .push(" FROM")
        .append(tagged(filter))
        .append(if is_led(scope, filter) { conditions(scope, filter) } else { conditions_in_order(scope, filter) })
        .push(order(filter))
}
