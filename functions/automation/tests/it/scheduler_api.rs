//! `/scheduler` for programs: who may, what is taken, what is refused.

use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::testing::{Actor, TestApp};

use crate::script::scripted;
use crate::{key, portal};

pub(crate) async fn task(ann: &Actor, more: Value) -> Value {
    let mut body = json!({"name": "Task", "command": "test_command", "cron": "0 * * * *"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ann.json(Method::POST, "/scheduler/tasks", body).await.is(201).value()
}

#[tokio::test]
async fn only_super_administrators_and_their_keys_come_in() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let id = task(&ann, json!({})).await["id"].to_string();
    let provider = app.provider("Northstar").await;
    let acme = app.company("Acme").await;
    let tom = app.technician("tom", &provider).await;
    let olga = app.company_admin("olga", &acme).await;
    let routes = [
        (Method::GET, "/scheduler/tasks".to_owned()),
        (Method::POST, "/scheduler/tasks".to_owned()),
        (Method::GET, format!("/scheduler/tasks/{id}")),
        (Method::PUT, format!("/scheduler/tasks/{id}")),
        (Method::DELETE, format!("/scheduler/tasks/{id}")),
        (Method::POST, format!("/scheduler/tasks/{id}/activate")),
        (Method::POST, format!("/scheduler/tasks/{id}/run")),
        (Method::GET, format!("/scheduler/tasks/{id}/runs")),
        (Method::GET, "/scheduler/cron/preview?cron=@daily".to_owned()),
    ];
    for (method, path) in &routes {
        let body = json!({"active": true});
        let _ = app.stranger().json(method.clone(), path, body.clone()).await.is(401);
        let _ = tom.json(method.clone(), path, body.clone()).await.is(403);
        let _ = olga.json(method.clone(), path, body).await.is(403);
    }
    let scheduler = key(&app, "scheduler:write", None).await;
    let limited = key(&app, "scheduler:write", Some(acme.id)).await;
    let other = key(&app, "tickets:write", None).await;
    let _ = scheduler.api(Method::GET, "/scheduler/tasks").await.is(200);
    let _ = limited.api(Method::GET, "/scheduler/tasks").await.is(403);
    let _ = other.api(Method::GET, "/scheduler/tasks").await.is(403);
    app.finish().await;
}

#[tokio::test]
async fn tasks_are_added_changed_and_deleted() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let acme = app.company("Acme").await;
    let body = json!({"name": "  Sync  ", "command": "test_companies", "cron": "0  9 * * 0", "timezone": "Australia/Brisbane",
        "company_id": acme.id, "maxRetries": 2, "retry_backoff_seconds": 60, "description": "weekly"});
    let made = ann.json(Method::POST, "/scheduler/tasks", body).await.is(201).value();
    assert_eq!(
        (&made["name"], &made["cron"], &made["companyName"]),
        (&json!("Sync"), &json!("0 9 * * 0"), &json!("Acme"))
    );
    assert_eq!(
        (&made["maxRetries"], &made["retryBackoffSeconds"], &made["timeoutSeconds"]),
        (&json!(2), &json!(60), &json!(900))
    );
    // Sunday, 09:00 in Brisbane.
    assert_eq!(made["nextRunAt"], "2026-11-28T23:00:00Z");
    let path = format!("/scheduler/tasks/{}", made["id"]);
    let saved = ann.json(Method::PUT, &path, json!({"name": "Weekly"})).await.is(200).value();
    assert_eq!(
        (&saved["companyId"], &saved["description"], &saved["nextRunAt"]),
        (&json!(acme.id), &json!("weekly"), &made["nextRunAt"])
    );
    let saved = ann.json(Method::PUT, &path, json!({"companyId": null, "description": null, "timezone": "UTC"})).await;
    let saved = saved.is(200).value();
    assert_eq!(
        (&saved["companyId"], &saved["description"], &saved["nextRunAt"]),
        (&json!(null), &json!(null), &json!("2026-11-29T09:00:00Z"))
    );
    let off = ann.json(Method::POST, &format!("{path}/activate"), json!({"active": false})).await.is(200).value();
    assert_eq!((&off["active"], &off["nextRunAt"]), (&json!(false), &json!(null)));
    let listed = ann.api(Method::GET, "/scheduler/tasks").await.is(200).value();
    assert_eq!(listed.as_array().unwrap().len(), 1, "the seeded task is on, ours is off");
    let listed = ann.api(Method::GET, "/scheduler/tasks?include_inactive=true").await.is(200).value();
    let names: Vec<&Value> = listed.as_array().unwrap().iter().map(|t| &t["name"]).collect();
    assert_eq!(names, ["Clean up history", "Weekly"]);
    let on = ann.json(Method::POST, &format!("{path}/activate"), json!({"active": true})).await.is(200).value();
    assert_eq!(on["nextRunAt"], "2026-11-29T09:00:00Z");
    let _ = ann.api(Method::DELETE, &path).await.is(204);
    let _ = ann.api(Method::GET, &path).await.is(404).says("Task not found");
    let _ = ann.api(Method::DELETE, &path).await.is(404);
    let actions = ["created", "updated", "updated", "deactivated", "activated", "deleted"];
    assert_eq!(app.audit().await, actions.map(|verb| format!("scheduler.task_{verb}")));
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_run_is_refused() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let acme = app.company("Acme").await;
    for (more, field) in [
        (json!({"name": " "}), "name"),
        (json!({"name": "x".repeat(256)}), "name"),
        (json!({"command": "rm"}), "command"),
        (json!({"command": "system_update"}), "command"),
        (json!({"cron": "61 * * * *"}), "cron"),
        (json!({"cron": "0 0 2 * * *"}), "cron"),
        (json!({"cron": "0 0 30 2 *"}), "cron"),
        (json!({"timezone": "Mars/Olympus"}), "timezone"),
        (json!({"maxRetries": 11}), "maxRetries"),
        (json!({"retryBackoffSeconds": 29}), "retryBackoffSeconds"),
        (json!({"timeoutSeconds": 3601}), "timeoutSeconds"),
        (json!({"companyId": acme.id}), "companyId"),
    ] {
        let mut body = json!({"name": "Task", "command": "test_command", "cron": "0 * * * *"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let _ = ann.json(Method::POST, "/scheduler/tasks", body.clone()).await.is(422).refuses(field);
    }
    let body = json!({"name": "Task", "command": "test_companies", "cron": "0 * * * *", "companyId": 999});
    let _ = ann.json(Method::POST, "/scheduler/tasks", body).await.is(400).says("There is no such company");
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM scheduled_tasks")).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn the_upgrade_needs_the_operator() {
    let mut config = shared::testing::config();
    config.upgrade_command = "echo upgraded; exit 3".to_owned();
    let app = TestApp::with(config, automation::routes(), crate::jobs()).await;
    let ann = app.super_admin("ann").await;
    let made = task(&ann, json!({"command": "system_update", "cron": "@yearly"})).await;
    let _ = ann.api(Method::POST, &format!("/scheduler/tasks/{}/run", made["id"])).await.is(202);
    app.run_jobs().await;
    let runs = ann.api(Method::GET, &format!("/scheduler/tasks/{}/runs", made["id"])).await.is(200).value();
    assert_eq!((&runs[0]["status"], &runs[0]["details"]), (&json!("failed"), &json!("exit code 3: upgraded")));
    assert_eq!(app.audit().await, ["scheduler.task_created", "scheduler.task_run"]);
    app.finish().await;
}

#[tokio::test]
async fn an_expression_is_explained() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let path = "/scheduler/cron/preview?cron=30%202%20*%20*%20*&timezone=Europe/Berlin";
    let shown = ann.api(Method::GET, path).await.is(200).value();
    assert_eq!(shown["description"], "Every day at 02:30");
    assert_eq!(shown["next"].as_array().unwrap().len(), 5);
    assert_eq!(shown["next"][0], "2026-11-24T01:30:00Z");
    let _ = ann.api(Method::GET, "/scheduler/cron/preview?cron=0%200%2030%202%20*").await.is(422).refuses("cron");
    let _ = ann.api(Method::GET, "/scheduler/cron/preview?cron=@daily&timezone=x").await.is(422).refuses("timezone");
    app.finish().await;
}

#[tokio::test]
async fn a_run_by_hand_is_queued_once() {
    let (app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    let made = task(&ann, json!({"cron": "@yearly"})).await;
    let path = format!("/scheduler/tasks/{}", made["id"]);
    let begun = std::time::Instant::now();
    let accepted = ann.api(Method::POST, &format!("{path}/run")).await.is(202).value();
    assert!(begun.elapsed() < std::time::Duration::from_millis(200), "{:?}", begun.elapsed());
    assert_eq!((accepted["accepted"].as_bool(), script.calls()), (Some(true), 0), "nothing runs inside the request");
    let _ = ann.api(Method::POST, &format!("{path}/run")).await.is(409);
    let _ = ann.api(Method::DELETE, &path).await.is(409);
    app.run_jobs().await;
    assert_eq!(script.calls(), 1);
    let runs = ann.api(Method::GET, &format!("{path}/runs")).await.is(200).value();
    assert_eq!(
        (&runs[0]["id"], &runs[0]["status"], &runs[0]["trigger"]),
        (&accepted["runId"], &json!("succeeded"), &json!("manual"))
    );
    assert_eq!(
        (&runs[0]["taskName"], &runs[0]["details"], &runs[0]["scheduledFor"]),
        (&json!("Task"), &json!("done"), &json!(null))
    );
    let stored = ann.api(Method::GET, &path).await.value();
    assert_eq!((&stored["lastStatus"], &stored["nextRunAt"]), (&json!("succeeded"), &made["nextRunAt"]));
    let _ = ann.api(Method::POST, &format!("{path}/run")).await.is(202);
    app.run_jobs().await;
    let one = ann.api(Method::GET, &format!("{path}/runs?limit=1&offset=1")).await.is(200).value();
    assert_eq!(one[0]["id"], accepted["runId"]);
    let _ = ann.api(Method::GET, &format!("{path}/runs?limit=201")).await.is(422).refuses("limit");
    let _ = ann.api(Method::GET, "/scheduler/tasks/99/runs").await.is(404);
    let _ = ann.api(Method::POST, "/scheduler/tasks/99/run").await.is(404);
    app.finish().await;
}
