//! How a list is found so that it stays quick on a million tickets.
//!
//! Without a search the indexes of the lists hold all that is asked, and a few statuses are read as one
//! ordered run each. A search first tests the first tickets of the list, in their order, against the words.
//! When the list ends there, that is the whole answer; when enough fit, the words are common, and the
//! answer is what was found there, with the remark that there is more. Otherwise the words are rare, and
//! the full-text index finds them.

use shared::db::{Db, Sql, sql};
use shared::error::Result;
use shared::search;

use super::list::{Found, Tally, conditions, order};
use crate::model::{Sort, TicketFilter};
use crate::scope::Scope;

/// So many tickets of the list are tested against the words.
const WINDOW: i64 = 3_000;

/// With so many hits among them the words are common.
const COMMON: i64 = 60;

/// How a filter is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// No words are looked for.
    List,
    /// The first tickets of the list, tested one by one.
    Window,
    /// What the full-text index finds.
    Hits,
    /// The search holds no words and no number.
    Nothing,
}

/// What a filter finds, before any row is read.
#[derive(Debug, Clone)]
pub struct Search {
    /// How rows are to be read.
    pub plan: Plan,
    /// How many there are.
    pub found: Found,
}

/// Decides how to read a list, and counts it.
pub async fn search(scope: Scope, db: &Db, filter: &TicketFilter) -> Result<Search> {
    let Some(text) = filter.search.as_deref() else { return counted(scope, db, filter, Plan::List).await };
    let terms = search::terms(text);
    let is_indexed = !terms.sqlite.is_empty();
    if filter.number().is_some() {
        return counted(scope, db, filter, Plan::Hits).await;
    }
    if !is_indexed && terms.others.is_empty() {
        return Ok(Search { plan: Plan::Nothing, found: Found::default() });
    }
    let (seen, found) = look(scope, db, filter, text).await?;
    if is_indexed && seen >= WINDOW && found.counted < COMMON {
        return counted(scope, db, filter, Plan::Hits).await;
    }
    Ok(Search { plan: Plan::Window, found: Found { has_more: seen >= WINDOW, ..found } })
}

async fn counted(scope: Scope, db: &Db, filter: &TicketFilter, plan: Plan) -> Result<Search> {
    let query = sql("SELECT f.status, COUNT(*) AS tickets FROM (SELECT t.status FROM")
        .append(source(scope, filter, plan))
        .append(conditions(scope, filter, &filter.statuses))
        .push(" LIMIT 10001) f GROUP BY f.status");
    Ok(Search { plan, found: Found::of(query.fetch_all(db).await?) })
}

#[derive(sqlx::FromRow)]
struct Looked {
    status: String,
    seen: i64,
    hits: i64,
}

async fn look(scope: Scope, db: &Db, filter: &TicketFilter, text: &str) -> Result<(i64, Found)> {
    let query = sql("SELECT k.status, COUNT(*) AS seen, CAST(COALESCE(SUM(CASE WHEN 1 = 1")
        .append(begins(scope, text))
        .push(" THEN 1 ELSE 0 END), 0) AS SIGNED) AS hits FROM")
        .append(ordered(scope, filter, WINDOW))
        .push(" JOIN ticket_texts x ON x.id = k.id GROUP BY k.status");
    let rows: Vec<Looked> = query.fetch_all(db).await?;
    let seen = rows.iter().map(|row| row.seen).sum();
    let hits = rows.into_iter().filter(|row| row.hits > 0);
    Ok((seen, Found::of(hits.map(|row| Tally { status: row.status, tickets: row.hits }).collect())))
}

/// Every word begins a word of what the caller may read. Texts begin with a space.
fn begins(scope: Scope, text: &str) -> Sql {
    search::words(text).into_iter().fold(sql(""), |query, word| {
        let word = format!(" {word}");
        let query = query.push(" AND (INSTR(x.public_text, ?) > 0").bind(word.clone());
        if scope.sees_desk() { query.push(" OR INSTR(x.internal_text, ?) > 0)").bind(word) } else { query.push(")") }
    })
}

/// `tickets t`, behind what the full-text index found where that leads.
fn source(scope: Scope, filter: &TicketFilter, plan: Plan) -> Sql {
    let text = filter.search.as_deref().unwrap_or_default();
    if plan != Plan::Hits {
        return tagged(filter);
    }
    // The hits lead: their number is small, and each ticket is read by its key.
    let query = sql(" (SELECT n.id AS id FROM tickets n WHERE n.id = ?").bind(filter.number());
    let terms = search::terms(text);
    // A short number may also stand in the texts.
    let is_short = terms.sqlite.is_empty();
    let query = if is_short {
        let texts = query.push(" UNION SELECT k.id FROM").append(ordered(scope, filter, WINDOW));
        texts.push(" JOIN ticket_texts x ON x.id = k.id WHERE 1 = 1").append(begins(scope, text))
    } else {
        let (sqlite, mysql) = if scope.sees_desk() { DESK } else { PUBLIC };
        query.push_by_engine(sqlite, mysql).bind_by_engine(terms.sqlite, terms.mysql)
    };
    let query =
        query.push_by_engine(") h CROSS JOIN tickets t ON t.id = h.id", ") h STRAIGHT_JOIN tickets t ON t.id = h.id");
    if is_short || terms.others.is_empty() {
        return query;
    }
    let others = terms.others.join(" ");
    let number = query.push(" JOIN ticket_texts x ON x.id = t.id AND (t.id = ? OR (1 = 1").bind(filter.number());
    number.append(begins(scope, &others)).push("))")
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

/// The newest hits lead on SQLite; MySQL would have to read every text to sort them.
const DESK: (&str, &str) = (
    " UNION SELECT * FROM (SELECT rowid AS id FROM ticket_texts_search WHERE ticket_texts_search MATCH ? \
     ORDER BY rowid DESC LIMIT 30001) y",
    " UNION SELECT * FROM (SELECT d.id FROM ticket_texts d WHERE MATCH (d.public_text, d.internal_text) \
     AGAINST (? IN BOOLEAN MODE) LIMIT 30001) y",
);

const PUBLIC: (&str, &str) = (
    " UNION SELECT * FROM (SELECT rowid AS id FROM ticket_texts_search \
     WHERE ticket_texts_search MATCH 'public_text : (' || ? || ')' ORDER BY rowid DESC LIMIT 30001) y",
    " UNION SELECT * FROM (SELECT d.id FROM ticket_texts d WHERE MATCH (d.public_text) \
     AGAINST (? IN BOOLEAN MODE) LIMIT 30001) y",
);

/// The ids of a page as the table `k`, so that only the rows that are shown are read.
pub(super) fn keys(scope: Scope, filter: &TicketFilter, plan: Plan, limit: i64, offset: i64) -> Sql {
    match plan {
        Plan::List => ordered(scope, filter, offset + limit),
        Plan::Nothing => sql(" (SELECT t.id FROM tickets t WHERE 1 = 0) k"),
        Plan::Hits => sql(" (SELECT t.id, t.status,")
            .push(sort_key(filter.sort))
            .append(sql(" FROM"))
            .append(source(scope, filter, plan))
            .append(conditions(scope, filter, &filter.statuses))
            .push(order(filter))
            .push(" LIMIT ?) k")
            .bind(offset + limit),
        Plan::Window => sql(" (SELECT w.id, w.status, w.sort_key FROM (SELECT k.id, k.status, k.sort_key FROM")
            .append(ordered(scope, filter, WINDOW))
            .push(" JOIN ticket_texts x ON x.id = k.id WHERE 1 = 1")
            .append(begins(scope, filter.search.as_deref().unwrap_or_default()))
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

/// The first of a list as the table `k`, in no order of its own. Several statuses are several runs of one
/// index, each in order: neither engine would read them so by itself.
fn ordered(scope: Scope, filter: &TicketFilter, most: i64) -> Sql {
    let is_led = filter.assigned.is_some()
        || filter.requester.is_some()
        || !filter.companies.is_empty()
        || scope.is_led()
        || !filter.tags.is_empty();
    if filter.statuses.len() < 2 || filter.sort != Sort::Updated || is_led {
        return run(scope, filter, &filter.statuses, most).push(" k");
    }
    let mut query = sql(" (SELECT m.id, m.status, m.sort_key FROM (");
    for (index, status) in filter.statuses.iter().enumerate() {
        let before = if index == 0 { "SELECT * FROM" } else { " UNION ALL SELECT * FROM" };
        query = query.push(before).append(run(scope, filter, std::slice::from_ref(status), most)).push(" l");
    }
    let order = if filter.is_ascending {
        ") m ORDER BY m.sort_key, m.id DESC"
    } else {
        ") m ORDER BY m.sort_key DESC, m.id DESC"
    };
    query.push(order).push(" LIMIT ?) k").bind(most)
}

fn run(scope: Scope, filter: &TicketFilter, statuses: &[crate::model::Status], most: i64) -> Sql {
    sql(" (SELECT t.id, t.status,")
        .push(sort_key(filter.sort))
        .push(" FROM")
        .append(tagged(filter))
        .append(conditions(scope, filter, statuses))
        .push(order(filter))
        .push(" LIMIT ?)")
        .bind(most)
}
