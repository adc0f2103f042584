//! The history: runs of a task with their live state, and runs of all tasks.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::caller::SuperAdmin;
use shared::context::encode_component;
use shared::error::Result;
use shared::page::Page;
use shared::web::{Path, Query};

use super::{sample_runs, took};
use crate::scheduler::model::TaskRun;
use crate::scheduler::{runs, store};

/// Runs on the page of a task.
const SHOWN: i64 = 50;

/// A run in a table.
#[derive(Debug, Serialize)]
pub struct Row {
    id: i64,
    task_id: i64,
    task: String,
    status: String,
    cause: String,
    at: DateTime<Utc>,
    is_waiting: bool,
    took: Option<String>,
    summary: Option<String>,
    details: Option<String>,
}

impl From<TaskRun> for Row {
    fn from(run: TaskRun) -> Self {
        let cause = match (run.started_by.as_str(), run.triggered_by) {
            ("retry", _) => format!("Try {}", run.attempt),
            ("manual", Some(name)) => format!("By {name}"),
            ("manual", None) => "By hand".to_owned(),
            _ => "Timetable".to_owned(),
        };
        // One line is the whole of it; more lines fold.
        let details = run.details.filter(|text| !text.is_empty());
        let is_long = details.as_ref().is_some_and(|text| text.contains('\n') || text.chars().count() > 80);
        let summary = details.as_ref().map(|text| first_line(text));
        Self {
            id: run.id,
            task_id: run.task_id,
            task: run.task_name,
            cause,
            at: run.started_at.unwrap_or(run.due_at),
            is_waiting: run.status == "queued",
            status: run.status,
            took: run.duration_ms.map(took),
            summary,
            details: details.filter(|_| is_long),
        }
    }
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() > 80 { line.chars().take(79).chain(['…']).collect() } else { line.to_owned() }
}

/// The history of a task.
#[derive(Debug, Serialize)]
pub struct TaskRuns {
    id: i64,
    name: String,
    active: bool,
    is_busy: bool,
    rows: Vec<Row>,
    status: String,
    is_live: bool,
}

impl Page for TaskRuns {
    const TEMPLATE: &'static str = "scheduler/runs.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("task-runs", "scheduler/_runs.html")];

    fn samples() -> Vec<Self> {
        let page = |runs: Vec<TaskRun>, status: &str| Self::new(3, "Clean up history", runs, status);
        vec![page(sample_runs(), ""), page(Vec::new(), "failed"), page(Vec::new(), "")]
    }
}

impl TaskRuns {
    fn new(id: i64, name: &str, runs: Vec<TaskRun>, status: &str) -> Self {
        let is_live = runs.iter().any(|run| matches!(run.status.as_str(), "queued" | "running"));
        let wanted = runs.into_iter().filter(|run| status.is_empty() || run.status == status);
        let rows = wanted.map(Row::from).collect();
        Self { id, name: name.to_owned(), active: true, is_busy: is_live, rows, status: status.to_owned(), is_live }
    }
}

/// What narrows the history.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RunQuery {
    status: String,
    before: Option<i64>,
}

/// The history of a task: its last 50 runs.
pub async fn of_task(by: SuperAdmin, Path(id): Path<i64>, query: Query<RunQuery>) -> Result<Response> {
    let task = store::find(by.db(), id).await?;
    let runs = runs::of_task(by.db(), id, SHOWN, 0).await?;
    let page = TaskRuns::new(id, &task.name, runs, &query.status);
    by.page(&TaskRuns { active: task.active, is_busy: task.active_run_id.is_some(), ..page }).await
}

/// Runs of all tasks.
#[derive(Debug, Serialize)]
pub struct AllRuns {
    rows: Vec<Row>,
    status: String,
    older: Option<String>,
    newer: Option<String>,
}

impl AllRuns {
    fn new(mut runs: Vec<TaskRun>, query: &RunQuery) -> Self {
        let more = runs.len() > usize::try_from(SHOWN).unwrap_or(0);
        runs.truncate(usize::try_from(SHOWN).unwrap_or(0));
        let url = format!("/admin/automation/runs?status={}", encode_component(&query.status));
        let older = runs.last().filter(|_| more).map(|run| format!("{url}&before={}", run.id));
        Self {
            rows: runs.into_iter().map(Row::from).collect(),
            status: query.status.clone(),
            older,
            newer: query.before.map(|_| url),
        }
    }
}

impl Page for AllRuns {
    const TEMPLATE: &'static str = "scheduler/all_runs.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("runs-list", "scheduler/_all_runs.html")];

    fn samples() -> Vec<Self> {
        let failed = RunQuery { status: "failed".to_owned(), before: Some(9) };
        vec![Self::new(sample_runs(), &RunQuery::default()), Self::new(Vec::new(), &failed)]
    }
}

/// Runs of all tasks, newest first.
pub async fn all(by: SuperAdmin, query: Query<RunQuery>) -> Result<Response> {
    let runs = runs::newest(by.db(), &query.status, query.before, SHOWN + 1).await?;
    by.page(&AllRuns::new(runs, &query.value)).await
}
