//! Rows of `ticket_import_runs` and `ticket_import_errors`.

use chrono::{DateTime, TimeDelta, Utc};
use shared::db::{At, Tx, is_unique_violation, sql};
use shared::error::Result;
use shared::jobs::NewJob;

use super::JOB;
use super::request::{Wanted, Which};
use super::work::Tries;

/// Errors that are kept of a run.
const MOST_ERRORS: i64 = 500;

/// A run as stored, with the name of who asked for it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ImportRun {
    pub id: i64,
    pub mode: String,
    pub lookup: String,
    pub ticket_ref: Option<i64>,
    pub start_id: Option<i64>,
    pub end_id: Option<i64>,
    pub status: String,
    pub fetched: i64,
    pub created: i64,
    pub updated: i64,
    pub skipped: i64,
    pub failed: i64,
    pub comments_created: i64,
    pub no_company: i64,
    pub cursor_page: Option<i64>,
    pub cursor_id: Option<i64>,
    pub total_pages: Option<i64>,
    pub include_comments: bool,
    pub include_attachments: bool,
    pub summarise: bool,
    pub emit_events: bool,
    pub is_closing: bool,
    pub requester_email: Option<String>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub last_error: Option<String>,
}

const COLUMNS: &str = "SELECT r.id, r.mode, r.lookup, r.ticket_ref, r.start_id, r.end_id, r.status, r.fetched, \
    r.created, r.updated, r.skipped, r.failed, r.comments_created, r.no_company, r.cursor_page, r.cursor_id, \
    r.total_pages, r.include_comments, r.include_attachments, r.summarise, r.emit_events, r.is_closing, \
    u.email AS requester_email, r.started_at, r.finished_at, r.created_at, r.last_error \
    FROM ticket_import_runs r LEFT JOIN users u ON u.id = r.requested_by_id";

impl ImportRun {
    /// Queued or running.
    pub fn is_active(&self) -> bool {
        matches!(self.status.as_str(), "queued" | "running")
    }

    /// What was asked for.
    pub fn which(&self) -> Which {
        match (self.mode.as_str(), self.ticket_ref, self.start_id, self.end_id) {
            ("single", Some(id), _, _) if self.lookup == "number" => Which::Number(id),
            ("single", Some(id), _, _) => Which::Id(id),
            ("range", _, Some(first), Some(last)) => Which::Range(first, last),
            _ => Which::All,
        }
    }
}

/// What the next ticket of a run did to its figures.
#[derive(Debug, Clone, Copy, Default)]
pub struct Step {
    pub fetched: i64,
    pub created: i64,
    pub updated: i64,
    pub skipped: i64,
    pub failed: i64,
    pub comments: i64,
    pub no_company: i64,
}

/// A problem with one ticket.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Problem {
    pub external_reference: Option<String>,
    pub message: String,
    pub created_at: DateTime<Utc>,
}

/// Adds a run with its first job; none while another is active.
pub async fn insert(tx: &mut Tx, wanted: &Wanted) -> Result<Option<i64>> {
    let (now, by) = (tx.stamp().at, tx.stamp().user_id);
    let (ticket, first, last) = match wanted.which {
        Which::Id(id) | Which::Number(id) => (Some(id), None, None),
        Which::Range(first, last) => (None, Some(first), Some(last)),
        Which::All => (None, None, None),
    };
    let lookup = if matches!(wanted.which, Which::Number(_)) { "number" } else { "id" };
    let inserted = sql("INSERT INTO ticket_import_runs (mode, lookup, ticket_ref, start_id, end_id, status, active, \
         include_comments, include_attachments, summarise, emit_events, requested_by_id, heartbeat_at, created_at) \
         VALUES (?, ?, ?, ?, ?, 'queued', 1, ?, ?, ?, ?, ?, ?, ?)")
    .bind(wanted.which.mode())
    .bind(lookup)
    .bind(ticket)
    .bind(first)
    .bind(last)
    .bind(wanted.include_comments)
    .bind(wanted.include_attachments)
    .bind(wanted.summarise)
    .bind(wanted.emit_events)
    .bind(by)
    .bind(now)
    .bind(now)
    .insert(&mut *tx)
    .await;
    let id = match inserted {
        Ok(id) => id,
        Err(error) if is_unique_violation(&error, "ticket_import_runs_active", "ticket_import_runs.active") => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    queue(tx, id, 0, Tries::default(), TimeDelta::zero()).await?;
    Ok(Some(id))
}

/// Queues the job of a slice.
async fn queue(tx: &mut Tx, id: i64, slice: i64, patience: Tries, wait: TimeDelta) -> Result<()> {
    let at = tx.stamp().at + wait;
    let payload = serde_json::json!({ "run_id": id, "slice": slice, "patience": patience });
    NewJob::new(JOB, payload).dedupe(format!("syncro-import:{id}:{slice}")).run_at(at).priority(200).queue(tx).await?;
    Ok(())
}

/// One run.
pub async fn find(at: impl Into<At<'_>>, id: i64) -> Result<Option<ImportRun>> {
    Ok(sql(COLUMNS).push(" WHERE r.id = ?").bind(id).fetch_optional(at).await?)
}

/// The run that is queued or running.
pub async fn active(at: impl Into<At<'_>>) -> Result<Option<ImportRun>> {
    Ok(sql(COLUMNS).push(" WHERE r.active = 1").fetch_optional(at).await?)
}

/// The newest runs, the newest first.
pub async fn recent(at: impl Into<At<'_>>, limit: i64, offset: i64) -> Result<Vec<ImportRun>> {
    Ok(sql(COLUMNS).push(" ORDER BY r.id DESC LIMIT ? OFFSET ?").bind(limit).bind(offset).fetch_all(at).await?)
}

/// How many runs there are, at most 10,001.
pub async fn count(at: impl Into<At<'_>>) -> Result<i64> {
    let query = sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM ticket_import_runs LIMIT 10001) c");
    Ok(query.fetch_value(at).await?)
}

/// The problems of a run, the first first.
pub async fn problems(at: impl Into<At<'_>>, id: i64, limit: i64) -> Result<Vec<Problem>> {
    Ok(sql("SELECT external_reference, message, created_at FROM ticket_import_errors WHERE run_id = ? \
         ORDER BY id LIMIT ?")
    .bind(id)
    .bind(limit)
    .fetch_all(at)
    .await?)
}

/// Takes a slice of a run; false when it is over, or when another job has it.
pub async fn hold(tx: &mut Tx, id: i64, slice: i64, holder: &str) -> Result<bool> {
    let now = tx.stamp().at;
    let held = sql("UPDATE ticket_import_runs SET holder = ?, status = 'running', heartbeat_at = ?, \
         started_at = COALESCE(started_at, ?) WHERE id = ? AND slice = ? AND active = 1")
    .bind(holder)
    .bind(now)
    .bind(now)
    .bind(id)
    .bind(slice)
    .execute(tx)
    .await?;
    Ok(held == 1)
}

/// Adds to the figures and moves the place, in the transaction of what was done; false when the run was
/// taken away in between, and nothing may be kept.
pub async fn advance(tx: &mut Tx, id: i64, holder: &str, step: &Step, cursor: Option<i64>) -> Result<bool> {
    let now = tx.stamp().at;
    let query = sql("UPDATE ticket_import_runs SET fetched = fetched + ?, created = created + ?, \
         updated = updated + ?, skipped = skipped + ?, failed = failed + ?, comments_created = comments_created + ?, \
         no_company = no_company + ?, heartbeat_at = ?")
    .bind(step.fetched)
    .bind(step.created)
    .bind(step.updated)
    .bind(step.skipped)
    .bind(step.failed)
    .bind(step.comments)
    .bind(step.no_company)
    .bind(now)
    .push_if(", cursor_id = ?", cursor)
    .push(" WHERE id = ? AND holder = ? AND active = 1")
    .bind(id)
    .bind(holder);
    Ok(query.execute(tx).await? == 1)
}

/// Where the pages stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub page: i64,
    pub total: Option<i64>,
    pub is_closing: bool,
}

/// Notes the page that comes next; false when the run was taken away.
pub async fn turn(tx: &mut Tx, id: i64, holder: &str, place: Place) -> Result<bool> {
    let now = tx.stamp().at;
    let turned = sql("UPDATE ticket_import_runs SET cursor_page = ?, total_pages = ?, is_closing = ?, \
         cursor_id = NULL, heartbeat_at = ? WHERE id = ? AND holder = ? AND active = 1")
    .bind(place.page)
    .bind(place.total)
    .bind(place.is_closing)
    .bind(now)
    .bind(id)
    .bind(holder)
    .execute(tx)
    .await?;
    Ok(turned == 1)
}

/// Keeps a problem with one ticket, up to 500 of a run.
pub async fn note(tx: &mut Tx, id: i64, reference: Option<&str>, message: &str) -> Result<()> {
    let now = tx.stamp().at;
    let kept: i64 =
        sql("SELECT COUNT(*) FROM ticket_import_errors WHERE run_id = ?").bind(id).fetch_value(&mut *tx).await?;
    if kept >= MOST_ERRORS {
        return Ok(());
    }
    sql("INSERT INTO ticket_import_errors (run_id, external_reference, message, created_at) VALUES (?, ?, ?, ?)")
        .bind(id)
        .bind(reference.map(|text| text.chars().take(128).collect::<String>()))
        .bind(message.chars().take(2000).collect::<String>())
        .bind(now)
        .insert(tx)
        .await?;
    Ok(())
}

/// True for a ticket that a run could not import.
pub async fn gave_up(at: impl Into<At<'_>>, id: i64, reference: &str) -> Result<bool> {
    let query = sql("SELECT id FROM ticket_import_errors WHERE run_id = ? AND external_reference = ? LIMIT 1");
    let found: Option<(i64,)> = query.bind(id).bind(reference).fetch_optional(at).await?;
    Ok(found.is_some())
}

/// Hands the run to another job, now or later; the present one has it no more.
pub async fn hand_on(tx: &mut Tx, id: i64, slice: i64, patience: Tries, wait: TimeDelta) -> Result<bool> {
    let now = tx.stamp().at;
    let handed = sql("UPDATE ticket_import_runs SET slice = slice + 1, holder = NULL, heartbeat_at = ? \
         WHERE id = ? AND slice = ? AND active = 1")
    .bind(now + wait)
    .bind(id)
    .bind(slice)
    .execute(&mut *tx)
    .await?;
    if handed == 1 {
        queue(tx, id, slice + 1, patience, wait).await?;
    }
    Ok(handed == 1)
}

/// Ends a run; false when it was over before.
pub async fn end(tx: &mut Tx, id: i64, status: &str, error: Option<&str>) -> Result<bool> {
    let now = tx.stamp().at;
    let ended = sql("UPDATE ticket_import_runs SET status = ?, last_error = ?, active = NULL, holder = NULL, \
         heartbeat_at = ?, finished_at = ? WHERE id = ? AND active = 1")
    .bind(status)
    .bind(error.map(str::to_owned))
    .bind(now)
    .bind(now)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(ended == 1)
}

/// Active runs that nobody has worked on since.
pub async fn lost(at: impl Into<At<'_>>, since: DateTime<Utc>) -> Result<Vec<(i64, i64)>> {
    Ok(sql("SELECT id, slice FROM ticket_import_runs WHERE active = 1 AND heartbeat_at < ? ORDER BY id LIMIT 10")
        .bind(since)
        .fetch_all(at)
        .await?)
}
