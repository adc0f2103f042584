//! Endpoints of customers: registered, told, signed for, switched off.

use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::audit::Stamp;
use shared::db::sql;
use shared::events::{self, names};
use shared::testing::web::{Answer, Received, Server};
use shared::testing::{Actor, TestApp};
use shared::webhooks::sign;

use crate::portal;

/// Registers an endpoint through the page; gives its number and the secret that the page shows once.
pub async fn register(admin: &Actor, url: &str, company: Option<i64>) -> (i64, String) {
    let company = company.map(|id| id.to_string()).unwrap_or_default();
    let fields = [
        ("name", "Helpdesk"),
        ("target_url", url),
        ("company_id", company.as_str()),
        ("contact_email", "it@customer.example"),
        ("events", "tickets.created"),
        ("events", "tickets.replied"),
    ];
    let made = admin.post("/admin/webhooks/endpoints", &fields).await.is(303);
    let path = made.header("location").to_owned();
    let page = admin.get(&path).await.is(200).shows("The signing secret").text();
    let _ = admin.get(&path).await.hides("whsec_");
    (path.rsplit('/').next().unwrap().parse().unwrap(), secret(&page))
}

fn secret(page: &str) -> String {
    let found = page.split(['"', '<', '>']).find(|text| text.starts_with("whsec_")).expect("a secret");
    found.replace("&#x2f;", "/")
}

/// Something happens.
pub async fn emit(app: &TestApp, name: &'static str, payload: Value) {
    let mut tx = app.db().begin(Stamp::system(app.app().now())).await.unwrap();
    tx.housekeeping();
    events::emit(&mut tx, name, payload).await.unwrap();
    tx.commit().await.unwrap();
}

async fn ticket(app: &TestApp, company: Option<i64>) -> i64 {
    let now = app.app().now();
    let mut tx = app.db().begin(Stamp::system(now)).await.unwrap();
    tx.housekeeping();
    let id =
        sql("INSERT INTO tickets (company_id, subject, search_text, created_at, updated_at) VALUES (?, 'x', '', ?, ?)")
            .bind(company)
            .bind(now)
            .bind(now)
            .insert(&mut tx)
            .await
            .unwrap();
    tx.commit().await.unwrap();
    id
}

async fn reply(app: &TestApp, ticket: i64, is_internal: bool) -> i64 {
    let now = app.app().now();
    let mut tx = app.db().begin(Stamp::system(now)).await.unwrap();
    tx.housekeeping();
    let insert = sql("INSERT INTO ticket_replies (ticket_id, body, body_hash, is_internal, search_text, created_at) \
         VALUES (?, 'x', '', ?, '', ?)");
    let id = insert.bind(ticket).bind(is_internal).bind(now).insert(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    id
}

fn signatures(sent: &Received) -> Vec<String> {
    sent.header("webhook-signature").split(' ').map(str::to_owned).collect()
}

fn expected(secret: &str, sent: &Received) -> String {
    let stamp: i64 = sent.header("webhook-timestamp").parse().unwrap();
    sign::standard(&[secret.to_owned()], sent.header("webhook-id"), stamp, &sent.text())
}

#[tokio::test]
async fn an_endpoint_hears_of_what_it_asked_for_once() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let server = Server::with(vec![Answer::status(204)]).await;
    let (id, secret) = register(&ann, &server.url(), None).await;
    let number = ticket(&app, None).await;
    emit(&app, names::TICKET_CREATED, json!({ "ticket_id": number, "actor_id": 1 })).await;
    emit(&app, names::TICKET_CLOSED, json!({ "ticket_id": number })).await;
    app.run_jobs().await;
    let sent = server.received();
    assert_eq!(sent.len(), 1);
    let body = sent[0].json();
    assert_eq!((body["type"].as_str(), body["data"]["ticket_id"].as_i64()), (Some("tickets.created"), Some(number)));
    assert!(body["timestamp"].is_string());
    assert_eq!(signatures(&sent[0]), [expected(&secret, &sent[0])]);
    assert!(sent[0].header("webhook-id").starts_with("evt_"));
    let stored: Vec<(String,)> = app.rows(sql("SELECT secret FROM webhook_endpoints LIMIT 5")).await;
    assert!(stored[0].0.starts_with("v1:") && !stored[0].0.contains(&secret), "{stored:?}");
    let _ = ann.get(&format!("/admin/webhooks?endpoint={id}")).await.is(200).shows("tickets.created");
    assert!(!app.audit().await.iter().any(|action| action.contains("whsec")));
    app.finish().await;
}

#[tokio::test]
async fn a_company_s_endpoint_hears_of_its_company_only() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let (acme, other) = (app.company("Acme").await, app.company("Other").await);
    let server = Server::with(vec![Answer::status(204)]).await;
    register(&ann, &server.url(), Some(acme.id)).await;
    let (own, foreign, nobodys) =
        (ticket(&app, Some(acme.id)).await, ticket(&app, Some(other.id)).await, ticket(&app, None).await);
    for id in [own, foreign, nobodys, 9999] {
        emit(&app, names::TICKET_CREATED, json!({ "ticket_id": id })).await;
    }
    let (note, answer) = (reply(&app, own, true).await, reply(&app, own, false).await);
    for reply in [note, answer] {
        emit(&app, names::TICKET_REPLIED, json!({ "ticket_id": own, "reply_id": reply })).await;
    }
    app.run_jobs().await;
    let mut heard: Vec<(i64, Option<i64>)> = server
        .received()
        .iter()
        .map(|sent| (sent.json()["data"]["ticket_id"].as_i64().unwrap(), sent.json()["data"]["reply_id"].as_i64()))
        .collect();
    heard.sort_unstable();
    assert_eq!(heard, [(own, None), (own, Some(answer))], "no other company, no internal note");
    app.finish().await;
}

#[tokio::test]
async fn both_secrets_sign_for_a_day_after_a_rotation() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let server = Server::with(vec![Answer::status(204)]).await;
    let (id, old) = register(&ann, &server.url(), None).await;
    let path = format!("/admin/webhooks/endpoints/{id}");
    let _ = ann.post(&format!("{path}/rotate"), &[]).await.goes_to(&path);
    let new = secret(&ann.get(&path).await.is(200).text());
    assert_ne!(new, old);
    let _ = ann.post(&format!("{path}/ping"), &[]).await.is(303);
    app.run_jobs().await;
    let sent = server.received().remove(0);
    assert_eq!(sent.json()["type"], "ping");
    assert_eq!(signatures(&sent), [expected(&new, &sent), expected(&old, &sent)]);
    app.advance(TimeDelta::hours(25));
    let ann = app.sign_in(ann.id).await;
    let _ = ann.post(&format!("{path}/ping"), &[]).await.is(303);
    app.run_jobs().await;
    let sent = server.received().remove(1);
    assert_eq!(signatures(&sent), [expected(&new, &sent)]);
    app.finish().await;
}

#[tokio::test]
async fn gone_switches_an_endpoint_off_and_its_owner_is_told() {
    let app = portal().await;
    let (ann, bea) = (app.super_admin("ann").await, app.super_admin("bea").await);
    let server = Server::with(vec![Answer::status(410)]).await;
    let (id, _) = register(&ann, &server.url(), None).await;
    emit(&app, names::TICKET_CREATED, json!({ "ticket_id": 1 })).await;
    app.run_jobs().await;
    emit(&app, names::TICKET_CREATED, json!({ "ticket_id": 2 })).await;
    app.run_jobs().await;
    assert_eq!(server.received().len(), 1, "nothing more is sent there");
    let path = format!("/admin/webhooks/endpoints/{id}");
    let _ = ann.get(&path).await.is(200).shows("Switched off").shows("It answered 410 Gone");
    let told: Vec<(i64,)> = app
        .rows(sql("SELECT user_id FROM notifications WHERE event_type = 'webhook.disabled' ORDER BY user_id LIMIT 10"))
        .await;
    assert_eq!(told, [(ann.id,), (bea.id,)]);
    let mail = app.mails_to("it@customer.example");
    assert_eq!((mail.len(), mail[0].subject.as_str()), (1, "Webhooks to Helpdesk were switched off"));
    assert!(mail[0].text.contains("It answered 410 Gone."), "{}", mail[0].text);
    let _ = ann.post(&format!("{path}/status"), &[("status", "active")]).await.goes_to(&path);
    emit(&app, names::TICKET_CREATED, json!({ "ticket_id": 3 })).await;
    app.run_jobs().await;
    assert_eq!(server.received().len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn five_days_of_failure_switch_an_endpoint_off() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let server = Server::with(vec![Answer::status(503)]).await;
    let (id, _) = register(&ann, &server.url(), None).await;
    let state = async || {
        let rows: Vec<(String,)> = app.rows(sql("SELECT status FROM webhook_endpoints LIMIT 5")).await;
        rows[0].0.clone()
    };
    emit(&app, names::TICKET_CREATED, json!({ "ticket_id": 1 })).await;
    for hour in 0..(24 * 5) {
        app.run_jobs().await;
        assert_eq!(state().await, "active", "after {hour} hours");
        app.advance(TimeDelta::hours(1));
        if hour == 100 {
            emit(&app, names::TICKET_CREATED, json!({ "ticket_id": 2 })).await;
        }
    }
    let tries = app.number(sql("SELECT attempt_count FROM webhook_events WHERE id = 1")).await;
    assert_eq!(tries, 10, "the first event was given up after the whole schedule");
    emit(&app, names::TICKET_CREATED, json!({ "ticket_id": 3 })).await;
    app.run_jobs().await;
    assert_eq!(state().await, "disabled");
    let waiting = app.number(sql("SELECT COUNT(*) FROM webhook_events WHERE status = 'pending'")).await;
    assert_eq!(waiting, 0, "what waits is cancelled");
    let ann = app.sign_in(ann.id).await;
    let _ = ann.get(&format!("/admin/webhooks/endpoints/{id}")).await.shows("Nothing was accepted for five days");
    app.advance(TimeDelta::days(2));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn endpoints_are_edited_and_deleted() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let bad = [("name", ""), ("target_url", "http://hooks.example.com/"), ("contact_email", "x")];
    let page = ann.post("/admin/webhooks/endpoints", &bad).await.refuses("name").refuses("target_url");
    let _ = page.refuses("contact_email").refuses("events");
    let lost = [
        ("name", "x"),
        ("target_url", "https://hooks.example.com/"),
        ("company_id", "99"),
        ("events", "tickets.created"),
    ];
    let _ = ann.post("/admin/webhooks/endpoints", &lost).await.refuses("company_id");
    let (id, _) = register(&ann, "https://hooks.example.com/in?key=1", None).await;
    let path = format!("/admin/webhooks/endpoints/{id}");
    let _ = ann
        .post(&path, &[("name", "Renamed"), ("target_url", "nonsense")])
        .await
        .refuses("target_url")
        .refuses("events");
    let good = [("name", "Renamed"), ("target_url", "https://hooks.example.com/new"), ("events", "tickets.closed")];
    let _ = ann.post(&path, &good).await.goes_to(&path);
    let _ = ann.get("/admin/webhooks/endpoints").await.is(200).shows("Renamed");
    let _ = ann.post(&format!("{path}/status"), &[("status", "disabled")]).await.goes_to(&path);
    let _ = ann.get(&format!("{path}/delete")).await.is(200).shows("Delete this endpoint?");
    let _ = ann.post(&format!("{path}/delete"), &[]).await.goes_to("/admin/webhooks/endpoints");
    let _ = ann.get(&path).await.is(404);
    let actions = app.audit().await;
    let short: Vec<&str> = actions.iter().map(|action| action.trim_start_matches("webhook_endpoint.")).collect();
    assert_eq!(short, ["created", "updated", "disabled", "deleted"]);
    let provider = app.provider("Northstar").await;
    let tom = app.technician("tom", &provider).await;
    for path in [format!("{path}/rotate"), format!("{path}/ping"), format!("{path}/status"), path.clone()] {
        let _ = tom.post(&path, &[]).await.goes_to("/");
        let _ = ann.post(&path, &good).await.is(404);
    }
    app.finish().await;
}
