//! Endpoints of customers for programs, what nobody asked for, and what is cleaned up.

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::events::names;
use shared::testing::TestApp;
use shared::testing::web::{Answer, Server};
use shared::webhooks::sign;

use crate::webhook_endpoints::{emit, register};
use crate::{key, portal};

const PATH: &str = "/scheduler/webhook-endpoints";

fn body(url: &str) -> Value {
    json!({"name": "Helpdesk", "targetUrl": url, "contactEmail": "it@customer.example", "events": ["tickets.created"]})
}

#[tokio::test]
async fn a_program_registers_changes_rotates_and_deletes_an_endpoint() {
    let app = portal().await;
    let program = key(&app, "webhooks:write", None).await;
    let server = Server::with(vec![Answer::status(204)]).await;
    let made = program.json(Method::POST, PATH, body(&server.url())).await.is(201).value();
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_") && made["status"] == "active", "{made}");
    let one = format!("{PATH}/{}", made["id"]);
    let shown = program.api(Method::GET, &one).await.is(200).value();
    assert!(shown.get("secret").is_none() && shown["events"] == json!(["tickets.created"]), "{shown}");
    let changed = program.json(Method::PUT, &one, json!({"events": ["tickets.closed"], "contactEmail": null})).await;
    let changed = changed.is(200).value();
    assert_eq!((&changed["name"], &changed["contactEmail"]), (&json!("Helpdesk"), &Value::Null));
    let queued = program.api(Method::POST, &format!("{one}/test")).await.is(202).value();
    app.run_jobs().await;
    let sent = server.received();
    assert_eq!((sent.len(), sent[0].json()["type"].as_str()), (1, Some("ping")));
    let stamp: i64 = sent[0].header("webhook-timestamp").parse().unwrap();
    let expected = sign::standard(std::slice::from_ref(&secret), sent[0].header("webhook-id"), stamp, &sent[0].text());
    assert_eq!(sent[0].header("webhook-signature"), expected);
    let _ = program.api(Method::GET, &format!("/scheduler/webhooks/{}", queued["webhookId"])).await.is(200);
    let rotated = program.api(Method::POST, &format!("{one}/rotate")).await.is(200).value();
    assert!(rotated["secret"] != json!(secret) && !rotated["previousSecretUntil"].is_null(), "{rotated}");
    let off = program.json(Method::PUT, &one, json!({"status": "disabled"})).await.is(200).value();
    assert_eq!(off["disabledReason"], "Switched off by an administrator");
    assert_eq!(program.api(Method::GET, PATH).await.is(200).value().as_array().unwrap().len(), 1);
    let _ = program.api(Method::DELETE, &one).await.is(204);
    let _ = program.api(Method::GET, &one).await.is(404);
    let trail = app.audit().await;
    for action in ["created", "updated", "pinged", "secret_rotated", "disabled", "deleted"] {
        assert!(trail.contains(&format!("webhook_endpoint.{action}")), "{action}: {trail:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn wrong_endpoints_are_refused_by_field() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let url = "https://hooks.example.com/in";
    let with = |field: &str, value: Value| {
        let mut body = body(url);
        body[field] = value;
        body
    };
    for (field, value) in [
        ("name", json!("")),
        ("targetUrl", json!("http://hooks.example.com/")),
        ("contactEmail", json!("nobody")),
        ("events", json!([])),
        ("events", json!(["tickets.created", "tickets.nothing"])),
        ("companyId", json!(999)),
        ("color", json!("red")),
    ] {
        let _ = ann.json(Method::POST, PATH, with(field, value)).await.is(422);
    }
    let made = ann.json(Method::POST, PATH, body(url)).await.is(201).value();
    let one = format!("{PATH}/{}", made["id"]);
    let _ = ann.json(Method::PUT, &one, json!({"status": "asleep"})).await.is(422);
    let repeated = app.stranger().copy();
    let _ = repeated.api(Method::GET, &one).await.is(401);
    app.finish().await;
}

#[tokio::test]
async fn endpoints_are_for_super_admins_and_keys_of_the_whole_portal() {
    let app = portal().await;
    let (acme, provider) = (app.company("Acme").await, app.provider("Northstar").await);
    let (tom, reader) = (app.technician("tom", &provider).await, key(&app, "webhooks:read", None).await);
    let (bound, other) = (key(&app, "webhooks:write", Some(acme.id)).await, key(&app, "scheduler:write", None).await);
    for (method, path) in [
        (Method::GET, PATH.to_owned()),
        (Method::POST, PATH.to_owned()),
        (Method::GET, format!("{PATH}/1")),
        (Method::PUT, format!("{PATH}/1")),
        (Method::DELETE, format!("{PATH}/1")),
        (Method::POST, format!("{PATH}/1/rotate")),
        (Method::POST, format!("{PATH}/1/test")),
    ] {
        let sent = body("https://hooks.example.com/in");
        let _ = app.stranger().json(method.clone(), &path, sent.clone()).await.is(401);
        for refused in [&tom, &bound, &other] {
            let _ = refused.json(method.clone(), &path, sent.clone()).await.is(403);
        }
        if method != Method::GET {
            let _ = reader.json(method, &path, sent).await.is(403);
        }
    }
    let _ = reader.api(Method::GET, PATH).await.is(200);
    app.finish().await;
}

async fn jobs_of(app: &TestApp, kind: &str) -> i64 {
    app.number(sql("SELECT COUNT(*) FROM jobs WHERE kind = ?").bind(kind)).await
}

#[tokio::test]
async fn events_that_nobody_asked_for_make_no_job() {
    let mut app = portal().await;
    // The endpoint is nowhere.
    app.leave_work();
    let ann = app.super_admin("ann").await;
    for _ in 0..5 {
        emit(&app, names::TICKET_CREATED, json!({"ticket_id": 9})).await;
        emit(&app, names::USER_REGISTERED, json!({"user_id": 9})).await;
    }
    assert_eq!(app.run_jobs().await.dispatched, 10);
    assert_eq!((jobs_of(&app, "webhook.fan_out").await, jobs_of(&app, "automation.match").await), (0, 0));
    register(&ann, "https://hooks.example.com/in", None).await;
    let automation = json!({"name": "A", "kind": "event", "trigger_event": "tickets.closed", "status": "active",
        "action_payload": {"actions": [{"module": "ntfy", "payload": {}}]}});
    let _ = ann.json(Method::POST, "/api/automations", automation).await.is(201);
    emit(&app, names::TICKET_CLOSED, json!({"ticket_id": 9})).await;
    emit(&app, names::TICKET_ASSIGNED, json!({"ticket_id": 9})).await;
    app.run_jobs().await;
    assert_eq!((jobs_of(&app, "webhook.fan_out").await, jobs_of(&app, "automation.match").await), (0, 1));
    emit(&app, names::TICKET_CREATED, json!({"ticket_id": 9})).await;
    app.run_jobs().await;
    assert_eq!((jobs_of(&app, "webhook.fan_out").await, jobs_of(&app, "automation.match").await), (1, 1));
    app.finish().await;
}

#[tokio::test]
async fn acceptance_36_cleaning_up_removes_delivered_webhooks_and_keeps_failed_ones() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let now = app.app().now();
    for (name, status, days) in [
        ("old-delivered", "succeeded", 31),
        ("new-delivered", "succeeded", 29),
        ("old-failed", "failed", 179),
        ("ancient-failed", "failed", 181),
        ("ancient-cancelled", "cancelled", 181),
        ("ancient-pending", "pending", 400),
    ] {
        let at = now - TimeDelta::days(days);
        let new = "INSERT INTO webhook_events (name, target_url, target_host, headers, secret_headers, schedule, \
            status, started_by, max_attempts, backoff_seconds, idempotency_key, created_at, updated_at) \
            VALUES (?, 'https://hooks.example.com/', 'x', '{}', '{}', 'producer', ?, 'auto', 3, 300, ?, ?, ?)";
        app.execute(sql(new).bind(name).bind(status).bind(name).bind(at).bind(at)).await;
    }
    let seeded = app.number(sql("SELECT id FROM scheduled_tasks WHERE command = 'cleanup_history'")).await;
    let _ = ann.api(Method::POST, &format!("/scheduler/tasks/{seeded}/run")).await.is(202);
    app.run_jobs().await;
    let left: Vec<(String,)> = app.rows(sql("SELECT name FROM webhook_events ORDER BY name LIMIT 10")).await;
    let left: Vec<&str> = left.iter().map(|(name,)| name.as_str()).collect();
    assert_eq!(left, ["ancient-pending", "new-delivered", "old-failed"]);
    let history = ann.api(Method::GET, &format!("/scheduler/tasks/{seeded}/runs")).await.value();
    assert!(history[0]["details"].as_str().unwrap().contains("webhooks: 3 removed"), "{history}");
    app.finish().await;
}
