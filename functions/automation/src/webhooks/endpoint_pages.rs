//! `/admin/webhooks/endpoints`: addresses that customers registered.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::caller::SuperAdmin;
use shared::error::{Error, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Path};
use shared::{Flash, flash};

use super::endpoints::{self, Endpoint, Fields, OFFERED};

/// A secret that is shown once.
const NOTE: &str = "webhook_secret";

/// One choice of a list.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    value: String,
    label: String,
    help: Option<String>,
}

fn offered() -> Vec<Choice> {
    let choice = |(name, label): &(&str, &str)| Choice {
        value: (*name).to_owned(),
        label: (*label).to_owned(),
        help: Some((*name).to_owned()),
    };
    OFFERED.iter().map(choice).collect()
}

async fn companies(by: &SuperAdmin) -> Result<Vec<Choice>> {
    let rows = endpoints::companies(by.db()).await?;
    Ok(rows.into_iter().map(|(id, label)| Choice { value: id.to_string(), label, help: None }).collect())
}

fn sample(status: &str) -> Endpoint {
    let at = chrono::DateTime::from_timestamp(1_795_425_000, 0).unwrap_or_default();
    Endpoint {
        id: 3,
        name: "Northwind helpdesk".to_owned(),
        target_url: "https://hooks.northwind.example/portal".to_owned(),
        company_id: Some(4),
        company_name: Some("Northwind Dental".to_owned()),
        contact_email: Some("it@northwind.example".to_owned()),
        event_names: r#"["tickets.created"]"#.to_owned(),
        status: status.to_owned(),
        disabled_reason: (status != "active").then(|| "It answered 410 Gone".to_owned()),
        previous_until: Some(at),
        failing_since: (status == "active").then_some(at),
        last_success_at: Some(at),
        created_at: at,
    }
}

/// All endpoints.
#[derive(Debug, Serialize)]
pub struct EndpointList {
    endpoints: Vec<Endpoint>,
}

impl Page for EndpointList {
    const TEMPLATE: &'static str = "automation/webhooks/endpoints.html";

    fn samples() -> Vec<Self> {
        vec![Self { endpoints: vec![sample("active"), sample("disabled")] }, Self { endpoints: Vec::new() }]
    }
}

/// The list.
pub async fn list(by: SuperAdmin) -> Result<Response> {
    let endpoints = endpoints::list(by.db()).await?;
    by.page(&EndpointList { endpoints }).await
}

/// A new endpoint.
#[derive(Debug, Serialize)]
pub struct EndpointNew {
    form: FormState,
    events: Vec<Choice>,
    chosen: Vec<String>,
    companies: Vec<Choice>,
}

impl Page for EndpointNew {
    const TEMPLATE: &'static str = "automation/webhooks/endpoint_new.html";

    fn samples() -> Vec<Self> {
        let bad = shared::error::Invalid::field("events", "Choose at least one event");
        let page = |form| Self { form, events: offered(), chosen: Vec::new(), companies: Vec::new() };
        vec![page(FormState::blank()), page(FormState::blank().refused(&bad))]
    }
}

/// The form.
pub async fn new(by: SuperAdmin) -> Result<Response> {
    let companies = companies(&by).await?;
    by.page(&EndpointNew { form: FormState::blank(), events: offered(), chosen: Vec::new(), companies }).await
}

/// The form again, without the ticked boxes: those go their own way.
fn refused(form: &Form<Fields>, invalid: &shared::error::Invalid) -> FormState {
    let mut state = form.refused(invalid);
    if !invalid.iter().any(|(field, _)| field == "events") {
        state.fields.remove("events");
    }
    state
}

/// Registers an endpoint and shows its secret once.
pub async fn create(by: SuperAdmin, form: Form<Fields>) -> Result<Response> {
    let created = match form.parse(&form.all("events"), by.app().config()) {
        Ok(wanted) => register(&by, &wanted).await,
        Err(invalid) => Err(invalid.into()),
    };
    match created {
        Ok(id) => by.see(format!("/admin/webhooks/endpoints/{id}"), Flash::done("Endpoint registered")).await,
        Err(Error::Invalid(invalid)) => {
            let (companies, chosen) = (companies(&by).await?, form.all("events"));
            let form = refused(&form, &invalid);
            by.page_again(&EndpointNew { form, events: offered(), chosen, companies }).await
        }
        Err(error) => Err(error),
    }
}

async fn register(by: &SuperAdmin, wanted: &endpoints::Wanted) -> Result<i64> {
    let mut tx = by.begin().await?;
    let (id, secret) = endpoints::create(by, &mut tx, wanted).await?;
    keep(by, &mut tx, id, &secret).await?;
    tx.commit().await?;
    Ok(id)
}

async fn keep(by: &SuperAdmin, tx: &mut shared::db::Tx, id: i64, secret: &str) -> Result<()> {
    let person = by.person().ok_or(Error::Unauthenticated)?;
    let text = format!("{id} {secret}");
    flash::note(by, tx, person.session.id, NOTE, &text, chrono::TimeDelta::minutes(10)).await
}

/// One endpoint.
#[derive(Debug, Serialize)]
pub struct EndpointShow {
    endpoint: Endpoint,
    form: FormState,
    events: Vec<Choice>,
    chosen: Vec<String>,
    companies: Vec<Choice>,
    new_secret: Option<String>,
    rotation_ends: Option<chrono::DateTime<chrono::Utc>>,
}

impl Page for EndpointShow {
    const TEMPLATE: &'static str = "automation/webhooks/endpoint.html";

    fn samples() -> Vec<Self> {
        let page = |status, new_secret: Option<&str>| {
            let endpoint = sample(status);
            Self {
                rotation_ends: endpoint.previous_until.filter(|_| status == "active"),
                chosen: endpoint.events(),
                endpoint,
                form: FormState::blank(),
                events: offered(),
                companies: Vec::new(),
                new_secret: new_secret.map(str::to_owned),
            }
        };
        vec![page("active", Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")), page("disabled", None)]
    }
}

async fn page(by: &SuperAdmin, endpoint: Endpoint, form: FormState, chosen: Vec<String>) -> Result<EndpointShow> {
    Ok(EndpointShow {
        companies: companies(by).await?,
        rotation_ends: endpoint.previous_until.filter(|until| *until > by.now()),
        endpoint,
        form,
        events: offered(),
        chosen,
        new_secret: None,
    })
}

/// One endpoint.
pub async fn show(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let endpoint = endpoints::find(by.db(), id).await?;
    let chosen = endpoint.events();
    let mut page = page(&by, endpoint, FormState::blank(), chosen).await?;
    if let Some(person) = by.person() {
        let notes = flash::take_notes(&by, person.session.id, NOTE).await?;
        let own = format!("{id} ");
        page.new_secret = notes.iter().find_map(|note| note.strip_prefix(&own).map(str::to_owned));
    }
    by.page(&page).await
}

/// Saves an endpoint.
pub async fn update(by: SuperAdmin, Path(id): Path<i64>, form: Form<Fields>) -> Result<Response> {
    let old = endpoints::find(by.db(), id).await?;
    let saved = match form.parse(&form.all("events"), by.app().config()) {
        Ok(wanted) => save(&by, &old, &wanted).await,
        Err(invalid) => Err(invalid.into()),
    };
    match saved {
        Ok(()) => by.see(format!("/admin/webhooks/endpoints/{id}"), Flash::done("Endpoint saved")).await,
        Err(Error::Invalid(invalid)) => {
            let state = refused(&form, &invalid);
            by.page_again(&page(&by, old, state, form.all("events")).await?).await
        }
        Err(error) => Err(error),
    }
}

async fn save(by: &SuperAdmin, old: &Endpoint, wanted: &endpoints::Wanted) -> Result<()> {
    let mut tx = by.begin().await?;
    endpoints::update(&mut tx, old, wanted).await?;
    tx.commit().await
}

/// On or off.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Switch {
    status: String,
}

/// Switches an endpoint.
pub async fn switch(by: SuperAdmin, Path(id): Path<i64>, form: Form<Switch>) -> Result<Response> {
    let endpoint = endpoints::find(by.db(), id).await?;
    let is_on = form.status == "active";
    let mut tx = by.begin().await?;
    endpoints::switch(&mut tx, &endpoint, is_on).await?;
    tx.commit().await?;
    let text = if is_on { "Endpoint switched on" } else { "Endpoint switched off" };
    by.see(format!("/admin/webhooks/endpoints/{id}"), Flash::done(text)).await
}

/// A new secret, shown once.
pub async fn rotate(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let endpoint = endpoints::find(by.db(), id).await?;
    let mut tx = by.begin().await?;
    let secret = endpoints::rotate(&by, &mut tx, &endpoint).await?;
    keep(&by, &mut tx, id, &secret).await?;
    tx.commit().await?;
    by.see(format!("/admin/webhooks/endpoints/{id}"), Flash::done("Secret made. Copy it now: it is not shown again."))
        .await
}

/// A webhook that says nothing.
pub async fn ping(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let endpoint = endpoints::find(by.db(), id).await?;
    let mut tx = by.begin().await?;
    let event = endpoints::ping(&by, &mut tx, &endpoint).await?;
    tx.commit().await?;
    let to = event.map_or_else(|| "/admin/webhooks".to_owned(), |event| format!("/admin/webhooks/{event}"));
    by.see(to, Flash::done("Test webhook queued")).await
}

/// The question before deleting.
#[derive(Debug, Serialize)]
pub struct EndpointDelete {
    endpoint: Endpoint,
}

impl Page for EndpointDelete {
    const TEMPLATE: &'static str = "automation/webhooks/endpoint_delete.html";

    fn samples() -> Vec<Self> {
        vec![Self { endpoint: sample("active") }]
    }
}

/// The question.
pub async fn confirm_delete(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let endpoint = endpoints::find(by.db(), id).await?;
    by.page(&EndpointDelete { endpoint }).await
}

/// Deletes an endpoint.
pub async fn delete(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let endpoint = endpoints::find(by.db(), id).await?;
    let mut tx = by.begin().await?;
    endpoints::delete(&mut tx, &endpoint).await?;
    tx.commit().await?;
    by.see("/admin/webhooks/endpoints", Flash::done("Endpoint deleted")).await
}
