//! One open page: what it looks at, how far it has come, and whether it still may.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use serde_json::json;
use shared::app::App;
use shared::caller::{Person, User};
use shared::error::Result;
use tickets::desk::{self, Scope};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::hub::Seat;

/// How soon a stream ends after its person has signed out or may no longer see the ticket, when nothing
/// happens to the ticket itself. It also tells proxies and the server that the other end is there.
const BEAT: Duration = Duration::from_secs(2);

/// A stream of events to one page.
#[derive(Debug)]
pub struct Listener {
    app: App,
    person: Arc<Person>,
    topics: Vec<Topic>,
    news: broadcast::Receiver<i64>,
    stopped: watch::Receiver<bool>,
    beat: Interval,
    first: Option<Bytes>,
    is_over: bool,
    _seat: Seat,
}

/// A ticket and its mark as the page knows it.
#[derive(Debug)]
struct Topic {
    id: i64,
    mark: String,
}

/// What a look at the topics gave.
enum Look {
    News(Bytes),
    Nothing,
    End,
}

impl Listener {
    /// Of a person and the tickets in their reach; none when there are none. What changed since the page
    /// was made is told at once.
    pub async fn new(by: &User, seat: Seat, ids: &[i64], since: &str) -> Result<Option<Self>> {
        let news = seat.hub.listen();
        let stamps = desk::stamps(Scope::of(by), by.db(), ids).await?;
        if stamps.is_empty() {
            return Ok(None);
        }
        let knows = |id: i64| since.split(',').find(|mark| mark.starts_with(&format!("ticket-{id}:")));
        let topics = stamps
            .into_iter()
            .map(|stamp| Topic { id: stamp.id, mark: knows(stamp.id).map_or(stamp.mark, str::to_owned) });
        let mut beat = interval_at(Instant::now() + BEAT, BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut listener = Self {
            app: by.app().clone(),
            person: Arc::new(by.me().clone()),
            topics: topics.collect(),
            news,
            stopped: seat.hub.stopped(),
            beat,
            first: None,
            is_over: false,
            _seat: seat,
        };
        // The browser counts a stream as open with its first bytes.
        listener.first = Some(match listener.look().await {
            Look::News(news) => news,
            Look::Nothing | Look::End => Bytes::from_static(b": here\n\n"),
        });
        Ok(Some(listener))
    }

    /// The next text of the stream; none at its end.
    pub async fn next(mut self) -> Option<(Bytes, Self)> {
        if let Some(first) = self.first.take() {
            return Some((first, self));
        }
        while !self.is_over {
            let is_beat = tokio::select! {
                biased;
                _ = self.stopped.wait_for(|is_over| *is_over) => return None,
                ticket = self.news.recv() => match ticket {
                    Ok(id) if self.topics.iter().any(|topic| topic.id == id) => false,
                    Ok(_) => continue,
                    Err(RecvError::Lagged(_)) => false,
                    Err(RecvError::Closed) => return None,
                },
                _ = self.beat.tick() => true,
            };
            match self.look().await {
                Look::News(text) => return Some((text, self)),
                Look::Nothing if is_beat => return Some((Bytes::from_static(b": here\n\n"), self)),
                Look::Nothing => {}
                Look::End => {
                    self.is_over = true;
                    return Some((Bytes::from_static(b"event: end\ndata: {}\n\n"), self));
                }
            }
        }
        None
    }

    /// Who is it now, what may they see, and what of it is new? When the database does not answer, nothing is.
    async fn look(&mut self) -> Look {
        match self.seen().await {
            Ok(look) => look,
            Err(error) => {
                tracing::warn!(error = %error.detail(), "an open page could not be told what changed");
                Look::Nothing
            }
        }
    }

    async fn seen(&mut self) -> Result<Look> {
        let Some(person) = self.person.again(&self.app).await? else { return Ok(Look::End) };
        if person.user.force_password_change || person.must_verify_email {
            return Ok(Look::End);
        }
        let ids: Vec<i64> = self.topics.iter().map(|topic| topic.id).collect();
        let stamps = desk::stamps(Scope::of_person(&person), self.app.db(), &ids).await?;
        self.person = person;
        self.topics.retain(|topic| stamps.iter().any(|stamp| stamp.id == topic.id));
        let mut events = Vec::new();
        for stamp in stamps {
            let Some(topic) = self.topics.iter_mut().find(|topic| topic.id == stamp.id) else { continue };
            if topic.mark != stamp.mark {
                topic.mark = stamp.mark;
                events.push(json!({ "kind": "ticket", "id": stamp.id, "version": stamp.version }));
            }
        }
        if self.topics.is_empty() {
            return Ok(Look::End);
        }
        if events.is_empty() {
            return Ok(Look::Nothing);
        }
        let cursor = self.topics.iter().map(|topic| topic.mark.as_str()).collect::<Vec<_>>().join(",");
        Ok(Look::News(format!("data: {}\n\n", json!({ "cursor": cursor, "events": events })).into()))
    }
}
