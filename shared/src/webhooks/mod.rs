//! Outgoing webhooks: rows of `webhook_events`, written with their cause and delivered by a job
//! (automation 4). Nothing here talks to the network inside a request.

mod deliver;
mod schedule;
mod settle;
pub mod sign;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use url::Url;

pub use deliver::{JOB, deliver_job, queue_sweep, rescue};
pub use schedule::Schedule;

use crate::app::App;
use crate::db::{Db, Tx, is_unique_violation, sql};
use crate::error::{Error, Result};
use crate::jobs::NewJob;
use crate::modules::Slug;
use crate::tokens;

/// Where a secret header comes from when the webhook is delivered; the secret itself is never queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// Put before the secret, as in `Basic `.
    pub prefix: &'static str,
    /// The module that has the secret.
    pub module: Slug,
    /// Its setting.
    pub key: &'static str,
}

/// A webhook on its way into the queue.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    name: String,
    target_url: String,
    headers: Vec<(String, String)>,
    /// Name and where the value comes from, as text.
    secret_headers: Vec<(String, String)>,
    payload: Value,
    is_sensitive: bool,
    schedule: Schedule,
    max_attempts: i64,
    backoff_seconds: i64,
    idempotency_key: Option<String>,
    source: Option<(&'static str, i64)>,
    endpoint_id: Option<i64>,
}

impl NewWebhook {
    /// A webhook with three tries, 300 seconds doubling.
    pub fn new(name: impl Into<String>, target_url: impl Into<String>, payload: Value) -> Self {
        Self {
            name: name.into(),
            target_url: target_url.into(),
            headers: Vec::new(),
            secret_headers: Vec::new(),
            payload,
            is_sensitive: false,
            schedule: Schedule::Producer,
            max_attempts: 3,
            backoff_seconds: 300,
            idempotency_key: None,
            source: None,
            endpoint_id: None,
        }
    }

    /// Adds a header that is no secret.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// Adds a header whose value is looked up when the webhook is delivered.
    #[must_use]
    pub fn secret_header(mut self, name: &str, reference: Reference) -> Self {
        self.secret_headers.push((name.to_ascii_lowercase(), reference.text()));
        self
    }

    /// The same for a secret that is a setting of the environment: `VERIFY_API_KEY`.
    #[must_use]
    pub fn secret_setting(mut self, name: &str, prefix: &'static str, setting: &'static str) -> Self {
        self.secret_headers.push((name.to_ascii_lowercase(), format!("{prefix}setting:{setting}")));
        self
    }

    /// The payload is sealed, masked, and erased once delivered or given up.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.is_sensitive = true;
        self
    }

    /// Tries (1 to 20) and the first wait in seconds (1 to 3,600), which doubles.
    #[must_use]
    pub fn tries(mut self, max_attempts: i64, backoff_seconds: i64) -> Self {
        self.max_attempts = max_attempts.clamp(1, 20);
        self.backoff_seconds = backoff_seconds.clamp(1, 3600);
        self
    }

    /// Ten tries over about 75 hours, for endpoints that customers registered.
    #[must_use]
    pub fn to_endpoint(mut self, endpoint_id: i64) -> Self {
        self.endpoint_id = Some(endpoint_id);
        self.schedule = Schedule::Standard;
        self.max_attempts = Schedule::STANDARD_TRIES;
        self
    }

    /// The same key is queued once; without one a random key is made.
    #[must_use]
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// What caused it.
    #[must_use]
    pub fn source(mut self, kind: &'static str, id: i64) -> Self {
        self.source = Some((kind, id));
        self
    }

    /// Queues it in the transaction of its cause. None when its key is queued already.
    pub async fn queue(self, app: &App, tx: &mut Tx) -> Result<Option<i64>> {
        let key = self.idempotency_key.clone().unwrap_or_else(|| tokens::random_hex(16));
        let known: Option<(i64,)> =
            sql("SELECT id FROM webhook_events WHERE idempotency_key = ?").bind(&key).fetch_optional(&mut *tx).await?;
        if known.is_some() {
            return Ok(None);
        }
        let now = tx.stamp().at;
        let Some(id) = self.insert(tx, &key, now).await? else { return Ok(None) };
        if self.is_sensitive {
            let sealed = app.keyring().seal_text(&context(id), &self.payload.to_string());
            let sealed = sealed.map_err(|error| Error::Internal(error.into()))?;
            sql("UPDATE webhook_events SET payload = ? WHERE id = ?").bind(sealed).bind(id).execute(tx).await?;
        }
        queue_delivery(tx, id, now).await?;
        Ok(Some(id))
    }

    async fn insert(&self, tx: &mut Tx, key: &str, now: DateTime<Utc>) -> Result<Option<i64>> {
        let headers: Map<String, Value> = self.headers.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        let secrets: Map<String, Value> =
            self.secret_headers.iter().map(|(n, reference)| (n.clone(), json!(reference))).collect();
        let payload = (!self.is_sensitive).then(|| self.payload.to_string());
        let inserted = sql("INSERT INTO webhook_events (name, endpoint_id, target_url, target_host, headers, \
             secret_headers, payload, is_sensitive, schedule, status, started_by, max_attempts, backoff_seconds, \
             next_attempt_at, idempotency_key, source_type, source_id, created_at, updated_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', 'auto', ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(&self.name)
        .bind(self.endpoint_id)
        .bind(&self.target_url)
        .bind(host(&self.target_url))
        .bind(Value::Object(headers).to_string())
        .bind(Value::Object(secrets).to_string())
        .bind(payload)
        .bind(self.is_sensitive)
        .bind(self.schedule.as_str())
        .bind(self.max_attempts)
        .bind(self.backoff_seconds)
        .bind(now)
        .bind(key)
        .bind(self.source.map(|(kind, _)| kind))
        .bind(self.source.map(|(_, id)| id))
        .bind(now)
        .bind(now)
        .insert(tx)
        .await;
        match inserted {
            Ok(id) => Ok(Some(id)),
            Err(error)
                if is_unique_violation(&error, "webhook_events_idempotency", "webhook_events.idempotency_key") =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Reference {
    fn text(&self) -> String {
        format!("{}module:{}:{}", self.prefix, self.module, self.key)
    }
}

/// What names the row inside the seal of its payload.
fn context(id: i64) -> String {
    format!("webhook_events.payload:{id}")
}

/// Host and port: what shares the places for deliveries.
fn host(url: &str) -> String {
    let read = Url::parse(url).ok();
    let host = read.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default()?)));
    host.map(|(host, port)| format!("{host}:{port}").chars().take(255).collect()).unwrap_or_default()
}

/// The job that looks at an event when it is due.
pub async fn queue_delivery(tx: &mut Tx, id: i64, at: DateTime<Utc>) -> Result<()> {
    NewJob::new(JOB, json!({ "id": id }))
        .dedupe(format!("webhook:{id}:{}", at.timestamp_micros()))
        .run_at(at)
        // After everything else: a partner that does not answer costs seconds.
        .priority(200)
        .queue(tx)
        .await?;
    Ok(())
}

/// Longest wait of [`outcome`].
const WAIT: Duration = Duration::from_secs(10);

/// Waits up to ten seconds for the first try of an event that was just queued and committed; gives its
/// status. The single exception to the rule that requests do not wait (decisions 11.10).
pub async fn outcome(db: &Db, id: i64) -> Result<String> {
    let until = tokio::time::Instant::now() + WAIT;
    loop {
        let row: Option<(String, i64)> =
            sql("SELECT status, attempt_count FROM webhook_events WHERE id = ?").bind(id).fetch_optional(db).await?;
        let (status, attempts) = row.ok_or_else(|| anyhow::anyhow!("webhook {id} is gone"))?;
        let is_open = status == "in_progress" || (status == "pending" && attempts == 0);
        if !is_open || tokio::time::Instant::now() >= until {
            return Ok(status);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
