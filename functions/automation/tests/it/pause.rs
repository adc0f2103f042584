//! The one switch: nothing begins by itself while it is off, and all of it goes on afterwards.

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::testing::{Actor, TestApp};

use crate::automations::{automation, emit, ntfy, ticket};
use crate::scheduler_api::task;
use crate::script::scripted;
use crate::{key, portal};

const API: &str = "/api/automations/pause";
const PAGE: &str = "/admin/automation/pause";

async fn set(actor: &Actor, paused: bool) -> Value {
    actor.json(Method::PUT, API, json!({ "paused": paused })).await.is(200).value()
}

async fn histories(app: &TestApp) -> Vec<(String, Option<String>)> {
    app.rows(sql("SELECT status, error_message FROM automation_runs ORDER BY id LIMIT 20")).await
}

#[tokio::test]
async fn only_super_administrators_and_their_keys_switch() {
    let app = portal().await;
    let provider = app.provider("Northstar").await;
    let (ann, tom) = (app.super_admin("ann").await, app.technician("tom", &provider).await);
    for method in [Method::GET, Method::PUT] {
        let _ = app.stranger().json(method.clone(), API, json!({ "paused": true })).await.is(401);
        let _ = tom.json(method, API, json!({ "paused": true })).await.is(403);
    }
    let _ = tom.get(PAGE).await.goes_to("/");
    let _ = tom.post(PAGE, &[("paused", "true")]).await.goes_to("/");
    let _ = key(&app, "scheduler:write", None).await.json(Method::PUT, API, json!({ "paused": true })).await.is(403);
    assert_eq!(ann.api(Method::GET, API).await.is(200).value()["paused"], false);
    let program = key(&app, "automations:write", None).await;
    let now = set(&program, true).await;
    assert_eq!((&now["paused"], &now["paused_by"]), (&json!(true), &json!(null)));
    let _ = ann.json(Method::PUT, API, json!({})).await.is(422);
    app.finish().await;
}

#[tokio::test]
async fn a_planned_time_passes_and_is_caught_up_with_once() {
    let (app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    let made = task(&ann, json!({"cron": "*/10 * * * *"})).await;
    let hourly = automation(&ann, json!({"kind": "scheduled", "cadence": "hourly"})).await;
    set(&ann, true).await;
    for _ in 0..5 {
        app.advance(TimeDelta::minutes(13));
        app.run_jobs().await;
    }
    assert_eq!((script.calls(), histories(&app).await.len()), (0, 0));
    let ann = app.sign_in(ann.id).await;
    // People may still run it.
    let _ = ann.api(Method::POST, &format!("/scheduler/tasks/{}/run", made["id"])).await.is(202);
    app.run_jobs().await;
    assert_eq!(script.calls(), 1);
    set(&ann, false).await;
    app.advance(TimeDelta::seconds(1));
    app.run_jobs().await;
    assert_eq!(script.calls(), 2, "six missed, one run");
    let done = histories(&app).await;
    assert_eq!(done, [("succeeded".to_owned(), None)], "the hourly one of automation {hourly}");
    app.finish().await;
}

#[tokio::test]
async fn an_event_is_kept_in_the_history_and_can_be_run_again() {
    let app = portal().await;
    let server = ntfy(&app).await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({})).await;
    let number = ticket(&app, "Printer jams", "high").await;
    set(&ann, true).await;
    emit(&app, "tickets.created", json!({"ticket_id": number}), 0).await;
    app.run_jobs().await;
    assert_eq!(histories(&app).await, [("skipped".to_owned(), Some("everything was paused".to_owned()))]);
    assert!(server.received().is_empty());
    set(&ann, false).await;
    app.run_jobs().await;
    assert!(server.received().is_empty(), "what was skipped does not come back by itself");
    let run = app.number(sql("SELECT id FROM automation_runs")).await;
    let _ = ann.post(&format!("/admin/automations/{id}/runs/{run}/again"), &[]).await.is(303);
    app.run_jobs().await;
    assert_eq!(server.received()[0].json()["message"], "New: Printer jams");
    emit(&app, "tickets.created", json!({"ticket_id": number}), 0).await;
    app.run_jobs().await;
    assert_eq!(server.received().len(), 2, "the next event runs as always");
    app.finish().await;
}

#[tokio::test]
async fn a_run_that_was_queued_before_waits_for_the_end() {
    let (app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    let server = ntfy(&app).await;
    task(&ann, json!({"cron": "*/10 * * * *"})).await;
    automation(&ann, json!({"trigger_event": "custom.ping"})).await;
    let now = app.app().now();
    // Queued by a worker that looked a moment before the switch.
    let insert =
        sql("INSERT INTO automation_runs (automation_id, started_by, event_payload, depth, status, created_at) \
         SELECT id, 'event', '{}', 0, 'queued', ? FROM automations")
        .bind(now - TimeDelta::minutes(11));
    app.execute(insert).await;
    let insert = sql("INSERT INTO scheduled_task_runs (task_id, started_by, attempt, status, due_at, created_at) \
         SELECT id, 'retry', 2, 'queued', ?, ? FROM scheduled_tasks WHERE command = 'test_command'")
    .bind(now - TimeDelta::minutes(11))
    .bind(now);
    app.execute(insert).await;
    set(&ann, true).await;
    for _ in 0..3 {
        app.advance(TimeDelta::seconds(31));
        app.run_jobs().await;
    }
    assert_eq!((script.calls(), server.received().len()), (0, 0));
    set(&ann, false).await;
    app.advance(TimeDelta::seconds(31));
    app.run_jobs().await;
    assert_eq!((script.calls(), server.received().len()), (1, 1));
    app.finish().await;
}

#[tokio::test]
async fn the_pages_say_it_and_switch_without_script() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    for (from, list) in [("tasks", "/admin/automation"), ("automations", "/admin/automations")] {
        let ask = format!("{PAGE}?from={from}");
        let _ = ann.get(list).await.is(200).shows(&ask.replace('/', "&#x2f;")).hides("are paused");
        let _ = ann.get(&ask).await.is(200).shows("Pause all tasks and automations?");
        let _ = ann.post(PAGE, &[("paused", "true"), ("from", from)]).await.goes_to(list);
        for page in ["/admin/automation", "/admin/automations"] {
            let _ = ann.get(page).await.shows("All tasks and automations are paused").shows("ann Example paused them");
        }
        // A second press, or another person's, changes nothing.
        let _ = ann.post(PAGE, &[("paused", "true"), ("from", from)]).await.goes_to(list);
        let _ = ann.post(PAGE, &[("paused", "false"), ("from", from)]).await.goes_to(list);
        let _ = ann.get(list).await.shows("Tasks and automations go on").hides("paused them");
        let _ = ann.post(PAGE, &[("paused", "false"), ("from", from)]).await.goes_to(list);
    }
    let trail = ["automation.all_paused", "automation.all_resumed"];
    assert_eq!(app.audit().await, [trail, trail].concat());
    app.finish().await;
}
