//! Delivering what is due: claimed by one statement, ten at once, two to a host, and a host that does not
//! answer costs its own deliveries time and nobody else's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{queue_delivery, settle, sign};
use crate::app::App;
use crate::audit::Stamp;
use crate::db::{Sql, Tx, sql};
use crate::error::{Error, Result};
use crate::insist;
use crate::jobs::{JobError, NewJob, Run};
use crate::modules::{self, Slug};
use crate::outbound::Request;
use crate::tokens;

/// The kind of the job.
pub const JOB: &str = "webhook.deliver";

/// Events taken in one look.
const BATCH: i64 = 50;

/// Deliveries at once, and of these to one host.
const AT_ONCE: usize = 10;
const PER_HOST: usize = 2;

/// A claim that nobody settled by then is lost: its worker died.
const LEASE: TimeDelta = TimeDelta::seconds(60);

/// The longest exchange.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of an answer that are read.
const MAX_BYTES: usize = 64 * 1024;

/// How long a host that did not answer is left alone.
const REST: TimeDelta = TimeDelta::seconds(60);

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Event {
    pub id: i64,
    pub name: String,
    pub endpoint_id: Option<i64>,
    pub target_url: String,
    pub target_host: String,
    headers: String,
    secret_headers: String,
    payload: Option<String>,
    pub is_sensitive: bool,
    pub schedule: String,
    pub started_by: String,
    pub attempt_count: i64,
    pub max_attempts: i64,
    pub backoff_seconds: i64,
    idempotency_key: String,
    secret: Option<String>,
    previous_secret: Option<String>,
    previous_until: Option<DateTime<Utc>>,
}

const DUE: &str = "SELECT w.id, w.name, w.endpoint_id, w.target_url, w.target_host, w.headers, w.secret_headers, \
    w.payload, w.is_sensitive, w.schedule, w.started_by, w.attempt_count, w.max_attempts, w.backoff_seconds, \
    w.idempotency_key, p.secret, p.previous_secret, p.previous_until \
    FROM webhook_events w LEFT JOIN webhook_endpoints p ON p.id = w.endpoint_id";

/// What came of one try.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// The other side answered.
    Http { status: StatusCode, body: String, retry_after: Option<i64> },
    /// It did not; whether its host is to blame.
    Nothing { error: String, is_host: bool },
}

/// The job: everything that is due, not only its own event, so that a burst is delivered side by side.
pub async fn deliver_job(run: Run) -> Result<(), JobError> {
    let due = sweep(run.app()).await?;
    if due == usize::try_from(BATCH).unwrap_or(usize::MAX) {
        // There may be more, for instance after many were put back at once.
        let mut tx = run.begin().await?;
        tx.housekeeping();
        queue_sweep(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// A look at everything that is due, for callers that put many events back at once.
pub async fn queue_sweep(tx: &mut Tx) -> Result<()> {
    let job = NewJob::new(JOB, json!({})).dedupe(format!("webhook:sweep:{}", tokens::random_hex(6)));
    job.priority(200).queue(tx).await?;
    Ok(())
}

/// Finds what lost its job; runs every few minutes.
pub async fn rescue(run: Run) -> Result<(), JobError> {
    sweep(run.app()).await?;
    Ok(())
}

/// Delivers what is due; returns how many were tried.
async fn sweep(app: &App) -> Result<usize> {
    insist!(release_lost(app))?;
    let now = app.now();
    let due: Vec<Event> = sql(DUE)
        .push(" WHERE w.status = 'pending' AND w.next_attempt_at <= ? ORDER BY w.next_attempt_at, w.id LIMIT ?")
        .bind(now)
        .bind(BATCH)
        .fetch_all(app.db())
        .await?;
    let count = due.len();
    let mut hosts: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in due {
        hosts.entry(event.target_host.clone()).or_default().push(event);
    }
    let lanes = hosts.into_values().flat_map(lanes);
    let done: Vec<Result<()>> =
        futures_util::stream::iter(lanes.map(|lane| lane.run(app))).buffer_unordered(AT_ONCE).collect().await;
    done.into_iter().collect::<Result<()>>()?;
    Ok(count)
}

/// Events of one host that are delivered one after the other.
struct Lane {
    events: Vec<Event>,
    is_dead: Arc<AtomicBool>,
}

fn lanes(events: Vec<Event>) -> impl Iterator<Item = Lane> {
    let is_dead = Arc::new(AtomicBool::new(false));
    let mut lanes: Vec<Lane> =
        (0..PER_HOST).map(|_| Lane { events: Vec::new(), is_dead: Arc::clone(&is_dead) }).collect();
    for (index, event) in events.into_iter().enumerate() {
        lanes[index % PER_HOST].events.push(event);
    }
    lanes.into_iter().filter(|lane| !lane.events.is_empty())
}

impl Lane {
    async fn run(self, app: &App) -> Result<()> {
        for event in self.events {
            if self.is_dead.load(Ordering::Relaxed) {
                break;
            }
            let claim_id = tokens::random_hex(8);
            if !insist!(claim(app, &event, &claim_id))? {
                continue;
            }
            let started = Instant::now();
            let answer = match prepare(app, &event).await? {
                Ok(request) => send(app, request).await,
                Err(error) => Answer::Nothing { error, is_host: false },
            };
            let took = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
            let is_host = matches!(answer, Answer::Nothing { is_host: true, .. });
            insist!(settle::record(app, &event, &claim_id, &answer, took))?;
            if is_host && !self.is_dead.swap(true, Ordering::Relaxed) {
                let host = event.target_host.clone();
                insist!(postpone(app, &host))?;
            }
        }
        Ok(())
    }
}

/// The event is ours only when this changes one row.
async fn claim(app: &App, event: &Event, claim_id: &str) -> Result<bool> {
    let now = app.now();
    let mut tx = app.db().begin(Stamp::system(now)).await?;
    tx.housekeeping();
    let rows =
        sql("UPDATE webhook_events SET status = 'in_progress', locked_by = ?, locked_until = ?, updated_at = ? \
         WHERE id = ? AND status = 'pending' AND next_attempt_at <= ? AND attempt_count = ?")
        .bind(claim_id)
        .bind(now + LEASE)
        .bind(now)
        .bind(event.id)
        .bind(now)
        .bind(event.attempt_count)
        .execute(&mut tx)
        .await?;
    tx.commit().await?;
    Ok(rows == 1)
}

/// What a dead worker held goes back into the queue.
async fn release_lost(app: &App) -> Result<()> {
    let now = app.now();
    let lost: Vec<(i64,)> =
        sql("SELECT id FROM webhook_events WHERE status = 'in_progress' AND locked_until < ? LIMIT 200")
            .bind(now)
            .fetch_all(app.db())
            .await?;
    if lost.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = lost.into_iter().map(|(id,)| id).collect();
    let mut tx = app.db().begin(Stamp::system(now)).await?;
    tx.housekeeping();
    sql("UPDATE webhook_events SET status = 'pending', locked_by = NULL, locked_until = NULL, updated_at = ? \
         WHERE status = 'in_progress' AND locked_until < ?")
    .bind(now)
    .bind(now)
    .push_in(" AND id IN", &ids)
    .execute(&mut tx)
    .await?;
    tx.commit().await
}

/// The rest of a host that does not answer waits a minute: no try is counted.
async fn postpone(app: &App, host: &str) -> Result<()> {
    let now = app.now();
    let due = |columns: &'static str| -> Sql {
        sql(columns).push(" WHERE target_host = ? AND status = 'pending' AND next_attempt_at <= ?").bind(host).bind(now)
    };
    let waiting: Vec<(i64,)> =
        due("SELECT id FROM webhook_events").push(" ORDER BY id LIMIT 1000").fetch_all(app.db()).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let mut tx = app.db().begin(Stamp::system(now)).await?;
    tx.housekeeping();
    for (id,) in waiting {
        let rows = sql("UPDATE webhook_events SET next_attempt_at = ? \
             WHERE id = ? AND status = 'pending' AND next_attempt_at <= ?")
        .bind(now + REST)
        .bind(id)
        .bind(now)
        .execute(&mut tx)
        .await?;
        if rows == 1 {
            queue_delivery(&mut tx, id, now + REST).await?;
        }
    }
    tx.commit().await
}

/// The request, signed and with its secrets; the error is for the attempt's line.
async fn prepare(app: &App, event: &Event) -> Result<Result<Request, String>> {
    let now = app.now();
    let body = body(app, event)?;
    let mut headers = HeaderMap::new();
    add(&mut headers, &event.headers, |text| Ok(text.to_owned()))?;
    let references: Map<String, Value> = serde_json::from_str(&event.secret_headers)?;
    for (name, reference) in references {
        match resolve(app, reference.as_str().unwrap_or_default()).await? {
            Some(value) => put(&mut headers, &name, &value),
            None => return Ok(Err(format!("The secret of the header {name} is not set"))),
        }
    }
    put(&mut headers, "content-type", "application/json");
    put(&mut headers, "user-agent", &format!("{}/{}", ascii(&app.config().app_name), env!("CARGO_PKG_VERSION")));
    put(&mut headers, "idempotency-key", &event.idempotency_key);
    put(&mut headers, "x-portal-event", &event.name);
    put(&mut headers, "x-portal-attempt", &(event.attempt_count + 1).to_string());
    let secrets = secrets(app, event)?;
    let (id, timestamp) = (format!("evt_{}", event.id), now.timestamp());
    if let Some(first) = secrets.first() {
        put(&mut headers, "webhook-id", &id);
        put(&mut headers, "webhook-timestamp", &timestamp.to_string());
        put(&mut headers, "webhook-signature", &sign::standard(&secrets, &id, timestamp, &body));
        put(&mut headers, "x-portal-signature", &sign::portal(first, timestamp, &body));
    }
    let mut request = Request::new(Method::POST, &event.target_url);
    (request.headers, request.body) = (headers, Bytes::from(body));
    (request.timeout, request.max_bytes, request.cut) = (TIMEOUT, MAX_BYTES, true);
    Ok(Ok(request))
}

fn body(app: &App, event: &Event) -> Result<String> {
    let stored = event.payload.clone().unwrap_or_else(|| "{}".to_owned());
    if !event.is_sensitive || event.payload.is_none() {
        return Ok(stored);
    }
    let opened = app.keyring().open_text(&super::context(event.id), &stored);
    opened.map_err(|error| Error::Internal(anyhow::anyhow!("the payload of webhook {}: {error}", event.id)))
}

/// The secrets that sign: an endpoint's own, with the former while its rotation lasts; else the portal's.
fn secrets(app: &App, event: &Event) -> Result<Vec<String>> {
    let Some(endpoint) = event.endpoint_id else {
        return Ok(app.config().webhook_signing_secret.clone().into_iter().collect());
    };
    let open = |column: &str, sealed: &str| {
        let opened = app.keyring().open_text(&format!("webhook_endpoints.{column}:{endpoint}"), sealed);
        opened.map_err(|error| Error::Internal(anyhow::anyhow!("the secret of endpoint {endpoint}: {error}")))
    };
    let mut all = Vec::new();
    if let Some(sealed) = &event.secret {
        all.push(open("secret", sealed)?);
    }
    if let (Some(sealed), Some(true)) = (&event.previous_secret, event.previous_until.map(|until| until > app.now())) {
        all.push(open("previous_secret", sealed)?);
    }
    Ok(all)
}

/// `<prefix>module:<slug>:<setting>` or `<prefix>setting:<name>`, as the queue keeps it.
async fn resolve(app: &App, reference: &str) -> Result<Option<String>> {
    if let Some((prefix, name)) = reference.split_once("setting:") {
        // Only what is meant to be sent can be named.
        let known = (name == "VERIFY_API_KEY").then(|| app.config().verify_api_key.clone()).flatten();
        return Ok(known.map(|secret| format!("{prefix}{secret}")));
    }
    let Some((prefix, rest)) = reference.split_once("module:") else { return Ok(None) };
    let Some((slug, key)) = rest.split_once(':') else { return Ok(None) };
    let Some(slug) = Slug::parse(slug) else { return Ok(None) };
    let secret = modules::find(app, app.db(), slug).await?.secret(app, key)?;
    Ok(secret.map(|secret| format!("{prefix}{secret}")))
}

fn add(headers: &mut HeaderMap, stored: &str, value: impl Fn(&str) -> Result<String>) -> Result<()> {
    let all: Map<String, Value> = serde_json::from_str(stored)?;
    for (name, text) in all {
        put(headers, &name, &value(text.as_str().unwrap_or_default())?);
    }
    Ok(())
}

/// What cannot be a header is left out.
fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}

fn ascii(name: &str) -> String {
    let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    if plain.is_empty() { "MyPortal".to_owned() } else { plain }
}

async fn send(app: &App, request: Request) -> Answer {
    use crate::outbound::OutboundError;
    match app.outbound().send(request).await {
        Ok(answer) => Answer::Http {
            status: answer.status,
            retry_after: retry_after(&answer.headers, app.now()),
            body: String::from_utf8_lossy(&answer.body).chars().filter(|c| *c != '\0').take(4000).collect(),
        },
        Err(error @ OutboundError::Refused(_)) => {
            Answer::Nothing { error: format!("Address not allowed. {error}"), is_host: false }
        }
        Err(error) => Answer::Nothing { is_host: error.is_temporary(), error: error.to_string() },
    }
}

/// Seconds, or a date of HTTP.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<i64> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    let date = || DateTime::parse_from_rfc2822(text).ok().map(|at| (at.with_timezone(&Utc) - now).num_seconds());
    text.parse().ok().or_else(date)
}
