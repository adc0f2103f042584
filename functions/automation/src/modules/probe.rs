//! Trying a module out: a job, because the other system may take its time.

use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::accounts::users;
use shared::audit::Change;
use shared::context::By;
use shared::error::{Error, Result};
use shared::jobs::{JobError, NewJob, Run, Schedule};
use shared::modules::{self, Module, Slug, call};
use shared::rate_limit::{self, Limit};

/// The kind of the job.
pub const JOB: &str = "module.test";

const TESTS: Limit =
    Limit { bucket: "module_test", max: 6, window: 60, detail: "Too many tests. Wait a minute, then test again." };

/// A test that has not ended by then will not end.
pub const LOST_AFTER: TimeDelta = TimeDelta::minutes(6);

/// Longest wait of a program for the result.
const WAIT: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(250);

/// Queues a test and marks it as running.
pub async fn start(by: &By, slug: Slug) -> Result<()> {
    rate_limit::hit(by.app(), &TESTS, slug.as_str()).await?;
    let module = modules::find(by.app(), by.db(), slug).await?;
    if !module.enabled && !module.entry().tests_when_off {
        return Err(Error::conflict("Enable the module first"));
    }
    let mut tx = by.begin().await?;
    modules::note_test(&mut tx, slug, "running", "", &Value::Null).await?;
    let payload = json!({ "slug": slug.as_str(), "user_id": by.person().map(|person| person.id()) });
    NewJob::new(JOB, payload)
        .dedupe(format!("{JOB}:{slug}"))
        .schedule(Schedule::Once)
        .priority(10)
        .queue(&mut tx)
        .await?;
    tx.audit(Change::new("integration_module.tested", "integration_module", module.id).label(module.entry().name));
    tx.commit().await
}

/// Waits for the test that was just queued; none when it takes longer.
pub async fn outcome(by: &By, slug: Slug) -> Result<Option<Module>> {
    let until = tokio::time::Instant::now() + WAIT;
    loop {
        let module = modules::find(by.app(), by.db(), slug).await?;
        if module.tested.as_ref().is_some_and(|tested| tested.status != "running") {
            return Ok(Some(module));
        }
        if tokio::time::Instant::now() >= until {
            return Ok(None);
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[derive(Deserialize)]
struct Payload {
    slug: String,
    user_id: Option<i64>,
}

/// The job.
pub async fn run(run: Run) -> Result<(), JobError> {
    let payload: Payload = run.payload()?;
    let Some(slug) = Slug::parse(&payload.slug) else { return Ok(()) };
    let tester = match payload.user_id {
        Some(id) => users::find(run.db(), id).await?.map(|user| user.email),
        None => None,
    };
    let tester = tester.unwrap_or_else(|| run.app().config().smtp.from.clone());
    let (status, message, details) = match call::test(run.app(), slug, &tester).await? {
        Ok(found) => ("ok", found.message, found.details),
        Err(error) => ("error", error, Value::Null),
    };
    let mut tx = run.begin().await?;
    tx.housekeeping();
    modules::note_test(&mut tx, slug, status, &message, &details).await?;
    tx.commit().await?;
    Ok(())
}
