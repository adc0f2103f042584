//! A worker's stay at work: it fills its places with due jobs, writes down what came of them, keeps its
//! claims, and goes when nothing is left or its time is over.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::Instrument as _;

use super::hand::Hand;
use super::places::Choice;
use super::registry::{Handler, Periodic};
use super::rows::{Ended, Row};
use super::worker::{Counts, Worker};
use super::{JobError, Run};
use crate::error::{Error, Result};
use crate::insist;
use crate::{events, tokens};

/// What has ended waits so long for others that end soon, while there is more to begin.
const SOON: Duration = Duration::from_millis(100);

/// Who has a place.
#[derive(Debug)]
enum Guest {
    Job(Row),
    Turn(&'static str),
}

#[derive(Debug)]
struct Place {
    guest: Guest,
    handle: AbortHandle,
    /// Another worker has the job now.
    is_lost: bool,
}

type Joined = Result<(Id, Result<(), JobError>), JoinError>;

/// Why a waiting worker woke up.
enum Woken {
    Done(Joined),
    Pulse,
    Renew,
    Leave,
    Look,
}

pub(super) struct Shift<'a> {
    worker: &'a Worker,
    until: Instant,
    /// When what still runs is cut off.
    leave_at: Option<Instant>,
    stop: watch::Receiver<bool>,
    tasks: JoinSet<Result<(), JobError>>,
    places: HashMap<Id, Place>,
    hand: Hand,
    ended: Vec<Ended>,
    /// When what has ended is written down at the latest.
    settle_at: Instant,
    turns: VecDeque<Periodic>,
    counts: Counts,
    /// The last claim met other workers.
    is_crowded: bool,
    /// The database failed: what runs may finish, nothing begins.
    trouble: Option<Error>,
    next_pulse: Instant,
    next_renewal: Instant,
}

impl<'a> Shift<'a> {
    pub fn new(worker: &'a Worker, budget: Duration, stop: watch::Receiver<bool>) -> Self {
        let now = Instant::now();
        Self {
            worker,
            until: now + budget,
            leave_at: None,
            stop,
            tasks: JoinSet::new(),
            places: HashMap::new(),
            hand: Hand::new(worker.places),
            ended: Vec::new(),
            settle_at: now,
            turns: VecDeque::new(),
            counts: Counts::default(),
            is_crowded: false,
            trouble: None,
            next_pulse: now + worker.pace.pulse,
            next_renewal: now + worker.pace.renew,
        }
    }

    /// Works until nothing is left to do.
    pub async fn work(mut self) -> Result<Counts> {
        let begun = self.pulse().await;
        self.note(begun);
        loop {
            let goes_on = self.step().await;
            if self.note(goes_on).unwrap_or(false) {
                continue;
            }
            if self.tasks.is_empty() && self.ended.is_empty() && self.hand.is_empty() {
                break;
            }
            if !self.tasks.is_empty() {
                self.wait().await;
            }
        }
        self.trouble.map_or(Ok(self.counts), Err)
    }

    /// Begins what was claimed, writes down what has ended, claims more; true when there may be more yet.
    async fn step(&mut self) -> Result<bool> {
        if !self.may_take() || self.hand.until().is_some_and(|until| until <= Instant::now()) {
            self.lay_down().await?;
        }
        self.play();
        if self.hand.is_empty() || self.settle_at <= Instant::now() {
            self.settle().await?;
        }
        if self.may_take() && self.hand.is_empty() { self.take().await } else { Ok(false) }
    }

    /// Begins jobs of the hand for which there is a place.
    fn play(&mut self) {
        while self.free() > 0 {
            let full = Choice::new(&self.worker.jobs, self.worker.places, 0, self.kinds()).full_kinds();
            let Some(row) = self.hand.next(|kind| !full.iter().any(|full| full == kind)) else { break };
            self.begin(row);
        }
    }

    /// Puts back what was claimed and not begun.
    async fn lay_down(&mut self) -> Result<()> {
        let ids = self.hand.lay_down();
        if ids.is_empty() { Ok(()) } else { insist!(self.put_back(&ids)) }
    }

    fn note<T>(&mut self, done: Result<T>) -> Option<T> {
        match done {
            Ok(value) => Some(value),
            Err(error) => {
                self.trouble.get_or_insert(error);
                None
            }
        }
    }

    fn is_told_to_stop(&self) -> bool {
        *self.stop.borrow()
    }

    fn may_take(&self) -> bool {
        !self.is_told_to_stop() && self.trouble.is_none() && Instant::now() < self.until
    }

    fn free(&self) -> usize {
        self.worker.places.saturating_sub(self.places.len())
    }

    /// What is done by the clock.
    async fn pulse(&mut self) -> Result<()> {
        self.next_pulse = Instant::now() + self.worker.pace.pulse;
        insist!(self.worker.heartbeat())?;
        self.counts.requeued += self.worker.requeue_lost().await?;
        let running = |name: &str| self.places.values().any(|p| matches!(p.guest, Guest::Turn(n) if n == name));
        let due = self.worker.turns().await?;
        self.turns = due.into_iter().filter(|work| !running(work.name)).collect();
        Ok(())
    }

    /// Fills free places; true when another look is worth while.
    async fn take(&mut self) -> Result<bool> {
        let turned = self.take_turns().await?;
        let dispatched = insist!(events::dispatch(&self.worker.app, &self.worker.jobs))?;
        self.counts.dispatched += dispatched;
        Ok(self.take_jobs().await? || turned || dispatched > 0)
    }

    async fn take_turns(&mut self) -> Result<bool> {
        let mut is_any = false;
        let is_turn = |place: &Place| matches!(place.guest, Guest::Turn(_));
        while self.free() > 0 && self.places.values().filter(|p| is_turn(p)).count() < self.worker.places.div_ceil(2) {
            let Some(work) = self.turns.pop_front() else { break };
            if self.worker.take_turn(work.name, work.period).await? {
                let run = self.worker.run(0, 1, true, serde_json::Value::Null);
                self.start(Guest::Turn(work.name), &work.handler, run);
                is_any = true;
            }
        }
        Ok(is_any)
    }

    async fn take_jobs(&mut self) -> Result<bool> {
        if self.free() == 0 {
            return Ok(false);
        }
        let choice = Choice::new(&self.worker.jobs, self.worker.places, self.free(), self.kinds());
        let choice = choice.ahead(self.hand.ahead());
        let skip = if self.is_crowded { random_below(4 * (self.worker.places + self.hand.ahead())) } else { 0 };
        let ids = insist!(self.worker.due(choice.clone(), skip))?;
        if ids.is_empty() {
            // With a crowd the first ones may still be waiting.
            return Ok(std::mem::take(&mut self.is_crowded));
        }
        let rows = insist!(self.worker.claim(&ids))?;
        self.is_crowded = rows.len() < ids.len();
        self.hand.fill(rows);
        Ok(true)
    }

    fn begin(&mut self, row: Row) {
        let Some(handler) = self.worker.jobs.handler(&row.kind) else {
            let outcome = Err(JobError::Retry(format!("nobody handles {}", row.kind)));
            return self.keep(Ended { row, outcome });
        };
        let payload = serde_json::from_str(&row.payload).unwrap_or_default();
        let run = self.worker.run(row.id, row.attempts, row.attempts >= row.max_attempts, payload);
        self.start(Guest::Job(row), handler, run);
    }

    fn start(&mut self, guest: Guest, handler: &Handler, run: Run) {
        let span = match &guest {
            Guest::Job(row) => tracing::info_span!("job", job.id = row.id, job.kind = %row.kind),
            Guest::Turn(name) => tracing::info_span!("job", job.kind = name),
        };
        let limit = run.limit;
        let work = guarded(handler.clone(), run);
        let work = async move {
            let done = tokio::time::timeout(limit, work).await;
            done.unwrap_or_else(|_| Err(JobError::Retry("took too long".to_owned())))
        };
        let handle = self.tasks.spawn(work.instrument(span));
        self.places.insert(handle.id(), Place { guest, handle, is_lost: false });
    }

    /// Until something has ended or something is to be done.
    async fn wait(&mut self) {
        if self.is_told_to_stop() {
            self.leave_at.get_or_insert(Instant::now() + self.worker.pace.patience);
        }
        let (may_take, is_told) = (self.may_take(), self.is_told_to_stop());
        let may_look = may_take && self.free() > 0;
        let leave_at = self.leave_at;
        let look_at = self.look_at();
        let woken = tokio::select! {
            Some(done) = self.tasks.join_next_with_id() => Woken::Done(done),
            () = sleep_until(self.next_pulse), if may_take => Woken::Pulse,
            () = sleep_until(self.next_renewal) => Woken::Renew,
            () = sleep(look_at), if look_at.is_some() => Woken::Look,
            () = self.worker.app.db().work_queued(), if may_look => Woken::Look,
            Ok(()) = self.stop.changed(), if !is_told => Woken::Look,
            () = sleep(leave_at), if leave_at.is_some() => Woken::Leave,
            else => Woken::Look,
        };
        let done = match woken {
            Woken::Done(done) => {
                self.end(done);
                Ok(())
            }
            Woken::Pulse => self.pulse().await,
            Woken::Renew => self.renew().await,
            Woken::Leave => self.leave().await,
            Woken::Look => Ok(()),
        };
        self.note(done);
        while let Some(done) = self.tasks.try_join_next_with_id() {
            self.end(done);
        }
    }

    /// When there is something to write down or to lay down.
    fn look_at(&self) -> Option<Instant> {
        let settle = (!self.ended.is_empty()).then_some(self.settle_at);
        [settle, self.hand.until()].into_iter().flatten().min()
    }

    fn end(&mut self, joined: Joined) {
        let (id, outcome) = match joined {
            Ok((id, outcome)) => (id, outcome),
            Err(error) => (error.id(), Err(JobError::Retry("the claim was lost".to_owned()))),
        };
        match self.places.remove(&id) {
            Some(Place { is_lost: true, .. }) => self.counts.failed += 1,
            Some(Place { guest: Guest::Job(row), .. }) => self.keep(Ended { row, outcome }),
            Some(Place { guest: Guest::Turn(name), .. }) => match outcome {
                Ok(()) => self.counts.periodic += 1,
                Err(error) => tracing::warn!(job.kind = name, ?error, "periodic work failed"),
            },
            None => {}
        }
    }

    fn keep(&mut self, ended: Ended) {
        if self.ended.is_empty() {
            self.settle_at = Instant::now() + SOON;
        }
        self.ended.push(ended);
    }

    /// Writes down what has ended since the last time. Should the database fail, the claims run out.
    async fn settle(&mut self) -> Result<()> {
        let ended = std::mem::take(&mut self.ended);
        if ended.is_empty() {
            return Ok(());
        }
        for Ended { row, outcome } in &ended {
            if let Err(error @ (JobError::Retry(_) | JobError::Fail(_))) = outcome {
                tracing::warn!(job.id = row.id, job.kind = %row.kind, attempt = row.attempts, ?error, "job failed");
            }
        }
        let succeeded = insist!(self.worker.settle(&ended))?;
        self.counts.succeeded += succeeded;
        self.counts.failed += u64::try_from(ended.len()).unwrap_or(0).saturating_sub(succeeded);
        Ok(())
    }

    /// The claim holds for three more tries, so a failure is no trouble yet.
    async fn renew(&mut self) -> Result<()> {
        self.next_renewal = Instant::now() + self.worker.pace.renew;
        let ids: Vec<i64> = self.running().map(|row| row.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        match insist!(self.worker.renew(&ids)) {
            Ok(lost) => self.places.values_mut().for_each(|place| place.let_go(&lost)),
            Err(error) => tracing::warn!(?error, "the claims could not be renewed"),
        }
        Ok(())
    }

    fn running(&self) -> impl Iterator<Item = &Row> {
        self.places.values().filter_map(|place| match &place.guest {
            Guest::Job(row) => Some(row),
            Guest::Turn(_) => None,
        })
    }

    fn kinds(&self) -> impl Iterator<Item = (i64, &str)> {
        self.running().map(|row| (row.id, row.kind.as_str()))
    }

    /// Cuts off what still runs and puts it back, so that others may begin it at once.
    async fn leave(&mut self) -> Result<()> {
        self.leave_at = None;
        self.tasks.abort_all();
        while let Some(done) = self.tasks.join_next_with_id().await {
            // What ended by itself meanwhile is written down; the rest keeps its place until it is put back.
            if !done.as_ref().is_err_and(JoinError::is_cancelled) {
                self.end(done);
            }
        }
        let ids: Vec<i64> = self.running().map(|row| row.id).collect();
        self.places.clear();
        if ids.is_empty() {
            return Ok(());
        }
        tracing::warn!(jobs = ?ids, "jobs were cut off and put back");
        insist!(self.put_back(&ids))
    }

    async fn put_back(&self, ids: &[i64]) -> Result<()> {
        let mut tx = self.worker.begin().await?;
        let now = tx.stamp().at;
        self.worker.give_back(&mut tx, ids, now).await?;
        tx.commit().await
    }
}

impl Place {
    fn let_go(&mut self, lost: &[i64]) {
        if let Guest::Job(row) = &self.guest
            && lost.contains(&row.id)
        {
            tracing::warn!(job.id = row.id, "the claim was lost");
            self.is_lost = true;
            self.handle.abort();
        }
    }
}

async fn sleep(until: Option<Instant>) {
    if let Some(until) = until {
        sleep_until(until).await;
    }
}

/// A handler that panics has failed its try; the worker goes on.
async fn guarded(handler: Handler, run: Run) -> Result<(), JobError> {
    let work = AssertUnwindSafe(async { handler(run).await }).catch_unwind();
    work.await.unwrap_or_else(|_| Err(JobError::Retry("the handler panicked".to_owned())))
}

fn random_below(most: usize) -> i64 {
    let number = i64::from_str_radix(&tokens::random_hex(2), 16).unwrap_or(0);
    number % i64::try_from(most.max(1)).unwrap_or(1)
}
