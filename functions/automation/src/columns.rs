//! One list of columns for the statement that adds a row and the one that changes it.

use shared::db::Sql;

/// `a, b MORE) VALUES (?, ?`: the caller adds the marks of `more` and the bracket.
pub fn insert(query: Sql, names: &[&'static str], more: &'static str) -> Sql {
    let query = between(query, names, Sql::push).push(more).push(") VALUES (");
    between(query, names, |query, _| query.push("?"))
}

/// `a = ?, b = ?`.
pub fn assign(query: Sql, names: &[&'static str]) -> Sql {
    between(query, names, |query, name| query.push(name).push(" = ?"))
}

fn between(query: Sql, names: &[&'static str], add: impl Fn(Sql, &'static str) -> Sql) -> Sql {
    names.iter().enumerate().fold(query, |query, (n, name)| add(if n == 0 { query } else { query.push(", ") }, name))
}
