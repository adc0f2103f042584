//! Who listens, how many may, and what has happened.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::db::{Db, sql};
use shared::error::Result;
use tokio::sync::{broadcast, watch};

/// Streams of one server, and of one session: each holds a connection open.
const MOST: usize = 256;
const MOST_OF_A_SESSION: usize = 6;

/// News that a slow listener may fall behind; one that falls further looks at everything.
const BACKLOG: usize = 256;

/// What all streams of a server share.
#[derive(Debug, Clone)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    news: broadcast::Sender<i64>,
    stopped: watch::Receiver<bool>,
    /// Streams by session.
    seats: Mutex<HashMap<i64, usize>>,
    /// The newest event that was told; none while nobody listens.
    told: Mutex<Option<i64>>,
    /// Keeps the hub of a process without a server open.
    _own: Option<watch::Sender<bool>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// Ends its streams as soon as the server stops.
    pub fn new(stopped: watch::Receiver<bool>) -> Self {
        Self::of(stopped, None)
    }

    /// Of a process that only needs the routes: nothing is told.
    pub fn idle() -> Self {
        let (own, stopped) = watch::channel(false);
        Self::of(stopped, Some(own))
    }

    fn of(stopped: watch::Receiver<bool>, own: Option<watch::Sender<bool>>) -> Self {
        let (news, _) = broadcast::channel(BACKLOG);
        Self(Arc::new(Inner { news, stopped, seats: Mutex::default(), told: Mutex::default(), _own: own }))
    }

    /// Room for one more stream of a session; none when there is none.
    pub fn take_seat(&self, session: i64) -> Option<Seat> {
        let mut seats = locked(&self.0.seats);
        let all: usize = seats.values().sum();
        let own = seats.get(&session).copied().unwrap_or_default();
        if all >= MOST || own >= MOST_OF_A_SESSION {
            return None;
        }
        seats.insert(session, own + 1);
        Some(Seat { hub: self.clone(), session })
    }

    /// True when nobody listens.
    pub fn is_empty(&self) -> bool {
        locked(&self.0.seats).is_empty()
    }

    /// Tickets that were changed.
    pub(super) fn listen(&self) -> broadcast::Receiver<i64> {
        self.0.news.subscribe()
    }

    /// The end of the server.
    pub(super) fn stopped(&self) -> watch::Receiver<bool> {
        self.0.stopped.clone()
    }

    /// Tells everybody that a ticket was changed.
    pub(super) fn tell(&self, ticket: i64) {
        // Nobody listens: nobody is told.
        drop(self.0.news.send(ticket));
    }

    /// The newest event that was told.
    pub(super) fn told(&self) -> Option<i64> {
        *locked(&self.0.told)
    }

    /// Goes on from there, or rests.
    pub(super) fn go_on_from(&self, newest: Option<i64>) {
        *locked(&self.0.told) = newest;
    }

    /// Before the first listener looks: from here on everything is told.
    pub(super) async fn begin_at(&self, db: &Db) -> Result<()> {
        if self.told().is_some() {
            return Ok(());
        }
        let newest: i64 = sql("SELECT COALESCE(MAX(id), 0) FROM event_outbox").fetch_value(db).await?;
        locked(&self.0.told).get_or_insert(newest);
        Ok(())
    }
}

/// The room of one stream; free again when it is dropped.
#[derive(Debug)]
pub struct Seat {
    pub(super) hub: Hub,
    session: i64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = locked(&self.hub.0.seats);
        if let Some(own) = seats.get_mut(&self.session) {
            *own -= 1;
            if *own == 0 {
                seats.remove(&self.session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_few_and_come_back() {
        let hub = Hub::idle();
        let own: Vec<Seat> = (0..MOST_OF_A_SESSION).filter_map(|_| hub.take_seat(1)).collect();
        assert_eq!(own.len(), MOST_OF_A_SESSION);
        assert!(hub.take_seat(1).is_none() && hub.take_seat(2).is_some());
        drop(own);
        assert!(hub.is_empty());
        let all: Vec<Seat> = (0..1000).filter_map(|session| hub.take_seat(session)).collect();
        assert_eq!(all.len(), MOST);
    }
}
