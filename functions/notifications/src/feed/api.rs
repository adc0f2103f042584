//! Reading the feed by program (notifications-forms 4 and 4.1).
#![expect(unused_qualifications, reason = "the documentation macro names the types of the query by their path")]

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::HeaderValue;
use http::header::LINK;
use serde::{Deserialize, Serialize};
use shared::caller::User;
use shared::context::encode_component;
use shared::error::{Error, Result};
use shared::notify;
use shared::web::{Json, Limits, Listed, Query};
use utoipa::{IntoParams, ToSchema};

use super::filter::{Asked, Filter, Order};
use super::store::{self, Part, Place, Reader, Row};

/// A notification.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": 812, "user_id": 7, "event_type": "tickets.reply_added",
    "message": "Grace Lin replied on #10432: Printer in room 4 jams", "metadata": null,
    "created_at": "2026-11-23T09:12:00Z", "read_at": null, "audience": "user", "company_id": null,
    "link": "/tickets/10432#reply-3"}))]
pub struct Notification {
    /// Number.
    pub id: i64,
    /// Whom it is for; none for a company or everybody.
    pub user_id: Option<i64>,
    /// What happened.
    pub event_type: String,
    /// In words.
    pub message: String,
    /// Names and values.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<serde_json::Value>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When the caller read it.
    pub read_at: Option<DateTime<Utc>>,
    /// `user`, `company` or `all`.
    pub audience: String,
    /// The company it is for.
    pub company_id: Option<i64>,
    /// A path of the portal.
    pub link: Option<String>,
}

impl From<Row> for Notification {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            event_type: row.event_type,
            message: row.message,
            metadata: row.metadata.and_then(|text| serde_json::from_str(&text).ok()),
            created_at: row.created_at,
            read_at: row.read_at,
            audience: row.audience,
            company_id: row.company_id,
            link: row.link,
        }
    }
}

/// Order and slice of a list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Slice {
    /// `created_at`, `event_type` or `read_at`.
    #[param(default = "created_at")]
    sort_by: Option<String>,
    /// `asc` or `desc`; equal rows come by number, the highest first.
    #[param(default = "desc")]
    sort_order: Option<String>,
    /// Rows to give, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: i64,
    /// Rows to skip; use the cursor to go further.
    #[param(minimum = 0, maximum = 10000, default = 0)]
    offset: i64,
    /// `X-Next-Cursor` of the answer before; for the newest first, which is the order unless you say otherwise.
    cursor: Option<String>,
}

impl Default for Slice {
    fn default() -> Self {
        Self { sort_by: None, sort_order: None, limit: 50, offset: 0, cursor: None }
    }
}

impl Slice {
    fn limits(&self) -> Result<Limits> {
        if !(1..=200).contains(&self.limit) {
            return Err(Error::field("limit", "Enter a number from 1 to 200"));
        }
        Limits::of(self.limit, self.offset).checked()
    }

    /// New rows arrive while a program reads, so the newest first are paged by the place of the last row.
    fn behind(&self, order: Order) -> Result<Option<Place>> {
        let Some(text) = &self.cursor else { return Ok(None) };
        if order != Order::default() {
            return Err(Error::field("cursor", "A cursor goes with sort_by=created_at and sort_order=desc"));
        }
        let place = Place::parse(text).ok_or_else(|| Error::field("cursor", "Use a cursor that the portal gave"))?;
        Ok(Some(place))
    }
}

fn filter(asked: &Query<Asked>) -> Result<Filter> {
    Ok(Filter::read(&asked.value, asked.all("event_type"), "UTC")?)
}

/// Lists the caller's notifications.
#[utoipa::path(get, path = "/api/notifications", params(Asked, Slice), responses(
    (status = 200, description = "Own ones, those of the caller's companies and broadcasts; with `X-Next-Cursor` \
     while there are more, the newest first", body = Vec<Notification>)))]
pub async fn list_notifications(by: User, asked: Query<Asked>, slice: Query<Slice>) -> Result<Response> {
    let (filter, limits) = (filter(&asked)?, slice.limits()?);
    let order = Order::read(slice.sort_by.as_deref(), slice.sort_order.as_deref())?;
    let behind = slice.behind(order)?;
    let reader = Reader::of(by.me(), by.now());
    let counts = store::counts(by.db(), &reader, &filter).await?;
    let part = Part { behind, limit: limits.limit() + 1, offset: limits.offset() };
    let mut rows = store::list(by.db(), &reader, &filter, order, part).await?;
    let limit = usize::try_from(limits.limit()).unwrap_or(50);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more && order == Order::default()).map(|row| Place::of(row).text());
    let body: Vec<Notification> = rows.into_iter().map(Notification::from).collect();
    let mut response = Listed::new(&by, body, counts.total, limits).into_response();
    if behind.is_some() {
        // Places of pages are for those who page by number.
        response.headers_mut().remove(LINK);
    }
    if let Some(next) = next {
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| Error::Internal(error.into()));
        response.headers_mut().insert("x-next-cursor", value(&next)?);
        if limits.offset() == 0 {
            let link = format!("<{}>; rel=\"next\"", address(slice.pairs(), limits.limit(), &next));
            response.headers_mut().insert(LINK, value(&link)?);
        }
    }
    Ok(response)
}

/// The same question from the cursor on.
fn address(pairs: &[(String, String)], limit: i64, cursor: &str) -> String {
    let kept = pairs.iter().filter(|(name, _)| !matches!(name.as_str(), "limit" | "offset" | "cursor"));
    let mut address = format!("/api/notifications?limit={limit}&cursor={cursor}");
    for (name, value) in kept {
        address.extend(["&", &encode_component(name), "=", &encode_component(value)]);
    }
    address
}

/// Counts of the feed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"total_count": 40, "filtered_unread_count": 3, "global_unread_count": 5}))]
pub struct Summary {
    /// Rows that match the filters; at most 10,000.
    total_count: i64,
    /// Unread rows that match the filters other than `read_state`.
    filtered_unread_count: i64,
    /// All unread rows.
    global_unread_count: i64,
}

/// Counts the caller's notifications.
#[utoipa::path(get, path = "/api/notifications/summary", params(Asked), responses(
    (status = 200, description = "Counts for these filters and in all", body = Summary)))]
pub async fn summarise_notifications(by: User, asked: Query<Asked>) -> Result<Json<Summary>> {
    let filter = filter(&asked)?;
    let counts = store::counts(by.db(), &Reader::of(by.me(), by.now()), &filter).await?;
    let cap = |count: i64| count.min(shared::web::COUNT_CAP);
    Ok(Json(Summary {
        total_count: cap(counts.total),
        filtered_unread_count: cap(counts.filtered_unread),
        global_unread_count: cap(counts.global_unread),
    }))
}

/// Names the types of event that the caller may meet: of the catalogue, of their preferences, of their feed.
#[utoipa::path(get, path = "/api/notifications/event-types", responses(
    (status = 200, description = "Names in order of the alphabet", body = Vec<String>, example = json!(["general", "tickets.reply_added"]))))]
pub async fn list_event_types(by: User) -> Result<Json<Vec<String>>> {
    let recorded = store::event_types(by.db(), &Reader::of(by.me(), by.now())).await?;
    Ok(Json(merged(&by, recorded)))
}

/// The catalogue for a person, with further names, in order.
pub fn merged(by: &User, further: Vec<String>) -> Vec<String> {
    let known = notify::KINDS.iter().filter(|kind| kind.audience.admits(by.me())).map(|kind| kind.name.to_owned());
    let mut names: Vec<String> = known.chain(further).collect();
    names.sort();
    names.dedup();
    names
}
