//! What leaves as a file: an automation for another portal, and its history for a spreadsheet.

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use http::header;
use serde_json::{Value, json};
use shared::audit::Change;
use shared::caller::SuperAdmin;
use shared::context::By;
use shared::error::Result;
use shared::web::{Path, Query, csv_cell};

use super::runs::RunQuery;
use crate::automations::runs::{self, Row};
use crate::automations::store;

/// Runs in one file; no automation keeps more.
const MOST: i64 = 500;

const HEAD: &str =
    "id,status,trigger,started_by,event,ticket,scheduled_for,started_at,finished_at,duration_ms,error\r\n";

fn file(kind: &'static str, name: &str, body: String) -> Response {
    let name = format!("attachment; filename=\"{name}\"");
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)];
    (headers, body).into_response()
}

/// The automation as the API and the import take it, without what belongs to this portal.
pub async fn automation(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let row = store::find(by.db(), id).await?;
    let draft = row.draft();
    let body = json!({
        "name": draft.name, "description": draft.description, "kind": draft.kind, "cadence": draft.cadence,
        "cron_expression": draft.cron_expression, "timezone": draft.timezone, "trigger_event": draft.trigger_event,
        "trigger_filters": draft.trigger_filters, "action_payload": {"actions": draft.actions},
    });
    told(&by, "automation.exported", &row, json!(1)).await?;
    Ok(file("application/json", &format!("automation-{id}.json"), serde_json::to_string_pretty(&body)?))
}

/// The history as CSV, newest first, times in UTC.
pub async fn history(by: SuperAdmin, Path(id): Path<i64>, query: Query<RunQuery>) -> Result<Response> {
    let row = store::find(by.db(), id).await?;
    let runs = runs::of(by.db(), id, query.status(), MOST, 0).await?;
    told(&by, "automation.runs_exported", &row, json!(runs.len())).await?;
    let body: String = std::iter::once(HEAD.to_owned()).chain(runs.iter().map(line)).collect();
    let name = format!("automation-{id}-runs-{}.csv", by.now().format("%Y-%m-%d"));
    Ok(file("text/csv; charset=utf-8", &name, body))
}

async fn told(by: &By, action: &'static str, row: &crate::automations::model::Automation, rows: Value) -> Result<()> {
    let mut tx = by.begin().await?;
    tx.audit(Change::new(action, "automation", row.id).label(&row.name).meta("rows", rows));
    tx.commit().await
}

fn line(run: &Row) -> String {
    let at = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let ticket = run.event().pointer("/ticket/id").map(Value::to_string).unwrap_or_default();
    let cells = [
        run.id.to_string(),
        run.status.clone(),
        run.started_by.clone(),
        text(&run.triggered_by),
        text(&run.event_name),
        ticket,
        at(run.scheduled_for),
        at(run.started_at),
        at(run.finished_at),
        run.duration_ms.map(|ms| ms.to_string()).unwrap_or_default(),
        text(&run.error_message),
    ];
    cells.map(|cell| csv_cell(&cell)).join(",") + "\r\n"
}
