//! Doing a run (automation 3.5): the actions in order, each with its variables filled in, until one fails;
//! what each did is kept as the run goes on.

use std::time::Instant;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::app::App;
use shared::audit::Change;
use shared::db::{Sql, Tx, sql};
use shared::error::Result;
use shared::jobs::{JobError, Run};
use shared::modules::Slug;
use shared::modules::call::{self, Outcome};
use shared::notify::{self, Notice};

use super::model::{Action, Draft};
use super::{built_in, events, modules, store, variables};
use crate::lease::{By, Lease, Runs, begin};
use crate::pause;

/// Failures in a row after which an automation is switched off.
pub const MOST_FAILURES: i64 = 10;
/// What a step keeps of an answer, in bytes.
const MAX_RESULT: usize = 8 * 1024;
/// Recipients of one email step.
const MOST_RECIPIENTS: usize = 20;

/// What an action did.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    module: String,
    status: &'static str,
    result: Value,
    error: Option<String>,
    warning: Option<String>,
    duration_ms: i64,
}

#[derive(Debug, sqlx::FromRow)]
struct Claimed {
    automation_id: i64,
    started_by: String,
    event_payload: Option<String>,
    depth: i64,
}

/// The handler of `automation.run`.
pub async fn run_automation(run: Run) -> Result<(), JobError> {
    #[derive(Deserialize)]
    struct Payload {
        run_id: i64,
    }
    let payload: Payload = run.payload()?;
    let Some((claimed, lease)) = claim(&run, payload.run_id).await? else { return Ok(()) };
    let row = store::find(run.db(), claimed.automation_id).await?;
    let event: Value = claimed.event_payload.as_deref().and_then(|t| serde_json::from_str(t).ok()).unwrap_or(json!({}));
    let known = events::surround(&event, run.app(), (row.id, &row.name), run.now());
    let (steps, failed) = Box::pin(perform(&run, (&claimed, &lease), &row.draft(), known)).await?;
    finish(&run, (&claimed, &lease), &steps, failed).await?;
    Ok(())
}

async fn claim(run: &Run, id: i64) -> Result<Option<(Claimed, Lease)>, JobError> {
    let mut tx = begin(run).await?;
    let found: Option<Claimed> = sql("SELECT automation_id, started_by, event_payload, depth FROM automation_runs \
         WHERE id = ? AND status = 'queued'")
    .bind(id)
    .fetch_optional(&mut tx)
    .await?;
    let Some(claimed) = found else { return Ok(None) };
    pause::hold(run, &claimed.started_by).await?;
    let Some(lease) = Lease::claim(&mut tx, Runs::Automations, id).await? else { return Ok(None) };
    tx.commit().await?;
    Ok(Some((claimed, lease)))
}

/// The actions in order; the first error without `continue_on_error` ends the run. Gives what was done
/// and the first error.
async fn perform(
    run: &Run,
    (claimed, lease): (&Claimed, &Lease),
    draft: &Draft,
    mut known: Value,
) -> Result<(Vec<Step>, Option<String>), JobError> {
    let mut steps: Vec<Step> = Vec::new();
    let mut failed = None;
    for (index, action) in draft.actions.iter().enumerate() {
        let step = lease.hold(run, Box::pin(act(run.app(), claimed.depth, action, &known))).await?;
        if let Some(error) = &step.error {
            failed.get_or_insert_with(|| format!("Action {}: {error}", index + 1));
        }
        let is_over = step.error.is_some() && !action.continue_on_error;
        if let Some(Value::Array(list)) = known.get_mut("steps") {
            list.push(step.result.clone());
        }
        steps.push(step);
        // Written as it goes, so that a run that is lost still shows what was done.
        lease.save(run, sql(", result_payload = ?").bind(text_of(&steps)?)).await?;
        if is_over {
            break;
        }
    }
    Ok((steps, failed))
}

fn text_of(steps: &[Step]) -> Result<String> {
    Ok(serde_json::to_string(steps)?)
}

async fn act(app: &App, depth: i64, action: &Action, known: &Value) -> Step {
    let begun = Instant::now();
    let (payload, unknown) = variables::render(&action.payload, known);
    let done = match action.module.as_str() {
        built_in::REPLY => built_in::reply(app, depth, known, &payload).await,
        slug => call_module(app, slug, &payload).await,
    };
    let outcome = match done {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Failed(error.detail().into_owned()),
    };
    let warning = (!unknown.is_empty()).then(|| format!("Nothing is known of {}", unknown.join(", ")));
    let duration_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
    let (status, error) = match &outcome {
        Outcome::Succeeded(_) => ("succeeded", None),
        Outcome::Skipped(_) => ("skipped", None),
        Outcome::Failed(error) => ("failed", Some(error.clone())),
    };
    Step { module: action.module.clone(), status, result: short(masked(outcome.result())), error, warning, duration_ms }
}

async fn call_module(app: &App, slug: &str, payload: &Map<String, Value>) -> Result<Outcome> {
    let Some(slug) = Slug::parse(slug).filter(|_| modules::find(slug).is_some()) else {
        return Ok(Outcome::Failed(format!("there is no module {slug}")));
    };
    if modules::recipients(payload) > MOST_RECIPIENTS {
        return Ok(Outcome::Failed(format!("more than {MOST_RECIPIENTS} recipients")));
    }
    call::run(app, slug, payload).await
}

/// Answers of other systems may carry what nobody should read in a history.
fn masked(value: Value) -> Value {
    const SECRET: [&str; 6] = ["password", "secret", "token", "api_key", "apikey", "authorization"];
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| {
                    let name = key.to_lowercase();
                    let is_secret = SECRET.iter().any(|word| name.contains(word));
                    let value = if is_secret { Value::String("********".to_owned()) } else { masked(value) };
                    (key, value)
                })
                .collect(),
        ),
        Value::Array(list) => list.into_iter().map(masked).collect(),
        other => other,
    }
}

fn short(value: Value) -> Value {
    let text = value.to_string();
    if text.len() <= MAX_RESULT {
        return value;
    }
    let mut shortened = json!({ "cut": true });
    if let Some(map) = shortened.as_object_mut() {
        for key in ["status", "status_code", "model"] {
            if let Some(found) = value.get(key) {
                map.insert(key.to_owned(), found.clone());
            }
        }
        let key = if value.get("text").is_some() { "text" } else { "response" };
        let long = value.get(key).and_then(Value::as_str).map_or_else(|| text.clone(), str::to_owned);
        map.insert(key.to_owned(), long.chars().take(MAX_RESULT / 4).chain(['…']).collect::<String>().into());
    }
    shortened
}

async fn finish(run: &Run, (claimed, lease): (&Claimed, &Lease), steps: &[Step], failed: Option<String>) -> Result<()> {
    let mut tx = begin(run).await?;
    tx.caused_at(claimed.depth + 1);
    let status = if failed.is_some() { "failed" } else { "succeeded" };
    let more = sql(", result_payload = ?").bind(text_of(steps)?);
    if ended(&mut tx, By::Holder(lease), status, failed.as_deref(), more).await? {
        settle(run, &mut tx, lease.id(), claimed.automation_id, status, failed.as_deref()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Ends a run whose worker is gone.
pub async fn close_lost(run: &Run, id: i64) -> Result<()> {
    let mut tx = begin(run).await?;
    let text = "The worker was lost during this run";
    let found: Option<(i64,)> =
        sql("SELECT automation_id FROM automation_runs WHERE id = ?").bind(id).fetch_optional(&mut tx).await?;
    let Some((automation,)) = found else { return Ok(()) };
    if ended(&mut tx, By::Finder(Runs::Automations, id), "lost", Some(text), sql("")).await? {
        settle(run, &mut tx, id, automation, "lost", Some(text)).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// True when the run was still open and ours to end.
async fn ended(tx: &mut Tx, by: By<'_>, status: &'static str, error: Option<&str>, more: Sql) -> Result<bool> {
    let begun: Option<(Option<DateTime<Utc>>,)> =
        sql("SELECT started_at FROM automation_runs WHERE id = ?").bind(by.id()).fetch_optional(&mut *tx).await?;
    let more = more.push(", error_message = ?").bind(error.map(crate::scheduler::runs::cut));
    by.end(tx, status, begun.and_then(|(at,)| at), more).await
}

#[derive(sqlx::FromRow)]
struct Health {
    name: String,
    status: String,
    consecutive_failures: i64,
}

/// What the end of a run means for its automation: the first failure is told, the tenth in a row ends it.
async fn settle(run: &Run, tx: &mut Tx, run_id: i64, id: i64, status: &'static str, error: Option<&str>) -> Result<()> {
    let now = tx.stamp().at;
    store::hold(tx, id).await?;
    let found: Option<Health> = sql("SELECT name, status, consecutive_failures FROM automations WHERE id = ?")
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?;
    let Some(health) = found else { return Ok(()) };
    let failures = if error.is_some() { health.consecutive_failures + 1 } else { 0 };
    sql("UPDATE automations SET last_run_at = ?, last_status = ?, last_error = ?, consecutive_failures = ? WHERE id = ?")
        .bind(now)
        .bind(status)
        .bind(error.map(str::to_owned))
        .bind(failures)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    let Some(error) = error else { return Ok(()) };
    let link = format!("/admin/automations/{id}/runs/{run_id}");
    if failures >= MOST_FAILURES && health.status == "active" {
        switch_off(tx, id, &health.name, now).await?;
        let message = format!("{} was switched off after {failures} failures in a row: {error}", health.name);
        return tell(run, tx, notify::AUTOMATION_DISABLED, message, link, run_id).await;
    }
    if failures == 1 {
        let message = format!("{} failed: {error}", health.name);
        return tell(run, tx, notify::AUTOMATION_FAILED, message, link, run_id).await;
    }
    Ok(())
}

async fn switch_off(tx: &mut Tx, id: i64, name: &str, now: DateTime<Utc>) -> Result<()> {
    sql("UPDATE automations SET status = 'inactive', next_run_at = NULL, stopped_at = ? WHERE id = ?")
        .bind(now)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    tx.audit(Change::new("automation.disabled", "automation", id).label(name).meta("failures", MOST_FAILURES));
    Ok(())
}

async fn tell(run: &Run, tx: &mut Tx, kind: notify::Kind, message: String, link: String, id: i64) -> Result<()> {
    let notice = Notice { kind, message, link: Some(link), dedupe: Some(&format!("run-{id}")) };
    notify::tell_super_admins(run.app(), tx, &notice).await
}

/// An action as it would be sent, for the dry run.
#[derive(Debug, Clone, Serialize)]
pub struct Rendered {
    /// The module.
    pub module: String,
    /// What it would be given.
    pub payload: Map<String, Value>,
    /// Variables of which nothing is known.
    pub unknown: Vec<String>,
}

/// Every action with its variables filled in; nothing is sent.
pub fn rehearse(draft: &Draft, known: &Value) -> Vec<Rendered> {
    let render = |action: &Action| {
        let (payload, unknown) = variables::render(&action.payload, known);
        Rendered { module: action.module.clone(), payload, unknown }
    };
    draft.actions.iter().map(render).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_masked_and_cut() {
        let value = masked(json!({"response": [{"api_key": "x", "name": "y"}], "authToken": 1}));
        assert_eq!(value, json!({"response": [{"api_key": "********", "name": "y"}], "authToken": "********"}));
        let long = short(json!({"text": "a".repeat(9000), "status": "succeeded"}));
        assert_eq!((long["cut"].as_bool(), long["status"].as_str()), (Some(true), Some("succeeded")));
        assert!(long.to_string().len() < MAX_RESULT);
    }
}
