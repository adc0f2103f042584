//! The form of a task: new, changed, and its timetable tried out.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::commands;
use shared::config::Config;
use shared::context::By;
use shared::error::{Error, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Path};

use super::{sample, sample_time};
use crate::scheduler::model::{Draft, Preview, PreviewQuery, Typed};
use crate::scheduler::{store, zones};

/// What a select offers.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Choice {
    pub value: String,
    pub label: String,
}

impl Choice {
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// What the expression in the form means.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// In plain words, or what is wrong.
    pub text: String,
    /// The next times.
    pub next: Vec<DateTime<Utc>>,
    /// The zone they are shown in.
    pub zone: String,
    /// The expression cannot be read.
    pub is_wrong: bool,
}

impl Shown {
    pub(crate) fn of(cron: &str, zone: &str, config: &Config, now: DateTime<Utc>) -> Self {
        let query = PreviewQuery { cron: cron.to_owned(), timezone: Some(zone.to_owned()) };
        let zone = zone.trim().to_owned();
        match Preview::of(&query, config, now) {
            Ok(preview) => Self { text: preview.description, next: preview.next, zone, is_wrong: false },
            Err(invalid) => {
                let text = invalid.iter().next().map(|(_, text)| text.to_owned()).unwrap_or_default();
                Self { text, next: Vec::new(), zone: "UTC".to_owned(), is_wrong: true }
            }
        }
    }
}

/// The form on its page.
#[derive(Debug, Serialize)]
pub struct TaskForm {
    /// None for a new task.
    id: Option<i64>,
    name: String,
    version: i64,
    form: FormState,
    preview: Shown,
    commands: Vec<Choice>,
    helps: Vec<Choice>,
    companies: Vec<Choice>,
    zones: Vec<Choice>,
}

impl TaskForm {
    fn build(config: &Config, now: DateTime<Utc>, companies: Vec<(i64, String)>, form: FormState) -> Self {
        let commands: Vec<_> = commands::offered(config).collect();
        Self {
            id: None,
            name: String::new(),
            version: 0,
            preview: Shown::of(form.value("cron"), form.value("timezone"), config, now),
            commands: commands.iter().map(|c| Choice::new(c.name, c.label)).collect(),
            helps: commands.iter().map(|c| Choice::new(c.label, c.help)).collect(),
            companies: companies.into_iter().map(|(id, name)| Choice::new(id.to_string(), name)).collect(),
            zones: zones().into_iter().map(|name| Choice::new(name, name)).collect(),
            form,
        }
    }

    async fn load(by: &By, form: FormState) -> Result<Self> {
        Ok(Self::build(by.app().config(), by.now(), store::companies(by.db()).await?, form))
    }

    fn of_task(self, id: i64, name: &str, version: i64) -> Self {
        Self { id: Some(id), name: name.to_owned(), version, ..self }
    }
}

impl Page for TaskForm {
    const TEMPLATE: &'static str = "scheduler/task.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("cron-preview", "scheduler/_preview.html")];

    fn samples() -> Vec<Self> {
        let Ok(config) = Config::from_source(|_| None) else { return Vec::new() };
        let companies = || vec![(4, "Northwind Dental".to_owned())];
        let form = sample().draft().state();
        let wrong = Typed { cron: "0 0 30 2 *".to_owned(), timezone: "UTC".to_owned(), ..Typed::default() };
        let refused = wrong.draft().check(&config, sample_time()).err();
        let state = wrong.draft().state();
        let state = refused.map_or(state.clone(), |invalid| state.refused(&invalid));
        vec![
            Self::build(&config, sample_time(), companies(), form).of_task(3, "Clean up history", 4),
            Self::build(&config, sample_time(), companies(), state),
        ]
    }
}

/// The form of a new task.
pub async fn new(by: SuperAdmin) -> Result<Response> {
    let form = Draft::blank(by.app().config()).state();
    by.page(&TaskForm::load(&by, form).await?).await
}

/// The form of a task that exists.
pub async fn edit(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let task = store::find(by.db(), id).await?;
    by.page(&TaskForm::load(&by, task.draft().state()).await?.of_task(id, &task.name, task.version)).await
}

/// The form again with what the timetable means; with script only that part is replaced.
pub async fn preview(by: SuperAdmin, form: Form<Typed>) -> Result<Response> {
    by.page(&TaskForm::load(&by, form.state()).await?).await
}

/// The same for a task that exists.
pub async fn preview_of(by: SuperAdmin, Path(id): Path<i64>, form: Form<Typed>) -> Result<Response> {
    let task = store::find(by.db(), id).await?;
    let version = form.version.parse().unwrap_or(task.version);
    by.page(&TaskForm::load(&by, form.state()).await?.of_task(id, &task.name, version)).await
}

/// What was typed, with what is wrong; other errors pass.
fn again(error: Error, form: &Form<Typed>) -> Result<FormState> {
    match error {
        Error::Invalid(invalid) => Ok(form.refused(&invalid)),
        error if matches!(error.status(), http::StatusCode::BAD_REQUEST | http::StatusCode::CONFLICT) => {
            Ok(form.state().complain(error.detail()))
        }
        error => Err(error),
    }
}

/// Adds a task.
pub async fn create(by: SuperAdmin, form: Form<Typed>) -> Result<Response> {
    match store::create(&by, form.draft()).await {
        Ok(task) => by.see("/admin/automation#tasks", Flash::done(format!("{} created", task.name))).await,
        Err(error) => by.page_again(&TaskForm::load(&by, again(error, &form)?).await?).await,
    }
}

/// Saves a task.
pub async fn update(by: SuperAdmin, Path(id): Path<i64>, form: Form<Typed>) -> Result<Response> {
    let draft = form.draft();
    match store::update(&by, id, form.version.parse().ok(), |_| draft).await {
        Ok(task) => by.see("/admin/automation#tasks", Flash::done(format!("{} saved", task.name))).await,
        Err(error) => {
            let state = again(error, &form)?;
            let task = store::find(by.db(), id).await?;
            let version = form.version.parse().unwrap_or(task.version);
            by.page_again(&TaskForm::load(&by, state).await?.of_task(id, &task.name, version)).await
        }
    }
}
