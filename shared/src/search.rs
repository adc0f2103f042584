//! Finding words, alike on every engine (decisions 4 and 11.20).
//!
//! Areas fill a `search_text` column with [`fold`]ed text and put an index over it. A query is cut into
//! words by our own rules and turned into a condition: the engine's full-text index where it helps,
//! LIKE for words too short for it. This file is the only one that knows the difference.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::db::{Sql, sql};

/// Words in a query beyond these are ignored.
const MAX_WORDS: usize = 8;

/// The full-text index of MySQL holds words of these lengths.
const INDEXED: std::ops::RangeInclusive<usize> = 3..=84;

/// Words that MySQL leaves out of its index.
const STOP_WORDS: [&str; 35] = [
    "a", "about", "an", "are", "as", "at", "be", "by", "com", "de", "en", "for", "from", "how", "i", "in", "is", "it",
    "la", "of", "on", "or", "that", "the", "this", "to", "was", "what", "when", "where", "who", "will", "with", "und",
    "www",
];

/// True when the index of every engine knows all words that begin so.
fn is_indexed(word: &str) -> bool {
    INDEXED.contains(&word.chars().count()) && !STOP_WORDS.iter().any(|stop| stop.starts_with(word))
}

/// Lower-case, accents removed, everything but letters and digits turned into single spaces.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            out.push(c);
        } else if !out.ends_with(' ') && !out.is_empty() {
            out.push(' ');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// The words of a query, folded.
pub fn words(query: &str) -> Vec<String> {
    fold(query).split(' ').filter(|word| !word.is_empty()).take(MAX_WORDS).map(str::to_owned).collect()
}

/// Where a searched column lives.
#[derive(Debug, Clone, Copy)]
pub struct Index {
    /// SQLite: ` AND t.id IN (SELECT rowid FROM t_search WHERE t_search MATCH ?)`.
    pub sqlite: &'static str,
    /// MySQL: ` AND MATCH (t.search_text) AGAINST (? IN BOOLEAN MODE)`.
    pub mysql: &'static str,
    /// Both: ` AND t.search_text LIKE ? ESCAPE '!'`, for words the index leaves out.
    pub like: &'static str,
}

/// A query as full-text indexes read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// For `MATCH ?` on SQLite; empty when no word is in the index.
    pub sqlite: String,
    /// For `AGAINST (? IN BOOLEAN MODE)` on MySQL; empty when no word is in the index.
    pub mysql: String,
    /// The words that the indexes leave out.
    pub others: Vec<String>,
}

/// Splits a query into what an index finds and what has to be looked for in the texts themselves.
pub fn terms(query: &str) -> Terms {
    let (indexed, others): (Vec<_>, Vec<_>) = words(query).into_iter().partition(|word| is_indexed(word));
    let quoted: Vec<String> = indexed.iter().map(|word| format!("\"{word}\"*")).collect();
    let plus: Vec<String> = indexed.iter().map(|word| format!("+{word}*")).collect();
    Terms { sqlite: quoted.join(" "), mysql: plus.join(" "), others }
}

/// A condition that every word of the query begins a word of the text. Nothing for an empty query.
pub fn condition(index: &Index, query: &str) -> Sql {
    let terms = terms(query);
    let mut condition = sql("");
    if !terms.sqlite.is_empty() {
        condition = condition.push_by_engine(index.sqlite, index.mysql).bind_by_engine(terms.sqlite, terms.mysql);
    }
    for word in terms.others {
        condition = prefix(condition, index.like, &word);
    }
    condition
}

/// A condition by LIKE alone, for lists that need no index.
pub fn like_condition(like: &'static str, query: &str) -> Sql {
    words(query).iter().fold(sql(""), |condition, word| prefix(condition, like, word))
}

/// Folded text is words with single spaces, so a word begins the text or follows a space; the column is
/// compared with a space put in front by the caller's text: `CONCAT(' ', search_text)` is what `like` says.
fn prefix(condition: Sql, like: &'static str, word: &str) -> Sql {
    condition.push(like).bind(format!("% {}%", escape_like(word)))
}

/// For `LIKE ? ESCAPE '!'`.
pub fn escape_like(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_folded_to_plain_words() {
        assert_eq!(fold("  Été à l'École — N°42!\n"), "ete a l ecole n 42");
        assert_eq!(words("VPN: no_connection"), ["vpn", "no", "connection"]);
        assert_eq!(words("  ,,, "), Vec::<String>::new());
    }

    #[test]
    fn short_and_stop_words_are_not_looked_up_in_an_index() {
        let found = terms("The VPN: pc 4");
        assert_eq!((found.sqlite.as_str(), found.mysql.as_str()), ("\"vpn\"*", "+vpn*"));
        assert_eq!(found.others, ["the", "pc", "4"]);
        assert_eq!(terms("of a").sqlite, "");
    }

    #[test]
    fn wildcards_are_literals() {
        assert_eq!(escape_like("50%_!"), "50!%!_!!");
    }
}
