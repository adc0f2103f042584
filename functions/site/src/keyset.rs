//! Pages of lists that grow while they are read: the newest first, by time and number of the last row
//! instead of by page number (decisions 11.19).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::context::encode_component;
use shared::db::{Sql, sql};
use shared::error::{Error, Result};

/// A place between two rows: microseconds and number of the row on its far side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    at: DateTime<Utc>,
    id: i64,
}

impl Cursor {
    /// The place at a row.
    pub fn at(at: DateTime<Utc>, id: i64) -> Self {
        Self { at, id }
    }

    /// As it stands in addresses.
    pub fn text(&self) -> String {
        format!("{}-{}", self.at.timestamp_micros(), self.id)
    }

    /// Reads what [`Cursor::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (micros, id) = text.split_once('-')?;
        let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
        Some(Self { at, id: id.parse().ok()? })
    }

    /// Reads a cursor of a program, which is told when it is none.
    pub fn required(text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| Error::field("cursor", "Use a cursor that the portal gave"))
    }

    /// Rows after this one, where the newest come first. The first comparison lets the index work.
    pub fn older(self) -> Sql {
        sql(" AND created_at <= ? AND (created_at < ? OR id < ?)").bind(self.at).bind(self.at).bind(self.id)
    }

    /// Rows before this one.
    pub fn newer(self) -> Sql {
        sql(" AND created_at >= ? AND (created_at > ? OR id > ?)").bind(self.at).bind(self.at).bind(self.id)
    }
}

/// Which way a person pages.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Walk {
    before: Option<String>,
    after: Option<String>,
}

/// Rows of a page of people's lists.
pub const SIZE: i64 = 50;

impl Walk {
    fn forward(&self) -> Option<Cursor> {
        self.after.as_deref().and_then(Cursor::parse)
    }

    fn backward(&self) -> Option<Cursor> {
        self.before.as_deref().and_then(Cursor::parse).filter(|_| self.forward().is_none())
    }

    /// The condition, order and limit: one row more than is shown tells whether there are more.
    pub fn tail(&self) -> Sql {
        let order = match (self.forward(), self.backward()) {
            (Some(cursor), _) => cursor.newer().push(" ORDER BY created_at, id"),
            (None, Some(cursor)) => cursor.older().push(" ORDER BY created_at DESC, id DESC"),
            (None, None) => sql(" ORDER BY created_at DESC, id DESC"),
        };
        order.push(" LIMIT ?").bind(SIZE + 1)
    }

    /// Puts what was read into the order of the page and makes the two links. `url` is the address of
    /// the list with its filters, ending in `?` or `&`.
    pub fn page<T>(&self, mut rows: Vec<T>, url: &str, place: impl Fn(&T) -> Cursor) -> Feed<T> {
        let size = usize::try_from(SIZE).unwrap_or(50);
        let has_more = rows.len() > size;
        rows.truncate(size);
        let walks_forward = self.forward().is_some();
        if walks_forward {
            rows.reverse();
        }
        let (has_newer, has_older) =
            if walks_forward { (has_more, true) } else { (self.backward().is_some(), has_more) };
        let link = |name: &str, row: Option<&T>| row.map(|row| format!("{url}{name}={}", place(row).text()));
        Feed {
            newer: link("after", rows.first().filter(|_| has_newer)),
            older: link("before", rows.last().filter(|_| has_older)),
            items: rows,
        }
    }
}

/// One page of a growing list.
#[derive(Debug, Serialize)]
pub struct Feed<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// Address of the page before.
    pub newer: Option<String>,
    /// Address of the page after.
    pub older: Option<String>,
}

/// The address of a list with those filters that are set, ending in `?` or `&`.
pub fn address(path: &str, filters: &[(&str, &str)]) -> String {
    let mut address = format!("{path}?");
    for (name, value) in filters.iter().filter(|(_, value)| !value.is_empty()) {
        address.push_str(name);
        address.push('=');
        address.push_str(&encode_component(value));
        address.push('&');
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_whole() {
        let cursor = Cursor::at(DateTime::from_timestamp_micros(1_795_425_120_123_456).unwrap(), 42);
        assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
        for bad in ["", "x", "1", "1-", "-1-2", "1-x"] {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_page_links_both_ways() {
        let place = |id: &i64| Cursor::at(DateTime::from_timestamp_micros(*id).unwrap(), *id);
        let first = Walk::default().page((1..=51).rev().collect(), "/x?", place);
        assert_eq!(
            (first.items.len(), first.newer.is_none(), first.older.as_deref()),
            (50, true, Some("/x?before=2-2"))
        );
        let walk = Walk { before: Some("2-2".to_owned()), after: None };
        let last = walk.page(vec![1], "/x?", place);
        assert_eq!((last.newer.as_deref(), last.older), (Some("/x?after=1-1"), None));
        let walk = Walk { before: None, after: Some("1-1".to_owned()) };
        let back = walk.page((2..=51).collect(), "/x?", place);
        assert_eq!((back.items.first(), back.newer, back.older.as_deref()), (Some(&51), None, Some("/x?before=2-2")));
    }
}
