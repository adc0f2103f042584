//! The history of an automation, and one run with what each action did.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::error::Result;
use shared::page::Page;
use shared::web::{Path, Query};

use super::sample_time;
use crate::automations::runs::{self, Row};
use crate::automations::{modules, store};
use crate::scheduler::pages::took;

/// Runs on a page.
const SHOWN: i64 = 50;

/// A run in the table.
#[derive(Debug, Serialize)]
pub struct Line {
    id: i64,
    status: String,
    cause: String,
    about: Option<String>,
    at: DateTime<Utc>,
    took: Option<String>,
    error: Option<String>,
}

impl From<Row> for Line {
    fn from(run: Row) -> Self {
        let event = run.event();
        Self {
            cause: cause(&run),
            about: about(&event),
            id: run.id,
            status: run.status,
            at: run.started_at.unwrap_or(run.created_at),
            took: run.duration_ms.map(took),
            error: run.error_message,
        }
    }
}

fn cause(run: &Row) -> String {
    match (run.started_by.as_str(), &run.triggered_by, &run.event_name) {
        ("manual", Some(name), _) => format!("By {name}"),
        ("manual", None, _) => "By hand".to_owned(),
        ("event", _, Some(name)) => crate::automations::events::label(name),
        _ => "Schedule".to_owned(),
    }
}

/// The ticket that an event is about.
fn about(event: &Value) -> Option<String> {
    let ticket = event.get("ticket")?;
    Some(format!("#{} {}", ticket.get("id")?, ticket.get("subject")?.as_str()?))
}

/// The history.
#[derive(Debug, Serialize)]
pub struct AutomationRuns {
    id: i64,
    name: String,
    rows: Vec<Line>,
    status: String,
    is_live: bool,
}

impl AutomationRuns {
    fn new(id: i64, name: &str, rows: Vec<Row>, status: &str) -> Self {
        let is_live = rows.iter().any(Row::is_open);
        Self {
            id,
            name: name.to_owned(),
            rows: rows.into_iter().map(Line::from).collect(),
            status: status.to_owned(),
            is_live,
        }
    }
}

fn sample_run(status: &str) -> Row {
    Row {
        id: 40,
        automation_id: 5,
        started_by: "event".to_owned(),
        scheduled_for: None,
        event_id: Some(812),
        event_name: Some("tickets.created".to_owned()),
        event_payload: Some(json!({"ticket": {"id": 10432, "subject": "Printer in room 4 jams"}}).to_string()),
        depth: 0,
        status: status.to_owned(),
        started_at: Some(sample_time()),
        finished_at: Some(sample_time()),
        duration_ms: Some(640),
        result_payload: Some(
            json!([{"module": "ntfy", "status": "succeeded", "result": {"topic": "desk"}, "error": null,
                "warning": null, "duration_ms": 610}, {"module": "smtp", "status": "failed", "result": {},
                "error": "no answer", "warning": "Nothing is known of ticket.oops", "duration_ms": 30}])
            .to_string(),
        ),
        error_message: Some("Action 2: no answer".to_owned()),
        created_at: sample_time(),
        triggered_by: None,
    }
}

impl Page for AutomationRuns {
    const TEMPLATE: &'static str = "automations/runs.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("automation-runs", "automations/_runs.html")];

    fn samples() -> Vec<Self> {
        let rows = vec![sample_run("running"), sample_run("failed")];
        vec![
            Self::new(5, "Urgent", rows, ""),
            Self::new(5, "Urgent", Vec::new(), "failed"),
            Self::new(5, "Urgent", Vec::new(), ""),
        ]
    }
}

/// What narrows the history.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RunQuery {
    status: String,
}

impl RunQuery {
    /// The state that is wanted; every state when it is empty.
    pub(super) fn status(&self) -> &str {
        &self.status
    }
}

/// The last 50 runs.
pub async fn list(by: SuperAdmin, Path(id): Path<i64>, query: Query<RunQuery>) -> Result<Response> {
    let row = store::find(by.db(), id).await?;
    let rows = runs::of(by.db(), id, &query.status, SHOWN, 0).await?;
    by.page(&AutomationRuns::new(id, &row.name, rows, &query.status)).await
}

/// What an action did.
#[derive(Debug, Serialize)]
pub struct Done {
    label: String,
    status: String,
    error: Option<String>,
    warning: Option<String>,
    took: Option<String>,
    result: String,
}

fn done(step: &Value) -> Done {
    let text = |key: &str| step.get(key).and_then(Value::as_str).map(str::to_owned);
    let slug = text("module").unwrap_or_default();
    Done {
        label: modules::find(&slug).map_or(slug, |module| module.label.to_owned()),
        status: text("status").unwrap_or_default(),
        error: text("error"),
        warning: text("warning"),
        took: step.get("duration_ms").and_then(Value::as_i64).map(took),
        result: serde_json::to_string_pretty(step.get("result").unwrap_or(&Value::Null)).unwrap_or_default(),
    }
}

/// One run.
#[derive(Debug, Serialize)]
pub struct AutomationRunShow {
    id: i64,
    run_id: i64,
    name: String,
    line: Line,
    steps: Vec<Done>,
    event: String,
    is_live: bool,
    not_run: i64,
}

impl AutomationRunShow {
    fn new(id: i64, name: &str, run: Row, actions: usize) -> Self {
        let steps: Vec<Done> = run.steps().as_array().map(|list| list.iter().map(done).collect()).unwrap_or_default();
        let is_live = run.is_open();
        let left = if is_live { 0 } else { actions.saturating_sub(steps.len()) };
        Self {
            id,
            run_id: run.id,
            name: name.to_owned(),
            event: serde_json::to_string_pretty(&run.event()).unwrap_or_default(),
            steps,
            is_live,
            not_run: i64::try_from(left).unwrap_or(0),
            line: run.into(),
        }
    }
}

impl Page for AutomationRunShow {
    const TEMPLATE: &'static str = "automations/run.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("automation-run", "automations/_run.html")];

    fn samples() -> Vec<Self> {
        let waiting = Row { result_payload: None, error_message: None, started_at: None, ..sample_run("queued") };
        vec![Self::new(5, "Urgent", sample_run("failed"), 3), Self::new(5, "Urgent", waiting, 3)]
    }
}

/// One run with what each action did.
pub async fn show(by: SuperAdmin, Path((id, run)): Path<(i64, i64)>) -> Result<Response> {
    let row = store::find(by.db(), id).await?;
    let run = runs::find(by.db(), id, run).await?;
    by.page(&AutomationRunShow::new(id, &row.name, run, row.draft().actions.len())).await
}

/// Runs the automation again with the event as it was.
pub async fn again(by: SuperAdmin, Path((id, run)): Path<(i64, i64)>) -> Result<Response> {
    let row = store::find(by.db(), id).await?;
    let old = runs::find(by.db(), id, run).await?;
    let back = format!("/admin/automations/{id}/runs");
    let new = runs::start(&by, &row, &old.event()).await.map_err(|error| error.or_see(format!("{back}/{run}")))?;
    by.see(format!("{back}/{new}"), Flash::done("Run queued with the same event.")).await
}
