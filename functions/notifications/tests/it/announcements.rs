//! What is announced, by whom and to whom (acceptance 2, and recall).

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use shared::db::sql;

use crate::portal;

const PATH: &str = "/api/notifications";

fn body(more: &Value) -> Value {
    let mut body = json!({"event_type": "general", "message": "Maintenance on Sunday"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn acceptance_2_only_super_administrators_announce() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let (ana, boss) = (app.company_admin("ana", &acme).await, app.super_admin("boss").await);
    app.stranger().json(Method::POST, PATH, body(&json!({}))).await.is(401);
    ana.json(Method::POST, PATH, body(&json!({}))).await.is(403);
    let all = boss.json(Method::POST, PATH, body(&json!({}))).await.is(201).value();
    assert_eq!((all["audience"].as_str(), all["user_id"].is_null()), (Some("all"), true));
    let one = json!({"user_id": ana.id, "metadata": {"window": "1 h"}, "link": "/help"});
    let one = boss.json(Method::POST, PATH, body(&one)).await.is(201).value();
    assert_eq!((one["audience"].as_str(), one["metadata"]["window"].as_str()), (Some("user"), Some("1 h")));
    boss.json(Method::POST, PATH, body(&json!({"user_id": 999_999}))).await.is(400).says("There is no such person");
    boss.json(Method::POST, PATH, body(&json!({"company_id": 999_999}))).await.is(400);
    let both = json!({"user_id": ana.id, "company_id": acme.id});
    boss.json(Method::POST, PATH, body(&both)).await.refuses("company_id");
    for (more, field) in [
        (json!({"message": "  "}), "message"),
        (json!({"event_type": "no spaces"}), "event_type"),
        (json!({"message": "é".repeat(2001)}), "message"),
        (json!({"metadata": [1]}), "metadata"),
        (json!({"metadata": {"log": "x".repeat(16 * 1024)}}), "metadata"),
        (json!({"metadata": {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}}), "metadata"),
        (json!({"link": "//evil.example"}), "link"),
        (json!({"expires_at": "2020-01-01T00:00:00Z"}), "expires_at"),
    ] {
        boss.json(Method::POST, PATH, body(&more)).await.refuses(field);
    }
    app.run_jobs().await;
    let mine = ana.api(Method::GET, PATH).await.value();
    assert_eq!(mine.as_array().unwrap().len(), 2);
    assert_eq!(app.audit().await, ["notification.created", "notification.created"]);
    app.finish().await;
}

#[tokio::test]
async fn preferences_hold_for_broadcasts_unless_they_are_overruled() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let (ana, boss) = (app.member("ana", &acme).await, app.super_admin("boss").await);
    let off = json!({"preferences": [{"event_type": "general", "channel_in_app": false, "channel_email": true}]});
    ana.json(Method::PUT, "/api/notifications/preferences", off).await.is(200);
    let count = async || ana.api(Method::GET, PATH).await.value().as_array().unwrap().len();
    boss.json(Method::POST, PATH, body(&json!({}))).await.is(201);
    boss.json(Method::POST, PATH, body(&json!({"user_id": ana.id}))).await.is(201);
    assert_eq!(count().await, 0);
    ana.get("/notifications").await.shows("aria-label=\"Notifications\"");
    boss.json(Method::POST, PATH, body(&json!({"respect_preferences": false}))).await.is(201);
    assert_eq!(count().await, 1);
    ana.get("/notifications").await.shows("Notifications, 1 unread");
    app.run_jobs().await;
    app.advance(TimeDelta::minutes(6));
    app.run_jobs().await;
    app.run_jobs().await;
    let mails = app.mails_to("ana@example.com");
    assert_eq!(mails.len(), 2, "the first at once, the other two of the same cause together");
    assert!(app.mails_to("boss@example.com").is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_mail_of_an_announcement_names_nobody_else() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let boss = app.super_admin("boss").await;
    let on = json!({"preferences": [{"event_type": "general", "channel_email": true}]});
    for name in ["ana", "ben", "cleo"] {
        let actor = app.member(name, &acme).await;
        actor.json(Method::PUT, "/api/notifications/preferences", on.clone()).await.is(200);
    }
    boss.json(Method::POST, PATH, body(&json!({"company_id": acme.id}))).await.is(201);
    app.run_jobs().await;
    let mut to: Vec<Vec<String>> = app.mails().into_iter().map(|mail| mail.to).collect();
    to.sort();
    assert_eq!(to, ["ana", "ben", "cleo"].map(|name| vec![format!("{name}@example.com")]));
    app.finish().await;
}

#[tokio::test]
async fn the_sent_list_counts_and_a_recall_takes_back() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let (ana, boss) = (app.member("ana", &acme).await, app.super_admin("boss").await);
    let new = boss.json(Method::POST, PATH, body(&json!({"company_id": acme.id}))).await.is(201).value();
    app.run_jobs().await;
    let id = new["id"].as_i64().unwrap();
    ana.api(Method::POST, &format!("{PATH}/{id}/read")).await.is(200);
    let sent = boss.api(Method::GET, &format!("{PATH}/sent")).await.is(200);
    assert_eq!(sent.header("x-total-count"), "1");
    let sent = sent.value();
    assert_eq!((sent[0]["read_count"].as_i64(), sent[0]["recipient"].as_str()), (Some(1), Some("Acme")));
    ana.api(Method::GET, &format!("{PATH}/sent")).await.is(403);
    boss.api(Method::GET, &format!("{PATH}/sent?limit=201")).await.refuses("limit");
    ana.api(Method::POST, &format!("{PATH}/{id}/recall")).await.is(403);
    boss.api(Method::POST, &format!("{PATH}/999999/recall")).await.is(404);
    let back = boss.api(Method::POST, &format!("{PATH}/{id}/recall")).await.is(200).value();
    assert!(back["recalled_at"].is_string());
    assert!(ana.api(Method::GET, PATH).await.value().as_array().unwrap().is_empty());
    boss.get("/admin/notifications").await.is(200).shows("Taken back").shows("Acme");
    app.finish().await;
}

#[tokio::test]
async fn the_form_shows_before_it_sends() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let (ana, boss) = (app.member("ana", &acme).await, app.super_admin("boss").await);
    for actor in [&ana, &app.stranger()] {
        actor.get("/admin/notifications").await.is(303);
        actor.get("/admin/notifications/new").await.is(303);
    }
    ana.post("/admin/notifications/new", &[]).await.is(303);
    ana.post("/admin/notifications/1/recall", &[]).await.is(303);
    boss.get("/admin/notifications").await.is(200).shows("Nothing announced yet");
    boss.get("/admin/notifications/new").await.is(200).shows("Everybody");
    let company = acme.id.to_string();
    let fields = [
        ("audience", "company"),
        ("company_id", company.as_str()),
        ("event_type", "general"),
        ("message", "<b>Hello</b>"),
    ];
    let path = "/admin/notifications/new";
    boss.post(path, &fields).await.is(200).shows("It goes to 1 person").shows("&lt;b&gt;Hello");
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM notifications")).await, 0);
    boss.post(path, &[fields.as_slice(), &[("do", "edit")]].concat()).await.is(200).shows("Look before sending");
    boss.post(path, &[fields.as_slice(), &[("do", "send")]].concat()).await.goes_to("/admin/notifications");
    boss.get("/admin/notifications").await.shows("Announced to 1 person");
    ana.get("/notifications").await.shows("&lt;b&gt;Hello").shows("To your company");
    boss.post(
        path,
        &[("audience", "user"), ("email", "nobody@example.com"), ("message", "x"), ("event_type", "general")],
    )
    .await
    .refuses("email");
    boss.post(path, &[("audience", "company"), ("message", ""), ("event_type", "general")]).await.refuses("message");
    app.run_jobs().await;
    let id = app.number(sql("SELECT MAX(id) FROM notifications")).await;
    boss.post(&format!("/admin/notifications/{id}/recall"), &[]).await.goes_to("/admin/notifications");
    boss.post("/admin/notifications/999999/recall", &[]).await.is(404);
    ana.get("/notifications").await.hides("Hello");
    app.finish().await;
}
