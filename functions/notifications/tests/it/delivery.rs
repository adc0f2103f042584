//! When and how messages go out: quiet hours, digests, one message per thing, text messages through the
//! gateway and pushes through ntfy, with faults (acceptance 13, 14, 16).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use serde_json::{Value, json};
use shared::app::{App, Parts};
use shared::audit::Stamp;
use shared::db::sql;
use shared::jobs::{Jobs, Worker};
use shared::mail::transport::{Backend, SmtpSettings, Tls};
use shared::modules::{self, Edit, Slug};
use shared::notify::{Announcement, GENERAL, NEW_SIGN_IN, To};
use shared::outbound::Exceptions;
use shared::routes::Table;
use shared::testing::web::{Answer, Server};
use shared::testing::{Actor, TestApp};
use shared::webhooks;

use crate::{announce, news, portal, publish, tell};

async fn wants(actor: &Actor, item: Value) {
    actor.json(Method::PUT, "/api/notifications/preferences", json!({"preferences": [item]})).await.is(200);
}

async fn times(actor: &Actor, fields: &[(&str, &str)]) {
    let usual = [("digest", "daily"), ("digest_hour", "17"), ("digest_weekday", "1")];
    let all = [usual.as_slice(), fields].concat();
    actor.post("/notifications/settings/times", &all).await.goes_to("/notifications/settings");
}

/// Moves the clock to a time of the test's day, a Monday, and does what is due.
async fn until(app: &TestApp, time: &str) {
    let wanted: DateTime<Utc> = time.parse().unwrap();
    app.advance(wanted - app.app().now());
    app.run_jobs().await;
    app.run_jobs().await;
}

async fn states(app: &TestApp, user: i64) -> Vec<(String, String, Option<String>)> {
    app.rows(
        sql("SELECT channel, status, reason FROM notification_deliveries WHERE user_id = ? ORDER BY id LIMIT 50")
            .bind(user),
    )
    .await
}

#[tokio::test]
async fn quiet_hours_delay_and_never_drop_and_urgent_breaks_through() {
    let app = portal().await;
    let ana = app.requester("ana").await;
    wants(&ana, json!({"event_type": "general", "channel_email": true})).await;
    times(&ana, &[("quiet_from", "22:00"), ("quiet_until", "07:00")]).await;
    until(&app, "2026-11-24T23:00:00Z").await;
    tell(&app, ana.id, GENERAL, "First of the night").await;
    app.advance(TimeDelta::minutes(10));
    tell(&app, ana.id, GENERAL, "Second of the night").await;
    tell(&app, ana.id, NEW_SIGN_IN, "Somebody signed in").await;
    app.run_jobs().await;
    let subjects = |app: &TestApp| app.mails_to("ana@example.com").into_iter().map(|m| m.subject).collect::<Vec<_>>();
    assert_eq!(subjects(&app), ["MyPortal: New sign-in to your account"]);
    until(&app, "2026-11-25T06:59:00Z").await;
    assert_eq!(subjects(&app).len(), 1);
    until(&app, "2026-11-25T07:00:30Z").await;
    assert_eq!(subjects(&app)[1..], ["MyPortal: 2 notifications"]);
    let text = &app.mails_to("ana@example.com")[1].text;
    assert!(text.contains("First of the night") && text.contains("Second of the night"), "{text}");
    assert!(states(&app, ana.id).await.iter().all(|(_, status, _)| status == "sent"));
    app.finish().await;
}

#[tokio::test]
async fn a_digest_comes_at_its_hour_with_everything() {
    let app = portal().await;
    let ana = app.requester("ana").await;
    wants(&ana, json!({"event_type": "general", "channel_email": true, "email_digest": true})).await;
    times(&ana, &[]).await;
    until(&app, "2026-11-24T09:00:00Z").await;
    for n in 0..3 {
        app.advance(TimeDelta::minutes(30));
        tell(&app, ana.id, GENERAL, &format!("News {n}")).await;
    }
    until(&app, "2026-11-24T16:59:00Z").await;
    assert!(app.mails_to("ana@example.com").is_empty());
    until(&app, "2026-11-24T17:01:00Z").await;
    let mails = app.mails_to("ana@example.com");
    assert_eq!(mails.len(), 1);
    for n in 0..3 {
        assert!(mails[0].text.contains(&format!("News {n}")) && mails[0].html.as_ref().unwrap().contains("News"));
    }
    until(&app, "2026-11-25T17:01:00Z").await;
    assert_eq!(app.mails_to("ana@example.com").len(), 1, "nothing new, no digest");
    app.finish().await;
}

#[tokio::test]
async fn one_thing_makes_one_message_within_five_minutes_and_a_pause_holds_everything() {
    let app = portal().await;
    let ana = app.requester("ana").await;
    wants(&ana, json!({"event_type": "general", "channel_email": true})).await;
    for n in 0..4 {
        tell(&app, ana.id, GENERAL, &format!("Change {n}")).await;
        app.advance(TimeDelta::seconds(30));
    }
    app.run_jobs().await;
    assert_eq!(app.mails_to("ana@example.com").len(), 1);
    app.advance(TimeDelta::minutes(5));
    app.run_jobs().await;
    app.run_jobs().await;
    let mails = app.mails_to("ana@example.com");
    assert_eq!((mails.len(), mails[1].subject.as_str()), (2, "MyPortal: 3 notifications"));
    times(&ana, &[("paused_until", "2026-12-01")]).await;
    app.advance(TimeDelta::hours(1));
    tell(&app, ana.id, GENERAL, "While away").await;
    until(&app, "2026-11-30T23:59:00Z").await;
    assert_eq!(app.mails_to("ana@example.com").len(), 2);
    until(&app, "2026-12-01T00:01:00Z").await;
    assert_eq!(app.mails_to("ana@example.com").len(), 3);
    app.finish().await;
}

#[tokio::test]
async fn acceptance_13_a_mail_needs_no_row_in_the_feed() {
    let app = portal().await;
    let ana = app.requester("ana").await;
    wants(&ana, json!({"event_type": "general", "channel_in_app": false, "channel_email": true})).await;
    tell(&app, ana.id, GENERAL, "By mail only").await;
    app.run_jobs().await;
    assert_eq!(app.mails_to("ana@example.com").len(), 1);
    assert!(ana.api(Method::GET, "/api/notifications").await.value().as_array().unwrap().is_empty());
    ana.get("/notifications").await.shows("Nothing there yet");
    wants(&ana, json!({"event_type": "general", "channel_in_app": false})).await;
    app.advance(TimeDelta::hours(1));
    tell(&app, ana.id, GENERAL, "By no way").await;
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM notifications WHERE message = 'By no way'")).await, 0);
    app.finish().await;
}

/// The same portal as a worker has it whose mail server does not answer.
async fn without_server(app: &TestApp) -> App {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let settings =
        SmtpSettings { host: "127.0.0.1".to_owned(), port: free, user: None, password: None, tls: Tls::Never };
    let parts = Parts { db: app.db().clone(), clock: app.app().clock().clone(), mail: Backend::smtp(settings) };
    App::new(app.app().config().clone(), Table::default(), parts)
}

async fn work(sender: &App) {
    let worker = Worker::new(sender.clone(), Jobs::kernel(), "test").at_once(1);
    let (_keep, stop) = tokio::sync::watch::channel(false);
    worker.tick(Duration::from_mins(1), &stop).await.unwrap();
}

#[tokio::test]
async fn acceptance_14_a_mail_server_that_is_down_fails_no_request_and_is_asked_again() {
    let mut app = portal().await;
    app.leave_work();
    let sender = without_server(&app).await;
    let (ann, ana) = (app.super_admin("ann").await, app.requester("ana").await);
    wants(&ana, json!({"event_type": "general", "channel_email": true})).await;
    let new = json!({"event_type": "general", "message": "Maintenance tonight", "user_id": ana.id});
    ann.json(Method::POST, "/api/notifications", new).await.is(201);
    let mails = || app.rows::<(String, i64)>(sql("SELECT status, attempts FROM email_outbox ORDER BY id LIMIT 9"));
    for (attempt, minutes) in [(1, 1), (2, 5), (3, 30)] {
        work(&sender).await;
        assert_eq!(mails().await, [("queued".to_owned(), attempt)]);
        assert_eq!(states(&app, ana.id).await[0].1, "queued");
        app.advance(TimeDelta::seconds(minutes * 54 - 1));
        work(&sender).await;
        assert_eq!(mails().await, [("queued".to_owned(), attempt)], "it waits {minutes} minutes");
        app.advance(TimeDelta::seconds(minutes * 12 + 1));
    }
    work(&sender).await;
    assert_eq!(mails().await, [("failed".to_owned(), 4)]);
    let (channel, status, reason) = states(&app, ana.id).await.remove(0);
    assert_eq!((channel.as_str(), status.as_str()), ("email", "failed"));
    assert!(reason.is_some_and(|text| !text.is_empty()), "the list says why");
    ann.get("/admin/notifications").await.is(200).shows("Maintenance tonight").shows("1 failed");
    ana.get("/notifications").await.is(200).shows("Maintenance tonight");
    app.finish().await;
}

#[tokio::test]
async fn after_200_mails_in_a_day_one_says_that_there_is_more() {
    let app = portal().await;
    let ana = app.requester("ana").await;
    wants(&ana, json!({"event_type": "general", "channel_email": true})).await;
    tell(&app, ana.id, GENERAL, "First").await;
    let first = app.number(sql("SELECT MAX(id) FROM notifications")).await;
    let now = app.app().now();
    for n in 0..199 {
        let copy = sql("INSERT INTO notifications (audience, user_id, event_type, message, created_at) \
             SELECT audience, user_id, event_type, ?, created_at FROM notifications WHERE id = ?");
        app.execute(copy.bind(format!("Copy {n}")).bind(first)).await;
    }
    app.execute(
        sql("INSERT INTO notification_deliveries (notification_id, user_id, channel, status, created_at) \
             SELECT n.id, n.user_id, 'email', 'sent', ? FROM notifications n WHERE n.message LIKE 'Copy %'")
        .bind(now),
    )
    .await;
    for n in 0..3 {
        app.advance(TimeDelta::minutes(10));
        tell(&app, ana.id, GENERAL, &format!("Too much {n}")).await;
    }
    app.run_jobs().await;
    let mails = app.mails_to("ana@example.com");
    assert_eq!(mails.len(), 2, "the first and the last word");
    assert!(mails[1].subject.contains("withheld"));
    app.finish().await;
}

#[tokio::test]
async fn what_is_old_goes() {
    let app = portal().await;
    let ana = app.requester("ana").await;
    tell(&app, ana.id, GENERAL, "Personal").await;
    let to = To::Everyone;
    publish(&app, Announcement { expires_at: Some(app.app().now() + TimeDelta::days(10)), ..news(to, "Broadcast") })
        .await;
    app.run_jobs().await;
    let left = async || app.rows::<(String,)>(sql("SELECT message FROM notifications ORDER BY id LIMIT 9")).await.len();
    app.advance(TimeDelta::days(99));
    app.run_jobs().await;
    assert_eq!(left().await, 2);
    app.advance(TimeDelta::days(3));
    app.run_jobs().await;
    assert_eq!(left().await, 1, "a broadcast goes 90 days after its end");
    app.advance(TimeDelta::days(264));
    app.run_jobs().await;
    assert_eq!(left().await, 0, "a personal one after a year");
    app.finish().await;
}

/// A portal with a gateway on this machine.
async fn with_gateway(server: &Server, country: &str) -> TestApp {
    let mut config = shared::testing::config();
    config.outbound_exceptions = Exceptions::parse("127.0.0.1").unwrap();
    config.module_defaults.insert("SMS_ENDPOINT", format!("{}/messages", server.url()));
    config.module_defaults.insert("SMS_AUTH", "dXNlcjpwYXNz".into());
    config.module_defaults.insert("SMS_DEFAULT_COUNTRY_CODE", country.into());
    TestApp::with(config, notifications::routes(), texting()).await
}

/// Text messages go through the webhook queue.
fn texting() -> Jobs {
    Jobs::kernel().on(webhooks::JOB, webhooks::deliver_job)
}

async fn with_mobile(app: &TestApp, name: &str, mobile: &str) -> Actor {
    let actor = app.requester(name).await;
    app.execute(sql("UPDATE users SET mobile_phone = ? WHERE id = ?").bind(mobile).bind(actor.id)).await;
    wants(&actor, json!({"event_type": "general", "channel_sms": true})).await;
    actor
}

#[tokio::test]
async fn acceptance_16_the_gateway_gets_the_exact_body_for_each_number() {
    let server = Server::start(|_| Answer::Json(202, json!({"id": "x"}))).await;
    let app = with_gateway(&server, "").await;
    let ana = with_mobile(&app, "ana", "+61 400 000-000").await;
    let ben = with_mobile(&app, "ben", "+61 (400) 000 001").await;
    let cleo = with_mobile(&app, "cleo", "0400 000 000").await;
    announce(&app, To::Everyone, "Maintenance on Sunday").await;
    let mut received = server.received();
    received.sort_by_key(|request| request.text());
    assert_eq!(received.len(), 2);
    assert_eq!((received[0].method.as_str(), received[0].target.as_str()), ("POST", "/messages"));
    assert_eq!(received[0].header("authorization"), "Basic dXNlcjpwYXNz");
    assert_eq!(received[0].header("content-type"), "application/json");
    let expected = json!({"textMessage": {"text": "Maintenance on Sunday"}, "phoneNumbers": ["+61400000000"],
        "simNumber": 1, "ttl": 3600, "priority": 100});
    assert_eq!(received[0].json(), expected);
    assert_eq!(received[1].json()["phoneNumbers"], json!(["+61400000001"]));
    let state = |status: &str, reason: Option<&str>| ("sms".to_owned(), status.to_owned(), reason.map(str::to_owned));
    assert_eq!(states(&app, ana.id).await, [state("sent", None)]);
    assert_eq!(states(&app, ben.id).await, [state("sent", None)]);
    assert_eq!(states(&app, cleo.id).await, [state("skipped", Some("The mobile number is not valid"))]);
    let stored: Vec<(String,)> = app
        .rows(sql(
            "SELECT CONCAT(secret_headers, headers, payload) FROM webhook_events WHERE name = 'sms.dispatch' LIMIT 9",
        ))
        .await;
    assert_eq!(stored.len(), 2, "one event for each number");
    assert!(stored.iter().all(|(text,)| !text.contains("dXNlcjpwYXNz")), "no credentials at rest");
    app.finish().await;
    let home = with_gateway(&server, "61").await;
    with_mobile(&home, "dora", "0400 000 002").await;
    announce(&home, To::Everyone, &"x".repeat(300)).await;
    let last = server.received().pop().unwrap().json();
    assert_eq!(last["phoneNumbers"], json!(["+61400000002"]));
    assert_eq!(last["textMessage"]["text"].as_str().unwrap().chars().count(), 160);
    home.finish().await;
}

#[tokio::test]
async fn a_gateway_in_trouble_is_asked_three_times() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let server = Server::start(move |_| match counter.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::Json(500, json!({"error": "busy"})),
        1 => Answer::Cut,
        2 => Answer::Json(202, json!({})),
        3 => Answer::Json(401, json!({})),
        _ => Answer::Json(429, json!({})),
    })
    .await;
    let app = with_gateway(&server, "").await;
    let ana = with_mobile(&app, "ana", "+61400000000").await;
    tell(&app, ana.id, GENERAL, "One").await;
    app.run_jobs().await;
    assert_eq!((states(&app, ana.id).await[0].1.as_str(), calls.load(Ordering::SeqCst)), ("queued", 1));
    app.advance(TimeDelta::minutes(4));
    app.run_jobs().await;
    assert_eq!(calls.load(Ordering::SeqCst), 1, "the first pause is 5 minutes");
    app.advance(TimeDelta::minutes(2));
    app.run_jobs().await;
    app.advance(TimeDelta::minutes(12));
    app.run_jobs().await;
    assert_eq!((states(&app, ana.id).await[0].1.as_str(), calls.load(Ordering::SeqCst)), ("sent", 3));
    app.advance(TimeDelta::minutes(10));
    tell(&app, ana.id, GENERAL, "Two").await;
    for _ in 0..4 {
        app.run_jobs().await;
        app.advance(TimeDelta::minutes(15));
    }
    let given_up = states(&app, ana.id).await.pop().unwrap();
    assert_eq!((given_up.1.as_str(), calls.load(Ordering::SeqCst)), ("failed", 6), "three tries");
    assert!(given_up.2.unwrap().contains("429"));
    app.finish().await;
}

#[tokio::test]
async fn a_text_message_taken_out_of_the_queue_is_said_to_be_skipped() {
    let server = Server::start(|_| Answer::Json(500, json!({}))).await;
    let mut app = with_gateway(&server, "").await;
    app.leave_work();
    let ana = with_mobile(&app, "ana", "+61400000000").await;
    tell(&app, ana.id, GENERAL, "One").await;
    app.run_jobs().await;
    let id = app.number(sql("SELECT webhook_event_id FROM notification_deliveries")).await;
    let mut tx = app.db().begin(Stamp::system(app.app().now())).await.unwrap();
    tx.housekeeping();
    shared::notify::texts_withdrawn(&mut tx, &[id]).await.unwrap();
    tx.commit().await.unwrap();
    let (_, status, reason) = states(&app, ana.id).await.remove(0);
    assert_eq!((status.as_str(), reason.as_deref()), ("skipped", Some("Taken out of the queue")));
    app.finish().await;
}

#[tokio::test]
async fn more_than_ten_text_messages_an_hour_are_not_sent() {
    let server = Server::start(|_| Answer::Json(202, json!({}))).await;
    let app = with_gateway(&server, "").await;
    let ana = with_mobile(&app, "ana", "+61400000000").await;
    for n in 0..12 {
        let new = Announcement { link: Some(format!("/help?{n}")), ..news(To::Person(ana.id), "Hello") };
        publish(&app, new).await;
    }
    app.run_jobs().await;
    assert_eq!(server.received().len(), 10);
    let skipped = states(&app, ana.id).await.into_iter().filter(|(_, status, _)| status == "skipped").count();
    assert_eq!(skipped, 2);
    app.finish().await;
}

#[tokio::test]
async fn without_a_gateway_text_messages_are_skipped() {
    let app = portal().await;
    let ana = with_mobile(&app, "ana", "+61400000000").await;
    tell(&app, ana.id, GENERAL, "One").await;
    app.run_jobs().await;
    assert_eq!(states(&app, ana.id).await[0].2.as_deref(), Some("No SMS gateway is set up"));
    app.finish().await;
}

#[tokio::test]
async fn pushes_go_to_the_topic_of_the_person() {
    let server = Server::start(|_| Answer::Json(200, json!({"id": "x"}))).await;
    let mut config = shared::testing::config();
    config.outbound_exceptions = Exceptions::parse("127.0.0.1").unwrap();
    let app = TestApp::with(config, notifications::routes(), Jobs::kernel()).await;
    let mut tx = app.db().begin(Stamp::system(app.app().now())).await.unwrap();
    let settings = json!({"base_url": server.url(), "topic": "desk", "auth_token": "tk_secret"});
    let edit = Edit { enabled: Some(true), settings: settings.as_object().cloned().unwrap(), ..Edit::default() };
    modules::save(app.app(), &mut tx, Slug::Ntfy, edit).await.unwrap();
    tx.housekeeping();
    tx.commit().await.unwrap();
    let ana = app.requester("ana").await;
    wants(&ana, json!({"event_type": "general", "channel_ntfy": true})).await;
    tell(&app, ana.id, GENERAL, "No topic yet").await;
    times(&ana, &[("ntfy_topic", "ana-4711")]).await;
    app.advance(TimeDelta::minutes(10));
    tell(&app, ana.id, GENERAL, "Störung 🚨").await;
    app.run_jobs().await;
    let received = server.received();
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].target.as_str(), received[0].header("authorization")), ("/", "Bearer tk_secret"));
    let body = received[0].json();
    assert_eq!((body["topic"].as_str(), body["message"].as_str()), (Some("ana-4711"), Some("Störung 🚨")));
    assert_eq!(
        (body["click"].as_str(), body["title"].as_str()),
        (Some("http://portal.test/tickets/7"), Some("MyPortal: Announcement"))
    );
    let reasons: Vec<Option<String>> = states(&app, ana.id).await.into_iter().map(|(_, _, reason)| reason).collect();
    assert_eq!(reasons, [Some("No ntfy topic".to_owned()), None]);
    app.finish().await;
}

#[tokio::test]
async fn refused_addresses_get_no_further_notifications() {
    let app = portal().await;
    let ana = app.requester("ana").await;
    wants(&ana, json!({"event_type": "general", "channel_email": true})).await;
    let now = app.app().now();
    app.execute(
        sql("INSERT INTO email_bounces (address, reason, created_at) VALUES ('ana@example.com', '550 5.1.1', ?)")
            .bind(now),
    )
    .await;
    tell(&app, ana.id, GENERAL, "One").await;
    app.run_jobs().await;
    assert!(app.mails_to("ana@example.com").is_empty());
    assert_eq!(states(&app, ana.id).await[0].2.as_deref(), Some("The address does not exist"));
    let ways = ana.api(Method::GET, "/api/notifications/channels").await.value();
    assert_eq!(ways["email"]["available"], false);
    app.finish().await;
}
