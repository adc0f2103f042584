//! What people choose (acceptance 10, 11, 18, and the channels).

use http::Method;
use serde_json::{Value, json};
use shared::config::Config;
use shared::db::sql;
use shared::jobs::Jobs;
use shared::notify::GENERAL;
use shared::testing::{Actor, TestApp};

use crate::{portal, tell};

const PATH: &str = "/api/notifications/preferences";

async fn choice(actor: &Actor, name: &str) -> Option<Value> {
    let list = actor.api(Method::GET, PATH).await.is(200).value();
    list.as_array().unwrap().iter().find(|item| item["event_type"] == name).cloned()
}

#[tokio::test]
async fn acceptance_10_a_new_person_has_the_defaults_of_what_concerns_them() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ana = app.member("ana", &acme).await;
    for name in ["general", "shop.shipping_status_updated"] {
        let item = choice(&ana, name).await.unwrap();
        assert_eq!(
            (&item["channel_in_app"], &item["channel_email"], &item["is_default"]),
            (&json!(true), &json!(false), &json!(true))
        );
    }
    assert_eq!(choice(&ana, "tickets.reply_added").await.unwrap()["channel_email"], true);
    assert!(choice(&ana, "webhook.failed").await.is_none());
    assert!(choice(&app.super_admin("boss").await, "webhook.failed").await.is_some());
    let admin = app.company_admin("cleo", &acme).await;
    assert!(choice(&admin, "billing.invoice_overdue").await.is_some(), "who manages invoices");
    for (method, path) in [(Method::GET, PATH), (Method::PUT, PATH), (Method::GET, "/api/notifications/channels")] {
        app.stranger().api(method, path).await.is(401);
    }
    app.finish().await;
}

#[tokio::test]
async fn acceptance_11_a_set_replaces_the_set_before() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ana = app.member("ana", &acme).await;
    let put = async |items: Value| ana.json(Method::PUT, PATH, json!({"preferences": items})).await;
    put(json!([{"event_type": "general", "channel_in_app": false}])).await.is(200);
    assert_eq!(choice(&ana, "general").await.unwrap()["channel_in_app"], false);
    put(json!([{"event_type": "Own.Type", "channel_email": true, "channel_ntfy": true}])).await.is(200);
    let own = choice(&ana, "own.type").await.unwrap();
    assert_eq!(
        (&own["channel_email"], &own["channel_ntfy"], &own["is_default"]),
        (&json!(true), &json!(true), &json!(false))
    );
    assert_eq!(choice(&ana, "general").await.unwrap()["channel_in_app"], true, "back at its default");
    put(json!([{"event_type": "a"}, {"event_type": "A"}])).await.refuses("preferences[1].event_type");
    put(json!([{"event_type": "no spaces"}])).await.refuses("preferences[0].event_type");
    let many: Vec<Value> = (0..201).map(|n| json!({"event_type": format!("t{n}")})).collect();
    put(json!(many)).await.refuses("preferences");
    assert!(choice(&ana, "own.type").await.is_some(), "a refused set changes nothing");
    put(json!([])).await.is(200);
    assert!(choice(&ana, "own.type").await.is_none());
    ana.json(Method::PUT, PATH, json!({})).await.is(422);
    app.finish().await;
}

#[tokio::test]
async fn the_channels_say_what_is_missing() {
    let mut config: Config = shared::testing::config();
    config.module_defaults.insert("SMS_ENDPOINT", "https://sms.example.com/messages".into());
    config.module_defaults.insert("SMS_AUTH", "dXNlcjpwYXNz".into());
    let app = TestApp::with(config, notifications::routes(), Jobs::kernel()).await;
    let ana = app.requester("ana").await;
    let ways = async || ana.api(Method::GET, "/api/notifications/channels").await.is(200).value();
    let none = ways().await;
    assert_eq!(none["email"], json!({"available": true, "address": "ana@example.com"}));
    assert_eq!(none["sms"], json!({"available": false, "reason": "no_mobile_number"}));
    assert_eq!(none["ntfy"], json!({"available": false, "reason": "not_configured"}));
    app.execute(sql("UPDATE users SET mobile_phone = '0400 000 000' WHERE id = ?").bind(ana.id)).await;
    assert_eq!(ways().await["sms"]["available"], false, "no country code");
    app.execute(sql("UPDATE users SET mobile_phone = '+61 400 000 000' WHERE id = ?").bind(ana.id)).await;
    assert_eq!(ways().await["sms"], json!({"available": true, "reason": null}));
    app.finish().await;
    let plain = portal().await;
    let ben = plain.requester("ben").await;
    let sms = ben.api(Method::GET, "/api/notifications/channels").await.value()["sms"].clone();
    assert_eq!(sms["reason"], "not_configured");
    plain.finish().await;
}

#[tokio::test]
async fn acceptance_18_the_table_saves_adds_removes_and_resets() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ana = app.member("ana", &acme).await;
    let path = "/notifications/settings";
    app.stranger().get(path).await.is(303);
    ana.get(path).await.is(200).shows("Announcement").shows("data-dirty").hides("webhook.failed");
    // Both forms take back what was typed and not saved, without asking the server.
    let page = ana.get(path).await.is(200).text();
    let resets: Vec<&str> = page.split("<button ").filter(|part| part.starts_with("type=\"reset\"")).collect();
    assert_eq!(resets.len(), 2, "one for the table, one for the times");
    assert!(resets.iter().all(|part| part.contains("Reset changes")), "{resets:?}");
    let table = [("types", "general"), ("types", "tickets.reply_added"), ("email", "general"), ("digest", "general")];
    ana.post(path, &table).await.goes_to(path);
    ana.get(path).await.shows("Notification settings saved");
    let general = choice(&ana, "general").await.unwrap();
    assert_eq!(
        (&general["channel_in_app"], &general["channel_email"], &general["email_digest"]),
        (&json!(false), &json!(true), &json!(true))
    );
    assert_eq!(choice(&ana, "tickets.reply_added").await.unwrap()["channel_email"], false);
    ana.post(path, &[table.as_slice(), &[("new_type", "backup.failed")]].concat()).await.goes_to(path);
    ana.get(path).await.shows("backup.failed").shows("Your own");
    ana.post(path, &[table.as_slice(), &[("new_type", "not good")]].concat()).await.refuses("new_type");
    ana.post(path, &[table.as_slice(), &[("types", "backup.failed"), ("remove", "backup.failed")]].concat())
        .await
        .goes_to(path);
    assert!(choice(&ana, "backup.failed").await.is_none());
    ana.post(path, &[("do", "reset")]).await.goes_to(path);
    assert_eq!(choice(&ana, "general").await.unwrap()["channel_in_app"], true);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM notification_preferences")).await, 0);
    let times = [
        ("digest", "weekly"),
        ("digest_hour", "17"),
        ("digest_weekday", "5"),
        ("quiet_from", "22:00"),
        ("quiet_until", "07:00"),
    ];
    ana.post("/notifications/settings/times", &times).await.goes_to(path);
    ana.get(path).await.shows("value=\"22:00\"").shows("Times saved");
    ana.post("/notifications/settings/times", &times[..4]).await.refuses("quiet_until");
    app.finish().await;
}

#[tokio::test]
async fn tests_go_out_on_their_channel_three_times_an_hour() {
    let app = portal().await;
    let ana = app.requester("ana").await;
    let path = "/notifications/settings/test";
    ana.post(path, &[("channel", "sms")]).await.goes_to("/notifications/settings");
    ana.get("/notifications/settings").await.shows("does not reach you yet");
    for _ in 0..3 {
        ana.post(path, &[("channel", "email")]).await.goes_to("/notifications/settings");
    }
    ana.post(path, &[("channel", "email")]).await.is(429);
    app.run_jobs().await;
    assert_eq!(app.mails_to("ana@example.com").len(), 3);
    assert!(ana.api(Method::GET, "/api/notifications").await.value().as_array().unwrap().is_empty());
    ana.post(path, &[("channel", "pigeon")]).await.is(400);
    app.finish().await;
}

#[tokio::test]
async fn acceptance_12_a_mail_has_a_link_that_ends_its_kind() {
    let app = portal().await;
    let ana = app.requester("ana").await;
    let on = json!({"preferences": [{"event_type": "general", "channel_email": true}]});
    ana.json(Method::PUT, PATH, on).await.is(200);
    tell(&app, ana.id, GENERAL, "1 < 2 & <b>bold</b>").await;
    app.run_jobs().await;
    let mails = app.mails_to("ana@example.com");
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.subject, "MyPortal: Announcement");
    assert!(mail.html.as_ref().unwrap().contains("1 &lt; 2 &amp; &lt;b&gt;bold&lt;"), "{:?}", mail.html);
    assert!(mail.text.contains("1 < 2 & <b>bold</b>") && mail.text.contains("http://portal.test/tickets/7"));
    let header = |name: &str| mail.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()).unwrap();
    assert_eq!(header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    let link = header("List-Unsubscribe");
    let path = link.trim_matches(['<', '>']).strip_prefix("http://portal.test").unwrap().to_owned();
    let robot = app.stranger();
    robot.get(&path).await.is(200).shows("Switch these mails off?");
    assert_eq!(choice(&ana, "general").await.unwrap()["channel_email"], true, "looking changes nothing");
    let wrong = path.replace("user=", "user=9");
    robot.get(&wrong).await.is(404);
    robot.post(&wrong, &[]).await.is(404);
    // As a mail program posts: no cookie, no origin.
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    robot
        .send(Method::POST, &path, &headers, "List-Unsubscribe=One-Click".into())
        .await
        .is(200)
        .shows("Mails switched off");
    let now = choice(&ana, "general").await.unwrap();
    assert_eq!((&now["channel_email"], &now["channel_in_app"]), (&json!(false), &json!(true)));
    app.advance(chrono::TimeDelta::days(91));
    robot.get(&path).await.is(404);
    app.finish().await;
}

#[tokio::test]
async fn the_table_is_filtered_without_losing_rows_and_groups_are_switched() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ana = app.member("ana", &acme).await;
    let path = "/notifications/settings";
    let page = ana.get("/notifications/settings?q=reply%20ticket").await.is(200);
    let page = page.shows("aria-label=\"New reply on your ticket: email\"").hides("aria-label=\"Announcement: email\"");
    // Rows that are left out are still in the form, with what is ticked.
    let _ = page.shows("<input type=\"hidden\" name=\"in_app\" value=\"general\">");
    ana.get("/notifications/settings?q=nothing+fits").await.is(200).shows("No event fits");
    let rows = [
        ("types", "general"),
        ("types", "tickets.reply_added"),
        ("types", "tickets.status_changed"),
        ("in_app", "general"),
        ("in_app", "tickets.reply_added"),
        ("email", "tickets.reply_added"),
        ("q", "reply"),
    ];
    let with = |order: &'static str| [&rows[..], &[("do", order)]].concat();
    ana.post(path, &with("off:Tickets")).await.goes_to("/notifications/settings?q=reply");
    ana.get(path).await.shows("Tickets: off everywhere");
    let reply = choice(&ana, "tickets.reply_added").await.unwrap();
    assert_eq!((&reply["channel_in_app"], &reply["channel_email"]), (&json!(false), &json!(false)));
    assert_eq!(choice(&ana, "general").await.unwrap()["channel_in_app"], true, "other groups stay");
    ana.post(path, &with("on:Tickets")).await.goes_to("/notifications/settings?q=reply");
    for name in ["tickets.reply_added", "tickets.status_changed"] {
        assert_eq!(choice(&ana, name).await.unwrap()["channel_in_app"], true);
    }
    assert_eq!(choice(&ana, "tickets.reply_added").await.unwrap()["channel_email"], true, "what was ticked stays");
    app.finish().await;
}
