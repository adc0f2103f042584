//! "Automation & monitoring": the numbers and the tasks, with what may be done to each.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::commands;
use shared::context::encode_component;
use shared::error::Result;
use shared::page::Page;
use shared::web::{Form, PageOf, Paging, Path, Query};

use super::{sample, sample_time};
use crate::pause::{self, Pause};
use crate::scheduler::dashboard::{self, Dashboard};
use crate::scheduler::model::{Activation, Task};
use crate::scheduler::store::{self, Filter};
use crate::scheduler::words::describe;

/// A task in the table.
#[derive(Debug, Serialize)]
pub struct Row {
    id: i64,
    name: String,
    command: String,
    company: Option<String>,
    works_for_companies: bool,
    words: String,
    cron: String,
    timezone: String,
    active: bool,
    is_busy: bool,
    next_run_at: Option<DateTime<Utc>>,
    last_run_at: Option<DateTime<Utc>>,
    last_status: Option<String>,
}

impl From<Task> for Row {
    fn from(task: Task) -> Self {
        let words = task.timetable().map_or_else(|| task.cron.clone(), |(cron, _)| describe(&cron));
        let known = commands::names().any(|name| name == task.command);
        Self {
            id: task.id,
            words,
            command: commands::label(&task.command).to_owned(),
            works_for_companies: task.company_id.is_some() || !known,
            company: task.company_name,
            name: task.name,
            cron: task.cron,
            timezone: task.timezone,
            active: task.active,
            is_busy: task.active_run_id.is_some(),
            next_run_at: task.next_run_at,
            last_run_at: task.last_run_at,
            last_status: task.last_status,
        }
    }
}

/// What narrows the table.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct TaskQuery {
    q: String,
    active: String,
    last: String,
    sort: String,
}

impl TaskQuery {
    fn filter(&self) -> Filter {
        let sort = if self.sort.is_empty() { "name" } else { &self.sort };
        Filter { q: self.q.clone(), active: self.active.clone(), last: self.last.clone(), sort: sort.to_owned() }
    }
}

/// The page.
#[derive(Debug, Serialize)]
pub struct TaskList {
    pause: Option<Pause>,
    dashboard: Dashboard,
    list: PageOf<Row>,
    q: String,
    active: String,
    last: String,
    sort: String,
    page_url: String,
    sort_url: String,
    is_filtered: bool,
}

impl TaskList {
    fn new(pause: Option<Pause>, dashboard: Dashboard, list: PageOf<Row>, filter: Filter) -> Self {
        let Filter { q, active, last, sort } = filter;
        let kept = format!(
            "/admin/automation?q={}&active={}&last={}",
            encode_component(&q),
            encode_component(&active),
            encode_component(&last)
        );
        Self {
            page_url: format!("{kept}&sort={}&size={}&page=", encode_component(&sort), list.size),
            sort_url: format!("{kept}&size={}&sort=", list.size),
            is_filtered: !q.is_empty() || !active.is_empty() || !last.is_empty(),
            pause,
            dashboard,
            list,
            q,
            active,
            last,
            sort,
        }
    }
}

impl Page for TaskList {
    const TEMPLATE: &'static str = "scheduler/list.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("tasks-list", "scheduler/_list.html")];

    fn samples() -> Vec<Self> {
        let [busy, silent] = dashboard::samples(sample_time());
        let off = Task {
            id: 5,
            name: "Sync assets of Northwind".to_owned(),
            command: "test_companies".to_owned(),
            company_id: Some(4),
            company_name: Some("Northwind Dental".to_owned()),
            active: false,
            active_run_id: Some(8),
            next_run_at: None,
            last_run_at: None,
            last_status: None,
            ..sample()
        };
        let rows = vec![sample().into(), off.into()];
        let page = |rows, count| PageOf::new(rows, Paging::default(), count);
        let filter = TaskQuery::default().filter();
        let narrow = Filter { q: "x".to_owned(), ..filter.clone() };
        let pause = Pause { paused_at: sample_time(), paused_by: Some("Olivia Grant".to_owned()) };
        vec![Self::new(None, busy, page(rows, 2), filter), Self::new(Some(pause), silent, page(Vec::new(), 0), narrow)]
    }
}

/// The page.
pub async fn list(by: SuperAdmin, query: Query<TaskQuery>, paging: Query<Paging>) -> Result<Response> {
    let filter = query.filter();
    let dashboard = dashboard::load(by.db(), by.now()).await?;
    let (tasks, counted) = store::list(by.db(), &filter, paging.size(), paging.offset()).await?;
    let rows = PageOf::new(tasks, paging.value, counted).map(Row::from);
    by.page(&TaskList::new(pause::current(by.db()).await?, dashboard, rows, filter)).await
}

/// The address that the original had.
pub async fn moved(by: SuperAdmin) -> Result<Response> {
    Ok(by.go("/admin/automation"))
}

/// Switches a task on or off.
pub async fn activate(by: SuperAdmin, Path(id): Path<i64>, form: Form<Activation>) -> Result<Response> {
    let task = store::activate(&by, id, form.active).await?;
    let text = format!("{} is {}", task.name, if task.active { "on" } else { "off" });
    by.see("/admin/automation#tasks", Flash::done(text)).await
}

/// Queues a run.
pub async fn start(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let back = format!("/admin/automation/tasks/{id}/runs");
    store::start(&by, id).await.map_err(|error| error.or_see(back.clone()))?;
    by.see(&back, Flash::done("Run queued. It starts as soon as a worker is free.")).await
}
