//! How runs go: companies, slices, retries, what was missed, what is lost.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use serde_json::json;
use shared::commands::Progress;
use shared::db::sql;
use shared::jobs::Worker;
use shared::testing::{TestApp, monday};
use tokio::sync::watch;

use crate::scheduler_api::task;
use crate::script::scripted;
use crate::{jobs, portal};

#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(crate) struct Run {
    pub status: String,
    pub attempt: i64,
    pub scheduled_for: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub details: Option<String>,
}

pub(crate) async fn runs(app: &TestApp, task: &serde_json::Value) -> Vec<Run> {
    app.rows(
        sql("SELECT status, attempt, scheduled_for, started_at, details FROM scheduled_task_runs WHERE task_id = ? \
             ORDER BY id LIMIT 1000")
        .bind(task["id"].as_i64()),
    )
    .await
}

fn states(runs: &[Run]) -> Vec<&str> {
    runs.iter().map(|run| run.status.as_str()).collect()
}

#[tokio::test]
async fn a_due_task_runs_once_for_its_occurrence() {
    let (app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    let made = task(&ann, json!({})).await;
    app.run_jobs().await;
    assert_eq!(runs(&app, &made).await, []);
    // 09:12 to 10:00.
    app.advance(TimeDelta::minutes(48));
    for _ in 0..3 {
        app.run_jobs().await;
    }
    let done = runs(&app, &made).await;
    assert_eq!((states(&done), script.calls()), (vec!["succeeded"], 1));
    assert_eq!(done[0].scheduled_for, Some(monday() + TimeDelta::minutes(48)));
    app.advance(TimeDelta::hours(1));
    app.run_jobs().await;
    assert_eq!(runs(&app, &made).await.len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn all_companies_are_worked_one_by_one() {
    let (app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    for (name, syncro) in [("Acme", Some("1")), ("Beta", Some("2")), ("Gamma", None)] {
        let company = app.company(name).await;
        app.execute(sql("UPDATE companies SET syncro_company_id = ? WHERE id = ?").bind(syncro).bind(company.id)).await;
    }
    let made = task(&ann, json!({"command": "test_companies", "cron": "@yearly"})).await;
    let path = format!("/scheduler/tasks/{}/run", made["id"]);
    script.answers([Ok(Progress::Done("48 assets".to_owned()))]);
    let _ = ann.api(Method::POST, &path).await.is(202);
    app.run_jobs().await;
    script.fails(1);
    let _ = ann.api(Method::POST, &path).await.is(202);
    app.run_jobs().await;
    let done = runs(&app, &made).await;
    assert_eq!(states(&done), ["succeeded", "failed"]);
    assert_eq!(done[0].details.as_deref(), Some("Acme: 48 assets\nBeta: done"));
    assert_eq!(done[1].details.as_deref(), Some("Acme: failed, no answer from the server\nBeta: done"));
    app.execute(sql("UPDATE companies SET syncro_company_id = NULL")).await;
    let _ = ann.api(Method::POST, &path).await.is(202);
    app.run_jobs().await;
    let done = runs(&app, &made).await;
    assert_eq!(states(&done), ["succeeded", "failed", "skipped"]);
    assert_eq!(done[2].details.as_deref(), Some("No company is set up for this command"));
    assert_eq!(script.calls(), 4);
    app.finish().await;
}

#[tokio::test]
async fn one_company_is_worked_alone_and_in_steps() {
    let (app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    for (name, syncro) in [("Acme", "1"), ("Beta", "2")] {
        let company = app.company(name).await;
        app.execute(sql("UPDATE companies SET syncro_company_id = ? WHERE id = ?").bind(syncro).bind(company.id)).await;
    }
    let beta = app.number(sql("SELECT id FROM companies WHERE name = 'Beta'")).await;
    let made = task(&ann, json!({"command": "test_companies", "cron": "@yearly", "companyId": beta})).await;
    script.answers([Ok(Progress::More("page 2".to_owned()))]);
    let _ = ann.api(Method::POST, &format!("/scheduler/tasks/{}/run", made["id"])).await.is(202);
    app.run_jobs().await;
    assert_eq!(runs(&app, &made).await[0].details.as_deref(), Some("Beta: done"));
    assert_eq!(*script.calls.lock().unwrap(), [Some(beta), Some(beta)]);
    app.finish().await;
}

#[tokio::test]
async fn failures_are_tried_again_and_told_once() {
    let (app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    let made = task(&ann, json!({"cron": "@yearly", "maxRetries": 2, "retryBackoffSeconds": 60})).await;
    script.fails(9);
    let _ = ann.api(Method::POST, &format!("/scheduler/tasks/{}/run", made["id"])).await.is(202);
    for seconds in [0, 59, 1, 119, 1, 600, 3600] {
        app.advance(TimeDelta::seconds(seconds));
        app.run_jobs().await;
    }
    let done = runs(&app, &made).await;
    let after: Vec<i64> = done.iter().map(|run| (run.started_at.unwrap() - monday()).num_seconds()).collect();
    assert_eq!((after, script.calls()), (vec![0, 60, 180], 3));
    assert_eq!(done.iter().map(|run| run.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    let told = app.number(sql("SELECT COUNT(*) FROM notifications WHERE event_type = 'scheduler.task_failed'")).await;
    assert_eq!((told, app.mails_to("ann@example.com").len()), (1, 1));
    let events = app.number(sql("SELECT COUNT(*) FROM event_outbox WHERE name = 'scheduler.task_failed'")).await;
    assert_eq!(events, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_retry_gives_way_to_the_next_occurrence() {
    let (app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    let made = task(&ann, json!({"cron": "*/5 * * * *", "maxRetries": 3, "retryBackoffSeconds": 200})).await;
    script.fails(2);
    app.advance(TimeDelta::minutes(3));
    app.run_jobs().await;
    app.advance(TimeDelta::seconds(200));
    app.run_jobs().await;
    let done = runs(&app, &made).await;
    assert_eq!(states(&done), ["failed", "failed"]);
    assert!(done[1].details.as_deref().unwrap().contains("the next run comes first"), "{done:?}");
    app.advance(TimeDelta::seconds(100));
    app.run_jobs().await;
    assert_eq!(states(&runs(&app, &made).await), ["failed", "failed", "succeeded"]);
    app.finish().await;
}

#[tokio::test]
async fn a_task_switched_off_is_not_tried_again() {
    let (app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    let made = task(&ann, json!({"cron": "@yearly", "maxRetries": 1})).await;
    script.fails(1);
    let _ = ann.api(Method::POST, &format!("/scheduler/tasks/{}/run", made["id"])).await.is(202);
    app.run_jobs().await;
    let off = format!("/scheduler/tasks/{}/activate", made["id"]);
    let _ = ann.json(Method::POST, &off, json!({"active": false})).await.is(200);
    app.advance(TimeDelta::hours(1));
    app.run_jobs().await;
    assert_eq!((states(&runs(&app, &made).await), script.calls()), (vec!["failed", "cancelled"], 1));
    app.finish().await;
}

#[tokio::test]
async fn after_a_pause_only_the_latest_hour_is_caught_up() {
    let (app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    let hourly = task(&ann, json!({"name": "Hourly"})).await;
    let daily = task(&ann, json!({"name": "Daily", "cron": "0 10 * * *"})).await;
    app.run_jobs().await;
    // 09:12 to 15:05: six hours missed, and the daily run five hours ago.
    app.advance(TimeDelta::minutes(353));
    app.run_jobs().await;
    let done = runs(&app, &hourly).await;
    assert_eq!((states(&done), script.calls()), (vec!["succeeded"], 1));
    assert_eq!(done[0].scheduled_for, Some(monday() + TimeDelta::minutes(348)));
    assert!(done[0].details.as_deref().unwrap().starts_with("Caught up"), "{done:?}");
    let missed = runs(&app, &daily).await;
    assert_eq!((states(&missed), missed[0].details.as_deref()), (vec!["skipped"], Some("missed")));
    app.advance(TimeDelta::minutes(55));
    app.run_jobs().await;
    assert_eq!(states(&runs(&app, &hourly).await), ["succeeded", "succeeded"]);
    app.finish().await;
}

#[tokio::test]
async fn a_task_that_still_runs_is_not_started_again() {
    let (app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    let made = task(&ann, json!({})).await;
    let busy = sql("UPDATE scheduled_tasks SET active_run_id = 77 WHERE id = ?");
    app.execute(busy.bind(made["id"].as_i64())).await;
    app.advance(TimeDelta::minutes(48));
    app.run_jobs().await;
    let done = runs(&app, &made).await;
    assert_eq!((states(&done), done[0].details.as_deref()), (vec!["skipped"], Some("previous run still active")));
    assert_eq!(script.calls(), 0);
    app.finish().await;
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_ended() {
    let slow = jobs().command("test_command", |_| async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        Ok(Progress::Done("late".to_owned()))
    });
    let app = TestApp::new(automation::routes(), slow).await;
    let ann = app.super_admin("ann").await;
    let made = task(&ann, json!({"cron": "@yearly", "timeoutSeconds": 30})).await;
    // The shortest limit is 30 s; the row may hold less.
    app.execute(sql("UPDATE scheduled_tasks SET timeout_seconds = 1")).await;
    let _ = ann.api(Method::POST, &format!("/scheduler/tasks/{}/run", made["id"])).await.is(202);
    app.run_jobs().await;
    let done = runs(&app, &made).await;
    assert_eq!((states(&done), done[0].details.as_deref()), (vec!["failed"], Some("Ended after 1 seconds")));
    app.finish().await;
}

/// A worker that is gone in the middle of a command, as after a kill: nothing of it runs on.
#[expect(clippy::disallowed_methods, reason = "the test is another worker")]
async fn lose_a_worker(app: &TestApp, started: &tokio::sync::Notify, slow: shared::jobs::Jobs) {
    let worker = Worker::new(app.app().clone(), slow, "test");
    let task = tokio::spawn(async move {
        let (_keep, stop) = watch::channel(false);
        worker.tick(Duration::from_mins(1), &stop).await
    });
    started.notified().await;
    task.abort();
    let _ = task.await;
}

#[tokio::test]
async fn a_lost_run_is_closed_and_tried_again() {
    let (app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    let made = task(&ann, json!({"cron": "@yearly", "maxRetries": 1, "retryBackoffSeconds": 60})).await;
    let _ = ann.api(Method::POST, &format!("/scheduler/tasks/{}/run", made["id"])).await.is(202);
    let started = std::sync::Arc::new(tokio::sync::Notify::new());
    let signal = std::sync::Arc::clone(&started);
    let slow = jobs().command("test_command", move |_| {
        let signal = std::sync::Arc::clone(&signal);
        async move {
            signal.notify_one();
            std::future::pending().await
        }
    });
    lose_a_worker(&app, &started, slow).await;
    for seconds in [0, 119] {
        app.advance(TimeDelta::seconds(seconds));
        app.run_jobs().await;
        assert_eq!(states(&runs(&app, &made).await), ["running"]);
    }
    app.advance(TimeDelta::seconds(2));
    app.run_jobs().await;
    assert_eq!((states(&runs(&app, &made).await), script.calls()), (vec!["lost", "queued"], 0));
    app.advance(TimeDelta::seconds(60));
    app.run_jobs().await;
    assert_eq!((states(&runs(&app, &made).await), script.calls()), (vec!["lost", "succeeded"], 1));
    app.finish().await;
}

#[tokio::test]
async fn a_job_lost_before_the_claim_is_made_up_for() {
    let (app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    let made = task(&ann, json!({"cron": "@yearly"})).await;
    let _ = ann.api(Method::POST, &format!("/scheduler/tasks/{}/run", made["id"])).await.is(202);
    app.execute(sql("DELETE FROM jobs")).await;
    app.run_jobs().await;
    assert_eq!((states(&runs(&app, &made).await), script.calls()), (vec!["queued"], 0));
    app.advance(TimeDelta::minutes(11));
    app.run_jobs().await;
    assert_eq!((states(&runs(&app, &made).await), script.calls()), (vec!["succeeded"], 1));
    app.finish().await;
}

#[tokio::test]
async fn history_is_kept_short() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let made = task(&ann, json!({"cron": "@yearly"})).await;
    let other = task(&ann, json!({"cron": "@yearly"})).await;
    let insert = "INSERT INTO scheduled_task_runs (task_id, started_by, attempt, status, due_at, finished_at, \
        created_at) VALUES (?, 'manual', 1, 'succeeded', ?, ?, ?)";
    for n in 0..520 {
        let at = monday() - TimeDelta::minutes(520 - n);
        app.execute(sql(insert).bind(made["id"].as_i64()).bind(at).bind(at).bind(at)).await;
    }
    let old = monday() - TimeDelta::days(91);
    app.execute(sql(insert).bind(other["id"].as_i64()).bind(old).bind(old).bind(old)).await;
    let seeded = app.number(sql("SELECT id FROM scheduled_tasks WHERE command = 'cleanup_history'")).await;
    let _ = ann.api(Method::POST, &format!("/scheduler/tasks/{seeded}/run")).await.is(202);
    app.run_jobs().await;
    assert_eq!((runs(&app, &made).await.len(), runs(&app, &other).await.len()), (500, 0));
    let details = runs(&app, &json!({ "id": seeded })).await[0].details.clone().unwrap();
    assert!(details.contains("task runs: 21 removed"), "{details}");
    app.finish().await;
}

#[tokio::test]
async fn the_seeded_task_is_planned_by_the_first_tick() {
    let app = portal().await;
    app.run_jobs().await;
    let next: Vec<(Option<DateTime<Utc>>,)> = app.rows(sql("SELECT next_run_at FROM scheduled_tasks")).await;
    assert_eq!(next[0].0, Some("2026-11-24T03:30:00Z".parse().unwrap()));
    app.execute(sql("UPDATE scheduled_tasks SET cron = 'nonsense', next_run_at = NULL")).await;
    app.advance(TimeDelta::seconds(1));
    app.run_jobs().await;
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM scheduled_tasks WHERE active = TRUE")).await, 0);
    app.finish().await;
}
