//! Rows of `automation_runs`: the history, and the queue behind it.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use shared::audit::Change;
use shared::context::By;
use shared::db::{At, Db, Tx, is_unique_violation, sql};
use shared::error::{Error, Result};
use shared::jobs::NewJob;

use super::model::{Automation, AutomationRun, Sample};
use super::{events, store};

const COLUMNS: &str = "SELECT r.id, r.automation_id, r.started_by, r.scheduled_for, r.event_id, r.event_name, \
    r.event_payload, r.depth, r.status, r.started_at, r.finished_at, r.duration_ms, r.result_payload, \
    r.error_message, r.created_at, \
    COALESCE(NULLIF(TRIM(CONCAT(COALESCE(u.first_name, ''), ' ', COALESCE(u.last_name, ''))), ''), u.email) \
    AS triggered_by FROM automation_runs r LEFT JOIN users u ON u.id = r.triggered_by_id";

/// A row of `automation_runs`.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of automation_runs, documented at AutomationRun")]
pub struct Row {
    pub id: i64,
    pub automation_id: i64,
    pub started_by: String,
    pub scheduled_for: Option<DateTime<Utc>>,
    pub event_id: Option<i64>,
    pub event_name: Option<String>,
    pub event_payload: Option<String>,
    pub depth: i64,
    pub status: String,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub duration_ms: Option<i64>,
    pub result_payload: Option<String>,
    pub error_message: Option<String>,
    pub created_at: DateTime<Utc>,
    pub triggered_by: Option<String>,
}

impl Row {
    /// What each action did; an empty list before the first.
    pub fn steps(&self) -> Value {
        self.result_payload.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| json!([]))
    }

    /// The event as it was.
    pub fn event(&self) -> Value {
        self.event_payload.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({}))
    }

    /// True until the run has ended.
    pub fn is_open(&self) -> bool {
        matches!(self.status.as_str(), "queued" | "running")
    }
}

impl From<Row> for AutomationRun {
    fn from(row: Row) -> Self {
        Self {
            result_payload: row.steps(),
            id: row.id,
            automation_id: row.automation_id,
            trigger: row.started_by,
            scheduled_for: row.scheduled_for,
            event_id: row.event_id,
            event_name: row.event_name,
            status: row.status,
            started_at: row.started_at,
            finished_at: row.finished_at,
            duration_ms: row.duration_ms,
            error_message: row.error_message,
        }
    }
}

/// A run to be queued.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "columns of automation_runs")]
pub struct NewRun<'a> {
    pub automation: i64,
    pub started_by: &'static str,
    pub scheduled_for: Option<DateTime<Utc>>,
    pub event_id: Option<i64>,
    pub event_name: Option<&'a str>,
    pub event: &'a Value,
    pub depth: i64,
    pub triggered_by: Option<i64>,
}

async fn insert(tx: &mut Tx, new: &NewRun<'_>, skipped: Option<&'static str>) -> Result<Option<i64>> {
    let now = tx.stamp().at;
    let inserted = sql("INSERT INTO automation_runs (automation_id, started_by, scheduled_for, event_id, event_name, \
         event_payload, depth, status, finished_at, error_message, triggered_by_id, created_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    .bind(new.automation)
    .bind(new.started_by)
    .bind(new.scheduled_for)
    .bind(new.event_id)
    .bind(new.event_name.map(str::to_owned))
    .bind(new.event.to_string())
    .bind(new.depth)
    .bind(if skipped.is_some() { "skipped" } else { "queued" })
    .bind(skipped.map(|_| now))
    .bind(skipped.map(str::to_owned))
    .bind(new.triggered_by)
    .bind(now)
    .insert(tx)
    .await;
    match inserted {
        Ok(id) => Ok(Some(id)),
        // By event or by planned time: the same run exists.
        Err(error) if is_unique_violation(&error, "automation_runs_", "automation_runs.automation_id") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Queues a run with the job that will do it. None when the run for this event or time exists.
pub async fn queue(tx: &mut Tx, new: &NewRun<'_>) -> Result<Option<i64>> {
    let Some(id) = insert(tx, new, None).await? else { return Ok(None) };
    wake(tx, id).await?;
    Ok(Some(id))
}

/// The job of a queued run; nothing when it is waiting already.
pub async fn wake(tx: &mut Tx, id: i64) -> Result<()> {
    let job = NewJob::new("automation.run", json!({ "run_id": id })).dedupe(format!("automation.run:{id}"));
    job.queue(tx).await.map(|_| ())
}

/// Writes into the history that a planned time or an event was left out.
pub async fn skip(tx: &mut Tx, new: &NewRun<'_>, why: &'static str) -> Result<()> {
    insert(tx, new, Some(why)).await.map(|_| ())
}

/// One run of an automation.
pub async fn find(at: impl Into<At<'_>>, automation: i64, id: i64) -> Result<Row> {
    let found = sql(COLUMNS).push(" WHERE r.id = ? AND r.automation_id = ?").bind(id).bind(automation);
    found.fetch_optional(at).await?.ok_or_else(|| Error::not_found("Run not found"))
}

/// Runs of an automation, newest first.
pub async fn of(db: &Db, automation: i64, status: &str, limit: i64, offset: i64) -> Result<Vec<Row>> {
    let rows = sql(COLUMNS)
        .push(" WHERE r.automation_id = ?")
        .bind(automation)
        .push_if(" AND r.status = ?", Some(status.to_owned()).filter(|status| !status.is_empty()))
        .push(" ORDER BY r.id DESC LIMIT ? OFFSET ?")
        .bind(limit)
        .bind(offset);
    Ok(rows.fetch_all(db).await?)
}

/// True while a run of the automation is queued or running.
pub async fn is_busy(tx: &mut Tx, automation: i64) -> Result<bool> {
    let open: Option<(i64,)> = sql("SELECT id FROM automation_runs WHERE automation_id = ? \
         AND status IN ('queued', 'running') ORDER BY id LIMIT 1")
    .bind(automation)
    .fetch_optional(tx)
    .await?;
    Ok(open.is_some())
}

/// The event of a run by hand: a ticket, given fields, or nothing.
pub async fn sample_event(db: &Db, row: &Automation, sample: Sample, now: DateTime<Utc>) -> Result<Value> {
    let mut payload = sample.event.unwrap_or_default();
    if let Some(id) = sample.ticket_id {
        payload.insert("ticket_id".to_owned(), id.into());
    }
    let name = row.trigger_event.as_deref().unwrap_or("manual");
    add_latest_change(db, name, &mut payload).await?;
    let event = events::describe(db, None, name, payload, now).await?;
    if sample.ticket_id.is_some() && event.get("ticket").is_none() {
        return Err(Error::not_found("Ticket not found"));
    }
    Ok(event)
}

/// Gives an event about a ticket the latest change of that ticket, unless it tells of one itself.
pub async fn add_latest_change(db: &Db, name: &str, payload: &mut Map<String, Value>) -> Result<()> {
    let tells = payload.contains_key("changes") || payload.contains_key("to");
    if let Some(ticket) = payload.get("ticket_id").and_then(Value::as_i64).filter(|_| !tells)
        && let Some(changes) = events::latest_change(db, name, ticket).await?
    {
        payload.insert("changes".to_owned(), Value::Object(changes));
    }
    Ok(())
}

/// Queues a run by hand with an event; refused while another is queued or running.
pub async fn start(by: &By, row: &Automation, event: &Value) -> Result<i64> {
    let mut tx = by.begin().await?;
    store::hold(&mut tx, row.id).await?;
    if is_busy(&mut tx, row.id).await? {
        return Err(Error::conflict("This automation is running. Wait until the run has ended.").code("running"));
    }
    let new = NewRun {
        automation: row.id,
        started_by: "manual",
        scheduled_for: None,
        event_id: None,
        event_name: row.trigger_event.as_deref(),
        event,
        depth: 0,
        triggered_by: by.person().map(|person| person.id()),
    };
    let id = queue(&mut tx, &new).await?.ok_or_else(|| Error::conflict("This run exists already"))?;
    tx.audit(Change::new("automation.executed", "automation", row.id).label(&row.name).meta("run_id", id));
    tx.commit().await?;
    Ok(id)
}
