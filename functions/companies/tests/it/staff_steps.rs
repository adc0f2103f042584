//! Steps that begin at a person: leaving, the code on the phone, the way into the portal
//! (organisation 10.4 to 10.6; acceptance 25, 26, 28).

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::jobs::Jobs;
use shared::outbound::Exceptions;
use shared::testing::web::{Answer, Server};
use shared::testing::{Actor, TestApp, config};

use crate::staff::{person, with_level, work_for};
use crate::{membership, portal};

const OFFBOARDED: &str = "SELECT COUNT(*) FROM event_outbox WHERE name = 'staff.offboarded'";

async fn state(app: &TestApp, id: i64) -> (bool, Option<String>) {
    let row = app.rows(sql("SELECT enabled, account_action FROM staff WHERE id = ? LIMIT 1").bind(id)).await;
    row.into_iter().next().unwrap()
}

#[tokio::test]
async fn an_approved_end_comes_once_and_takes_the_access_away() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let mia = app.member("mia", &acme).await;
    let id = person(&ann, &acme, "mia", json!({"department": "Desk"})).await;
    person(&ann, &acme, "two", json!({"department": "Desk"})).await;
    let two = with_level(&app, "two", &acme, 2).await;
    let own = format!("/staff/{id}");
    let _ = two.get(&format!("{own}/offboard")).await.is(200).shows("Ask the helpdesk");
    let _ = two.post(&format!("{own}/offboard"), &[("date_offboarded", "")]).await.refuses("date_offboarded");
    let _ = two.post(&format!("{own}/offboard"), &[("date_offboarded", "2020-01-01")]).await.refuses("date_offboarded");
    let _ = two.post(&format!("{own}/offboard"), &[("dateOffboarded", "2026-11-24T17:00")]).await.goes_to(&own);
    assert_eq!(state(&app, id).await.1.as_deref(), Some("Offboard Requested"));
    app.run_jobs().await;
    let told = "SELECT COUNT(*) FROM notifications WHERE event_type = 'staff.offboard_requested' AND user_id = ?";
    assert_eq!(app.number(sql(told).bind(ann.id)).await, 1);
    app.advance(TimeDelta::days(2));
    app.run_jobs().await;
    assert_eq!(state(&app, id).await, (true, Some("Offboard Requested".to_owned())), "nobody has agreed");
    let ann = app.sign_in(ann.id).await;
    let two = app.sign_in(two.id).await;
    let mia = app.sign_in(mia.id).await;
    let _ = two.post(&format!("{own}/approve"), &[]).await.goes_to("/");
    work_for(&ann, &acme).await;
    let _ = ann.get(&own).await.is(200).shows("Approve leaving");
    let _ = ann.post(&format!("{own}/approve"), &[]).await.goes_to(&own);
    let _ = mia.get("/business-information").await.is(200);
    for _ in 0..2 {
        app.advance(TimeDelta::minutes(6));
        app.run_jobs().await;
    }
    assert_eq!(state(&app, id).await, (false, Some("Offboarded".to_owned())));
    assert_eq!(app.number(sql(OFFBOARDED)).await, 1);
    let _ = mia.get("/business-information").await.is(400);
    let suspended = "SELECT COUNT(*) FROM company_memberships WHERE id = ? AND status = 'suspended'";
    assert_eq!(app.number(sql(suspended).bind(membership(&app, &acme, &mia).await)).await, 1);
    let trail = app.audit().await;
    let count = |name: &str| trail.iter().filter(|action| *action == name).count();
    assert_eq!((count("staff.offboarded"), count("membership.suspended")), (1, 1));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_full_manager_schedules_and_then_the_helpdesk_decides() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let three = with_level(&app, "three", &acme, 3).await;
    let id = person(&ann, &acme, "sam", json!({})).await;
    let own = format!("/staff/{id}");
    let put = async |by: &Actor, body: Value| by.json(Method::PUT, &own, body).await;
    let _ = three.get(&format!("{own}/offboard")).await.is(200).shows("Later changes go through the helpdesk");
    let set = put(&three, json!({"dateOffboarded": "2026-12-24T17:00:00Z"})).await.is(200).value();
    assert_eq!(set["staff"]["account_action"], "Offboard Scheduled");
    for body in [
        json!({"date_offboarded": null}),
        json!({"date_offboarded": "2026-12-25T17:00:00Z"}),
        json!({"email": "other@example.com"}),
    ] {
        let refused = put(&three, body).await.is(403).value();
        assert!(refused["detail"].as_str().unwrap().contains("raise a ticket"));
    }
    let _ = put(&three, json!({"city": "Leeds"})).await.is(200);
    let _ = three.get(&format!("{own}/offboard")).await.goes_to(&own);
    // A super administrator moves it, decides something else, or takes it back.
    let api = format!("/api/staff/{id}");
    let moved = ann.json(Method::PUT, &api, json!({"date_offboarded": "2026-12-28T17:00:00Z"})).await.is(200).value();
    assert_eq!(moved["account_action"], "Offboard Scheduled");
    work_for(&ann, &acme).await;
    let _ = ann.post(&format!("{own}/offboard"), &[("clear", "true")]).await.goes_to(&own);
    assert_eq!(state(&app, id).await.1, None);
    // Company admins and owners do not leave by a staff level alone.
    let olga = app.company_admin("olga", &acme).await;
    let boss = person(&ann, &acme, "olga", json!({})).await;
    let asked = three.json(Method::PUT, &format!("/staff/{boss}"), json!({"dateOffboarded": "2026-12-24"})).await;
    assert_eq!(asked.is(200).value()["staff"]["account_action"], "Offboard Requested");
    let _ = olga.get("/staff").await.is(200);
    app.run_jobs().await;
    app.finish().await;
}

struct Bench {
    app: TestApp,
    server: Server,
    ann: Actor,
    id: i64,
}

/// A portal with a gateway for codes: the webhook of the settings, or SMS.
async fn bench(by_sms: bool, answers: Vec<Answer>) -> Bench {
    let server = Server::with(answers).await;
    let mut config = config();
    config.outbound_exceptions = Exceptions::parse("127.0.0.1").unwrap();
    if by_sms {
        config.module_defaults.insert("SMS_ENDPOINT", format!("{}/messages", server.url()));
        config.module_defaults.insert("SMS_AUTH", "dXNlcjpwYXNz".to_owned());
        config.module_defaults.insert("SMS_DEFAULT_COUNTRY_CODE", "44".to_owned());
    } else {
        config.verify_webhook_url = Some(format!("{}/verify", server.url()));
        config.verify_api_key = Some("verify-key".to_owned());
    }
    let jobs = companies::jobs().merge(Jobs::kernel()).on(shared::webhooks::JOB, shared::webhooks::deliver_job);
    let app = TestApp::with(config, companies::routes(), jobs).await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let mobile = if by_sms { "07700 900123" } else { "+447700900123" };
    let id = person(&ann, &acme, "Rosa", json!({"mobile_phone": mobile})).await;
    work_for(&ann, &acme).await;
    app.run_jobs().await;
    Bench { app, server, ann, id }
}

impl Bench {
    /// Sends a code while a worker works beside, as it does outside of tests.
    async fn send(&self) -> shared::testing::Reply {
        let path = format!("/staff/{}/verify", self.id);
        let work = async {
            for _ in 0..50 {
                tokio::time::sleep(std::time::Duration::from_millis(60)).await;
                self.app.run_jobs().await;
            }
        };
        tokio::select! {
            reply = self.ann.json(Method::POST, &path, json!({})) => reply,
            () = work => panic!("the request did not end"),
        }
    }

    async fn staff(&self, by: &Actor) -> Value {
        by.api(Method::GET, &format!("/api/staff/{}", self.id)).await.is(200).value()
    }
}

#[tokio::test]
async fn a_code_goes_out_once_and_nobody_else_reads_it() {
    let bench = bench(false, vec![Answer::status(202)]).await;
    let (app, ann) = (&bench.app, &bench.ann);
    let sent = bench.send().await.is(200).value();
    assert_eq!((&sent["success"], &sent["status"]), (&json!(true), &json!(202)));
    let code = sent["code"].as_str().unwrap().to_owned();
    let received = bench.server.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].header("authorization"), "Bearer verify-key");
    let body = json!({"mobilePhone": "+447700900123", "code": code, "adminName": "ann Example", "companyName": "Acme"});
    assert_eq!(received[0].json(), body);
    // The monitor and the trail know nothing of it, and the row is sealed.
    let events: Vec<(String, Option<String>, String, String)> =
        app.rows(sql("SELECT name, payload, headers, secret_headers FROM webhook_events LIMIT 9")).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].0, "staff-verification");
    assert_eq!(events[0].1, None, "wiped after delivery");
    assert!(!format!("{events:?}").contains(&code) && !format!("{events:?}").contains("verify-key"));
    let kept: Vec<(String,)> = app.rows(sql("SELECT code FROM staff_verification_codes LIMIT 9")).await;
    assert!(!kept[0].0.contains(&code));
    let trail: Vec<(Option<String>, Option<String>)> = app
        .rows(sql("SELECT new_value, metadata FROM audit_logs WHERE action = 'staff.verification_sent' LIMIT 9"))
        .await;
    assert_eq!(trail.len(), 1);
    assert!(!format!("{trail:?}").contains(&code));
    let staff = bench.staff(ann).await;
    assert_eq!((&staff["verification_code"], &staff["verification_admin_name"]), (&json!(code), &json!("ann Example")));
    let program = app.stranger().with_key(&crate::key(app, r#"["*:*"]"#, None).await);
    assert!(bench.staff(&program).await.get("verification_code").is_none(), "people only");
    let page = ann.get(&format!("/staff/{}", bench.id)).await.is(200);
    let _ = page.shows(&code).shows("data-module=\"countdown\"");
    // Checked by form and by program, five times in all.
    let check = format!("/staff/{}/verify/check", bench.id);
    let answer = ann.json(Method::POST, &check, json!({"code": code})).await.is(200).value();
    assert_eq!(answer["match"], true);
    let _ = ann.post(&check, &[("code", "000000")]).await.is(303);
    let _ = ann.get(&format!("/staff/{}", bench.id)).await.shows("The code does not match");
    for _ in 0..3 {
        let answer = ann.json(Method::POST, &check, json!({"code": "123"})).await.is(200).value();
        assert_eq!(answer["match"], false);
    }
    let _ = ann.json(Method::POST, &check, json!({"code": code})).await.is(409);
    // Two more, and then it is enough for ten minutes.
    let _ = bench.send().await.is(200);
    app.advance(TimeDelta::minutes(6));
    assert!(bench.staff(ann).await.get("verification_code").is_none(), "after five minutes it is gone");
    let _ = ann.json(Method::POST, &check, json!({"code": code})).await.is(409);
    let _ = bench.send().await.is(200);
    let _ = bench.send().await.is(429);
    app.advance(TimeDelta::minutes(6));
    app.run_jobs().await;
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM staff_verification_codes")).await, 0);
    bench.app.finish().await;
}

#[tokio::test]
async fn a_gateway_that_fails_is_asked_once_only() {
    let mut bench = bench(false, vec![Answer::status(500), Answer::Cut, Answer::status(200)]).await;
    let sent = bench.send().await.is(200).value();
    assert_eq!((&sent["success"], &sent["status"]), (&json!(false), &json!(500)));
    bench.app.advance(TimeDelta::minutes(10));
    bench.app.run_jobs().await;
    assert_eq!(bench.server.received().len(), 1);
    let sent = bench.send().await.is(200).value();
    assert_eq!((&sent["success"], &sent["status"]), (&json!(false), &Value::Null));
    bench.app.run_jobs().await;
    assert_eq!(bench.server.received().len(), 2);
    bench.app.leave_work();
    bench.app.finish().await;
}

#[tokio::test]
async fn without_a_webhook_the_code_goes_by_sms() {
    let bench = bench(true, vec![Answer::status(201)]).await;
    let sent = bench.send().await.is(200).value();
    let received = bench.server.received();
    assert_eq!(received[0].header("authorization"), "Basic dXNlcjpwYXNz");
    let body = received[0].json();
    assert_eq!(body["phoneNumbers"], json!(["+447700900123"]));
    assert_eq!((&body["ttl"], &body["priority"], &body["simNumber"]), (&json!(300), &json!(100), &json!(1)));
    assert!(body["textMessage"]["text"].as_str().unwrap().contains(sent["code"].as_str().unwrap()));
    bench.app.run_jobs().await;
    bench.app.finish().await;
}

#[tokio::test]
async fn without_a_gateway_or_a_number_no_code_is_sent() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let three = with_level(&app, "three", &acme, 3).await;
    let with = person(&ann, &acme, "Rosa", json!({"mobile_phone": "+447700900123"})).await;
    let without = person(&ann, &acme, "Sid", json!({})).await;
    let path = |id: i64| format!("/staff/{id}/verify");
    let _ = ann.json(Method::POST, &path(999), json!({})).await.is(404).says("Staff not found");
    let _ = ann.json(Method::POST, &path(without), json!({})).await.is(400).says("No mobile phone for staff member");
    let refused = ann.json(Method::POST, &path(with), json!({})).await.is(503);
    let _ = refused.says("Verification delivery is not configured");
    let _ = three.json(Method::POST, &path(with), json!({})).await.is(403);
    let _ = three.json(Method::POST, &format!("{}/check", path(with)), json!({"code": "1"})).await.is(403);
    let _ = ann.json(Method::POST, &format!("{}/check", path(with)), json!({"code": "1"})).await.is(409);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM staff_verification_codes")).await, 0);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_grants_nothing_before_it_is_accepted() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let ann = app.super_admin("ann").await;
    let three = with_level(&app, "three", &acme, 3).await;
    let two = with_level(&app, "two", &acme, 2).await;
    let gus = app.requester("gus").await;
    let fresh = person(&ann, &acme, "Nina", json!({"mobile_phone": "+447700900123"})).await;
    let known = person(&ann, &acme, "gus", json!({})).await;
    let foreign = person(&ann, &beta, "Foreign", json!({})).await;
    let invite = async |by: &Actor, id: i64| by.json(Method::POST, &format!("/staff/{id}/invite"), json!({})).await;
    let _ = invite(&three, foreign).await.is(404);
    let _ = invite(&two, fresh).await.is(403);
    let sent = invite(&three, fresh).await.is(200).value();
    assert_eq!(sent, json!({"success": true, "email_sent": true}));
    let made = "SELECT COUNT(*) FROM users u JOIN company_memberships m ON m.user_id = u.id JOIN staff s ON \
         s.user_id = u.id WHERE u.email = 'nina@example.com' AND u.first_name = 'Nina' AND u.company_id = ? AND \
         u.mobile_phone = '+447700900123' AND m.status = 'invited' AND m.can_access_shop = FALSE AND \
         m.staff_permission = 0 AND s.id = ? AND u.password_hash IS NULL";
    assert_eq!(app.number(sql(made).bind(acme.id).bind(fresh)).await, 1);
    app.run_jobs().await;
    let mails = app.mails_to("nina@example.com");
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.contains("/reset-password#token=") && mails[0].text.contains("Acme"));
    assert_eq!(mails[0].reply_to.as_deref(), Some("three@example.com"));
    let page = three.get("/staff").await.is(200);
    assert_eq!(page.text().matches("Invite to the portal").count(), 1, "only who has no account");
    let _ = invite(&three, fresh).await.is(200);
    // Who has an account is asked, also by a super administrator.
    work_for(&ann, &acme).await;
    let reply = ann.post(&format!("/staff/{known}/invite"), &[]).await;
    let _ = reply.goes_to(&format!("/staff/{known}"));
    let _ = gus.get("/business-information").await.is(400);
    let _ = gus.get("/companies/invitations").await.is(200).shows("Join Acme?");
    let id = membership(&app, &acme, &gus).await;
    let _ = gus.post(&format!("/companies/invitations/{id}/accept"), &[]).await.is(303);
    let _ = gus.get("/business-information").await.is(200);
    let _ = invite(&three, known).await.is(409);
    app.run_jobs().await;
    assert!(app.mails().iter().all(|mail| !mail.text.to_lowercase().contains("your password is")));
    let nobody = person(&ann, &acme, "Paul", json!({})).await;
    let _ = ann.json(Method::PUT, &format!("/staff/{nobody}"), json!({"email": null})).await.is(200);
    let _ = invite(&three, nobody).await.is(400).says("No email for staff member");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_missing_mail_server_is_said() {
    let app = TestApp::without_mail(companies::routes(), companies::jobs().merge(Jobs::kernel())).await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    let id = person(&ann, &acme, "Nina", json!({})).await;
    work_for(&ann, &acme).await;
    let sent = ann.json(Method::POST, &format!("/staff/{id}/invite"), json!({})).await.is(200).value();
    assert_eq!(sent, json!({"success": true, "email_sent": false}));
    let mut app = app;
    app.leave_work();
    app.run_jobs().await;
    app.finish().await;
}
