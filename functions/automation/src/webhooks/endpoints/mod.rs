//! Endpoints that customers registered: rows, rules and secrets.

mod fields;

use chrono::{DateTime, TimeDelta, Utc};
pub use fields::{Fields, OFFERED, Wanted, check_events};
use serde::Serialize;
use serde_json::json;
use shared::app::App;
use shared::audit::Change;
use shared::context::By;
use shared::db::{At, Db, Tx, sql};
use shared::error::{Error, Result};
use shared::webhooks::{NewWebhook, sign};

/// The former secret signs this long after a rotation.
const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// An endpoint without its secrets.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct Endpoint {
    pub id: i64,
    pub name: String,
    pub target_url: String,
    pub company_id: Option<i64>,
    pub company_name: Option<String>,
    pub contact_email: Option<String>,
    pub event_names: String,
    pub status: String,
    pub disabled_reason: Option<String>,
    pub previous_until: Option<DateTime<Utc>>,
    pub failing_since: Option<DateTime<Utc>>,
    pub last_success_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl Endpoint {
    /// The events it asked for.
    pub fn events(&self) -> Vec<String> {
        serde_json::from_str(&self.event_names).unwrap_or_default()
    }
}

const ROWS: &str = "SELECT p.id, p.name, p.target_url, p.company_id, c.name AS company_name, p.contact_email, \
    p.event_names, p.status, p.disabled_reason, p.previous_until, p.failing_since, p.last_success_at, p.created_at \
    FROM webhook_endpoints p LEFT JOIN companies c ON c.id = p.company_id";

/// All endpoints by name.
pub async fn list(db: &Db) -> Result<Vec<Endpoint>> {
    Ok(sql(ROWS).push(" ORDER BY p.name, p.id LIMIT 500").fetch_all(db).await?)
}

/// One endpoint.
pub async fn find(at: impl Into<At<'_>>, id: i64) -> Result<Endpoint> {
    let row: Option<Endpoint> = sql(ROWS).push(" WHERE p.id = ?").bind(id).fetch_optional(at).await?;
    row.ok_or_else(|| Error::not_found("Endpoint not found"))
}

/// Companies that an endpoint may belong to.
pub async fn companies(db: &Db) -> Result<Vec<(i64, String)>> {
    Ok(sql("SELECT id, name FROM companies WHERE archived_at IS NULL ORDER BY name LIMIT 500").fetch_all(db).await?)
}

async fn check_company(tx: &mut Tx, company: Option<i64>) -> Result<()> {
    let Some(id) = company else { return Ok(()) };
    let known: Option<(i64,)> = sql("SELECT id FROM companies WHERE id = ?").bind(id).fetch_optional(tx).await?;
    known.map(|_| ()).ok_or_else(|| Error::field("company_id", "Choose a company"))
}

fn seal(app: &App, column: &str, id: i64, secret: &str) -> Result<String> {
    let sealed = app.keyring().seal_text(&format!("webhook_endpoints.{column}:{id}"), secret);
    sealed.map_err(|error| Error::Internal(error.into()))
}

/// Registers an endpoint; gives its number and its secret, which is not shown again.
pub async fn create(by: &By, tx: &mut Tx, new: &Wanted) -> Result<(i64, String)> {
    check_company(tx, new.company_id).await?;
    let (now, creator, secret) = (tx.stamp().at, tx.stamp().user_id, sign::new_secret());
    let id = sql("INSERT INTO webhook_endpoints (name, target_url, company_id, contact_email, event_names, secret, \
         status, created_by_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?, '', 'active', ?, ?, ?)")
    .bind(&new.name)
    .bind(&new.target_url)
    .bind(new.company_id)
    .bind(new.contact_email.clone())
    .bind(json!(new.events).to_string())
    .bind(creator)
    .bind(now)
    .bind(now)
    .insert(&mut *tx)
    .await?;
    sql("UPDATE webhook_endpoints SET secret = ? WHERE id = ?")
        .bind(seal(by.app(), "secret", id, &secret)?)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    tx.audit(line("webhook_endpoint.created", id, &new.name).company(new.company_id).after(shown(new)));
    Ok((id, secret))
}

fn line(action: &'static str, id: i64, name: &str) -> Change {
    Change::new(action, "webhook_endpoint", id).label(name)
}

fn shown(wanted: &Wanted) -> serde_json::Value {
    json!({ "name": wanted.name, "target_url": crate::webhooks::masks::url(&wanted.target_url), "events": wanted.events,
        "company_id": wanted.company_id, "contact_email": wanted.contact_email })
}

/// Changes an endpoint; its secret and state stay. Webhooks that wait go to the address they were queued for.
pub async fn update(tx: &mut Tx, old: &Endpoint, new: &Wanted) -> Result<()> {
    check_company(tx, new.company_id).await?;
    let now = tx.stamp().at;
    sql("UPDATE webhook_endpoints SET name = ?, target_url = ?, company_id = ?, contact_email = ?, event_names = ?, \
         updated_at = ? WHERE id = ?")
    .bind(&new.name)
    .bind(&new.target_url)
    .bind(new.company_id)
    .bind(new.contact_email.clone())
    .bind(json!(new.events).to_string())
    .bind(now)
    .bind(old.id)
    .execute(&mut *tx)
    .await?;
    let before = Wanted {
        name: old.name.clone(),
        target_url: old.target_url.clone(),
        company_id: old.company_id,
        contact_email: old.contact_email.clone(),
        events: old.events(),
    };
    tx.audit(line("webhook_endpoint.updated", old.id, &new.name).changed(shown(&before), shown(new)));
    Ok(())
}

/// Makes a new secret; the former one signs along for a day.
pub async fn rotate(by: &By, tx: &mut Tx, endpoint: &Endpoint) -> Result<String> {
    let (now, id) = (tx.stamp().at, endpoint.id);
    let stored: String =
        sql("SELECT secret FROM webhook_endpoints WHERE id = ?").bind(id).fetch_value(&mut *tx).await?;
    let former = by.app().keyring().open_text(&format!("webhook_endpoints.secret:{id}"), &stored);
    let former = former.map_err(|error| Error::Internal(error.into()))?;
    let secret = sign::new_secret();
    sql(
        "UPDATE webhook_endpoints SET secret = ?, previous_secret = ?, previous_until = ?, updated_at = ? WHERE id = ?",
    )
    .bind(seal(by.app(), "secret", id, &secret)?)
    .bind(seal(by.app(), "previous_secret", id, &former)?)
    .bind(now + OVERLAP)
    .bind(now)
    .bind(id)
    .execute(&mut *tx)
    .await?;
    tx.audit(line("webhook_endpoint.secret_rotated", id, &endpoint.name));
    Ok(secret)
}

/// Switches an endpoint on or off; off takes what waits out of the queue.
pub async fn switch(tx: &mut Tx, endpoint: &Endpoint, is_on: bool) -> Result<()> {
    let now = tx.stamp().at;
    let reason = (!is_on).then_some("Switched off by an administrator");
    sql("UPDATE webhook_endpoints SET status = ?, disabled_reason = ?, failing_since = NULL, updated_at = ? WHERE id = ?")
        .bind(if is_on { "active" } else { "disabled" })
        .bind(reason)
        .bind(now)
        .bind(endpoint.id)
        .execute(&mut *tx)
        .await?;
    if !is_on {
        cancel_waiting(tx, endpoint.id).await?;
    }
    let action = if is_on { "webhook_endpoint.enabled" } else { "webhook_endpoint.disabled" };
    tx.audit(line(action, endpoint.id, &endpoint.name));
    Ok(())
}

async fn cancel_waiting(tx: &mut Tx, id: i64) -> Result<()> {
    let now = tx.stamp().at;
    sql("UPDATE webhook_events SET status = 'cancelled', next_attempt_at = NULL, updated_at = ? \
         WHERE endpoint_id = ? AND status = 'pending'")
    .bind(now)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}

/// Deletes an endpoint; its deliveries stay in the monitor.
pub async fn delete(tx: &mut Tx, endpoint: &Endpoint) -> Result<()> {
    cancel_waiting(tx, endpoint.id).await?;
    sql("DELETE FROM webhook_endpoints WHERE id = ?").bind(endpoint.id).execute(&mut *tx).await?;
    tx.audit(line("webhook_endpoint.deleted", endpoint.id, &endpoint.name).company(endpoint.company_id));
    Ok(())
}

/// Queues a webhook that says nothing, so that the other side can try its check of signatures.
pub async fn ping(by: &By, tx: &mut Tx, endpoint: &Endpoint) -> Result<Option<i64>> {
    let now = tx.stamp().at;
    let body = json!({ "type": "ping", "timestamp": now, "data": { "endpoint": endpoint.name } });
    let id = NewWebhook::new("ping", &endpoint.target_url, body)
        .to_endpoint(endpoint.id)
        .tries(1, 60)
        .source("endpoint", endpoint.id)
        .queue(by.app(), tx)
        .await?;
    tx.audit(line("webhook_endpoint.pinged", endpoint.id, &endpoint.name));
    Ok(id)
}
