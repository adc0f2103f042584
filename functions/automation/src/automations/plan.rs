//! What starts automations: a planned time, seen by every tick, and an event, once for each automation that
//! wants it. Unique keys guard both against other workers.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use shared::db::{Tx, sql};
use shared::error::Result;
use shared::jobs::{JobError, Run};

use super::model::Automation;
use super::runs::{self, NewRun};
use super::{events, store, work};
use crate::lease::begin;
use crate::pause;

/// Planned automations taken in one tick.
const BATCH: i64 = 20;

/// A planned time missed for longer than this is left out.
const CATCH_UP: TimeDelta = TimeDelta::hours(1);

/// Chains of automations end here.
pub const DEEPEST: i64 = 3;

/// Closes what was lost and starts what is due.
pub async fn tick(run: Run) -> Result<(), JobError> {
    close_lost(&run).await?;
    wake_forgotten(&run).await?;
    if pause::current(run.db()).await?.is_some() {
        return Ok(());
    }
    for row in store::due(run.db(), run.now(), BATCH).await? {
        // One automation that cannot be planned must not keep the others from it.
        if let Err(error) = plan(&run, &row).await {
            tracing::error!(automation.id = row.id, ?error, "an automation could not be planned");
        }
    }
    Ok(())
}

async fn plan(run: &Run, row: &Automation) -> Result<()> {
    let now = run.now();
    let Some(planned) = row.next_run_at else { return Ok(()) };
    let timetable = row.timetable(now);
    let latest = timetable.as_ref().and_then(|t| t.last_until(now)).filter(|at| *at > planned).unwrap_or(planned);
    // From the planned time, not from when it ran: nothing drifts.
    let next = timetable.and_then(|t| t.next_after(latest));
    let mut tx = begin(run).await?;
    if !moved(&mut tx, row.id, planned, next).await? {
        return Ok(());
    }
    let event = json!({ "event": { "name": "schedule", "created_at": now, "scheduled_for": latest } });
    let new = NewRun {
        automation: row.id,
        started_by: "schedule",
        scheduled_for: Some(latest),
        event_id: None,
        event_name: None,
        event: &event,
        depth: 0,
        triggered_by: None,
    };
    if now - latest >= CATCH_UP {
        runs::skip(&mut tx, &new, "missed").await?;
    } else if runs::is_busy(&mut tx, row.id).await? {
        runs::skip(&mut tx, &new, "previous run still active").await?;
    } else {
        runs::queue(&mut tx, &new).await?;
    }
    tx.commit().await
}

/// True for the one worker that plans this time.
async fn moved(tx: &mut Tx, id: i64, planned: DateTime<Utc>, next: Option<DateTime<Utc>>) -> Result<bool> {
    let moved = sql("UPDATE automations SET next_run_at = ? WHERE id = ? AND status = 'active' AND next_run_at = ?")
        .bind(next)
        .bind(id)
        .bind(planned)
        .execute(tx)
        .await?;
    Ok(moved == 1)
}

/// A run whose lease has ended belongs to a worker that is gone. What it had done cannot be known, so it is
/// not repeated: people may run it again with the same event.
async fn close_lost(run: &Run) -> Result<()> {
    let lost: Vec<(i64,)> =
        sql("SELECT id FROM automation_runs WHERE status = 'running' AND locked_until < ? ORDER BY id LIMIT 100")
            .bind(run.now())
            .fetch_all(run.db())
            .await?;
    for (id,) in lost {
        work::close_lost(run, id).await?;
    }
    Ok(())
}

/// A queued run always has a job; should it ever be lost, it gets another.
async fn wake_forgotten(run: &Run) -> Result<()> {
    let forgotten: Vec<(i64,)> = sql("SELECT id FROM automation_runs WHERE status = 'queued' AND created_at < ? \
         ORDER BY created_at LIMIT 50")
    .bind(run.now() - TimeDelta::minutes(10))
    .fetch_all(run.db())
    .await?;
    for (id,) in forgotten {
        let mut tx = begin(run).await?;
        runs::wake(&mut tx, id).await?;
        tx.commit().await?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Event {
    name: String,
    payload: String,
    depth: i64,
    created_at: DateTime<Utc>,
}

/// The handler of `automation.match`: an event has happened.
pub async fn match_event(run: Run) -> Result<(), JobError> {
    #[derive(Deserialize)]
    struct Payload {
        event: i64,
    }
    let id = run.payload::<Payload>()?.event;
    let found: Option<Event> = sql("SELECT name, payload, depth, created_at FROM event_outbox WHERE id = ?")
        .bind(id)
        .fetch_optional(run.db())
        .await?;
    let Some(event) = found.filter(|event| event.depth < DEEPEST) else { return Ok(()) };
    let waiting = store::waiting_for(run.db(), &event.name).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let payload: Map<String, Value> = serde_json::from_str(&event.payload).unwrap_or_default();
    let seen = events::describe(run.db(), Some(id), &event.name, payload, event.created_at).await?;
    let mut tx = begin(&run).await?;
    let is_paused = pause::current(&mut tx).await?.is_some();
    for row in waiting.iter().filter(|row| row.draft().filters().matches(&seen)) {
        let new = NewRun {
            automation: row.id,
            started_by: "event",
            scheduled_for: None,
            event_id: Some(id),
            event_name: Some(&event.name),
            event: &seen,
            depth: event.depth,
            triggered_by: None,
        };
        if is_paused {
            runs::skip(&mut tx, &new, pause::SKIPPED).await?;
        } else {
            runs::queue(&mut tx, &new).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}
