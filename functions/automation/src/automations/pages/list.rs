//! All automations, with what may be done to each.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::context::encode_component;
use shared::error::Result;
use shared::format::plural;
use shared::page::Page;
use shared::web::{Form, PageOf, Paging, Path, Query};

use super::{sample, sample_time};
use crate::automations::model::{Automation, Draft, Filter, Sample};
use crate::automations::store::{self, Counts};
use crate::automations::{modules, runs};
use crate::pause::{self, Pause};

/// An automation in the table.
#[derive(Debug, Serialize)]
pub struct Row {
    id: i64,
    name: String,
    kind: &'static str,
    when: String,
    does: String,
    state: &'static str,
    next_run_at: Option<DateTime<Utc>>,
    last_run_at: Option<DateTime<Utc>>,
    last_status: Option<String>,
}

impl Row {
    fn of(row: &Automation, now: DateTime<Utc>) -> Self {
        let draft = row.draft();
        let does = match draft.actions.as_slice() {
            [one] => modules::find(&one.module).map_or_else(|| one.module.clone(), |module| module.label.to_owned()),
            many => plural(i64::try_from(many.len()).unwrap_or(0), "action"),
        };
        Self {
            id: row.id,
            name: row.name.clone(),
            kind: if row.kind == "event" { "Event" } else { "Schedule" },
            when: draft.when(row.anchor_at.unwrap_or(now)),
            does,
            state: row.state(),
            next_run_at: row.next_run_at,
            last_run_at: row.last_run_at,
            last_status: row.last_status.clone(),
        }
    }
}

/// The page.
#[derive(Debug, Serialize)]
pub struct AutomationList {
    pause: Option<Pause>,
    active: i64,
    inactive: i64,
    scheduled: i64,
    event: i64,
    list: PageOf<Row>,
    q: String,
    status: String,
    kind: String,
    page_url: String,
    is_filtered: bool,
}

impl AutomationList {
    fn new(pause: Option<Pause>, counts: Counts, list: PageOf<Row>, filter: &Filter) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let (q, status, kind) = (text(&filter.search), text(&filter.status), text(&filter.kind));
        let kept = [&q, &status, &kind].map(|text| encode_component(text));
        Self {
            pause,
            active: counts.active,
            inactive: counts.inactive,
            scheduled: counts.scheduled,
            event: counts.event,
            page_url: format!(
                "/admin/automations?q={}&status={}&kind={}&size={}&page=",
                kept[0], kept[1], kept[2], list.size
            ),
            is_filtered: !q.is_empty() || !status.is_empty() || !kind.is_empty(),
            list,
            q,
            status,
            kind,
        }
    }
}

impl Page for AutomationList {
    const TEMPLATE: &'static str = "automations/list.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("automations-list", "automations/_list.html")];

    fn samples() -> Vec<Self> {
        let nightly = Automation {
            kind: "scheduled".to_owned(),
            cadence: Some("daily".to_owned()),
            status: "inactive".to_owned(),
            stopped_at: Some(sample_time()),
            next_run_at: Some(sample_time()),
            last_status: None,
            ..sample()
        };
        let counts = Counts { active: 1, inactive: 1, scheduled: 1, event: 1 };
        let rows = vec![Row::of(&sample(), sample_time()), Row::of(&nightly, sample_time())];
        let page = |rows, count| PageOf::new(rows, Paging::default(), count);
        let pause = Pause { paused_at: sample_time(), paused_by: None };
        let narrow = Filter { search: Some("x".to_owned()), ..Filter::default() };
        vec![
            Self::new(None, counts, page(rows, 2), &Filter::default()),
            Self::new(Some(pause), counts, page(Vec::new(), 0), &narrow),
            Self::new(None, Counts::default(), page(Vec::new(), 0), &Filter::default()),
        ]
    }
}

/// The page.
pub async fn list(by: SuperAdmin, filter: Query<Filter>, paging: Query<Paging>) -> Result<Response> {
    let counts = store::counts(by.db()).await?;
    let (rows, counted) = store::list(by.db(), &filter, paging.size(), paging.offset()).await?;
    let now = by.now();
    let rows = PageOf::new(rows, paging.value, counted).map(|row| Row::of(&row, now));
    by.page(&AutomationList::new(pause::current(by.db()).await?, counts, rows, &filter)).await
}

/// On or off.
#[derive(Debug, Default, Deserialize)]
pub struct Status {
    #[serde(default)]
    status: String,
}

/// Switches an automation on or off.
pub async fn set_status(by: SuperAdmin, Path(id): Path<i64>, form: Form<Status>) -> Result<Response> {
    let back = format!("/admin/automations/{id}");
    let row = store::set_status(&by, id, &form.status).await.map_err(|error| error.or_see(back))?;
    let text = format!("{} is {}", row.name, if row.status == "active" { "on" } else { "off" });
    by.see("/admin/automations", Flash::done(text)).await
}

/// Runs an automation now, without an event; its page follows the run.
pub async fn execute(by: SuperAdmin, Path(id): Path<i64>, form: Form<Sample>) -> Result<Response> {
    let row = store::find(by.db(), id).await?;
    let back = format!("/admin/automations/{id}");
    let event = runs::sample_event(by.db(), &row, form.value.clone(), by.now()).await;
    let event = event.map_err(|error| error.or_see(back.clone()))?;
    let run = runs::start(&by, &row, &event).await.map_err(|error| error.or_see(format!("{back}/runs")))?;
    by.see(format!("{back}/runs/{run}"), Flash::done("Run queued. It starts as soon as a worker is free.")).await
}

/// Makes a copy that is off.
pub async fn duplicate(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let draft = store::find(by.db(), id).await?.draft();
    let name: String = format!("Copy of {}", draft.name).chars().take(255).collect();
    let copy = store::create(&by, Draft { name, status: "inactive".to_owned(), ..draft }).await?;
    by.see(format!("/admin/automations/{}", copy.id), Flash::done("Copy made. It is off.")).await
}
