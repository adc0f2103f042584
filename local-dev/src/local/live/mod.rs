//! `/events/stream`: server-sent events to pages that are open (interface 6.7). They say what changed and
//! never how; the page asks for its region then, so that rights are checked as always.

mod hub;
mod listener;
mod pump;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::{StatusCode, header};
use serde::Deserialize;
use shared::caller::User;
use shared::error::{Error, Result};
use shared::routes::Routes;
use shared::web::Query;

pub use hub::Hub;
use listener::Listener;
pub use pump::pump;

/// Tickets that one page looks at.
const MOST_TOPICS: usize = 10;

/// What a page looks at, and how far it has come.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Looking {
    /// As `ticket-10432`, separated by commas.
    topic: Option<String>,
    /// The cursor of the page, or of the last event.
    since: Option<String>,
}

impl Looking {
    fn tickets(&self) -> Vec<i64> {
        let topics = self.topic.as_deref().unwrap_or_default().split(',');
        let mut ids: Vec<i64> = topics.filter_map(|topic| topic.trim().strip_prefix("ticket-")?.parse().ok()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(MOST_TOPICS);
        ids
    }
}

/// Adds the route.
pub fn add(routes: Routes, hub: Hub) -> Routes {
    routes.stream("/events/stream", move |by: User, looking: Query<Looking>| {
        let hub = hub.clone();
        async move { open(by, &looking, hub).await }
    })
}

/// Begins to tell a page what happens to its tickets. Without any there is nothing to wait for.
async fn open(by: User, looking: &Looking, hub: Hub) -> Result<Response> {
    let ids = looking.tickets();
    let nothing = || Ok(StatusCode::NO_CONTENT.into_response());
    if ids.is_empty() {
        return nothing();
    }
    let Some(seat) = hub.take_seat(by.me().session.id) else {
        return Err(Error::refused(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many pages are open. They look again by themselves.",
        )
        .code("too_many_streams"));
    };
    hub.begin_at(by.db()).await?;
    let listener = Listener::new(&by, seat, &ids, looking.since.as_deref().unwrap_or_default()).await?;
    let Some(listener) = listener else { return nothing() };
    let events = stream::unfold(listener, |listener| async move {
        let (text, listener) = listener.next().await?;
        Some((Ok::<_, std::convert::Infallible>(text), listener))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // Proxies that collect answers would hold the events back.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_tickets_each_once_and_ten_at_most() {
        let ids = |topic: &str| Looking { topic: Some(topic.to_owned()), since: None }.tickets();
        assert_eq!(ids("ticket-3, ticket-1,ticket-3,ticket-x,company-4,"), [1, 3]);
        let many: Vec<String> = (1..=30).map(|id| format!("ticket-{id}")).collect();
        assert_eq!(ids(&many.join(",")).len(), 10);
        assert!(Looking::default().tickets().is_empty());
    }
}
