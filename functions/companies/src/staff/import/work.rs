//! The work of a run: at most 50 seconds at a time, then another job goes on from where this one was. Each
//! person is one transaction with the figures and the place of the run, so that a stop at any point neither
//! loses nor doubles anybody.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::app::App;
use shared::audit::{Change, Stamp};
use shared::db::Tx;
use shared::error::{Error, Result};
use shared::jobs::{JobError, Run};
use shared::notify::{self, Notice};
use shared::syncro::{Fault, Patience, Syncro};
use shared::tokens;

use super::runs::{self, Import, Step};
use super::write::{self, Became};
use super::{Incoming, Skipped, contact, csv};
use crate::staff::store;

/// Work of one job.
const SLICE: Duration = Duration::from_secs(50);

/// Pages of contacts of one customer.
const MOST_PAGES: i64 = 100;

/// A transaction that meets another is repeated so often.
const TRIES: u32 = 5;

/// Said when Syncro does not know the customer.
pub const NO_CUSTOMER: &str = "Syncro knows no customer";

/// Why the work ends.
pub enum Stop {
    /// Everything is done.
    Done,
    /// Another slice goes on, after a while.
    Later(TimeDelta),
    /// The run cannot go on.
    Failed(String),
    /// Another has the run, or it was cancelled.
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

struct Work<'a> {
    app: &'a App,
    row: Import,
    holder: String,
    zone: String,
    began: Instant,
    limit: Duration,
    patience: Patience,
}

#[derive(Deserialize)]
struct Payload {
    import_id: i64,
    slice: i64,
    #[serde(default)]
    patience: Patience,
}

/// The job of a slice.
pub async fn job(run: Run) -> Result<(), JobError> {
    let payload: Payload = run.payload()?;
    let (stop, patience) = slice(run.app(), payload.import_id, payload.slice, payload.patience, SLICE).await?;
    match stop {
        Stop::Lost => Ok(()),
        Stop::Internal(error) => Err(error.into()),
        Stop::Later(wait) => {
            let mut tx = run.begin().await?;
            tx.housekeeping();
            if runs::hand_on(&mut tx, payload.import_id, payload.slice, patience, wait, true).await? {
                tx.commit().await?;
            }
            Ok(())
        }
        Stop::Done => Ok(finish(run.app(), payload.import_id, None).await.map(drop)?),
        Stop::Failed(error) => Ok(finish(run.app(), payload.import_id, Some(&error)).await.map(drop)?),
    }
}

/// Works on a run for so long, if this slice of it is still to be done.
pub async fn slice(app: &App, id: i64, slice: i64, patience: Patience, limit: Duration) -> Result<(Stop, Patience)> {
    let holder = tokens::random_hex(8);
    let mut tx = begin(app).await?;
    if !runs::hold(&mut tx, id, slice, &holder).await? {
        return Ok((Stop::Lost, patience));
    }
    tx.commit().await?;
    let Some(row) = runs::find(app.db(), id).await? else { return Ok((Stop::Lost, patience)) };
    let zone = store::zone(app.db()).await?;
    let mut work = Work { app, row, holder, zone, began: Instant::now(), limit, patience };
    let went = if work.row.source == "csv" { work.file().await } else { work.pages().await };
    Ok((went.err().unwrap_or(Stop::Done), work.patience))
}

async fn begin(app: &App) -> Result<Tx> {
    let mut tx = app.db().begin(Stamp::system(app.now())).await?;
    tx.housekeeping();
    Ok(tx)
}

/// Ends a run with its line in the trail; a failure is told to super administrators.
pub async fn finish(app: &App, id: i64, error: Option<&str>) -> Result<Option<Import>> {
    let status = if error.is_none() { "succeeded" } else { "failed" };
    let mut tx = app.db().begin(Stamp::system(app.now())).await?;
    if !runs::end(&mut tx, id, status, error).await? {
        return Ok(None);
    }
    let Some(row) = runs::find(&mut tx, id).await? else { return Ok(None) };
    if let Some(error) = error {
        let dedupe = format!("import:{id}");
        let message = format!("The import of staff of {} failed. {error}", row.company);
        let link = Some(format!("{}/{id}", super::PATH));
        let notice = Notice { kind: notify::STAFF_IMPORT_FAILED, message, link, dedupe: Some(&dedupe) };
        notify::tell_super_admins(app, &mut tx, &notice).await?;
    }
    let figures = json!({ "source": row.source, "status": status, "created": row.created, "updated": row.updated,
        "unchanged": row.unchanged, "skipped": row.skipped, "error": error });
    let line = Change::new("staff.imported", "staff_import", id).label(row.company.clone());
    let line = line.company(Some(row.company_id)).after(figures);
    tx.audit(match (row.requested_by_id, &row.requested_by) {
        (Some(user), Some(email)) => line.by(user, email),
        _ => line,
    });
    tx.commit().await?;
    Ok(Some(row))
}

impl Work<'_> {
    fn may_go_on(&self) -> Went {
        if self.began.elapsed() < self.limit { Ok(()) } else { Err(Stop::Later(TimeDelta::zero())) }
    }

    fn done(&self) -> usize {
        usize::try_from(self.row.cursor_row).unwrap_or_default()
    }

    async fn file(&mut self) -> Went {
        let Some(content) = self.row.content.take() else { return Err(Stop::Failed("The file is gone".to_owned())) };
        let file = csv::read(&content, &self.zone).map_err(Stop::Failed)?;
        let done = self.done();
        for (index, row) in file.rows.into_iter().enumerate().skip(done) {
            self.may_go_on()?;
            self.one(row.read, index + 1).await?;
        }
        Ok(())
    }

    /// All pages of the customer's contacts, from where the run stands.
    async fn pages(&mut self) -> Went {
        let Some(customer) = self.row.customer.clone() else {
            return Err(Stop::Failed("The company has no Syncro ID any more".to_owned()));
        };
        let Some(syncro) = Syncro::of_module(self.app).await? else {
            return Err(Stop::Failed("Syncro is not configured".to_owned()));
        };
        let (mut page, mut total, mut former) = (self.row.cursor_page, self.row.total_pages, None);
        let mut done = self.done();
        loop {
            self.may_go_on()?;
            let (list, said) = self.page(&syncro, &customer, page).await?;
            total = said.or(total);
            // Without a number of pages, the same page again means that there are no more.
            let first = list.first().cloned();
            let repeats = total.is_none() && first.is_some() && first == former;
            if list.is_empty() || repeats {
                return Ok(());
            }
            for (index, entry) in list.iter().enumerate().skip(done) {
                self.may_go_on()?;
                self.one(contact::read(entry), index + 1).await?;
            }
            (former, done, page) = (first, 0, page + 1);
            if total.is_some_and(|total| page > total) {
                return Ok(());
            }
            if page > MOST_PAGES {
                return self.stop_at_the_last_page().await;
            }
            let mut tx = begin(self.app).await?;
            if !runs::turn(&mut tx, self.row.id, &self.holder, page, total).await? {
                return Err(Stop::Lost);
            }
            tx.commit().await.map_err(Stop::Internal)?;
        }
    }

    async fn stop_at_the_last_page(&self) -> Went {
        let mut tx = begin(self.app).await?;
        let reason = format!("Syncro has more than {MOST_PAGES} pages of contacts; the rest was not read");
        runs::note(&mut tx, self.row.id, &Skipped { label: self.row.company.clone(), reason }).await?;
        Ok(tx.commit().await?)
    }

    /// One page, and how many there are if Syncro says it.
    async fn page(&mut self, syncro: &Syncro, customer: &str, page: i64) -> Went<(Vec<Value>, Option<i64>)> {
        let number = page.to_string();
        let answer = syncro.get(self.app, "/contacts", &[("customer_id", customer), ("page", &number)]).await;
        match answer {
            Ok(None) => Err(Stop::Failed(format!("{NO_CUSTOMER} {customer}"))),
            Ok(Some(answer)) => {
                self.patience = Patience::default();
                let named = ["contacts", "data"].iter().find_map(|name| answer.get(*name)?.as_array());
                let Some(list) = answer.as_array().or(named) else {
                    return Err(Stop::Failed(format!("Page {page} of Syncro has no list of contacts")));
                };
                let total = ["/meta/total_pages", "/pagination/total_pages"];
                let total = total.iter().find_map(|path| answer.pointer(path)?.as_i64());
                Ok((list.clone(), total))
            }
            Err(fault) => Err(self.bear(fault, page)),
        }
    }

    /// What a fault of Syncro means: wait and ask for the same page again, or give up.
    fn bear(&mut self, fault: Fault, page: i64) -> Stop {
        if let Some(wait) = self.patience.after(&fault) {
            return Stop::Later(wait);
        }
        match fault {
            Fault::Internal(error) => Stop::Internal(error),
            Fault::Denied(text) => Stop::Failed(text),
            other => Stop::Failed(format!("Page {page} could not be read. {}", other.text())),
        }
    }

    /// One person, however odd: whoever cannot be written is noted and left out.
    async fn one(&mut self, read: Result<Incoming, Skipped>, place: usize) -> Went {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        let incoming = match read {
            Ok(incoming) => incoming,
            Err(skipped) => return self.leave_out(&skipped, place).await,
        };
        let mut tries = 0;
        loop {
            match self.write(&incoming, place).await {
                Err(Stop::Internal(Error::Busy)) if tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(20 << tries)).await;
                }
                Err(Stop::Internal(error)) if !matches!(error, Error::Busy) => {
                    tracing::error!(?error, import = self.row.id, "a person could not be imported");
                    let reason = "Could not be saved. The log of the portal says why.".to_owned();
                    return self.leave_out(&Skipped { label: incoming.label, reason }, place).await;
                }
                other => return other,
            }
        }
    }

    async fn write(&self, incoming: &Incoming, place: i64) -> Went {
        let mut tx = begin(self.app).await?;
        let became = write::put(&mut tx, self.row.company_id, incoming, &self.zone).await?;
        let note = |reason: &str| Skipped { label: incoming.label.clone(), reason: reason.to_owned() };
        let step = match &became {
            Became::Created => Step { created: 1, ..Step::default() },
            Became::Updated => Step { updated: 1, ..Step::default() },
            Became::Unchanged => Step { unchanged: 1, ..Step::default() },
            Became::Refused(reason) => {
                runs::note(&mut tx, self.row.id, &note(reason)).await?;
                Step { skipped: 1, ..Step::default() }
            }
        };
        if matches!(became, Became::Created | Became::Updated) {
            for reason in &incoming.notes {
                runs::note(&mut tx, self.row.id, &note(reason)).await?;
            }
        }
        self.advance(tx, step, place).await
    }

    async fn leave_out(&self, skipped: &Skipped, place: i64) -> Went {
        let mut tx = begin(self.app).await?;
        runs::note(&mut tx, self.row.id, skipped).await?;
        self.advance(tx, Step { skipped: 1, ..Step::default() }, place).await
    }

    async fn advance(&self, mut tx: Tx, step: Step, place: i64) -> Went {
        if !runs::advance(&mut tx, self.row.id, &self.holder, step, place).await? {
            return Err(Stop::Lost);
        }
        Ok(tx.commit().await?)
    }
}
