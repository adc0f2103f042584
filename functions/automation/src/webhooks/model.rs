//! Webhooks as programs and pages see them, and what narrows their lists.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::error::{Invalid, Result};
use utoipa::{IntoParams, ToSchema};

use super::masks;

/// The states of an event.
pub const STATES: [&str; 5] = ["pending", "in_progress", "succeeded", "failed", "cancelled"];

/// A webhook in the queue.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"id": 41, "name": "shop-order", "targetUrl": "https://hooks.example.com/orders",
    "headers": {"x-api-key": "********"}, "payload": {"orderNumber": "ORD-1042"}, "status": "failed", "attemptCount": 5,
    "maxAttempts": 5, "backoffSeconds": 300, "nextAttemptAt": null, "lastError": "The server answered 503 Service Unavailable",
    "responseStatus": 503, "responseBody": "busy", "createdAt": "2026-11-23T08:00:00Z", "updatedAt": "2026-11-23T09:12:00Z"}))]
pub struct WebhookOut {
    /// Number.
    pub id: i64,
    /// What it tells.
    pub name: String,
    /// Where it goes, without its query.
    pub target_url: String,
    /// Headers; secret ones are masked.
    #[schema(value_type = Object)]
    pub headers: Map<String, Value>,
    /// The body; secrets are masked, null once it was erased.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// `pending`, `in_progress`, `succeeded`, `failed` or `cancelled`.
    pub status: String,
    /// Tries so far.
    pub attempt_count: i64,
    /// Tries at most.
    pub max_attempts: i64,
    /// The first wait.
    pub backoff_seconds: i64,
    /// When it is tried next.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Why the last try did not work.
    pub last_error: Option<String>,
    /// Status of the last answer.
    pub response_status: Option<i64>,
    /// Excerpt of the last answer.
    pub response_body: Option<String>,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A row with everything that is shown of it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub name: String,
    pub endpoint_id: Option<i64>,
    pub target_url: String,
    pub headers: String,
    pub secret_headers: String,
    pub payload: Option<String>,
    pub is_sensitive: bool,
    pub status: String,
    pub attempt_count: i64,
    pub max_attempts: i64,
    pub backoff_seconds: i64,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub response_status: Option<i64>,
    pub response_body: Option<String>,
    pub last_error: Option<String>,
    pub idempotency_key: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Row {
    /// Masked; in lists phone numbers are cut as well.
    pub fn out(&self, in_list: bool) -> WebhookOut {
        WebhookOut {
            id: self.id,
            name: self.name.clone(),
            target_url: masks::url(&self.target_url),
            headers: masks::headers(&self.headers, &self.secret_headers),
            payload: self.shown(in_list),
            status: self.status.clone(),
            attempt_count: self.attempt_count,
            max_attempts: self.max_attempts,
            backoff_seconds: self.backoff_seconds,
            next_attempt_at: self.next_attempt_at.filter(|_| self.status == "pending"),
            last_error: self.last_error.clone(),
            response_status: self.response_status,
            response_body: self.response_body.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// What a sensitive payload says is never shown.
    fn shown(&self, in_list: bool) -> Value {
        match &self.payload {
            Some(_) if self.is_sensitive => Value::String("********".to_owned()),
            Some(text) => masks::payload(serde_json::from_str(text).unwrap_or_default(), in_list),
            None => Value::Null,
        }
    }

    /// The state as pages name it: a queued event that failed before is being retried.
    pub fn state(&self) -> &'static str {
        match self.status.as_str() {
            "pending" if self.attempt_count > 0 => "retrying",
            other => STATES.iter().find(|state| **state == other).copied().unwrap_or("pending"),
        }
    }
}

/// One try.
#[derive(Debug, Clone, Serialize, ToSchema, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"id": 90, "eventId": 41, "attemptNumber": 5, "trigger": "auto", "status": "failed",
    "responseStatus": 503, "responseBody": "busy", "errorMessage": "The server answered 503 Service Unavailable",
    "durationMs": 212, "attemptedAt": "2026-11-23T09:12:00Z"}))]
pub struct AttemptOut {
    /// Number.
    pub id: i64,
    /// The webhook.
    pub event_id: i64,
    /// From 1.
    pub attempt_number: i64,
    /// `auto` or `manual`.
    #[sqlx(rename = "started_by")]
    #[serde(rename = "trigger")]
    pub started_by: String,
    /// `succeeded`, `failed` (an answer that is no success) or `error` (no answer).
    pub status: String,
    /// Status of the answer.
    pub response_status: Option<i64>,
    /// Excerpt of the answer.
    pub response_body: Option<String>,
    /// Why it did not work.
    pub error_message: Option<String>,
    /// How long it took.
    pub duration_ms: i64,
    /// When.
    pub attempted_at: DateTime<Utc>,
}

/// What narrows a list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// A state.
    #[param(example = "failed")]
    pub status: String,
    /// The exact name.
    #[param(example = "shop-order")]
    pub name: String,
    /// Part of the name, the address or the last error.
    #[param(example = "hooks.example.com")]
    pub search: String,
    /// Number of an endpoint.
    #[param(example = 3)]
    pub endpoint: String,
}

impl Filter {
    /// Refuses a state that does not exist.
    pub fn checked(self) -> Result<Self> {
        if self.status.is_empty() || STATES.contains(&self.status.as_str()) {
            return Ok(self);
        }
        Err(Invalid::field("status", format!("Choose among {}", STATES.join(", "))).into())
    }

    /// The same without what means nothing, for links of people.
    pub fn known(mut self) -> Self {
        if !STATES.contains(&self.status.as_str()) {
            self.status.clear();
        }
        self
    }
}

/// Many at once.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"action": "retry", "status": "failed", "from": "2026-11-22T00:00:00Z", "to": "2026-11-23T00:00:00Z"}))]
pub struct BulkBody {
    /// `retry` or `delete`.
    pub action: String,
    /// Numbers, at most 1,000.
    pub ids: Vec<i64>,
    /// All in this state instead; only `failed` may be retried so, `failed`, `cancelled` and `succeeded` deleted.
    pub status: Option<String>,
    /// Only those that last changed at or after this time.
    pub from: Option<DateTime<Utc>>,
    /// Only those that last changed before this time.
    pub to: Option<DateTime<Utc>>,
}

/// Which events an action takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// These.
    Ids(Vec<i64>),
    /// All of a state that last changed within a span; at most 1,000, the oldest first.
    All {
        /// The state.
        status: String,
        /// From here on.
        from: Option<DateTime<Utc>>,
        /// Before this.
        to: Option<DateTime<Utc>>,
    },
}

/// Most events of one action.
pub const MOST: usize = 1000;

impl BulkBody {
    /// Whether to retry, and which.
    pub fn parse(self) -> Result<(bool, Which)> {
        let mut bad = Invalid::none();
        if !matches!(self.action.as_str(), "retry" | "delete") {
            bad.add("action", "Choose retry or delete");
        }
        let is_retry = self.action == "retry";
        let which = if let Some(status) = self.status {
            let allowed: &[&str] = if is_retry { &["failed"] } else { &["failed", "cancelled", "succeeded"] };
            if !allowed.contains(&status.as_str()) {
                bad.add("status", format!("Choose among {}", allowed.join(", ")));
            }
            Which::All { status, from: self.from, to: self.to }
        } else {
            if self.ids.is_empty() || self.ids.len() > MOST {
                bad.add("ids", format!("Name 1 to {MOST} webhooks, or a status"));
            }
            Which::Ids(self.ids)
        };
        bad.finish()?;
        Ok((is_retry, which))
    }
}

/// What came of many at once.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(example = json!({"done": 6, "skipped": 1}))]
pub struct BulkOut {
    /// Changed.
    pub done: u64,
    /// Left as they were: on their way, delivered, erased or gone.
    pub skipped: u64,
}

/// From and to, both open where missing.
pub type Span = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Days of UTC as a span: the last day counts whole.
pub fn span(from: &str, to: &str) -> Result<Span, Invalid> {
    let mut bad = Invalid::none();
    let mut read = |field: &str, text: &str, days: i64| {
        if text.is_empty() {
            return None;
        }
        let day = text.parse::<NaiveDate>().map_err(|_| "Enter a date such as 2026-11-23");
        let day = bad.check(field, day)?;
        Some(day.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::days(days))
    };
    let (from, to) = (read("from", from, 0), read("to", to, 1));
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        bad.add("to", "Choose a day that is not before the first");
    }
    bad.finish()?;
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulk_names_what_it_means() {
        let body = |action: &str, ids: Vec<i64>, status: Option<&str>| BulkBody {
            action: action.to_owned(),
            ids,
            status: status.map(str::to_owned),
            ..BulkBody::default()
        };
        assert_eq!(body("retry", vec![1], None).parse().unwrap(), (true, Which::Ids(vec![1])));
        assert!(body("delete", Vec::new(), Some("cancelled")).parse().is_ok());
        for wrong in [
            body("purge", vec![1], None),
            body("retry", Vec::new(), None),
            body("retry", vec![1; 1001], None),
            body("retry", Vec::new(), Some("succeeded")),
            body("delete", Vec::new(), Some("in_progress")),
        ] {
            assert!(wrong.parse().is_err());
        }
    }

    #[test]
    fn days_are_whole() {
        let (from, to) = span("2026-11-22", "2026-11-23").unwrap();
        assert_eq!((to.unwrap() - from.unwrap()).num_hours(), 48);
        assert_eq!(span("", "").unwrap(), (None, None));
        assert!(span("yesterday", "").is_err() && span("2026-11-23", "2026-11-22").is_err());
    }
}
