//! Work that a request begins and its server owns: it outlives the answer, and the server waits for it
//! when it stops.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use serde::Serialize;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::{Counts, Worker};
use crate::error::{Error, Result};

/// The shifts of a process; an [`App`](crate::app::App) holds them.
#[derive(Debug, Default)]
pub struct Shifts {
    is_over: watch::Sender<bool>,
    open: Mutex<JoinSet<()>>,
}

/// What a shift did by the time of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// Counts of a shift that is over; none while it goes on.
    #[serde(flatten)]
    pub counts: Option<Counts>,
    /// Work goes on in the server after the answer.
    pub still_running: bool,
}

impl Shifts {
    /// Lets a worker do what is due: it takes work for `budget`, and the answer waits for the last of it no
    /// longer than `patience` beyond that. Work dropped with its request would keep its claim for two minutes and
    /// then be held for lost, so it is not the request that does it.
    pub async fn work(&self, worker: Worker, budget: Duration, patience: Duration) -> Result<Done> {
        let (tell, told) = oneshot::channel();
        let stop = self.is_over.subscribe();
        self.begin(async move {
            if let Err(Err(error)) = tell.send(worker.tick(budget, &stop).await) {
                tracing::warn!(error = %error.detail(), "work that outlived its call met trouble");
            }
        });
        match tokio::time::timeout(budget + patience, told).await {
            Ok(Ok(counts)) => Ok(Done { counts: Some(counts?), still_running: false }),
            Ok(Err(_)) => Err(Error::Internal(anyhow!("a shift ended without a word"))),
            Err(_) => Ok(Done { counts: None, still_running: true }),
        }
    }

    fn begin(&self, shift: impl Future<Output = ()> + Send + 'static) {
        let mut open = self.open();
        // What has ended meanwhile is forgotten.
        while open.try_join_next().is_some() {}
        open.spawn(shift);
    }

    fn open(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells all shifts that the server stops: they take nothing more, and put back what takes too long.
    pub fn stop(&self) {
        self.is_over.send_replace(true);
    }

    /// Waits until every shift has ended; without [`Shifts::stop`] that may be an hour.
    pub async fn ended(&self) {
        let mut open = std::mem::take(&mut *self.open());
        while open.join_next().await.is_some() {}
    }
}
