//! Endpoints that customers registered: rows, rules and secrets.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::accounts::users::parse_email;
use shared::app::App;
use shared::audit::Change;
use shared::config::Config;
use shared::context::By;
use shared::db::{At, Db, Tx, sql};
use shared::error::{Error, Invalid, Result};
use shared::events::names;
use shared::webhooks::{NewWebhook, sign};
use url::Url;

/// Events that an endpoint may ask for, with their names for people.
pub const OFFERED: [(&str, &str); 7] = [
    (names::TICKET_CREATED, "A ticket was raised"),
    (names::TICKET_REPLIED, "A ticket got a reply"),
    (names::TICKET_UPDATED, "A field of a ticket changed"),
    (names::TICKET_ASSIGNED, "A ticket was assigned"),
    (names::TICKET_STATUS_CHANGED, "A ticket's status changed"),
    (names::TICKET_CLOSED, "A ticket was resolved or closed"),
    (names::TICKET_REOPENED, "A ticket was opened again"),
];

/// The former secret signs this long after a rotation.
const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// Refuses a name that no event has; the form offers none.
pub fn check_events(chosen: &[String]) -> Result<(), Invalid> {
    match chosen.iter().find(|name| OFFERED.iter().all(|(known, _)| known != name)) {
        Some(name) => Err(Invalid::field("events", format!("There is no event {name} to ask for"))),
        None => Ok(()),
    }
}

/// What is typed into the form.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// For people.
    pub name: String,
    /// Where webhooks go.
    pub target_url: String,
    /// Whose it is; blank for the whole portal.
    pub company_id: String,
    /// Who is written to when it is switched off.
    pub contact_email: String,
}

/// An endpoint as it may be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    name: String,
    target_url: String,
    company_id: Option<i64>,
    contact_email: Option<String>,
    events: Vec<String>,
}

fn parse_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_good = (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if is_good { Ok(text.to_owned()) } else { Err("Enter a name of at most 100 characters".to_owned()) }
}

fn parse_url(text: &str, config: &Config) -> Result<String, String> {
    let wrong = || "Enter an address that begins with https://".to_owned();
    let url = Url::parse(text.trim()).ok().filter(Url::has_host).ok_or_else(wrong)?;
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && config.outbound_exceptions.name(&url));
    if !is_safe {
        return Err(wrong());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("Leave out the user name and password".to_owned());
    }
    let text = url.to_string();
    if text.len() > 500 { Err("Use at most 500 characters".to_owned()) } else { Ok(text) }
}

fn parse_events(chosen: &[String]) -> Result<Vec<String>, String> {
    let known: Vec<String> =
        OFFERED.iter().map(|(name, _)| (*name).to_owned()).filter(|name| chosen.contains(name)).collect();
    if known.is_empty() { Err("Choose at least one event".to_owned()) } else { Ok(known) }
}

fn parse_company(text: &str) -> Result<Option<i64>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| "Choose a company".to_owned())
}

fn parse_contact(text: &str) -> Result<Option<String>, String> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { parse_email(text).map(Some).map_err(str::to_owned) }
}

impl Fields {
    /// Checks everything but whether the company exists.
    pub fn parse(&self, events: &[String], config: &Config) -> Result<Wanted, Invalid> {
        let mut bad = Invalid::none();
        let name = bad.check("name", parse_name(&self.name));
        let target_url = bad.check("target_url", parse_url(&self.target_url, config));
        let company_id = bad.check("company_id", parse_company(&self.company_id));
        let contact_email = bad.check("contact_email", parse_contact(&self.contact_email));
        let events = bad.check("events", parse_events(events));
        bad.finish()?;
        Ok(Wanted {
            name: name.unwrap_or_default(),
            target_url: target_url.unwrap_or_default(),
            company_id: company_id.flatten(),
            contact_email: contact_email.flatten(),
            events: events.unwrap_or_default(),
        })
    }
}

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
    json!({ "name": wanted.name, "target_url": super::masks::url(&wanted.target_url), "events": wanted.events,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_needs_a_name_a_safe_address_and_an_event() {
        let config = shared::config::Config::from_source(|name| {
            (name == "OUTBOUND_ALLOW_PRIVATE_HOSTS").then(|| "hooks.lan".to_owned())
        })
        .unwrap();
        let fields =
            |name: &str, url: &str| Fields { name: name.to_owned(), target_url: url.to_owned(), ..Fields::default() };
        let events = || vec!["tickets.created".to_owned(), "nonsense".to_owned()];
        let good = fields("Acme", "https://hooks.example.com/in?k=1").parse(&events(), &config).unwrap();
        assert_eq!(good.events, ["tickets.created"]);
        assert!(fields("Acme", "http://hooks.lan/in").parse(&events(), &config).is_ok());
        for bad in [
            fields("", "https://hooks.example.com/"),
            fields("Acme", "http://hooks.example.com/"),
            fields("Acme", "https://user:pass@hooks.example.com/"),
            fields("Acme", "hooks.example.com"),
            Fields { contact_email: "nobody".to_owned(), ..fields("Acme", "https://hooks.example.com/") },
            Fields { company_id: "x".to_owned(), ..fields("Acme", "https://hooks.example.com/") },
        ] {
            assert!(bad.parse(&events(), &config).is_err(), "{bad:?}");
        }
        assert!(fields("Acme", "https://hooks.example.com/").parse(&[], &config).is_err());
    }
}
