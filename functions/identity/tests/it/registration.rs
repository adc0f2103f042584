//! The first visit, registration, and confirmed addresses (identity 10; acceptance 1 to 8).
use chrono::TimeDelta;
use http::Method;
use identity::sign_in::{RegisterPage, VerifyPage};
use serde_json::{Value, json};
use shared::config::Config;
use shared::db::sql;
use shared::jobs::Jobs;
use shared::testing::{self, Actor, PASSWORD, Reply, TestApp, render_samples};

pub(crate) async fn portal() -> TestApp {
    portal_with(testing::config()).await
}

pub(crate) async fn portal_with(config: Config) -> TestApp {
    Box::pin(TestApp::with(config, identity::routes(), identity::jobs().merge(Jobs::kernel()))).await
}

fn ana() -> Value {
    json!({"email": "Ana@Example.com", "password": PASSWORD, "first_name": "Ana", "last_name": "Ruiz"})
}

async fn register(actor: &Actor, body: Value) -> Reply {
    actor.json(Method::POST, "/auth/register", body).await
}

/// The link of the newest mail to an address.
pub(crate) fn token_of(app: &TestApp, address: &str) -> String {
    let mails = app.mails_to(address);
    let text = &mails.last().expect("a mail").text;
    let start = text.find("#token=").expect("a link") + 7;
    text[start..start + 64].to_owned()
}

/// The raw `Set-Cookie` lines.
pub(crate) fn cookie_lines(reply: &Reply) -> Vec<String> {
    reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn acceptance_01_an_empty_portal_leads_to_the_first_registration() {
    let app = portal().await;
    let visitor = app.stranger();
    let reply = visitor.get("/change-password").await.goes_to("/login?next=%2Fchange-password");
    let _ = visitor.get(reply.header("location")).await.goes_to("/register");
    let _ = visitor.get("/register").await.is(200).shows("Create super administrator").shows("name=\"company_name\"");
    let _ = visitor.get("/forgot-password").await.goes_to("/login");
    app.finish().await;
}

#[tokio::test]
async fn acceptance_02_the_first_account_is_super_administrator() {
    let app = portal().await;
    let visitor = app.stranger();
    let reply = register(&visitor, ana()).await.is(201);
    let body = reply.value();
    assert_eq!(body["user"]["is_super_admin"], true);
    assert_eq!(body["user"]["email"], "ana@example.com");
    assert!(body["user"].get("password_hash").is_none());
    assert!(visitor.cookie("myportal_session").is_some() && visitor.cookie("myportal_session_csrf").is_some());
    let session = visitor.api(Method::GET, "/auth/session").await.is(200).value();
    assert_eq!(session["user"]["id"], body["user"]["id"]);
    assert_eq!(session["session"]["csrf_token"], visitor.csrf());
    assert_eq!(app.audit().await, ["user.registered"]);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM users WHERE email_verified_at IS NOT NULL")).await, 1);
    let _ = visitor.get("/register").await.goes_to("/");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn acceptance_03_of_twenty_at_once_one_becomes_super_administrator() {
    let app = portal().await;
    let mut tries = tokio::task::JoinSet::new();
    for n in 0..20 {
        let visitor = app.stranger().at(&format!("198.51.100.{n}"));
        tries.spawn(async move {
            let mut body = ana();
            body["email"] = json!(format!("person{n}@example.com"));
            register(&visitor, body).await.status
        });
    }
    let statuses = tries.join_all().await;
    assert!(statuses.iter().all(|status| *status == 201), "{statuses:?}");
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM users WHERE is_super_admin = TRUE")).await, 1);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM users")).await, 20);
    app.finish().await;
}

#[tokio::test]
async fn acceptance_04_a_second_registration_gets_nothing() {
    let app = portal().await;
    let company = app.company("Acme").await;
    app.super_admin("root").await;
    let mut body = ana();
    body["company_id"] = json!(company.id);
    body["company_name"] = json!("Mine");
    let reply = register(&app.stranger(), body).await.is(201).value();
    assert_eq!(reply["user"]["is_super_admin"], false);
    assert_eq!(reply["user"]["company_id"], Value::Null);
    assert_eq!(reply["session"]["active_company_id"], Value::Null);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM company_memberships")).await, 0);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM companies")).await, 1);
    assert_eq!(
        app.number(sql("SELECT COUNT(*) FROM notifications WHERE event_type = 'users.registered'")).await,
        1,
        "super administrators are told"
    );
    app.finish().await;
}

#[tokio::test]
async fn acceptance_05_an_address_registers_once_in_any_case() {
    let app = portal().await;
    let _ = register(&app.stranger(), ana()).await.is(201);
    let mut body = ana();
    body["email"] = json!("ANA@EXAMPLE.COM");
    let _ = register(&app.stranger(), body).await.is(409).says("Email already registered").hides("password");
    let page = app
        .stranger()
        .post(
            "/auth/register",
            &[("email", "ana@example.com"), ("password", PASSWORD), ("first_name", "Ana"), ("last_name", "Ruiz")],
        )
        .await
        .is(409);
    let _ = page.shows("id=\"email-error\"").shows("value=\"ana@example.com\"").hides(PASSWORD);
    app.finish().await;
}

#[tokio::test]
async fn acceptance_06_passwords_of_11_characters_are_refused() {
    let app = portal().await;
    let mut body = ana();
    body["password"] = json!("abcdefghij1");
    let _ = register(&app.stranger(), body.clone()).await.refuses("password");
    for weak in ["ana@example.com", "passwordpassword", "x".repeat(129).as_str()] {
        body["password"] = json!(weak);
        let _ = register(&app.stranger(), body.clone()).await.refuses("password");
    }
    let token = "a".repeat(64);
    let reset = json!({"token": token, "password": "abcdefghij1"});
    let _ = app.stranger().json(Method::POST, "/auth/password/reset", reset).await.refuses("password");
    let ann = app.requester("ann").await;
    let change = json!({"current_password": PASSWORD, "new_password": "abcdefghij1"});
    let _ = ann.json(Method::POST, "/auth/password/change", change).await.refuses("new_password");
    app.finish().await;
}

#[tokio::test]
async fn acceptance_07_cookies_are_what_they_should_be() {
    let mut config = testing::config();
    config.portal_url = "https://portal.test".parse().ok();
    for (config, is_secure) in [(testing::config(), false), (config, true)] {
        let app = portal_with(config).await;
        let reply = register(&app.stranger(), ana()).await.is(201);
        let lines = cookie_lines(&reply);
        assert_eq!(lines.len(), 2);
        for line in &lines {
            assert!(line.contains("; SameSite=Lax") && line.contains("; Path=/") && line.contains("; Max-Age=43200"));
            assert_eq!(line.contains("; Secure"), is_secure, "{line}");
        }
        assert!(lines[0].starts_with("myportal_session=") && lines[0].contains("; HttpOnly"));
        assert!(lines[1].starts_with("myportal_session_csrf=") && !lines[1].contains("HttpOnly"));
        app.finish().await;
    }
}

#[tokio::test]
async fn acceptance_08_the_cookie_may_have_another_name() {
    let mut config = testing::config();
    config.session_cookie_name = "abc".to_owned();
    let app = portal_with(config).await;
    let visitor = app.stranger();
    let _ = register(&visitor, ana()).await.is(201);
    assert!(visitor.cookie("abc").is_some() && visitor.cookie("abc_csrf").is_some());
    let _ = visitor.post("/auth/logout", &[]).await.goes_to("/login");
    assert!(visitor.cookie("abc").is_none_or(|value| value.is_empty()));
    app.finish().await;
}

#[tokio::test]
async fn the_form_registers_and_keeps_what_was_typed() {
    let app = portal().await;
    let visitor = app.stranger();
    let page = visitor.post("/auth/register", &[("email", "ana"), ("first_name", "Ana")]).await.is(422);
    let _ = page.shows("<title>Error: ").shows("value=\"Ana\"").shows("id=\"email-error\"");
    let fields = [
        ("email", "ana@example.com"),
        ("password", PASSWORD),
        ("first_name", "Ana"),
        ("last_name", "Ruiz"),
        ("mobile_phone", "+44 (20) 7946-0000"),
        ("company_name", "Northstar IT"),
    ];
    let _ = visitor.post("/auth/register", &fields).await.goes_to("/");
    let session = visitor.api(Method::GET, "/auth/session").await.is(200).value();
    assert_eq!(session["user"]["mobile_phone"], "+442079460000");
    app.finish().await;
}

#[tokio::test]
async fn the_first_account_may_bring_its_company() {
    let app = portal().await;
    let visitor = app.stranger();
    let mut body = ana();
    body["company_name"] = json!("Northstar IT");
    let reply = register(&visitor, body).await.is(201).value();
    assert_eq!(reply["session"]["active_company_id"], reply["user"]["company_id"]);
    let row: Vec<(String, bool, bool, bool, i64)> = app
        .rows(sql("SELECT c.name, c.is_provider, m.is_admin, m.can_order_licenses, m.staff_permission FROM companies c \
             JOIN company_memberships m ON m.company_id = c.id JOIN roles r ON r.id = m.role_id AND r.name = 'Owner' LIMIT 5"))
        .await;
    assert_eq!(row, [("Northstar IT".to_owned(), true, true, true, 3)]);
    assert_eq!(app.audit().await, ["company.created", "membership.created", "user.registered"]);
    app.finish().await;
}

#[tokio::test]
async fn the_first_account_may_choose_a_company_that_exists() {
    let app = portal().await;
    let company = app.company("Acme").await;
    let mut body = ana();
    body["company_id"] = json!(company.id + 99);
    let _ = register(&app.stranger(), body.clone()).await.refuses("company_id");
    body["company_id"] = json!(company.id);
    assert_eq!(register(&app.stranger(), body).await.is(201).value()["user"]["company_id"], company.id);
    app.finish().await;
}

#[tokio::test]
async fn a_configured_set_up_token_is_asked_of_the_first_only() {
    let mut config = testing::config();
    config.setup_token = Some("open-sesame".to_owned());
    let app = portal_with(config).await;
    let _ = app.stranger().get("/register").await.is(200).shows("name=\"setup_token\"").hides("open-sesame");
    let _ = register(&app.stranger(), ana()).await.is(403).says("Invalid setup token");
    let mut body = ana();
    body["setup_token"] = json!("wrong");
    let _ = register(&app.stranger(), body.clone()).await.is(403).says("Invalid setup token");
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM users")).await, 0);
    body["setup_token"] = json!("open-sesame");
    let _ = register(&app.stranger(), body).await.is(201);
    let mut second = ana();
    second["email"] = json!("ben@example.com");
    let _ = register(&app.stranger(), second).await.is(201);
    let _ = app.stranger().get("/register").await.is(200).hides("name=\"setup_token\"");
    app.finish().await;
}

#[tokio::test]
async fn closed_registration_says_so() {
    let app = portal().await;
    app.execute(sql("UPDATE site_settings SET registration_mode = 'closed' WHERE id = 1")).await;
    let _ = app.stranger().get("/register").await.is(200).shows("Create super administrator");
    let _ = register(&app.stranger(), ana()).await.is(201);
    let _ = app.stranger().get("/register").await.is(403).shows("href=\"/login\"").hides("<form");
    let mut body = ana();
    body["email"] = json!("ben@example.com");
    let _ = register(&app.stranger(), body).await.is(403).says("Registration is disabled");
    app.finish().await;
}

#[tokio::test]
async fn registration_may_be_for_listed_domains() {
    let app = portal().await;
    let company = app.company("Acme").await;
    app.super_admin("root").await;
    app.execute(sql("UPDATE site_settings SET registration_mode = 'email_domain' WHERE id = 1")).await;
    let now = app.app().now();
    let insert = sql("INSERT INTO company_email_domains (company_id, domain, auto_join, created_at, updated_at) \
         VALUES (?, 'acme.example', TRUE, ?, ?)");
    app.execute(insert.bind(company.id).bind(now).bind(now)).await;
    let _ = register(&app.stranger(), ana()).await.refuses("email");
    let mut body = ana();
    body["email"] = json!("ana@sub.acme.example");
    let _ = register(&app.stranger(), body.clone()).await.refuses("email");
    body["email"] = json!("ana@acme.example");
    let _ = register(&app.stranger(), body).await.is(201);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM company_memberships")).await, 0, "unproven addresses gain nothing");
    app.finish().await;
}

#[tokio::test]
async fn five_registrations_an_hour_come_from_one_address() {
    let app = portal().await;
    for n in 0..5 {
        let mut body = ana();
        body["email"] = json!(format!("p{n}@example.com"));
        let _ = register(&app.stranger(), body).await.is(201);
    }
    let mut body = ana();
    body["password"] = json!("short");
    let _ = register(&app.stranger(), body).await.refuses("password");
    let reply = register(&app.stranger(), ana()).await.is(429).says("Too many requests");
    assert_eq!(reply.header("retry-after"), "3600");
    let _ = register(&app.stranger().at("198.51.100.1"), ana()).await.is(201);
    app.advance(TimeDelta::minutes(61));
    let mut body = ana();
    body["email"] = json!("late@example.com");
    let _ = register(&app.stranger(), body).await.is(201);
    app.finish().await;
}

async fn unconfirmed() -> (TestApp, Actor) {
    let mut config = testing::config();
    config.require_email_verification = true;
    let app = portal_with(config).await;
    app.super_admin("root").await;
    let visitor = app.stranger();
    let _ = register(&visitor, ana()).await.is(201);
    app.run_jobs().await;
    (app, visitor)
}

#[tokio::test]
async fn an_unproven_address_opens_nothing_until_its_link_is_used() {
    let (app, ana) = unconfirmed().await;
    let mail = &app.mails_to("ana@example.com")[0];
    assert!(mail.text.contains("http://portal.test/verify-email#token="), "{}", mail.text);
    assert!(mail.html.as_deref().is_some_and(|html| html.contains("verify-email#token=")));
    let _ = ana.api(Method::GET, "/auth/session").await.is(200);
    let _ = ana.api(Method::GET, "/auth/sessions").await.is(200);
    let _ = ana.get("/verify-email").await.is(200).shows("ana@example.com").shows("Send the email again");
    let token = token_of(&app, "ana@example.com");
    let bad = json!({"token": "b".repeat(64)});
    let _ = app.stranger().json(Method::POST, "/auth/verify-email", bad).await.is(400).says("Invalid or expired token");
    // In another browser, without a session.
    let _ = app.stranger().post("/auth/verify-email", &[("token", &token)]).await.goes_to("/login");
    let _ = app.stranger().json(Method::POST, "/auth/verify-email", json!({"token": token})).await.is(400);
    assert!(app.audit().await.contains(&"auth.email_verified".to_owned()));
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM users WHERE email_verified_at IS NULL")).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_proven_address_joins_the_company_of_its_domain() {
    let (app, ana) = unconfirmed().await;
    let company = app.company("Acme").await;
    let now = app.app().now();
    let insert = sql("INSERT INTO company_email_domains (company_id, domain, auto_join, created_at, updated_at) \
         VALUES (?, 'example.com', TRUE, ?, ?)");
    app.execute(insert.bind(company.id).bind(now).bind(now)).await;
    let token = token_of(&app, "ana@example.com");
    let _ = ana.json(Method::POST, "/auth/verify-email", json!({"token": token})).await.is(200);
    let rows: Vec<(String, bool, bool)> =
        app.rows(sql("SELECT status, is_admin, can_access_shop FROM company_memberships LIMIT 5")).await;
    assert_eq!(rows, [("active".to_owned(), false, false)]);
    let session = ana.api(Method::GET, "/auth/session").await.is(200).value();
    assert_eq!(session["session"]["active_company_id"], company.id);
    app.finish().await;
}

#[tokio::test]
async fn the_confirmation_mail_is_sent_three_times_an_hour_at_most() {
    let (app, ana) = unconfirmed().await;
    let first = token_of(&app, "ana@example.com");
    for _ in 0..3 {
        let _ = ana.post("/auth/verify-email/resend", &[]).await.goes_to("/verify-email");
    }
    let _ = ana.api(Method::POST, "/auth/verify-email/resend").await.is(429);
    app.run_jobs().await;
    assert_eq!(app.mails_to("ana@example.com").len(), 4);
    let _ = ana.json(Method::POST, "/auth/verify-email", json!({"token": first})).await.is(400);
    app.advance(TimeDelta::hours(25));
    let newest = token_of(&app, "ana@example.com");
    let _ = app.stranger().json(Method::POST, "/auth/verify-email", json!({"token": newest})).await.is(400);
    app.finish().await;
}

#[tokio::test]
async fn accounts_that_nobody_confirmed_are_deleted_after_30_days() {
    let (app, _) = unconfirmed().await;
    app.user("kept", |_| ()).await;
    app.advance(TimeDelta::days(29));
    app.run_jobs().await;
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM users")).await, 3);
    app.advance(TimeDelta::days(2));
    app.run_jobs().await;
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM users")).await, 2);
    assert!(app.audit().await.contains(&"user.deleted".to_owned()));
    app.finish().await;
}

#[test]
fn pages_are_drawn() {
    render_samples::<RegisterPage>();
    render_samples::<VerifyPage>();
}
