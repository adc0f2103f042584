//! `/admin/webhooks`: the monitor of deliveries (automation 4.5, interface 3.10).

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::caller::SuperAdmin;
use shared::context::encode_component;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, PageOf, Paging, Path, Query};
use shared::{Flash, Tone};

use super::model::{AttemptOut, Filter, Row, Which, span};
use super::store::{self, Counts, Fortnight};
use super::{actions, masks};

/// A delivery in the list.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    id: i64,
    name: String,
    target: String,
    state: &'static str,
    attempts: i64,
    most: i64,
    next_at: Option<DateTime<Utc>>,
    error: Option<String>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for Line {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            target: masks::short(&row.target_url),
            state: row.state(),
            attempts: row.attempt_count,
            most: row.max_attempts,
            next_at: row.next_attempt_at.filter(|_| row.status == "pending"),
            error: row.last_error,
            updated_at: row.updated_at,
            name: row.name,
        }
    }
}

/// The monitor.
#[derive(Debug, Serialize)]
pub struct EventList {
    list: PageOf<Line>,
    counts: Counts,
    days: Fortnight,
    status: String,
    q: String,
    name: String,
    endpoint: String,
    page_url: String,
    /// Asks again every few seconds while something is on its way.
    is_live: bool,
    form: FormState,
}

impl EventList {
    fn new(list: PageOf<Line>, filter: &Filter, counts: Counts, days: Fortnight, form: FormState) -> Self {
        let page_url = format!(
            "/admin/webhooks?status={}&name={}&q={}&endpoint={}&size={}&page=",
            filter.status,
            encode_component(&filter.name),
            encode_component(&filter.search),
            encode_component(&filter.endpoint),
            list.size
        );
        Self {
            is_live: counts.pending + counts.in_progress > 0,
            list,
            counts,
            days,
            status: filter.status.clone(),
            q: filter.search.clone(),
            name: filter.name.clone(),
            endpoint: filter.endpoint.clone(),
            page_url,
            form,
        }
    }
}

fn sample(id: i64, state: &'static str) -> Line {
    let at = DateTime::from_timestamp(1_795_425_000, 0).unwrap_or_default();
    Line {
        id,
        name: "shop-order".to_owned(),
        target: "hooks.example.com/orders".to_owned(),
        state,
        attempts: 2,
        most: 5,
        next_at: (state == "retrying").then_some(at),
        error: matches!(state, "failed" | "retrying").then(|| "The server answered 503".to_owned()),
        updated_at: at,
    }
}

impl Page for EventList {
    const TEMPLATE: &'static str = "automation/webhooks/list.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("webhooks-list", "automation/webhooks/_list.html")];

    fn samples() -> Vec<Self> {
        let states = ["failed", "retrying", "pending", "in_progress", "succeeded", "cancelled"];
        let rows: Vec<Line> = (1..).zip(states).map(|(id, state)| sample(id, state)).collect();
        let days = Fortnight {
            labels: (10..24).map(|day| format!("{day} Nov")).collect(),
            good: vec![4; 14],
            bad: vec![0, 0, 1, 0, 2, 0, 0, 0, 14, 0, 0, 0, 1, 0],
        };
        let counts = Counts { pending: 2, in_progress: 1, succeeded: 1204, failed: 6, cancelled: 0 };
        let page = |rows: Vec<Line>, filter: &Filter, counts: Counts, form: FormState| {
            let total = i64::try_from(rows.len()).unwrap_or(0);
            Self::new(PageOf::new(rows, Paging::default(), total), filter, counts, days.clone(), form)
        };
        let failed = Filter { status: "failed".to_owned(), ..Filter::default() };
        let bad = FormState::blank().refused(&Invalid::field("from", "Enter a date such as 2026-11-23"));
        vec![
            page(rows, &Filter::default(), counts.clone(), FormState::blank()),
            page(Vec::new(), &failed, counts, bad),
            page(Vec::new(), &Filter::default(), Counts::default(), FormState::blank()),
        ]
    }
}

/// The filter as addresses of people spell it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    status: String,
    name: String,
    q: String,
    endpoint: String,
}

impl Asked {
    fn filter(self) -> Filter {
        Filter { status: self.status, name: self.name, search: self.q, endpoint: self.endpoint }.known()
    }
}

async fn monitor(by: &SuperAdmin, filter: &Filter, paging: Paging, form: FormState) -> Result<EventList> {
    let (rows, counted) = store::list(by.db(), filter, paging.size(), paging.offset()).await?;
    let list = PageOf::new(rows.into_iter().map(Line::from).collect(), paging, counted);
    let (counts, days) = (store::counts(by.db()).await?, store::fortnight(by.db(), by.now()).await?);
    Ok(EventList::new(list, filter, counts, days, form))
}

/// The monitor.
pub async fn list(by: SuperAdmin, asked: Query<Asked>, paging: Query<Paging>) -> Result<Response> {
    let page = monitor(&by, &asked.value.filter(), paging.value, FormState::blank()).await?;
    by.page(&page).await
}

/// Which failed deliveries to try again.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Span {
    from: String,
    to: String,
}

/// Tries all failed ones again, or those of some days.
pub async fn retry_many(by: SuperAdmin, form: Form<Span>) -> Result<Response> {
    let (from, to) = match span(&form.from, &form.to) {
        Ok(span) => span,
        Err(invalid) => {
            let page = monitor(&by, &Filter::default(), Paging::default(), form.refused(&invalid)).await?;
            return by.page_again(&page).await;
        }
    };
    let out = actions::bulk(&by, true, &Which::All { status: "failed".to_owned(), from, to }).await?;
    let flash = match (out.done, out.skipped) {
        (0, 0) => Flash::new(Tone::Info, "Nothing failed in that time"),
        (0, _) => Flash::new(Tone::Warning, "What these webhooks said has been erased, so they cannot be sent again"),
        (1, _) => Flash::done("1 webhook queued for one more try"),
        (done, _) => Flash::done(format!("{done} webhooks queued for one more try")),
    };
    by.see("/admin/webhooks", flash).await
}

/// One delivery.
#[derive(Debug, Serialize)]
pub struct EventShow {
    event: Line,
    endpoint_id: Option<i64>,
    target_url: String,
    headers: String,
    payload: Option<String>,
    is_sensitive: bool,
    idempotency_key: String,
    created_at: DateTime<Utc>,
    attempts: Vec<AttemptOut>,
    can_retry: bool,
}

impl EventShow {
    fn new(row: Row, attempts: Vec<AttemptOut>) -> Self {
        let out = row.out(false);
        let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap_or_default();
        let is_open = matches!(row.status.as_str(), "pending" | "failed" | "cancelled");
        Self {
            endpoint_id: row.endpoint_id,
            target_url: out.target_url,
            headers: pretty(&serde_json::Value::Object(out.headers)),
            payload: (!out.payload.is_null()).then(|| pretty(&out.payload)),
            is_sensitive: row.is_sensitive,
            idempotency_key: row.idempotency_key.clone(),
            created_at: row.created_at,
            attempts,
            can_retry: is_open && row.payload.is_some(),
            event: row.into(),
        }
    }
}

impl Page for EventShow {
    const TEMPLATE: &'static str = "automation/webhooks/show.html";

    fn samples() -> Vec<Self> {
        let at = DateTime::from_timestamp(1_795_425_000, 0).unwrap_or_default();
        let attempt = |number, status: &str, code| AttemptOut {
            id: number,
            event_id: 1,
            attempt_number: number,
            started_by: "auto".to_owned(),
            status: status.to_owned(),
            response_status: code,
            response_body: code.map(|_| "<b>busy</b>".to_owned()),
            error_message: (status != "succeeded").then(|| "The server answered 503".to_owned()),
            duration_ms: 212,
            attempted_at: at,
        };
        let page = |state, attempts: Vec<AttemptOut>, payload: Option<&str>| Self {
            event: sample(1, state),
            endpoint_id: (state == "failed").then_some(3),
            target_url: "https://hooks.example.com/orders?********".to_owned(),
            headers: "{}".to_owned(),
            is_sensitive: payload.is_none(),
            payload: payload.map(str::to_owned),
            idempotency_key: "ORD-1042".to_owned(),
            created_at: at,
            attempts,
            can_retry: state != "succeeded",
        };
        let tries = vec![attempt(2, "error", None), attempt(1, "failed", Some(503))];
        vec![
            page("failed", tries, Some("{\n  \"orderNumber\": \"ORD-1042\"\n}")),
            page("pending", Vec::new(), Some("{}")),
            page("succeeded", vec![attempt(1, "succeeded", Some(204))], None),
        ]
    }
}

/// One delivery with its tries.
pub async fn show(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let row = store::find(by.db(), id).await?;
    let attempts = store::attempts(by.db(), id, 200).await?;
    by.page(&EventShow::new(row, attempts)).await
}

/// A conflict becomes a message on the page of the delivery.
async fn told<T>(by: &SuperAdmin, id: i64, done: Result<T>, text: &str) -> Result<Response> {
    let to = format!("/admin/webhooks/{id}");
    match done {
        Ok(_) => by.see(to, Flash::done(text)).await,
        Err(error) if error.status() == http::StatusCode::CONFLICT => {
            by.see(to, Flash::new(Tone::Error, error.detail())).await
        }
        Err(error) => Err(error),
    }
}

/// One more try, now.
pub async fn retry(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let done = actions::retry(&by, id).await;
    told(&by, id, done, "Queued for one more try").await
}

/// Out of the queue.
pub async fn cancel(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let done = actions::cancel(&by, id).await;
    told(&by, id, done, "Webhook cancelled").await
}

/// The question before deleting.
#[derive(Debug, Serialize)]
pub struct EventDelete {
    event: Line,
}

impl Page for EventDelete {
    const TEMPLATE: &'static str = "automation/webhooks/delete.html";

    fn samples() -> Vec<Self> {
        vec![Self { event: sample(1, "failed") }]
    }
}

/// The question.
pub async fn confirm_delete(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let event = store::find(by.db(), id).await?.into();
    by.page(&EventDelete { event }).await
}

/// Deletes a delivery with its tries.
pub async fn delete(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    match actions::delete(&by, id).await {
        Ok(()) => by.see("/admin/webhooks", Flash::done("Webhook deleted")).await,
        Err(error) => told(&by, id, Err::<(), Error>(error), "").await,
    }
}
