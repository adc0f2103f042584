//! When the model is asked, and what comes of it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;
use shared::app::App;
use shared::db::Tx;
use shared::error::Result;
use shared::jobs::{self, JobError, NewJob, Run, Schedule};
use shared::modules::call::ollama::{self, Prompt};
use shared::modules::{self, Slug, settings};

use super::answer::{self, Summary};
use super::prompt::{self, Questions};
use super::store::{self, Told};
use crate::scope::Scope;
use crate::store as tickets;

/// Kind of the job that asks the model.
pub const REFRESH: &str = "ticket.ai_refresh";

/// What happens within this time leads to one question.
const CALM: TimeDelta = TimeDelta::seconds(20);

/// Changes of these fields are worth a question.
const FIELDS: [&str; 6] = ["subject", "description", "status", "priority", "category", "module_slug"];

/// Questions of one job: when a ticket changes while the model thinks, it is asked again.
const ROUNDS: usize = 3;

#[derive(Deserialize)]
struct Notice {
    ticket_id: i64,
    fields: Option<Vec<String>>,
    #[serde(default)]
    quiet: bool,
}

#[derive(Deserialize)]
struct Refresh {
    ticket_id: i64,
}

/// True when there is a model to ask.
pub async fn is_ready(app: &App) -> Result<bool> {
    modules::find(app, app.db(), Slug::Ollama).await?.is_ready(app)
}

/// Something happened to a ticket.
pub async fn notice(run: Run) -> Result<(), JobError> {
    let notice: Notice = run.payload()?;
    let matters = notice.fields.as_ref().is_none_or(|fields| fields.iter().any(|f| FIELDS.contains(&f.as_str())));
    // What an import brought is summarised only when the import was asked to.
    if notice.quiet || !matters {
        return Ok(());
    }
    let is_ready = is_ready(run.app()).await?;
    let mut tx = run.begin().await?;
    tx.housekeeping();
    if is_ready {
        queue(&mut tx, notice.ticket_id, run.now() + CALM, 100).await?;
    } else {
        store::mark(&mut tx, notice.ticket_id, "skipped").await?;
    }
    Ok(tx.commit().await?)
}

/// Queues the question about a ticket, one at a time; a waiting one is put off.
pub async fn queue(tx: &mut Tx, ticket_id: i64, at: DateTime<Utc>, priority: i64) -> Result<()> {
    let key = format!("ticket-ai:{ticket_id}");
    let job = NewJob::new(REFRESH, json!({ "ticket_id": ticket_id })).dedupe(key.clone()).run_at(at);
    if job.priority(priority).schedule(Schedule::Model).queue(tx).await?.is_none() {
        jobs::put_off(tx, &key, at).await?;
    }
    store::mark(tx, ticket_id, "pending").await
}

/// Asks the model about a ticket.
pub async fn refresh(run: Run) -> Result<(), JobError> {
    let Refresh { ticket_id } = run.payload()?;
    for _ in 0..ROUNDS {
        let Some(questions) = questions(&run, ticket_id).await? else { return Ok(()) };
        if store::hash(run.db(), ticket_id).await?.as_deref() == Some(&questions.hash) {
            return mark(&run, ticket_id, "succeeded").await;
        }
        let ticket = tickets::find(Scope::everywhere(), run.db(), ticket_id).await?;
        let summary = ask(&run, &questions.summary, answer::summary).await?;
        let tags = ask(&run, &questions.tags, |text| {
            answer::tags(text, ticket.category.as_deref(), ticket.module_slug.as_deref())
        })
        .await?;
        let (Some(summary), Some(tags)) = (summary, tags) else {
            return mark(&run, ticket_id, "skipped").await;
        };
        settle(&run, ticket_id, &questions.hash, summary, tags).await?;
    }
    Ok(())
}

/// The questions as the ticket is now; none when it is gone.
async fn questions(run: &Run, ticket_id: i64) -> Result<Option<Questions>, JobError> {
    let ticket = match tickets::find(Scope::everywhere(), run.db(), ticket_id).await {
        Ok(ticket) => ticket,
        Err(error) if error.status() == http::StatusCode::NOT_FOUND => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let module = modules::find(run.app(), run.db(), Slug::Ollama).await?;
    let set: settings::Ollama = module.settings()?;
    let said = store::said(run.db(), ticket_id).await?;
    Ok(Some(prompt::questions(&ticket, &said, set.include_emails)))
}

type Asked<T> = Option<Result<(T, String), String>>;

async fn ask<T>(run: &Run, prompt: &Prompt, read: impl FnOnce(&str) -> Option<T>) -> Result<Asked<T>, JobError> {
    let Some(answered) = ollama::generate(run.app(), prompt).await? else { return Ok(None) };
    Ok(Some(answered.and_then(|answer| match read(&answer.text) {
        Some(read) => Ok((read, answer.model)),
        None => Err("The model's answer cannot be used".to_owned()),
    })))
}

/// Keeps what came; what failed is tried again twice, then says so.
async fn settle(
    run: &Run,
    ticket_id: i64,
    hash: &str,
    summary: Result<(Summary, String), String>,
    tags: Result<(Vec<String>, String), String>,
) -> Result<(), JobError> {
    let fault = summary.as_ref().err().or(tags.as_ref().err()).cloned();
    if let (Some(fault), false) = (&fault, run.is_last) {
        return Err(JobError::Retry(fault.clone()));
    }
    let (summary, tags): (Told<Summary>, Told<Vec<String>>) = (summary.ok(), tags.ok());
    let mut tx = run.begin().await?;
    tx.housekeeping();
    store::keep(&mut tx, ticket_id, hash, summary, tags).await?;
    tx.commit().await?;
    fault.map_or(Ok(()), |fault| Err(JobError::Fail(fault)))
}

async fn mark(run: &Run, ticket_id: i64, status: &str) -> Result<(), JobError> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    store::mark(&mut tx, ticket_id, status).await?;
    Ok(tx.commit().await?)
}
