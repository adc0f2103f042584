//! The job of a run: at most 50 seconds at a time, then another job goes on from where this one was. Each
//! ticket is one transaction with the figures and the place of the run, so that a stop at any point neither
//! loses nor doubles anything.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::audit::Change;
use shared::error::{Error, Result};
use shared::jobs::{JobError, Run};
use shared::syncro::{Fault, PAGE, Patience, Syncro};
use shared::tokens;

use super::request::Which;
use super::runs::{self, ImportRun, Place, Step};
use super::write::{self, Became};
use super::{files, mapping};

/// Work of one job.
const SLICE: Duration = Duration::from_secs(50);

/// Pages of comments of one ticket.
const MOST_COMMENT_PAGES: i64 = 40;

/// Pages of tickets, where Syncro does not say how many there are.
const MOST_PAGES: i64 = 40_000;

/// A transaction that meets another is repeated so often.
const TRIES: u32 = 5;

#[derive(Deserialize)]
struct Payload {
    run_id: i64,
    slice: i64,
    #[serde(default)]
    patience: Tries,
}

/// How often what is asked for at present was tried: the page, and the ticket on it.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tries {
    page: Patience,
    ticket: Patience,
}

/// Why the work of this job ends.
enum Stop {
    /// Everything is done.
    Done,
    /// Another job goes on, after a while.
    Later(TimeDelta),
    /// The run cannot go on.
    Failed(String),
    /// Another job has the run, or it was cancelled.
    Lost,
    /// Our fault; the job is tried again.
    Internal(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Internal(error)
    }
}

type Went<T = ()> = std::result::Result<T, Stop>;

struct Work<'r> {
    run: &'r Run,
    row: ImportRun,
    holder: String,
    syncro: Syncro,
    zone: String,
    began: Instant,
    patience: Tries,
}

/// Works on a run for one slice.
pub async fn slice(run: Run) -> Result<(), JobError> {
    let payload: Payload = run.payload()?;
    let holder = tokens::random_hex(8);
    let mut tx = run.begin().await?;
    tx.housekeeping();
    if !runs::hold(&mut tx, payload.run_id, payload.slice, &holder).await? {
        return Ok(());
    }
    tx.commit().await?;
    let Some(row) = runs::find(run.db(), payload.run_id).await? else { return Ok(()) };
    let stop = match Syncro::of_module(run.app()).await? {
        None => (Stop::Failed("Syncro is not configured".to_owned()), payload.patience),
        Some(syncro) => {
            let zone = run.app().config().syncro_timezone.clone();
            let (began, patience) = (Instant::now(), payload.patience);
            let mut work = Work { run: &run, row, holder, syncro, zone, began, patience };
            let stop = work.go().await.err().unwrap_or(Stop::Done);
            (stop, work.patience)
        }
    };
    settle(&run, &payload, stop).await
}

async fn settle(run: &Run, payload: &Payload, (stop, patience): (Stop, Tries)) -> Result<(), JobError> {
    let (status, error) = match stop {
        Stop::Lost => return Ok(()),
        Stop::Internal(error) => return Err(error.into()),
        Stop::Later(wait) => {
            let mut tx = run.begin().await?;
            tx.housekeeping();
            if runs::hand_on(&mut tx, payload.run_id, payload.slice, patience, wait).await? {
                tx.commit().await?;
            }
            return Ok(());
        }
        Stop::Done => ("succeeded", None),
        Stop::Failed(error) => ("failed", Some(error)),
    };
    let mut tx = run.begin().await?;
    if runs::end(&mut tx, payload.run_id, status, error.as_deref()).await?
        && let Some(row) = runs::find(&mut tx, payload.run_id).await?
    {
        let figures = json!({ "status": status, "created": row.created, "updated": row.updated, "skipped": row.skipped,
            "failed": row.failed, "error": error });
        tx.audit(Change::new("tickets.import_finished", "ticket_import", row.id).label(row.mode).after(figures));
        tx.commit().await?;
    }
    Ok(())
}

impl Work<'_> {
    async fn go(&mut self) -> Went {
        match self.row.which() {
            Which::Id(id) if self.row.cursor_id == Some(id) => Ok(()),
            Which::Id(id) => self.by_id(id).await,
            Which::Number(number) if self.row.cursor_id == Some(number) => Ok(()),
            Which::Number(number) => self.by_number(number).await,
            Which::Range(first, last) => {
                let mut next = self.row.cursor_id.map_or(first, |done| done + 1);
                while next <= last {
                    self.may_go_on()?;
                    self.by_id(next).await?;
                    next += 1;
                }
                Ok(())
            }
            Which::All => self.pages().await,
        }
    }

    fn may_go_on(&self) -> Went {
        if self.began.elapsed() < SLICE { Ok(()) } else { Err(Stop::Later(TimeDelta::zero())) }
    }

    /// What a fault of Syncro means: wait and try the same again, or give this one up, or the whole run.
    fn bear(&mut self, fault: Fault, is_page: bool) -> Went<String> {
        let tries = if is_page { &mut self.patience.page } else { &mut self.patience.ticket };
        if let Some(wait) = tries.after(&fault) {
            return Err(Stop::Later(wait));
        }
        *tries = Patience::default();
        match fault {
            Fault::Denied(text) => Err(Stop::Failed(text)),
            Fault::Internal(error) => Err(Stop::Internal(error)),
            other => Ok(other.text()),
        }
    }

    async fn by_id(&mut self, id: i64) -> Went {
        match self.syncro.get(self.run.app(), &format!("/tickets/{id}"), &[]).await {
            Ok(None) => self.count(Step { skipped: 1, ..Step::default() }, Some(id)).await,
            Ok(Some(answer)) => {
                let ticket = answer.get("ticket").unwrap_or(&answer).clone();
                self.ticket(&ticket, Some(id), true).await.map(drop)
            }
            Err(fault) => {
                let text = self.bear(fault, false)?;
                self.problem(Some(&id.to_string()), &text, Some(id), 0).await
            }
        }
    }

    async fn by_number(&mut self, number: i64) -> Went {
        let text = number.to_string();
        match self.syncro.get(self.run.app(), "/tickets", &[("number", &text)]).await {
            Ok(answer) => {
                let answer = answer.unwrap_or_default();
                let same = |ticket: &&Value| match ticket.get("number") {
                    Some(Value::Number(found)) => found.to_string() == text,
                    Some(Value::String(found)) => found.trim() == text,
                    _ => false,
                };
                let found = answer.get("tickets").and_then(Value::as_array).and_then(|list| list.iter().find(same));
                match found.cloned() {
                    None => self.count(Step { skipped: 1, ..Step::default() }, Some(number)).await,
                    Some(ticket) => self.ticket(&ticket, Some(number), true).await.map(drop),
                }
            }
            Err(fault) => {
                let why = self.bear(fault, false)?;
                self.problem(Some(&text), &why, Some(number), 0).await
            }
        }
    }

    /// Walks the pages; as new tickets move others on to later pages, it looks from the first page on once
    /// more and stops where nothing has changed.
    async fn pages(&mut self) -> Went {
        let mut place = Place {
            page: self.row.cursor_page.unwrap_or(1),
            total: self.row.total_pages,
            is_closing: self.row.is_closing,
        };
        let mut done = self.row.cursor_id;
        let mut former: Option<String> = None;
        loop {
            self.may_go_on()?;
            let list = self.page(&mut place).await?;
            let first = list.first().and_then(mapping::reference);
            // Without a number of pages, the same page again means that there are no more.
            let repeats = place.total.is_none() && first.is_some() && first == former;
            let has_changed = if repeats { false } else { self.page_of(&list, done, !place.is_closing).await? };
            former = first;
            let is_last = list.is_empty() || repeats || place.total.is_some_and(|total| place.page >= total);
            let next = match (place.is_closing, is_last) {
                // A place within a page means that some of it was done by an earlier job.
                (true, last) if last || (!has_changed && done.is_none()) => return Ok(()),
                (false, true) => Place { page: 1, is_closing: true, ..place },
                _ => Place { page: place.page + 1, ..place },
            };
            done = None;
            if next.page > MOST_PAGES {
                return Err(Stop::Failed("Syncro gave more pages than any account has".to_owned()));
            }
            let mut tx = self.run.begin().await?;
            tx.housekeeping();
            if !runs::turn(&mut tx, self.row.id, &self.holder, next).await? {
                return Err(Stop::Lost);
            }
            tx.commit().await?;
            place = next;
        }
    }

    async fn page(&mut self, place: &mut Place) -> Went<Vec<Value>> {
        let (page, size) = (place.page.to_string(), PAGE.to_string());
        let answer = self.syncro.get(self.run.app(), "/tickets", &[("page", &page), ("per_page", &size)]).await;
        match answer {
            Ok(answer) => {
                self.patience.page = Patience::default();
                let answer = answer.unwrap_or_default();
                let Some(list) = answer.get("tickets").and_then(Value::as_array) else {
                    return Err(Stop::Failed(format!("Page {page} of Syncro has no list of tickets")));
                };
                place.total = answer.pointer("/meta/total_pages").and_then(Value::as_i64).or(place.total);
                Ok(list.clone())
            }
            Err(fault) => {
                let text = self.bear(fault, true)?;
                Err(Stop::Failed(format!("Page {page} could not be read. {text}")))
            }
        }
    }

    /// The tickets of a page after the one that was done last; true when any of them changed.
    async fn page_of(&mut self, list: &[Value], done: Option<i64>, counts_same: bool) -> Went<bool> {
        let number = |ticket: &Value| mapping::reference(ticket).and_then(|id| id.parse::<i64>().ok());
        let after = done.and_then(|done| list.iter().position(|ticket| number(ticket) == Some(done)));
        let mut has_changed = false;
        for ticket in list.iter().skip(after.map_or(0, |at| at + 1)) {
            self.may_go_on()?;
            has_changed |= self.ticket(ticket, number(ticket), counts_same).await?;
        }
        Ok(has_changed)
    }

    /// Imports one ticket; true when it is new or changed.
    async fn ticket(&mut self, ticket: &Value, cursor: Option<i64>, counts_same: bool) -> Went<bool> {
        let same = Step { fetched: 1, skipped: 1, ..Step::default() };
        let Some(reference) = mapping::reference(ticket) else {
            if counts_same {
                self.count(same, cursor).await?;
            }
            return Ok(false);
        };
        // What this run gave up is for the next one.
        if !counts_same && runs::gave_up(self.run.db(), self.row.id, &reference).await? {
            return Ok(false);
        }
        let own = mapping::comments_of(ticket);
        let known = write::known(self.run.db(), &reference).await?;
        let changed_at = mapping::updated_at(ticket, &self.zone);
        let is_known = known.is_some_and(|(_, at)| at.is_some() && at == changed_at);
        if is_known && (own.is_none() || !self.row.include_comments) {
            if counts_same {
                self.count(same, cursor).await?;
            }
            return Ok(false);
        }
        let comments = match own {
            Some(list) => list.clone(),
            None if !self.row.include_comments => Vec::new(),
            None => match self.comments(&reference).await {
                Ok(list) => list,
                Err(fault) => {
                    let text = self.bear(fault, false)?;
                    self.problem(Some(&reference), &text, cursor, 1).await?;
                    return Ok(false);
                }
            },
        };
        self.patience.ticket = Patience::default();
        self.keep(ticket, &comments, &reference, cursor, counts_same).await
    }

    async fn comments(&self, reference: &str) -> Result<Vec<Value>, Fault> {
        let mut all = Vec::new();
        for page in 1..=MOST_COMMENT_PAGES {
            let number = page.to_string();
            let answer = self
                .syncro
                .get(self.run.app(), &format!("/tickets/{reference}/comments"), &[("page", &number)])
                .await?;
            let answer = answer.unwrap_or_default();
            let list = answer.get("comments").and_then(Value::as_array).cloned().unwrap_or_default();
            let total = answer.pointer("/meta/total_pages").and_then(Value::as_i64).unwrap_or(1);
            let is_last = list.is_empty() || page >= total;
            all.extend(list);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    async fn keep(
        &mut self,
        ticket: &Value,
        comments: &[Value],
        reference: &str,
        cursor: Option<i64>,
        counts_same: bool,
    ) -> Went<bool> {
        let mut tries = 1;
        loop {
            match self.kept(ticket, comments, cursor, counts_same).await {
                Err(Stop::Internal(Error::Busy)) if tries < TRIES => {
                    tokio::time::sleep(Duration::from_millis(20) * tries).await;
                    tries += 1;
                }
                Err(Stop::Internal(error)) if !matches!(error, Error::Busy) => {
                    tracing::warn!(?error, reference, "a ticket of Syncro was not imported");
                    let text = match &error {
                        Error::Internal(_) => "The ticket could not be stored".to_owned(),
                        other => other.detail().into_owned(),
                    };
                    self.problem(Some(reference), &text, cursor, 1).await?;
                    return Ok(false);
                }
                went => return went,
            }
        }
    }

    /// The ticket, the figures and the place in one transaction.
    async fn kept(&self, ticket: &Value, comments: &[Value], cursor: Option<i64>, counts_same: bool) -> Went<bool> {
        let Some(mapped) = mapping::read(ticket, comments, &self.zone) else { return Ok(false) };
        let mut tx = self.run.begin().await?;
        tx.housekeeping();
        let written = write::upsert(&mut tx, &mapped, self.row.include_comments, self.row.emit_events).await?;
        let has_changed = written.became != Became::Same;
        if self.row.summarise && has_changed && !mapped.status.is_done() && crate::ai::is_ready(self.run.app()).await? {
            crate::ai::queue(&mut tx, written.ticket_id, self.run.now(), 300).await?;
        }
        files::plan(&mut tx, &self.row, written.ticket_id, ticket, has_changed).await?;
        let counts = has_changed || counts_same;
        let one = |yes: bool| i64::from(yes && counts);
        let step = Step {
            fetched: one(true),
            created: one(written.became == Became::Created),
            updated: one(written.became == Became::Updated),
            skipped: one(!has_changed),
            failed: 0,
            comments: written.comments,
            no_company: one(written.has_no_company),
        };
        if !runs::advance(&mut tx, self.row.id, &self.holder, &step, cursor).await? {
            return Err(Stop::Lost);
        }
        tx.commit().await?;
        Ok(has_changed)
    }

    async fn count(&mut self, step: Step, cursor: Option<i64>) -> Went {
        self.patience.ticket = Patience::default();
        let mut tx = self.run.begin().await?;
        tx.housekeeping();
        if !runs::advance(&mut tx, self.row.id, &self.holder, &step, cursor).await? {
            return Err(Stop::Lost);
        }
        Ok(tx.commit().await?)
    }

    async fn problem(&mut self, reference: Option<&str>, text: &str, cursor: Option<i64>, fetched: i64) -> Went {
        let mut tx = self.run.begin().await?;
        tx.housekeeping();
        runs::note(&mut tx, self.row.id, reference, text).await?;
        let step = Step { failed: 1, fetched, ..Step::default() };
        if !runs::advance(&mut tx, self.row.id, &self.holder, &step, cursor).await? {
            return Err(Stop::Lost);
        }
        Ok(tx.commit().await?)
    }
}
