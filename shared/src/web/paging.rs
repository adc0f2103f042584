//! Lists in pages, for people and for programs.

use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::json::Json;
use super::pipeline::value;
use crate::context::By;
use crate::error::{Error, Result};

/// Counting stops here and says so.
pub const COUNT_CAP: i64 = 10_000;

/// Page and size as pages of the portal take them.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Paging {
    #[serde(default = "one")]
    page: i64,
    #[serde(default = "fifty", alias = "page_size")]
    size: i64,
}

fn one() -> i64 {
    1
}

fn fifty() -> i64 {
    50
}

impl Default for Paging {
    fn default() -> Self {
        Self { page: 1, size: 50 }
    }
}

impl Paging {
    /// A page of a size, for lists with defaults of their own.
    pub fn of(page: i64, size: i64) -> Self {
        Self { page, size }
    }

    /// Rows on a page: 25, 50 or 100.
    pub fn size(&self) -> i64 {
        match self.size {
            i64::MIN..=25 => 25,
            26..=50 => 50,
            _ => 100,
        }
    }

    /// The page, from 1 to the last that is counted.
    pub fn page(&self) -> i64 {
        self.page.clamp(1, COUNT_CAP / self.size())
    }

    /// Rows to skip.
    pub fn offset(&self) -> i64 {
        (self.page() - 1) * self.size()
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize)]
pub struct PageOf<T> {
    /// The rows.
    pub items: Vec<T>,
    /// From 1.
    pub page: i64,
    /// Pages in all, at least 1.
    pub pages: i64,
    /// Rows per page.
    pub size: i64,
    /// Rows in all, at most 10,000.
    pub total: i64,
    /// There are more than were counted.
    pub is_capped: bool,
    /// Number of the first row shown; 0 when there is none.
    pub first: i64,
    /// Number of the last row shown.
    pub last: i64,
}

impl<T> PageOf<T> {
    /// `counted` comes from a count that stops at 10,001.
    pub fn new(items: Vec<T>, paging: Paging, counted: i64) -> Self {
        let total = counted.min(COUNT_CAP);
        let shown = i64::try_from(items.len()).unwrap_or(0);
        let first = if shown == 0 { 0 } else { paging.offset() + 1 };
        Self {
            items,
            page: paging.page(),
            pages: (total + paging.size() - 1).div_euclid(paging.size()).max(1),
            size: paging.size(),
            total,
            is_capped: counted > COUNT_CAP,
            first,
            last: if shown == 0 { 0 } else { paging.offset() + shown },
        }
    }

    /// The same page with its rows turned into something else.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> PageOf<U> {
        PageOf {
            items: self.items.into_iter().map(change).collect(),
            page: self.page,
            pages: self.pages,
            size: self.size,
            total: self.total,
            is_capped: self.is_capped,
            first: self.first,
            last: self.last,
        }
    }
}

/// `limit` and `offset` as JSON lists take them: 100 by default, 500 at most, to row 10,000.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Limits {
    /// Rows to give, 1 to 500.
    #[serde(default = "hundred")]
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: i64,
    /// Rows to skip, 0 to 10,000.
    #[serde(default)]
    #[param(minimum = 0, maximum = 10000, default = 0)]
    offset: i64,
}

fn hundred() -> i64 {
    100
}

impl Limits {
    /// A slice whose ranges the route has checked itself.
    pub fn of(limit: i64, offset: i64) -> Self {
        Self { limit, offset }
    }

    /// Checks the ranges.
    pub fn checked(self) -> Result<Self> {
        if !(1..=500).contains(&self.limit) {
            return Err(Error::field("limit", "Enter a number from 1 to 500"));
        }
        if !(0..=COUNT_CAP).contains(&self.offset) {
            return Err(Error::field("offset", "Enter a number from 0 to 10000"));
        }
        Ok(self)
    }

    /// Rows to give.
    pub fn limit(&self) -> i64 {
        self.limit
    }

    /// Rows to skip.
    pub fn offset(&self) -> i64 {
        self.offset
    }
}

/// A JSON list with `X-Total-Count` and `Link` (RFC 8288).
#[derive(Debug)]
pub struct Listed<B> {
    body: B,
    counted: i64,
    has_more: bool,
    limits: Limits,
    target: String,
}

impl<B: Serialize> Listed<B> {
    /// `counted` comes from a count that stops at 10,001.
    pub fn new(by: &By, body: B, counted: i64, limits: Limits) -> Self {
        Self { body, counted, has_more: counted > COUNT_CAP, limits, target: by.request().target().to_owned() }
    }

    /// Says that there are more than were counted, for counts that stopped earlier.
    #[must_use]
    pub fn capped(self, has_more: bool) -> Self {
        Self { has_more: self.has_more || has_more, ..self }
    }

    fn link(&self, offset: i64, rel: &str) -> String {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .filter(|(name, _)| name != "offset" && name != "limit")
            .collect();
        pairs.push(("limit".to_owned(), self.limits.limit.to_string()));
        pairs.push(("offset".to_owned(), offset.to_string()));
        let query = serde_urlencoded::to_string(&pairs).unwrap_or_default();
        format!("<{path}?{query}>; rel=\"{rel}\"")
    }
}

impl<B: Serialize> IntoResponse for Listed<B> {
    fn into_response(self) -> Response {
        let next = self.limits.offset + self.limits.limit;
        let mut links = Vec::new();
        if next < self.counted.min(COUNT_CAP + 1) && next <= COUNT_CAP {
            links.push(self.link(next, "next"));
        }
        if self.limits.offset > 0 {
            links.push(self.link((self.limits.offset - self.limits.limit).max(0), "prev"));
        }
        let counted = self.counted;
        let has_more = self.has_more;
        let mut response = Json(self.body).into_response();
        let headers = response.headers_mut();
        headers.insert("x-total-count", value(&counted.min(COUNT_CAP).to_string()));
        if has_more {
            headers.insert("x-total-count-capped", value("true"));
        }
        if !links.is_empty() {
            headers.insert(http::header::LINK, value(&links.join(", ")));
        }
        response
    }
}

/// A cell of a CSV file: quoted where needed, and never a formula in a spreadsheet.
pub fn csv_cell(text: &str) -> String {
    let guarded = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', '"', '\n', '\r']) { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_stay_within_what_is_counted() {
        let paging = Paging { page: 1_000_000, size: 50 };
        assert_eq!((paging.page(), paging.offset()), (200, 9950));
        let page = PageOf::new(vec![1, 2, 3], Paging { page: 2, size: 25 }, 28);
        assert_eq!((page.pages, page.first, page.last, page.is_capped), (2, 26, 28, false));
        assert!(PageOf::new(vec![1], Paging::default(), 10_001).is_capped);
    }

    #[test]
    fn cells_are_no_formulas() {
        assert_eq!(csv_cell("=1+1"), "'=1+1");
        assert_eq!(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv_cell("plain"), "plain");
    }
}
