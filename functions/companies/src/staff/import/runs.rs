//! Rows of `staff_imports` and `staff_import_notes`.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use shared::db::{At, Tx, is_unique_violation, sql};
use shared::error::Result;
use shared::jobs::NewJob;
use shared::syncro::Patience;

use super::{JOB, Skipped};
use crate::staff::model::cut;

/// Notes that are kept of a run.
const MOST_NOTES: i64 = 500;

/// A run as stored, with the names of its company and of who asked for it.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of staff_imports")]
pub struct Import {
    pub id: i64,
    pub company_id: i64,
    pub company: String,
    pub customer: Option<String>,
    pub source: String,
    pub status: String,
    #[serde(skip)]
    pub content: Option<String>,
    pub requested_by_id: Option<i64>,
    pub requested_by: Option<String>,
    pub fetched: i64,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub skipped: i64,
    pub cursor_page: i64,
    pub cursor_row: i64,
    pub total_pages: Option<i64>,
    pub last_error: Option<String>,
    pub finished_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl Import {
    /// Queued or running.
    pub fn is_active(&self) -> bool {
        matches!(self.status.as_str(), "queued" | "running")
    }

    /// The figures in words.
    pub fn line(&self) -> String {
        let Self { created, updated, unchanged, skipped, .. } = self;
        format!("{created} created, {updated} updated, {unchanged} unchanged, {skipped} skipped")
    }
}

const COLUMNS: &str = "SELECT r.id, r.company_id, c.name AS company, c.syncro_company_id AS customer, r.source, \
    r.status, r.content, r.requested_by_id, u.email AS requested_by, r.fetched, r.created, r.updated, r.unchanged, \
    r.skipped, r.cursor_page, r.cursor_row, r.total_pages, r.last_error, r.finished_at, r.created_at \
    FROM staff_imports r JOIN companies c ON c.id = r.company_id LEFT JOIN users u ON u.id = r.requested_by_id";

/// Where a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A file that is looked at first.
    Preview,
    /// A job of its own.
    Job,
    /// Whoever adds it does the work.
    Caller,
}

/// Adds a run; none while another of the company is active.
pub async fn insert(
    tx: &mut Tx,
    company_id: i64,
    source: &'static str,
    content: Option<&str>,
    start: Start,
) -> Result<Option<i64>> {
    let (now, by) = (tx.stamp().at, tx.stamp().user_id);
    let is_preview = start == Start::Preview;
    let inserted = sql("INSERT INTO staff_imports (company_id, source, status, active, content, requested_by_id, \
         heartbeat_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
    .bind(company_id)
    .bind(source)
    .bind(if is_preview { "preview" } else { "queued" })
    .bind((!is_preview).then_some(1_i64))
    .bind(content.map(str::to_owned))
    .bind(by)
    .bind(now)
    .bind(now)
    .insert(&mut *tx)
    .await;
    let id = match inserted {
        Ok(id) => id,
        Err(error) if is_busy(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if start == Start::Job {
        queue(tx, id, 0, Patience::default(), TimeDelta::zero()).await?;
    }
    Ok(Some(id))
}

fn is_busy(error: &sqlx::Error) -> bool {
    is_unique_violation(error, "staff_imports_active", "staff_imports.active")
}

/// Takes a file that was looked at into work; none while another run of the company is active, false when
/// it was taken before.
pub async fn begin(tx: &mut Tx, id: i64) -> Result<Option<bool>> {
    let now = tx.stamp().at;
    let begun = sql("UPDATE staff_imports SET status = 'queued', active = 1, heartbeat_at = ? \
         WHERE id = ? AND status = 'preview'")
    .bind(now)
    .bind(id)
    .execute(&mut *tx)
    .await;
    match begun {
        Ok(0) => Ok(Some(false)),
        Ok(_) => {
            queue(tx, id, 0, Patience::default(), TimeDelta::zero()).await?;
            Ok(Some(true))
        }
        Err(error) if is_busy(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Queues the job of a slice.
async fn queue(tx: &mut Tx, id: i64, slice: i64, patience: Patience, wait: TimeDelta) -> Result<()> {
    let at = tx.stamp().at + wait;
    let payload = json!({ "import_id": id, "slice": slice, "patience": patience });
    NewJob::new(JOB, payload).dedupe(format!("staff-import:{id}:{slice}")).run_at(at).priority(200).queue(tx).await?;
    Ok(())
}

/// One run.
pub async fn find(at: impl Into<At<'_>>, id: i64) -> Result<Option<Import>> {
    Ok(sql(COLUMNS).push(" WHERE r.id = ?").bind(id).fetch_optional(at).await?)
}

/// The newest runs of a company, the newest first.
pub async fn recent(at: impl Into<At<'_>>, company_id: i64) -> Result<Vec<Import>> {
    let query = sql(COLUMNS).push(" WHERE r.company_id = ? AND r.status <> 'preview' ORDER BY r.id DESC LIMIT 10");
    Ok(query.bind(company_id).fetch_all(at).await?)
}

/// The run of a company that is queued or running.
pub async fn active(at: impl Into<At<'_>>, company_id: i64) -> Result<Option<i64>> {
    let query = sql("SELECT id FROM staff_imports WHERE company_id = ? AND active = 1").bind(company_id);
    let found: Option<(i64,)> = query.fetch_optional(at).await?;
    Ok(found.map(|(id,)| id))
}

/// Takes a slice of a run; false when it is over, or when somebody else has it.
pub async fn hold(tx: &mut Tx, id: i64, slice: i64, holder: &str) -> Result<bool> {
    let now = tx.stamp().at;
    let held = sql("UPDATE staff_imports SET holder = ?, status = 'running', heartbeat_at = ?, \
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

/// What one person did to the figures.
#[derive(Debug, Clone, Copy, Default)]
#[expect(missing_docs, reason = "columns of staff_imports")]
pub struct Step {
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub skipped: i64,
}

/// Adds to the figures and moves the place, in the transaction of what was done; false when the run was
/// taken away in between, and nothing may be kept.
pub async fn advance(tx: &mut Tx, id: i64, holder: &str, step: Step, row: i64) -> Result<bool> {
    let now = tx.stamp().at;
    let moved = sql("UPDATE staff_imports SET fetched = fetched + 1, created = created + ?, updated = updated + ?, \
         unchanged = unchanged + ?, skipped = skipped + ?, cursor_row = ?, heartbeat_at = ? \
         WHERE id = ? AND holder = ? AND active = 1")
    .bind(step.created)
    .bind(step.updated)
    .bind(step.unchanged)
    .bind(step.skipped)
    .bind(row)
    .bind(now)
    .bind(id)
    .bind(holder)
    .execute(tx)
    .await?;
    Ok(moved == 1)
}

/// Notes the page that comes next; false when the run was taken away.
pub async fn turn(tx: &mut Tx, id: i64, holder: &str, page: i64, total: Option<i64>) -> Result<bool> {
    let now = tx.stamp().at;
    let turned = sql("UPDATE staff_imports SET cursor_page = ?, cursor_row = 0, total_pages = ?, heartbeat_at = ? \
         WHERE id = ? AND holder = ? AND active = 1")
    .bind(page)
    .bind(total)
    .bind(now)
    .bind(id)
    .bind(holder)
    .execute(tx)
    .await?;
    Ok(turned == 1)
}

/// What is said of one person of a run.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct Note {
    /// Who.
    pub reference: Option<String>,
    /// What.
    pub message: String,
}

/// Keeps a note, up to 500 of a run.
pub async fn note(tx: &mut Tx, id: i64, note: &Skipped) -> Result<()> {
    let now = tx.stamp().at;
    let kept: i64 =
        sql("SELECT COUNT(*) FROM staff_import_notes WHERE import_id = ?").bind(id).fetch_value(&mut *tx).await?;
    if kept >= MOST_NOTES {
        return Ok(());
    }
    sql("INSERT INTO staff_import_notes (import_id, reference, message, created_at) VALUES (?, ?, ?, ?)")
        .bind(id)
        .bind(cut(&note.label, 255))
        .bind(cut(&note.reason, 1000))
        .bind(now)
        .insert(tx)
        .await?;
    Ok(())
}

/// The notes of a run, the first first.
pub async fn notes(at: impl Into<At<'_>>, id: i64) -> Result<Vec<Note>> {
    let query = sql("SELECT reference, message FROM staff_import_notes WHERE import_id = ? ORDER BY id LIMIT 500");
    Ok(query.bind(id).fetch_all(at).await?)
}

/// Gives the run to the next slice: a job, or whoever has it now; false when it was taken away.
pub async fn hand_on(
    tx: &mut Tx,
    id: i64,
    slice: i64,
    patience: Patience,
    wait: TimeDelta,
    to_job: bool,
) -> Result<bool> {
    let now = tx.stamp().at;
    let handed = sql("UPDATE staff_imports SET slice = slice + 1, holder = NULL, heartbeat_at = ? \
         WHERE id = ? AND slice = ? AND active = 1")
    .bind(now + wait)
    .bind(id)
    .bind(slice)
    .execute(&mut *tx)
    .await?;
    if handed == 1 && to_job {
        queue(tx, id, slice + 1, patience, wait).await?;
    }
    Ok(handed == 1)
}

/// Ends a run and forgets its file; false when it was over before.
pub async fn end(tx: &mut Tx, id: i64, status: &str, error: Option<&str>) -> Result<bool> {
    let now = tx.stamp().at;
    let ended = sql("UPDATE staff_imports SET status = ?, last_error = ?, active = NULL, holder = NULL, \
         content = NULL, heartbeat_at = ?, finished_at = ? \
         WHERE id = ? AND status IN ('preview', 'queued', 'running')")
    .bind(status)
    .bind(error.map(|text| cut(text, 2000)))
    .bind(now)
    .bind(now)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(ended == 1)
}

/// Active runs that nobody has worked on since.
pub async fn lost(at: impl Into<At<'_>>, since: DateTime<Utc>) -> Result<Vec<(i64, i64)>> {
    Ok(sql("SELECT id, slice FROM staff_imports WHERE active = 1 AND heartbeat_at < ? ORDER BY id LIMIT 10")
        .bind(since)
        .fetch_all(at)
        .await?)
}
