//! Deliveries: tries, waits, ends, and what other people notice of them.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::db::sql;
use shared::modules::Slug;
use shared::testing::TestApp;
use shared::testing::web::{Answer, Server};
use shared::webhooks::{NewWebhook, Reference};

use crate::{portal, portal_with, settings, switch_on};

/// Queues a webhook as a feature does.
pub async fn queue(app: &TestApp, new: NewWebhook) -> i64 {
    let mut tx = app.db().begin(shared::audit::Stamp::system(app.app().now())).await.unwrap();
    tx.housekeeping();
    let id = new.queue(app.app(), &mut tx).await.unwrap().expect("a new webhook");
    tx.commit().await.unwrap();
    id
}

fn order(server: &Server) -> NewWebhook {
    NewWebhook::new("shop-order", server.url() + "/orders", json!({ "orderNumber": "ORD-1" }))
}

#[derive(Debug, sqlx::FromRow)]
pub struct Event {
    pub status: String,
    pub attempt_count: i64,
    pub max_attempts: i64,
    pub last_error: Option<String>,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub payload: Option<String>,
}

pub async fn event(app: &TestApp, id: i64) -> Event {
    let query = sql("SELECT status, attempt_count, max_attempts, last_error, next_attempt_at, payload \
         FROM webhook_events WHERE id = ?");
    app.rows(query.bind(id)).await.remove(0)
}

async fn notices(app: &TestApp) -> Vec<String> {
    let rows: Vec<(String,)> = app.rows(sql("SELECT event_type FROM notifications ORDER BY id LIMIT 100")).await;
    rows.into_iter().map(|(kind,)| kind).collect()
}

async fn events(app: &TestApp) -> Vec<String> {
    let rows: Vec<(String,)> = app.rows(sql("SELECT name FROM event_outbox ORDER BY id LIMIT 100")).await;
    rows.into_iter().map(|(name,)| name).collect()
}

/// Runs until the next try of an event, checks when that is, and does it.
async fn next_try(app: &TestApp, id: i64, seconds: i64, percent: i64) {
    let at = event(app, id).await.next_attempt_at.expect("a next try");
    let wait = (at - app.app().now()).num_seconds();
    assert!((wait - seconds).abs() <= seconds * percent / 100 + 1, "waits {wait} s instead of {seconds} s");
    app.run_jobs().await;
    assert_eq!(event(app, id).await.next_attempt_at, Some(at), "nothing happens before");
    app.advance(at - app.app().now() + TimeDelta::seconds(1));
    app.run_jobs().await;
}

#[tokio::test]
async fn a_webhook_arrives_with_the_headers_of_the_specification() {
    let app = portal().await;
    let server = Server::with(vec![Answer::status(204)]).await;
    let id = queue(&app, order(&server).header("X-Shop", "1").once("ORD-1")).await;
    assert!(server.received().is_empty(), "nothing is sent inside the request");
    app.run_jobs().await;
    let sent = server.received().remove(0);
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("POST", "/orders"));
    assert_eq!(sent.json(), json!({ "orderNumber": "ORD-1" }));
    for (name, value) in [
        ("content-type", "application/json"),
        ("idempotency-key", "ORD-1"),
        ("x-portal-event", "shop-order"),
        ("x-portal-attempt", "1"),
        ("x-shop", "1"),
        ("x-portal-signature", ""),
    ] {
        assert_eq!(sent.header(name), value, "{name}");
    }
    assert!(sent.header("user-agent").starts_with("MyPortal/"), "{}", sent.header("user-agent"));
    assert_eq!(
        (event(&app, id).await.status.as_str(), events(&app).await),
        ("succeeded", vec!["webhook.delivered".to_owned()])
    );
    let mut tx = app.db().begin(shared::audit::Stamp::system(app.app().now())).await.unwrap();
    tx.housekeeping();
    assert_eq!(order(&server).once("ORD-1").queue(app.app(), &mut tx).await.unwrap(), None, "the same cause");
    drop(tx);
    app.finish().await;
}

#[tokio::test]
async fn three_failures_end_it_and_are_told_once() {
    let app = portal().await;
    app.user("ann", |new| new.is_super_admin = true).await;
    let server = Server::with(vec![Answer::Full(500, Vec::new(), "down".to_owned())]).await;
    let id = queue(&app, order(&server).tries(3, 300)).await;
    app.run_jobs().await;
    next_try(&app, id, 300, 10).await;
    next_try(&app, id, 600, 10).await;
    let ended = event(&app, id).await;
    assert_eq!((ended.status.as_str(), ended.attempt_count, ended.next_attempt_at), ("failed", 3, None));
    assert_eq!(ended.last_error.as_deref(), Some("The server answered 500 Internal Server Error"));
    let attempts: Vec<(i64, String, Option<i64>, String)> = app
        .rows(sql("SELECT attempt_number, status, response_status, COALESCE(response_body, '') \
             FROM webhook_event_attempts ORDER BY id LIMIT 10"))
        .await;
    let failed = |number| (number, "failed".to_owned(), Some(500), "down".to_owned());
    assert_eq!(attempts, [failed(1), failed(2), failed(3)]);
    assert_eq!(
        (notices(&app).await, events(&app).await),
        (vec!["webhook.failed".to_owned()], vec!["webhook.failed".to_owned()])
    );
    let sent = server.received();
    let keys: std::collections::HashSet<&str> = sent.iter().map(|request| request.header("idempotency-key")).collect();
    assert_eq!((sent.len(), keys.len(), sent[2].header("x-portal-attempt")), (3, 1, "3"));
    queue(&app, order(&server).tries(1, 300)).await;
    app.run_jobs().await;
    assert_eq!(notices(&app).await.len(), 1, "one notice per name and hour");
    app.finish().await;
}

#[tokio::test]
async fn redirects_are_failures_and_gone_is_the_end() {
    let mut app = portal().await;
    let inner = Server::with(vec![Answer::status(200)]).await;
    let server =
        Server::with(vec![Answer::Full(302, vec![("location", inner.url())], String::new()), Answer::status(410)])
            .await;
    let (moved, gone) = (queue(&app, order(&server)).await, {
        app.run_jobs().await;
        queue(&app, order(&server)).await
    });
    app.run_jobs().await;
    let moved = event(&app, moved).await;
    assert_eq!((moved.status.as_str(), moved.attempt_count), ("pending", 1));
    assert!(inner.received().is_empty(), "the redirect was followed");
    let gone = event(&app, gone).await;
    assert_eq!((gone.status.as_str(), gone.attempt_count, gone.max_attempts), ("failed", 1, 3));
    app.leave_work();
    app.finish().await;
}

#[tokio::test]
async fn what_the_other_side_asks_for_is_heeded() {
    let mut app = portal().await;
    let busy = Answer::Full(429, vec![("retry-after", "1800".to_owned())], String::new());
    let server = Server::with(vec![busy]).await;
    let id = queue(&app, order(&server).tries(3, 60)).await;
    app.run_jobs().await;
    let wait = event(&app, id).await.next_attempt_at.unwrap() - app.app().now();
    assert_eq!(wait.num_seconds(), 1800);
    app.leave_work();
    app.finish().await;
}

#[tokio::test]
async fn faults_of_the_line_are_errors_without_an_answer() {
    let mut app = portal().await;
    for answer in [Answer::Cut, Answer::Raw("nonsense\r\n\r\n")] {
        let server = Server::with(vec![answer]).await;
        let id = queue(&app, order(&server)).await;
        app.run_jobs().await;
        let after = event(&app, id).await;
        assert_eq!((after.status.as_str(), after.attempt_count), ("pending", 1), "{after:?}");
        assert!(after.last_error.is_some());
    }
    let endless = "x".repeat(200_000);
    let server = Server::with(vec![Answer::Full(200, Vec::new(), endless)]).await;
    let id = queue(&app, order(&server)).await;
    app.run_jobs().await;
    assert_eq!(event(&app, id).await.status, "succeeded", "a long answer is cut, not refused");
    let errors = app.number(sql("SELECT COUNT(*) FROM webhook_event_attempts WHERE status = 'error'")).await;
    assert_eq!(errors, 2);
    app.leave_work();
    app.finish().await;
}

#[tokio::test]
async fn inner_addresses_are_never_reached() {
    let mut app = portal_with(shared::testing::config()).await;
    let server = Server::with(vec![Answer::status(200)]).await;
    let port = server.url().rsplit(':').next().unwrap().to_owned();
    for url in [
        "http://169.254.169.254/".to_owned(),
        format!("http://localhost:{port}/"),
        format!("http://127.0.0.1:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
    ] {
        let id = queue(&app, NewWebhook::new("x", &url, json!({}))).await;
        app.run_jobs().await;
        let after = event(&app, id).await;
        let error = after.last_error.unwrap_or_default();
        assert!(error.starts_with("Address not allowed"), "{url}: {error}");
    }
    assert!(server.received().is_empty());
    app.leave_work();
    app.finish().await;
}

#[tokio::test]
async fn two_workers_send_one_request() {
    let app = portal().await;
    let server = Server::with(vec![Answer::status(200)]).await;
    for number in 0..5 {
        queue(&app, order(&server).once(format!("ORD-{number}"))).await;
    }
    tokio::join!(app.run_jobs(), app.run_jobs(), app.run_jobs());
    app.run_jobs().await;
    assert_eq!(server.received().len(), 5);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM webhook_event_attempts")).await, 5);
    app.finish().await;
}

#[tokio::test]
async fn what_a_dead_worker_held_is_delivered_by_another() {
    let app = portal().await;
    let server = Server::with(vec![Answer::status(200)]).await;
    let id = queue(&app, order(&server)).await;
    let until = app.app().now() + TimeDelta::seconds(60);
    app.execute(
        sql("UPDATE webhook_events SET status = 'in_progress', locked_by = 'dead', locked_until = ? WHERE id = ?")
            .bind(until)
            .bind(id),
    )
    .await;
    app.execute(sql("DELETE FROM jobs")).await;
    app.run_jobs().await;
    assert_eq!(event(&app, id).await.status, "in_progress", "its lease still holds");
    app.advance(TimeDelta::minutes(6));
    app.run_jobs().await;
    assert_eq!((event(&app, id).await.status.as_str(), server.received().len()), ("succeeded", 1));
    app.finish().await;
}

#[tokio::test]
async fn a_dead_host_costs_nobody_else_time() {
    let mut app = portal().await;
    let ann = app.super_admin("ann").await;
    let dead = Server::with(vec![Answer::Silence(Duration::from_secs(60))]).await;
    let alive = Server::with(vec![Answer::status(200)]).await;
    for _ in 0..60 {
        queue(&app, order(&dead)).await;
    }
    let other = queue(&app, order(&alive)).await;
    let started = Instant::now();
    let requests = async {
        // While two deliveries hang, people work as always.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let mut slowest = Duration::ZERO;
        for path in ["/admin/webhooks", "/admin/webhooks/1", "/admin/modules"] {
            let before = Instant::now();
            let _ = ann.get(path).await.is(200);
            slowest = slowest.max(before.elapsed());
        }
        let before = Instant::now();
        queue(&app, order(&dead)).await;
        slowest.max(before.elapsed())
    };
    let (_, slowest) = tokio::join!(app.run_jobs(), requests);
    assert!(slowest < Duration::from_secs(2), "a request took {slowest:?}");
    app.run_jobs().await;
    assert!(started.elapsed() < Duration::from_secs(35), "the queue hung for {:?}", started.elapsed());
    assert_eq!(event(&app, other).await.status, "succeeded");
    assert!(dead.received().len() <= 4, "{} tries at a host that does not answer", dead.received().len());
    let spent = app.number(sql("SELECT CAST(SUM(attempt_count) AS SIGNED) FROM webhook_events")).await;
    assert!(spent <= 5, "waiting for a dead host counts as no try: {spent}");
    app.leave_work();
    app.finish().await;
}

#[tokio::test]
async fn a_burst_is_delivered_side_by_side() {
    let app = portal().await;
    let server = Server::with(vec![Answer::status(200)]).await;
    for _ in 0..120 {
        queue(&app, order(&server)).await;
    }
    app.run_jobs().await;
    assert_eq!(server.received().len(), 120);
    app.finish().await;
}

#[tokio::test]
async fn secrets_are_looked_up_when_a_webhook_leaves() {
    let mut app = portal().await;
    let server = Server::with(vec![Answer::status(200)]).await;
    let reference = Reference { prefix: "Basic ", module: Slug::Sms, key: "auth" };
    let sms = || {
        let body = json!({ "textMessage": { "text": "Hi" }, "phoneNumbers": ["+447700900123"] });
        NewWebhook::new("sms.dispatch", server.url(), body).secret_header("Authorization", reference)
    };
    let id = queue(&app, sms()).await;
    app.run_jobs().await;
    assert_eq!(event(&app, id).await.last_error.as_deref(), Some("The secret of the header authorization is not set"));
    switch_on(&app, Slug::Sms, json!({ "endpoint": server.url(), "auth": "b2xkOmtleQ==" })).await;
    queue(&app, sms()).await;
    switch_on(&app, Slug::Sms, json!({ "auth": "bmV3OmtleQ==" })).await;
    app.run_jobs().await;
    assert_eq!(server.received()[0].header("authorization"), "Basic bmV3OmtleQ==", "the key of today");
    let stored = app.rows::<(String,)>(sql("SELECT secret_headers FROM webhook_events LIMIT 5")).await;
    assert!(!format!("{stored:?}").contains("key=="), "{stored:?}");
    app.leave_work();
    app.finish().await;
}

#[tokio::test]
async fn sensitive_content_is_sealed_sent_and_erased() {
    let app = portal().await;
    let server = Server::with(vec![Answer::status(200)]).await;
    let body = json!({ "mobilePhone": "+447700900123", "code": "493817" });
    let id =
        queue(&app, NewWebhook::new("staff-verification", server.url(), body.clone()).tries(1, 180).sensitive()).await;
    assert!(!event(&app, id).await.payload.unwrap().contains("493817"));
    let (status, _) = tokio::join!(shared::webhooks::outcome(app.db(), id), app.run_jobs());
    assert_eq!(status.unwrap(), "succeeded");
    assert_eq!(server.received()[0].json(), body);
    assert_eq!(event(&app, id).await.payload, None);
    app.finish().await;
}

#[tokio::test]
async fn the_portal_s_secret_signs_what_producers_send() {
    let mut config = settings();
    config.webhook_signing_secret = Some("a plain signing secret".to_owned());
    let app = portal_with(config).await;
    let server = Server::with(vec![Answer::status(200)]).await;
    queue(&app, order(&server)).await;
    app.run_jobs().await;
    let sent = server.received().remove(0);
    let stamp = sent.header("webhook-timestamp").to_owned();
    let content = format!("{stamp}.{}", sent.text());
    let expected = shared::tokens::hmac_sha256_hex(b"a plain signing secret", content.as_bytes());
    assert_eq!(sent.header("x-portal-signature"), format!("t={stamp},v1={expected}"));
    app.finish().await;
}
