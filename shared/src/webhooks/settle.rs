//! What follows from a try: its line, the next try or the end, and who is told.

use chrono::{DateTime, TimeDelta, Utc};
use minijinja::context;
use serde_json::json;

use super::Schedule;
use super::deliver::{Answer, Event};
use super::queue_delivery;
use crate::app::App;
use crate::audit::{Change, Stamp};
use crate::db::{Tx, sql};
use crate::error::Result;
use crate::events;
use crate::mail::Draft;
use crate::notify::{self, Notice, Recipient};

/// An endpoint that fails this long without one success is switched off.
const PATIENCE: TimeDelta = TimeDelta::days(5);

/// What was learnt from a try, as columns.
struct Line {
    status: &'static str,
    response_status: Option<i64>,
    response_body: Option<String>,
    error: Option<String>,
}

fn line(answer: &Answer) -> Line {
    match answer {
        Answer::Http { status, body, .. } => Line {
            status: if status.is_success() { "succeeded" } else { "failed" },
            response_status: Some(i64::from(status.as_u16())),
            response_body: Some(body.clone()),
            error: (!status.is_success()).then(|| format!("The server answered {status}")),
        },
        Answer::Nothing { error, .. } => {
            let error = Some(error.chars().take(2000).collect());
            Line { status: "error", response_status: None, response_body: None, error }
        }
    }
}

/// Records a try of an event, while its claim still holds.
pub(super) async fn record(app: &App, event: &Event, claim_id: &str, answer: &Answer, took: i64) -> Result<()> {
    let (now, attempt, line) = (app.now(), event.attempt_count + 1, line(answer));
    let mut tx = app.db().begin(Stamp::system(now)).await?;
    tx.housekeeping();
    let is_gone = line.response_status == Some(410);
    let is_over = is_gone || attempt >= event.max_attempts;
    let (status, next) = match line.status {
        "succeeded" => ("succeeded", None),
        _ if is_over => ("failed", None),
        _ => ("pending", Some(now + wait(event, attempt, answer))),
    };
    let ours = update(&mut tx, event, claim_id, &line, Next { status, at: next }).await?;
    if !ours {
        // Cancelled or deleted while the exchange lasted, or so late that somebody else has it.
        return Ok(());
    }
    insert_attempt(&mut tx, event, attempt, &line, took, now).await?;
    if let Some(at) = next {
        queue_delivery(&mut tx, event.id, at).await?;
    }
    match status {
        "succeeded" => delivered(&mut tx, event, attempt).await?,
        "failed" => given_up(app, &mut tx, event, &line).await?,
        _ => {}
    }
    if event.name == notify::TEXT_WEBHOOK && next.is_none() {
        notify::text_settled(&mut tx, event.id, status, line.error.as_deref()).await?;
    }
    if let Some(endpoint) = event.endpoint_id {
        judge(app, &mut tx, endpoint, status == "succeeded", is_gone).await?;
    }
    tx.commit().await
}

fn wait(event: &Event, attempt: i64, answer: &Answer) -> TimeDelta {
    let asked = match answer {
        Answer::Http { retry_after, .. } => *retry_after,
        Answer::Nothing { .. } => None,
    };
    Schedule::parse(&event.schedule).wait(attempt, event.backoff_seconds, asked)
}

/// What becomes of the event: its status, and when it is tried again.
struct Next {
    status: &'static str,
    at: Option<DateTime<Utc>>,
}

async fn update(tx: &mut Tx, event: &Event, claim_id: &str, line: &Line, next: Next) -> Result<bool> {
    let now = tx.stamp().at;
    let is_over = next.status != "pending";
    let query = sql("UPDATE webhook_events SET status = ?, started_by = 'auto', attempt_count = attempt_count + 1, \
         next_attempt_at = ?, response_status = ?, response_body = ?, last_error = ?, locked_by = NULL, \
         locked_until = NULL, updated_at = ?")
    .bind(next.status)
    .bind(next.at)
    .bind(line.response_status)
    .bind(line.response_body.clone())
    .bind(line.error.clone())
    .bind(now);
    // What was sensitive is erased as soon as nobody will send it again by itself.
    let query = if event.is_sensitive && is_over { query.push(", payload = NULL") } else { query };
    let rows = query
        .push(" WHERE id = ? AND status = 'in_progress' AND locked_by = ?")
        .bind(event.id)
        .bind(claim_id)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

async fn insert_attempt(
    tx: &mut Tx,
    event: &Event,
    attempt: i64,
    line: &Line,
    took: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    sql("INSERT INTO webhook_event_attempts (event_id, attempt_number, started_by, status, response_status, \
         response_body, error_message, duration_ms, attempted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
    .bind(event.id)
    .bind(attempt)
    .bind(&event.started_by)
    .bind(line.status)
    .bind(line.response_status)
    .bind(line.response_body.clone())
    .bind(line.error.clone())
    .bind(took)
    .bind(now)
    .insert(tx)
    .await?;
    Ok(())
}

async fn delivered(tx: &mut Tx, event: &Event, attempts: i64) -> Result<()> {
    let payload = json!({ "webhook_event_id": event.id, "name": event.name, "attempts": attempts });
    events::emit(tx, events::names::WEBHOOK_DELIVERED, payload).await
}

/// Super administrators are told once per name and hour.
async fn given_up(app: &App, tx: &mut Tx, event: &Event, line: &Line) -> Result<()> {
    let payload = json!({ "webhook_event_id": event.id, "name": event.name, "status": line.response_status });
    events::emit(tx, events::names::WEBHOOK_FAILED, payload).await?;
    let hour = tx.stamp().at.timestamp() / 3600;
    let key = format!("{}:{hour}", event.name);
    let error = line.error.clone().unwrap_or_default();
    let notice = Notice {
        kind: notify::WEBHOOK_FAILED,
        message: format!("The webhook {} was not delivered: {error}", event.name),
        link: Some(format!("/admin/webhooks/{}", event.id)),
        dedupe: Some(&key),
    };
    notify::tell_super_admins(app, tx, &notice).await
}

#[derive(sqlx::FromRow)]
struct Endpoint {
    id: i64,
    name: String,
    target_url: String,
    contact_email: Option<String>,
    status: String,
    failing_since: Option<DateTime<Utc>>,
    created_by_id: Option<i64>,
}

/// Keeps an endpoint's record and switches it off when it is gone or fails too long.
async fn judge(app: &App, tx: &mut Tx, id: i64, is_good: bool, is_gone: bool) -> Result<()> {
    let now = tx.stamp().at;
    if is_good {
        sql("UPDATE webhook_endpoints SET failing_since = NULL, last_success_at = ? WHERE id = ?")
            .bind(now)
            .bind(id)
            .execute(tx)
            .await?;
        return Ok(());
    }
    sql("UPDATE webhook_endpoints SET failing_since = COALESCE(failing_since, ?) WHERE id = ?")
        .bind(now)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    let endpoint: Option<Endpoint> = sql("SELECT id, name, target_url, contact_email, status, failing_since, \
         created_by_id FROM webhook_endpoints WHERE id = ?")
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(endpoint) = endpoint.filter(|endpoint| endpoint.status == "active") else { return Ok(()) };
    let is_hopeless = endpoint.failing_since.is_some_and(|since| now - since >= PATIENCE);
    match (is_gone, is_hopeless) {
        (true, _) => disable(app, tx, &endpoint, "It answered 410 Gone").await,
        (_, true) => disable(app, tx, &endpoint, "Nothing was accepted for five days").await,
        _ => Ok(()),
    }
}

async fn disable(app: &App, tx: &mut Tx, endpoint: &Endpoint, reason: &str) -> Result<()> {
    let now = tx.stamp().at;
    sql("UPDATE webhook_endpoints SET status = 'disabled', disabled_reason = ?, updated_at = ? WHERE id = ?")
        .bind(reason)
        .bind(now)
        .bind(endpoint.id)
        .execute(&mut *tx)
        .await?;
    sql("UPDATE webhook_events SET status = 'cancelled', next_attempt_at = NULL, updated_at = ? \
         WHERE endpoint_id = ? AND status = 'pending'")
    .bind(now)
    .bind(endpoint.id)
    .execute(&mut *tx)
    .await?;
    let change = Change::new("webhook_endpoint.disabled", "webhook_endpoint", endpoint.id).label(&endpoint.name);
    tx.audit(change.meta("reason", reason));
    tell_owner(app, tx, endpoint, reason).await
}

/// Who registered it, the other super administrators, and the address that the customer gave.
async fn tell_owner(app: &App, tx: &mut Tx, endpoint: &Endpoint, reason: &str) -> Result<()> {
    let key = format!("{}:{}", endpoint.id, tx.stamp().at.timestamp());
    let notice = Notice {
        kind: notify::WEBHOOK_DISABLED,
        message: format!("The webhook endpoint {} was switched off. {reason}.", endpoint.name),
        link: Some(format!("/admin/webhooks/endpoints/{}", endpoint.id)),
        dedupe: Some(&key),
    };
    notify::tell_super_admins(app, tx, &notice).await?;
    if let Some(id) = endpoint.created_by_id
        && let Some(user) = crate::accounts::users::find(&mut *tx, id).await?
        && user.is_active
    {
        notify::tell(app, tx, &Recipient { user_id: id, email: user.email }, &notice).await?;
    }
    if let Some(address) = &endpoint.contact_email {
        let host = url::Url::parse(&endpoint.target_url).ok();
        let host = host.as_ref().and_then(url::Url::host_str).unwrap_or_default().to_owned();
        let fields = context! { name => endpoint.name.clone(), host, reason => reason.to_owned() };
        let mut mail = Draft::template(app, &mut *tx, "webhook_disabled", fields).await?;
        mail.to(address);
        mail.queue(tx).await?;
    }
    Ok(())
}
