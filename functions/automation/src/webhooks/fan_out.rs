//! From an event of the portal to a webhook for every endpoint that asked for it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::app::App;
use shared::db::{Db, sql};
use shared::error::Result;
use shared::jobs::{JobError, Run};
use shared::webhooks::NewWebhook;

use super::endpoints;

/// The kind of the job.
pub const JOB: &str = "webhook.fan_out";

#[derive(Deserialize)]
struct Payload {
    event: i64,
}

#[derive(sqlx::FromRow)]
struct Event {
    name: String,
    payload: String,
    created_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct Endpoint {
    id: i64,
    target_url: String,
    company_id: Option<i64>,
    event_names: String,
}

/// The job. Queued twice, the second finds the keys taken.
pub async fn run(run: Run) -> Result<(), JobError> {
    let Payload { event: id } = run.payload()?;
    let event: Option<Event> = sql("SELECT name, payload, created_at FROM event_outbox WHERE id = ?")
        .bind(id)
        .fetch_optional(run.db())
        .await?;
    let Some(event) = event else { return Ok(()) };
    let endpoints = listening(&run, &event.name).await?;
    if endpoints.is_empty() {
        return Ok(());
    }
    let data: Value = serde_json::from_str(&event.payload).unwrap_or_default();
    let scope = scope(&run, &data).await?;
    let body = json!({ "type": event.name, "timestamp": event.created_at, "data": data });
    let mut tx = run.begin().await?;
    tx.housekeeping();
    for endpoint in endpoints.iter().filter(|endpoint| scope.admits(endpoint)) {
        NewWebhook::new(event.name.clone(), &endpoint.target_url, body.clone())
            .to_endpoint(endpoint.id)
            .once(format!("event-{id}-{}", endpoint.id))
            .source("event", id)
            .queue(run.app(), &mut tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Which of these events any endpoint has asked for.
pub async fn wanted(app: App, names: Vec<String>) -> Result<BTreeSet<String>> {
    if !names.iter().any(|name| endpoints::OFFERED.iter().any(|(offered, _)| offered == name)) {
        return Ok(BTreeSet::new());
    }
    let asked: BTreeSet<String> = active(app.db()).await?.iter().flat_map(Endpoint::names).collect();
    Ok(names.into_iter().filter(|name| asked.contains(name)).collect())
}

async fn listening(run: &Run, name: &str) -> Result<Vec<Endpoint>> {
    let all = active(run.db()).await?;
    Ok(all.into_iter().filter(|endpoint| endpoint.names().iter().any(|wanted| wanted == name)).collect())
}

async fn active(db: &Db) -> Result<Vec<Endpoint>> {
    Ok(sql("SELECT id, target_url, company_id, event_names FROM webhook_endpoints \
         WHERE status = 'active' ORDER BY id LIMIT 500")
    .fetch_all(db)
    .await?)
}

impl Endpoint {
    fn names(&self) -> Vec<String> {
        serde_json::from_str(&self.event_names).unwrap_or_default()
    }
}

/// Whose event it is.
struct Scope {
    company_id: Option<i64>,
    is_internal: bool,
}

impl Scope {
    /// An endpoint of one company hears of that company only, and never of internal notes.
    fn admits(&self, endpoint: &Endpoint) -> bool {
        match endpoint.company_id {
            None => true,
            Some(company) => self.company_id == Some(company) && !self.is_internal,
        }
    }
}

/// Events carry ids only, so the company is looked up; what cannot be told apart goes to nobody's endpoint.
async fn scope(run: &Run, data: &Value) -> Result<Scope> {
    if let Some(ticket) = data["ticket_id"].as_i64() {
        let row: Option<(Option<i64>, Option<bool>)> = sql("SELECT t.company_id, r.is_internal FROM tickets t \
             LEFT JOIN ticket_replies r ON r.id = ? AND r.ticket_id = t.id WHERE t.id = ?")
        .bind(data["reply_id"].as_i64())
        .bind(ticket)
        .fetch_optional(run.db())
        .await?;
        let (company_id, is_internal) = row.unwrap_or_default();
        return Ok(Scope { company_id, is_internal: is_internal.unwrap_or(false) });
    }
    Ok(Scope { company_id: data["company_id"].as_i64(), is_internal: false })
}
