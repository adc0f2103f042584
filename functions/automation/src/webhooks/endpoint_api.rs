//! `/scheduler/webhook-endpoints` for programs: endpoints of customers, their secrets shown once.

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::{Keyed, SuperAdmin};
use shared::error::{Error, Invalid, Result};
use shared::web::{Json, Patch, Path};
use utoipa::ToSchema;

use super::endpoints::{self, Endpoint, Fields, Wanted};
use super::masks;

type Caller = Keyed<SuperAdmin>;

/// An endpoint, without its secrets.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"id": 3, "name": "Northwind helpdesk", "targetUrl": "https://hooks.northwind.example/portal",
    "companyId": 4, "companyName": "Northwind Dental", "contactEmail": "it@northwind.example",
    "events": ["tickets.created"], "status": "active", "disabledReason": null, "previousSecretUntil": null,
    "failingSince": null, "lastSuccessAt": "2026-11-23T09:12:00Z", "createdAt": "2026-11-03T08:00:00Z"}))]
pub struct EndpointOut {
    /// Number.
    pub id: i64,
    /// For people.
    pub name: String,
    /// Where webhooks go, without its query.
    pub target_url: String,
    /// Whose events it hears; null for all.
    pub company_id: Option<i64>,
    /// The company's name.
    pub company_name: Option<String>,
    /// Who is written to when it is switched off.
    pub contact_email: Option<String>,
    /// What it asked for.
    pub events: Vec<String>,
    /// `active` or `disabled`.
    pub status: String,
    /// Why it is off.
    pub disabled_reason: Option<String>,
    /// The former secret signs along until then.
    pub previous_secret_until: Option<DateTime<Utc>>,
    /// Nothing was accepted since.
    pub failing_since: Option<DateTime<Utc>>,
    /// When a webhook was last accepted.
    pub last_success_at: Option<DateTime<Utc>>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}

impl EndpointOut {
    fn of(row: &Endpoint, now: DateTime<Utc>) -> Self {
        Self {
            id: row.id,
            name: row.name.clone(),
            target_url: masks::url(&row.target_url),
            company_id: row.company_id,
            company_name: row.company_name.clone(),
            contact_email: row.contact_email.clone(),
            events: row.events(),
            status: row.status.clone(),
            disabled_reason: row.disabled_reason.clone(),
            previous_secret_until: row.previous_until.filter(|until| *until > now),
            failing_since: row.failing_since,
            last_success_at: row.last_success_at,
            created_at: row.created_at,
        }
    }
}

/// A new endpoint with its secret, which is not shown again.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"id": 3, "name": "Northwind helpdesk", "targetUrl": "https://hooks.northwind.example/portal",
    "events": ["tickets.created"], "status": "active", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}))]
pub struct EndpointMade {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: EndpointOut,
    /// Signs what is sent there (Standard Webhooks).
    pub secret: String,
}

/// An endpoint to be registered.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Northwind helpdesk", "targetUrl": "https://hooks.northwind.example/portal",
    "companyId": 4, "contactEmail": "it@northwind.example", "events": ["tickets.created", "tickets.replied"]}))]
pub struct EndpointCreate {
    /// For people, at most 100 characters.
    pub name: String,
    /// Begins with `https://`.
    #[serde(alias = "target_url")]
    pub target_url: String,
    /// Whose events it hears; absent for all.
    #[serde(alias = "company_id")]
    pub company_id: Option<i64>,
    /// Who is written to when it is switched off.
    #[serde(alias = "contact_email")]
    pub contact_email: Option<String>,
    /// What it asks for, at least one.
    pub events: Vec<String>,
}

/// What changes of an endpoint; what is absent stays, null clears.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"status": "disabled", "contactEmail": null}))]
pub struct EndpointUpdate {
    /// For people.
    #[serde(default)]
    pub name: Option<String>,
    /// Begins with `https://`.
    #[serde(default, alias = "target_url")]
    pub target_url: Option<String>,
    /// Whose events it hears.
    #[schema(value_type = Option<i64>)]
    #[serde(default, alias = "company_id")]
    pub company_id: Patch<i64>,
    /// Who is written to.
    #[schema(value_type = Option<String>)]
    #[serde(default, alias = "contact_email")]
    pub contact_email: Patch<String>,
    /// What it asks for.
    #[serde(default)]
    pub events: Option<Vec<String>>,
    /// `active` or `disabled`; off takes what waits out of the queue.
    #[serde(default)]
    pub status: Option<String>,
}

impl EndpointCreate {
    fn wanted(self, by: &Caller) -> Result<Wanted> {
        endpoints::check_events(&self.events)?;
        let fields = Fields {
            name: self.name,
            target_url: self.target_url,
            company_id: self.company_id.map(|id| id.to_string()).unwrap_or_default(),
            contact_email: self.contact_email.unwrap_or_default(),
        };
        Ok(fields.parse(&self.events, by.app().config())?)
    }
}

impl EndpointUpdate {
    /// The stored endpoint with these changes.
    fn over(self, old: &Endpoint) -> EndpointCreate {
        EndpointCreate {
            name: self.name.unwrap_or_else(|| old.name.clone()),
            target_url: self.target_url.unwrap_or_else(|| old.target_url.clone()),
            company_id: self.company_id.change().unwrap_or(old.company_id),
            contact_email: self.contact_email.change().unwrap_or_else(|| old.contact_email.clone()),
            events: self.events.unwrap_or_else(|| old.events()),
        }
    }
}

fn parse_status(status: &str) -> Result<bool, Invalid> {
    match status {
        "active" => Ok(true),
        "disabled" => Ok(false),
        _ => Err(Invalid::field("status", "Choose active or disabled")),
    }
}

/// Lists the endpoints by name.
#[utoipa::path(get, path = "/scheduler/webhook-endpoints",
    responses((status = 200, description = "The endpoints, at most 500", body = Vec<EndpointOut>)))]
pub async fn list_endpoints(by: Caller) -> Result<Json<Vec<EndpointOut>>> {
    by.portal_wide()?;
    let now = by.now();
    Ok(Json(endpoints::list(by.db()).await?.iter().map(|row| EndpointOut::of(row, now)).collect()))
}

/// Registers an endpoint
///
/// Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/scheduler/webhook-endpoints", request_body = EndpointCreate,
    responses((status = 201, description = "The new endpoint with its secret", body = EndpointMade)))]
pub async fn create_endpoint(by: Caller, body: Json<EndpointCreate>) -> Result<(StatusCode, Json<EndpointMade>)> {
    by.portal_wide()?;
    let wanted = body.0.wanted(&by)?;
    let mut tx = by.begin().await?;
    let (id, secret) = endpoints::create(&by, &mut tx, &wanted).await?;
    let row = endpoints::find(&mut tx, id).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(EndpointMade { endpoint: EndpointOut::of(&row, by.now()), secret })))
}

/// Gives one endpoint.
#[utoipa::path(get, path = "/scheduler/webhook-endpoints/{id}",
    params(("id" = i64, Path, description = "Number", example = 3)),
    responses((status = 200, description = "The endpoint", body = EndpointOut),
    (status = 404, description = "Endpoint not found")))]
pub async fn get_endpoint(by: Caller, Path(id): Path<i64>) -> Result<Json<EndpointOut>> {
    by.portal_wide()?;
    Ok(Json(EndpointOut::of(&endpoints::find(by.db(), id).await?, by.now())))
}

/// Changes what is sent, and switches an endpoint on or off.
#[utoipa::path(put, path = "/scheduler/webhook-endpoints/{id}", request_body = EndpointUpdate,
    params(("id" = i64, Path, description = "Number", example = 3)),
    responses((status = 200, description = "The endpoint after the change", body = EndpointOut),
    (status = 404, description = "Endpoint not found")))]
pub async fn update_endpoint(by: Caller, Path(id): Path<i64>, body: Json<EndpointUpdate>) -> Result<Json<EndpointOut>> {
    by.portal_wide()?;
    let switched = body.status.as_deref().map(parse_status).transpose()?;
    let mut tx = by.begin().await?;
    let old = endpoints::find(&mut tx, id).await?;
    let wanted = body.0.over(&old).wanted(&by)?;
    endpoints::update(&mut tx, &old, &wanted).await?;
    if let Some(is_on) = switched.filter(|is_on| *is_on != (old.status == "active")) {
        endpoints::switch(&mut tx, &old, is_on).await?;
    }
    let row = endpoints::find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(EndpointOut::of(&row, by.now())))
}

/// Deletes an endpoint; its deliveries stay in the monitor.
#[utoipa::path(delete, path = "/scheduler/webhook-endpoints/{id}",
    params(("id" = i64, Path, description = "Number", example = 3)),
    responses((status = 204, description = "Deleted"), (status = 404, description = "Endpoint not found")))]
pub async fn delete_endpoint(by: Caller, Path(id): Path<i64>) -> Result<StatusCode> {
    by.portal_wide()?;
    let mut tx = by.begin().await?;
    let row = endpoints::find(&mut tx, id).await?;
    endpoints::delete(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a new secret; the former one signs along for 24 hours.
#[utoipa::path(post, path = "/scheduler/webhook-endpoints/{id}/rotate",
    params(("id" = i64, Path, description = "Number", example = 3)),
    responses((status = 200, description = "The endpoint with its new secret", body = EndpointMade),
    (status = 404, description = "Endpoint not found")))]
pub async fn rotate_secret(by: Caller, Path(id): Path<i64>) -> Result<Json<EndpointMade>> {
    by.portal_wide()?;
    let mut tx = by.begin().await?;
    let old = endpoints::find(&mut tx, id).await?;
    let secret = endpoints::rotate(&by, &mut tx, &old).await?;
    let row = endpoints::find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(EndpointMade { endpoint: EndpointOut::of(&row, by.now()), secret }))
}

/// A webhook on its way.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"webhookId": 41}))]
pub struct Queued {
    /// Its number in the queue.
    pub webhook_id: i64,
}

/// Queues a webhook `ping`, so that the other side can try its check of signatures.
#[utoipa::path(post, path = "/scheduler/webhook-endpoints/{id}/test",
    params(("id" = i64, Path, description = "Number", example = 3)),
    responses((status = 202, description = "Queued", body = Queued),
    (status = 404, description = "Endpoint not found")))]
pub async fn test_endpoint(by: Caller, Path(id): Path<i64>) -> Result<(StatusCode, Json<Queued>)> {
    by.portal_wide()?;
    let mut tx = by.begin().await?;
    let row = endpoints::find(&mut tx, id).await?;
    let queued = endpoints::ping(&by, &mut tx, &row).await?;
    let webhook_id = queued.ok_or_else(|| Error::conflict("The test is on its way already"))?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(Queued { webhook_id })))
}
