//! What came back, and what tests say about it.

use axum::response::Response;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::ok;

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Reply {
    pub(super) async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = ok(body.collect().await).to_bytes().to_vec();
        Self { status: parts.status.as_u16(), headers: parts.headers, bytes }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// Expects a status.
    #[must_use]
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text().chars().take(2000).collect::<String>());
        self
    }

    /// Expects a 303 to an address.
    #[must_use]
    #[track_caller]
    pub fn goes_to(self, path: &str) -> Self {
        let reply = self.is(303);
        assert_eq!(reply.header("location"), path);
        reply
    }

    /// Expects 422 with a message at a field, as JSON or as a page.
    #[must_use]
    #[track_caller]
    pub fn refuses(self, field: &str) -> Self {
        let reply = self.is(422);
        if reply.header("content-type").contains("json") {
            assert!(!reply.value()["errors"][field].is_null(), "{field} is not refused: {}", reply.text());
        } else {
            assert!(reply.text().contains(&format!("id=\"{field}-error\"")), "{field} is not refused");
        }
        reply
    }

    /// Expects a problem with this detail.
    #[must_use]
    #[track_caller]
    pub fn says(self, detail: &str) -> Self {
        assert_eq!(self.value()["detail"], detail);
        self
    }

    /// Expects a text in the body.
    #[must_use]
    #[track_caller]
    pub fn shows(self, text: &str) -> Self {
        assert!(self.text().contains(text), "{text:?} is not shown in: {}", self.text());
        self
    }

    /// Expects a text not to be in the body.
    #[must_use]
    #[track_caller]
    pub fn hides(self, text: &str) -> Self {
        assert!(!self.text().contains(text), "{text:?} is shown");
        self
    }

    /// The first value of a header, empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Name and value of the cookies that were set; an ended cookie has an empty value.
    pub fn cookies(&self) -> Vec<(String, String)> {
        let values = self.headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        values
            .filter_map(|value| value.split(';').next()?.split_once('='))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect()
    }
}
