//! How tickets are searched so that it stays quick on a million of them; the lists of tickets and the
//! search of the whole portal go by it.
//!
//! A search first tests the first tickets of the list, in their order, against the words. When the list
//! ends there, that is the whole answer; when enough fit, the words are common, and the answer is what
//! was found there, with the remark that there is more. Otherwise the words are rare, and the full-text
//! index finds them.

use crate::db::{Db, Sql, sql};
use crate::error::Result;
use crate::search::{self, Terms};

/// So many tickets of a list are tested against the words.
pub const WINDOW: i64 = 3_000;

/// How a list is answered.
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

/// Tickets of one status in the window.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Looked {
    /// The status.
    pub status: String,
    /// How many were tested.
    pub seen: i64,
    /// How many fit.
    pub hits: i64,
}

/// What is looked for, and in which texts.
#[derive(Debug, Clone)]
pub struct Needle<'n> {
    text: &'n str,
    terms: Terms,
    /// Internal notes are searched too.
    sees_desk: bool,
}

impl<'n> Needle<'n> {
    /// Words, or a number such as `#123`. Only the desk searches internal notes.
    pub fn new(text: &'n str, sees_desk: bool) -> Self {
        Self { text, terms: search::terms(text), sees_desk }
    }

    /// The ticket that the text names.
    pub fn number(&self) -> Option<i64> {
        number(self.text)
    }

    fn is_indexed(&self) -> bool {
        !self.terms.sqlite.is_empty()
    }

    /// The plan that is clear before any ticket is read; without one the window is looked at.
    pub fn clear_plan(&self) -> Option<Plan> {
        if self.number().is_some() {
            return Some(Plan::Hits);
        }
        (!self.is_indexed() && self.terms.others.is_empty()).then_some(Plan::Nothing)
    }

    /// The plan after the window was looked at. With `common` hits among so many the words are common.
    pub fn plan_after(&self, seen: i64, hits: i64, common: i64) -> Plan {
        if self.is_indexed() && seen >= WINDOW && hits < common { Plan::Hits } else { Plan::Window }
    }

    /// Tests the window, a table `k` of ids and statuses.
    pub async fn look(&self, db: &Db, window: Sql) -> Result<Vec<Looked>> {
        // The limit keeps the texts out of what is sorted by status.
        let query = sql("SELECT w.status, COUNT(*) AS seen, CAST(COALESCE(SUM(w.hit), 0) AS SIGNED) AS hits \
             FROM (SELECT k.status, CASE WHEN 1 = 1")
        .append(self.begins(self.text))
        .push(" THEN 1 ELSE 0 END AS hit FROM")
        .append(window)
        .push(" JOIN ticket_texts x ON x.id = k.id LIMIT ?) w GROUP BY w.status")
        .bind(WINDOW);
        Ok(query.fetch_all(db).await?)
    }

    /// What leaves those of a window `k` that fit, to follow it.
    pub fn of_window(&self) -> Sql {
        sql(" JOIN ticket_texts x ON x.id = k.id WHERE 1 = 1").append(self.begins(self.text))
    }

    /// Every word begins a word of what the caller may read. Texts begin with a space.
    fn begins(&self, text: &str) -> Sql {
        search::words(text).into_iter().fold(sql(""), |query, word| {
            let word = format!(" {word}");
            let query = query.push(" AND (INSTR(x.public_text, ?) > 0").bind(word.clone());
            if self.sees_desk { query.push(" OR INSTR(x.internal_text, ?) > 0)").bind(word) } else { query.push(")") }
        })
    }

    /// `tickets t` behind what the full-text index finds; `window` is for words that no index holds.
    /// The hits lead: their number is small, and each ticket is read by its key.
    pub fn hits(&self, window: impl FnOnce() -> Sql) -> Sql {
        let query = sql(" (SELECT n.id AS id FROM tickets n WHERE n.id = ?").bind(self.number());
        let query = if self.is_indexed() {
            let (sqlite, mysql) = if self.sees_desk { DESK } else { PUBLIC };
            let terms = self.terms.clone();
            query.push_by_engine(sqlite, mysql).bind_by_engine(terms.sqlite, terms.mysql)
        } else {
            // A short number may also stand in the texts.
            query.push(" UNION SELECT k.id FROM").append(window()).append(self.of_window())
        };
        let query = query
            .push_by_engine(") h CROSS JOIN tickets t ON t.id = h.id", ") h STRAIGHT_JOIN tickets t ON t.id = h.id");
        if !self.is_indexed() || self.terms.others.is_empty() {
            return query;
        }
        let others = self.terms.others.join(" ");
        let number = query.push(" JOIN ticket_texts x ON x.id = t.id AND (t.id = ? OR (1 = 1").bind(self.number());
        number.append(self.begins(&others)).push("))")
    }
}

/// The ticket that a search such as `#123` names.
pub fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    text.strip_prefix('#').unwrap_or(text).parse().ok().filter(|id| *id >= 1)
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

/// The newest tickets that fit, for short lists: those of one requester, or all for the desk.
pub async fn newest(db: &Db, own: Option<i64>, text: &str, limit: i64) -> Result<Vec<i64>> {
    let needle = Needle::new(text, own.is_none());
    let window = || {
        sql(" (SELECT t.id, t.status, t.updated_at FROM tickets t WHERE 1 = 1")
            .push_if(" AND t.requester_id = ?", own)
            .push(" ORDER BY t.updated_at DESC, t.id DESC LIMIT ?) k")
            .bind(WINDOW)
    };
    let plan = if let Some(plan) = needle.clear_plan() {
        plan
    } else {
        let looked = needle.look(db, window()).await?;
        let (seen, hits) = looked.iter().fold((0, 0), |(seen, hits), row| (seen + row.seen, hits + row.hits));
        needle.plan_after(seen, hits, limit)
    };
    let query = match plan {
        Plan::Nothing | Plan::List => return Ok(Vec::new()),
        Plan::Window => sql("SELECT k.id FROM")
            .append(window())
            .append(needle.of_window())
            .push(" ORDER BY k.updated_at DESC, k.id DESC"),
        Plan::Hits => sql("SELECT t.id FROM")
            .append(needle.hits(window))
            .push(" WHERE 1 = 1")
            .push_if(" AND t.requester_id = ?", own)
            .push(" ORDER BY CASE WHEN t.id = ? THEN 0 ELSE 1 END, t.updated_at DESC, t.id DESC")
            .bind(needle.number()),
    };
    let rows: Vec<(i64,)> = query.push(" LIMIT ?").bind(limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_named_with_or_without_a_sign() {
        assert_eq!([number("#12"), number(" 12 "), number("0"), number("12a")], [Some(12), Some(12), None, None]);
    }

    #[test]
    fn rare_words_go_to_the_index_and_common_ones_do_not() {
        let vpn = Needle::new("vpn", true);
        assert_eq!(vpn.clear_plan(), None);
        assert_eq!(vpn.plan_after(WINDOW, 59, 60), Plan::Hits);
        assert_eq!(vpn.plan_after(WINDOW, 60, 60), Plan::Window);
        assert_eq!(vpn.plan_after(WINDOW - 1, 0, 60), Plan::Window, "the whole list was seen");
        assert_eq!(Needle::new("pc", true).plan_after(WINDOW, 0, 60), Plan::Window, "no index holds short words");
        assert_eq!(Needle::new("#7", true).clear_plan(), Some(Plan::Hits));
        assert_eq!(Needle::new("…", true).clear_plan(), Some(Plan::Nothing));
    }
}
