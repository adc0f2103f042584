//! Signing in: the form, the API, the session that is made, and signing out.

use http::Method;
use identity::sign_in::{ChangePage, ConfirmPage, ForgotPage, LoginPage, ResetPage};
use serde_json::{Value, json};
use shared::db::sql;
use shared::testing::{PASSWORD, render_samples};

use super::{credentials, login, portal_with_ann, wrong};
use crate::registration::{cookie_lines, portal};

#[tokio::test]
async fn signing_in_answers_the_session_and_its_person() {
    let app = portal().await;
    let company = app.company("Acme").await;
    app.member("ann", &company).await;
    let ann = app.stranger().with_header("user-agent", "Mozilla/5.0");
    let reply = login(&ann, json!({"email": " ANN@example.com ", "password": PASSWORD})).await.is(200).value();
    assert_eq!(reply["session"]["active_company_id"], company.id);
    assert_eq!(reply["session"]["ip_address"], "203.0.113.7");
    assert_eq!(reply["session"]["user_agent"], "Mozilla/5.0");
    assert_eq!(reply["session"]["csrf_token"], ann.csrf());
    assert_eq!(reply["user"]["company_id"], company.id);
    let session = ann.api(Method::GET, "/auth/session").await.is(200);
    assert_eq!(session.header("cache-control"), "no-store");
    assert_eq!(session.value()["session"]["id"], reply["session"]["id"]);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM users WHERE last_login_at IS NOT NULL")).await, 1);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM company_memberships WHERE last_seen_at IS NOT NULL")).await, 1);
    assert_eq!(app.audit().await, ["auth.login"]);
    app.finish().await;
}

#[tokio::test]
async fn the_form_signs_in_and_goes_where_the_person_wanted() {
    let app = portal_with_ann().await;
    let visitor = app.stranger();
    let page = visitor.get("/login?next=%2Ftickets%3Fstatus%3Dopen").await.is(200);
    let _ = page.shows("value=\"&#x2f;tickets?status=open\"").shows("autocomplete=\"username\"");
    let fields = [("email", "ann@example.com"), ("password", "wrong"), ("next", "/tickets")];
    let page = visitor.post("/auth/login", &fields).await.is(401);
    let _ = page.shows("Email or password is not correct").shows("ann@example.com").hides("value=\"wrong\"");
    let _ = visitor.post("/auth/login", &[("email", "ann")]).await.is(422).shows("id=\"password-error\"");
    let fields = [("email", "ann@example.com"), ("password", PASSWORD), ("next", "/tickets?status=open")];
    let _ = visitor.post("/auth/login", &fields).await.goes_to("/tickets?status=open");
    let _ = visitor.get("/login?next=/tickets").await.goes_to("/tickets");
    let _ = visitor.get("/register").await.goes_to("/");
    for evil in ["https://evil.example", "//evil.example", "/\\evil.example", "/auth/logout"] {
        let fields = [("email", "ann@example.com"), ("password", PASSWORD), ("next", evil)];
        let _ = app.stranger().post("/auth/login", &fields).await.goes_to("/");
    }
    app.finish().await;
}

#[tokio::test]
async fn unknown_disabled_and_unset_accounts_get_one_answer() {
    let app = portal_with_ann().await;
    app.user("off", |_| ()).await;
    app.execute(sql("UPDATE users SET is_active = FALSE WHERE email = 'off@example.com'")).await;
    app.user("invited", |new| new.password_hash = None).await;
    let mut answers = Vec::new();
    for name in ["nobody", "off", "invited"] {
        let reply = login(&app.stranger(), credentials(name)).await.is(401).says("Invalid credentials");
        let mut value = reply.value();
        value["request_id"] = Value::Null;
        answers.push(value);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(answers[0]["code"], "invalid_credentials");
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM user_sessions")).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn imported_passwords_open_the_account_and_are_hashed_anew() {
    let app = portal().await;
    // Made by Python's bcrypt, as the earlier portal stored it.
    let old = "$2b$04$g0eDEkcF/ZCwa4/UEORsc.LgHDN6RFTUplSw9qf8dCr4HFxRlJVbu";
    app.user("ann", |new| new.password_hash = Some(old.to_owned())).await;
    let _ = wrong(&app.stranger()).await.is(401);
    let _ = login(&app.stranger(), credentials("ann")).await.is(200);
    let stored: Vec<(String,)> = app.rows(sql("SELECT password_hash FROM users LIMIT 5")).await;
    assert!(stored[0].0.starts_with("$argon2id$"), "{stored:?}");
    let _ = login(&app.stranger(), credentials("ann")).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_session_that_was_presented_at_sign_in_is_replaced() {
    let app = portal_with_ann().await;
    let ann = app.stranger();
    let _ = login(&ann, credentials("ann")).await.is(200);
    let old = ann.copy();
    let _ = login(&ann, credentials("ann")).await.is(200);
    let _ = old.api(Method::GET, "/auth/session").await.is(401).says("Not authenticated");
    let _ = ann.api(Method::GET, "/auth/session").await.is(200);
    let reason: Vec<(String,)> =
        app.rows(sql("SELECT revoked_reason FROM user_sessions WHERE revoked_at IS NOT NULL LIMIT 5")).await;
    assert_eq!(reason, [("replaced".to_owned(),)]);
    app.finish().await;
}

#[tokio::test]
async fn acceptance_40_a_disabled_person_is_signed_out_at_once() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let _ = ann.api(Method::GET, "/auth/session").await.is(200);
    app.execute(sql("UPDATE users SET is_active = FALSE")).await;
    let _ = ann.api(Method::GET, "/auth/session").await.is(401);
    app.finish().await;
}

#[tokio::test]
async fn signing_out_deletes_cookies_and_works_once() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let stale = ann.copy();
    let reply = ann.api(Method::POST, "/auth/logout").await.is(204);
    let lines = cookie_lines(&reply);
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|l| l.contains("=; Path=/; SameSite=Lax") && l.contains("Max-Age=0")), "{lines:?}");
    assert_eq!(reply.header("clear-site-data"), "\"cache\", \"storage\"");
    let _ = stale.api(Method::POST, "/auth/logout").await.is(401);
    let ben = app.requester("ben").await;
    let _ = ben.post("/auth/logout", &[]).await.goes_to("/login");
    let _ = ben.get("/login").await.is(200).shows("Signed out");
    assert_eq!(app.audit().await, ["auth.logout", "auth.logout"]);
    app.finish().await;
}

#[tokio::test]
async fn pages_ask_the_database_little() {
    let app = portal_with_ann().await;
    for path in ["/login", "/register", "/forgot-password", "/reset-password", "/verify-email"] {
        let before = app.db().statements();
        let _ = app.stranger().get(path).await.is(200);
        let asked = app.db().statements() - before;
        assert!(asked <= 8, "{path}: {asked}");
    }
    app.finish().await;
}

#[test]
fn every_json_route_is_documented_with_an_example() {
    let document = serde_json::to_value(identity::routes().openapi()).unwrap();
    let schemas = &document["components"]["schemas"];
    let operations = document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/auth/"));
    let mut count = 0;
    for (path, operation) in
        operations.flat_map(|(path, item)| item.as_object().unwrap().values().map(move |o| (path, o)))
    {
        count += 1;
        assert!(operation["summary"].is_string(), "{path}");
        for (body, pointer) in [
            (&operation["requestBody"], "/content/application~1json/schema/$ref"),
            (&operation["responses"]["200"], "/content/application~1json/schema/$ref"),
        ] {
            let Some(name) = body.pointer(pointer).and_then(Value::as_str) else { continue };
            let name = name.rsplit('/').next().unwrap();
            assert!(!schemas[name]["example"].is_null(), "{path}: {name} has no example");
        }
    }
    assert_eq!(count, 18);
    assert!(schemas["LoginIn"]["properties"]["ticket"].is_null(), "what forms carry is not the API's");
}

#[test]
fn pages_are_drawn() {
    render_samples::<LoginPage>();
    render_samples::<ForgotPage>();
    render_samples::<ResetPage>();
    render_samples::<ChangePage>();
    render_samples::<ConfirmPage>();
}
