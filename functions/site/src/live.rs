//! `/events/poll`: what changed since the last question. Pages that ask it fetch their own region then,
//! so that rights are checked as always.
#![expect(unused_qualifications, reason = "the documentation macro names the types of the query by their path")]

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::User;
use shared::db::sql;
use shared::error::Result;
use shared::routes::Routes;
use shared::web::{Json, Query};
use utoipa::{IntoParams, ToSchema};

use crate::access;

/// Adds the route.
pub fn add(routes: Routes) -> Routes {
    routes.no_scope().api(shared::api!(poll))
}

/// Where the caller stands.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// The cursor of the last answer, or of the page.
    since: Option<String>,
    /// What is looked at, as `ticket-10432`; at most ten, separated by commas.
    topic: Option<String>,
}

/// What changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"cursor": "812", "events": [{"kind": "access", "id": 0, "version": 812}]}))]
pub struct Changes {
    /// To be sent with the next question.
    cursor: String,
    /// Each once.
    events: Vec<Event>,
}

/// One thing that changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "access", "id": 0, "version": 812}))]
pub struct Event {
    /// `ticket`: one that was named as a topic. `access`: a membership or a role was changed; for super administrators.
    kind: &'static str,
    /// Which one; 0 for a whole list.
    id: i64,
    /// Grows with every change.
    version: i64,
}

/// Gives what changed, or 204.
#[utoipa::path(get, path = "/events/poll", params(Since), responses(
    (status = 200, description = "Something changed, or the first question", body = Changes),
    (status = 204, description = "Nothing new")))]
pub async fn poll(by: User, since: Query<Since>) -> Result<Response> {
    if let Some(topics) = since.topic.as_deref() {
        return tickets(&by, topics, since.since.as_deref().unwrap_or_default()).await;
    }
    if !by.me().user.is_super_admin {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let newest = access::store::newest(&by).await?;
    let cursor = newest.to_string();
    if since.since.as_deref() == Some(cursor.as_str()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let events = vec![Event { kind: "access", id: 0, version: newest }];
    Ok(Json(Changes { cursor, events }).into_response())
}

#[derive(sqlx::FromRow)]
struct Seen {
    id: i64,
    version: i64,
    updated_at: DateTime<Utc>,
    last_reply_at: Option<DateTime<Utc>>,
}

/// Tickets that the caller may not see are as if they were not there.
async fn tickets(by: &User, topics: &str, since: &str) -> Result<Response> {
    let me = by.me();
    let ids = topics.split(',').filter_map(|topic| topic.strip_prefix("ticket-")?.parse().ok());
    let ids: Vec<i64> = ids.take(10).collect();
    let (own, company) = ((!me.is_technician).then(|| me.id()), me.company_tickets());
    let seen: Vec<Seen> = sql("SELECT t.id, t.version, t.updated_at, t.last_reply_at FROM tickets t WHERE 1 = 1")
        .push_in(" AND t.id IN", &ids)
        .push_if(" AND (t.requester_id = ?", own)
        .push_if(" OR t.company_id = ?", company.filter(|_| own.is_some()))
        .push(if own.is_some() { ")" } else { "" })
        .push(" ORDER BY t.id LIMIT 10")
        .fetch_all(by.db())
        .await?;
    let cursor = seen.iter().map(|row| stamp(row, me.is_technician)).collect::<Vec<_>>().join(",");
    let is_new = |row: &&Seen| !since.split(',').any(|known| known == stamp(row, me.is_technician));
    let events: Vec<Event> =
        seen.iter().filter(is_new).map(|row| Event { kind: "ticket", id: row.id, version: row.version }).collect();
    if events.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(Json(Changes { cursor, events }).into_response())
}

/// As the page of the ticket writes it. A requester's changes with public replies, not with notes.
fn stamp(row: &Seen, is_desk: bool) -> String {
    let at = if is_desk { Some(row.updated_at) } else { row.last_reply_at };
    format!("ticket-{}:{}.{}", row.id, row.version, at.map_or(0, |at| at.timestamp_micros()))
}
