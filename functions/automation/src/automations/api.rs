//! `/api/automations` for programs (automation 3.6).

use std::time::Duration;

use axum::response::IntoResponse;
use http::StatusCode;
use serde::Serialize;
use shared::caller::{Keyed, SuperAdmin};
use shared::context::By;
use shared::error::{Error, Result};
use shared::events::emit_named;
use shared::web::{Json, Limits, Listed, Path, Query};
use utoipa::ToSchema;

use super::events::{self, Trigger};
use super::model::{
    AutomationCreate, AutomationOut, AutomationRun, AutomationUpdate, EventIn, EventTaken, Executed, Filter, Sample,
};
use super::{runs, store, work};

type Caller = Keyed<SuperAdmin>;

/// A run by hand is waited for this long.
const PATIENCE: Duration = Duration::from_secs(25);

/// Lists automations, newest change first.
#[utoipa::path(get, path = "/api/automations", params(Filter, Limits), responses((status = 200,
    description = "The automations, with `X-Total-Count` and `Link`", body = Vec<AutomationOut>)))]
pub async fn list_automations(
    by: Caller,
    filter: Query<Filter>,
    limits: Query<Limits>,
) -> Result<Listed<Vec<AutomationOut>>> {
    by.portal_wide()?;
    let limits = limits.value.checked()?;
    let (rows, counted) = store::list(by.db(), &filter, limits.limit(), limits.offset()).await?;
    Ok(Listed::new(&by, rows.into_iter().map(AutomationOut::from).collect(), counted, limits))
}

/// Adds an automation.
#[utoipa::path(post, path = "/api/automations", request_body = AutomationCreate,
    responses((status = 201, description = "The new automation", body = AutomationOut)))]
pub async fn create_automation(by: Caller, body: Json<AutomationCreate>) -> Result<(StatusCode, Json<AutomationOut>)> {
    by.portal_wide()?;
    let draft = body.0.draft(by.app().config())?;
    Ok((StatusCode::CREATED, Json(store::create(&by, draft).await?.into())))
}

/// Gives one automation.
#[utoipa::path(get, path = "/api/automations/{id}", params(("id" = i64, Path, description = "Number of the automation")),
    responses((status = 200, description = "The automation", body = AutomationOut),
    (status = 404, description = "Automation not found")))]
pub async fn get_automation(by: Caller, Path(id): Path<i64>) -> Result<Json<AutomationOut>> {
    by.portal_wide()?;
    Ok(Json(store::find(by.db(), id).await?.into()))
}

/// Changes the fields that are sent.
#[utoipa::path(put, path = "/api/automations/{id}", params(("id" = i64, Path, description = "Number of the automation")),
    request_body = AutomationUpdate, responses(
    (status = 200, description = "The automation after the change", body = AutomationOut),
    (status = 404, description = "Automation not found")))]
pub async fn update_automation(
    by: Caller,
    Path(id): Path<i64>,
    body: Json<AutomationUpdate>,
) -> Result<Json<AutomationOut>> {
    by.portal_wide()?;
    let row = store::update(&by, id, None, |stored| Ok(body.0.over(stored)?)).await?;
    Ok(Json(row.into()))
}

/// Deletes an automation with its history.
#[utoipa::path(delete, path = "/api/automations/{id}",
    params(("id" = i64, Path, description = "Number of the automation")),
    responses((status = 204, description = "Deleted"), (status = 404, description = "Automation not found")))]
pub async fn delete_automation(by: Caller, Path(id): Path<i64>) -> Result<impl IntoResponse> {
    by.portal_wide()?;
    store::delete(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the runs of an automation, newest first.
#[utoipa::path(get, path = "/api/automations/{id}/runs",
    params(("id" = i64, Path, description = "Number of the automation"), Limits),
    responses((status = 200, description = "The runs", body = Vec<AutomationRun>),
    (status = 404, description = "Automation not found")))]
pub async fn list_automation_runs(
    by: Caller,
    Path(id): Path<i64>,
    limits: Query<Limits>,
) -> Result<Json<Vec<AutomationRun>>> {
    by.portal_wide()?;
    let given = limits.pairs().iter().any(|(name, _)| name == "limit");
    let limits = limits.value.checked()?;
    let limit = if given { limits.limit() } else { 50 };
    if limit > 200 {
        return Err(Error::field("limit", "Enter a number from 1 to 200"));
    }
    store::find(by.db(), id).await?;
    let rows = runs::of(by.db(), id, "", limit, limits.offset()).await?;
    Ok(Json(rows.into_iter().map(AutomationRun::from).collect()))
}

/// Runs an automation now and waits up to 25 seconds for its end; it need not be on.
#[utoipa::path(post, path = "/api/automations/{id}/execute",
    params(("id" = i64, Path, description = "Number of the automation")), request_body = Sample, responses(
    (status = 200, description = "What came of it, or that it is still running", body = Executed),
    (status = 404, description = "Automation or ticket not found"),
    (status = 409, description = "The automation is running")))]
pub async fn execute_automation(by: Caller, Path(id): Path<i64>, body: Json<Sample>) -> Result<Json<Executed>> {
    by.portal_wide()?;
    let row = store::find(by.db(), id).await?;
    let event = runs::sample_event(by.db(), &row, body.0, by.now()).await?;
    let run = runs::start(&by, &row, &event).await?;
    let run = wait_for(&by, id, run).await?;
    Ok(Json(Executed {
        status: if run.is_open() { "running".to_owned() } else { run.status.clone() },
        result: run.steps(),
        error: run.error_message.clone(),
        started_at: run.started_at,
        finished_at: run.finished_at,
        next_run_at: row.next_run_at,
        run_id: run.id,
    }))
}

/// The worker does the run; here its row is looked at, ever less often.
async fn wait_for(by: &By, automation: i64, id: i64) -> Result<runs::Row> {
    let begun = std::time::Instant::now();
    let mut pause = Duration::from_millis(50);
    loop {
        let run = runs::find(by.db(), automation, id).await?;
        if !run.is_open() || begun.elapsed() + pause > PATIENCE {
            return Ok(run);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_secs(2));
    }
}

/// What a dry run found.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"matched": true, "conditions": [{"text": "priority is urgent", "found": "urgent", "ok": true,
    "group": null}], "rendered_actions": [{"module": "ntfy", "payload": {"title": "Printer jams"}, "unknown": []}]}))]
pub struct DryRun {
    /// The conditions are met.
    pub matched: bool,
    /// Each condition with the value found.
    #[schema(value_type = Vec<Object>)]
    pub conditions: Vec<super::filters::Tried>,
    /// Each action as it would be sent.
    #[schema(value_type = Vec<Object>)]
    pub rendered_actions: Vec<work::Rendered>,
}

/// Tries an automation on a ticket or an event; nothing is sent.
#[utoipa::path(post, path = "/api/automations/{id}/dry-run",
    params(("id" = i64, Path, description = "Number of the automation")), request_body = Sample, responses(
    (status = 200, description = "What would happen", body = DryRun),
    (status = 404, description = "Automation or ticket not found")))]
pub async fn dry_run_automation(by: Caller, Path(id): Path<i64>, body: Json<Sample>) -> Result<Json<DryRun>> {
    by.portal_wide()?;
    let row = store::find(by.db(), id).await?;
    let event = runs::sample_event(by.db(), &row, body.0, by.now()).await?;
    let draft = row.draft();
    let known = events::surround(&event, by.app(), (row.id, &row.name), by.now());
    let filters = draft.filters();
    Ok(Json(DryRun {
        matched: filters.matches(&event),
        conditions: filters.explain(&event),
        rendered_actions: work::rehearse(&draft, &known),
    }))
}

/// Lists the events of the portal with the fields that conditions and variables may name.
#[utoipa::path(get, path = "/api/automations/triggers",
    responses((status = 200, description = "The events", body = Vec<Trigger>)))]
pub async fn list_triggers(by: Caller) -> Result<Json<Vec<Trigger>>> {
    by.portal_wide()?;
    Ok(Json(events::triggers()))
}

/// Reports an event of your own; automations that wait for its name run.
#[utoipa::path(post, path = "/api/automations/events", request_body = EventIn,
    responses((status = 202, description = "Taken", body = EventTaken)))]
pub async fn report_event(by: Caller, body: Json<EventIn>) -> Result<(StatusCode, Json<EventTaken>)> {
    by.portal_wide()?;
    let EventIn { name, payload } = body.0;
    events::check_custom(&name).map_err(|text| Error::field("name", text))?;
    let payload = serde_json::Value::Object(payload);
    if payload.to_string().len() > 64 * 1024 {
        return Err(Error::field("payload", "Use at most 64 KB"));
    }
    let mut tx = by.begin().await?;
    let event_id = emit_named(&mut tx, &name, payload).await?;
    tx.audit(shared::audit::Change::new("automation.event", "event", event_id).label(&name));
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(EventTaken { event_id })))
}
