//! Signing in and out, sessions, passwords, the authentication log (acceptance 9 to 16, 21 to 31, 40).
use std::path::{Path, PathBuf};
use std::process::Command;

use axum::body::Body;
use chrono::TimeDelta;
use http::Method;
use identity::sign_in::{ChangePage, ConfirmPage, ForgotPage, LoginPage, ResetPage};
use serde_json::{Value, json};
use shared::client_ip::TrustedProxies;
use shared::db::sql;
use shared::testing::{self, Actor, PASSWORD, Reply, TestApp, render_samples};

use crate::registration::{cookie_lines, portal, portal_with, token_of};

pub(crate) fn credentials(name: &str) -> Value {
    json!({"email": format!("{name}@example.com"), "password": PASSWORD})
}

pub(crate) async fn login(actor: &Actor, body: Value) -> Reply {
    actor.json(Method::POST, "/auth/login", body).await
}

async fn wrong(actor: &Actor) -> Reply {
    login(actor, json!({"email": "ann@example.com", "password": "not the password"})).await
}

async fn portal_with_ann() -> TestApp {
    let app = portal().await;
    app.user("ann", |_| ()).await;
    app
}

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
async fn acceptance_09_sessions_slide_with_their_cookies() {
    let app = portal_with_ann().await;
    let ann = app.stranger();
    let _ = login(&ann, credentials("ann")).await.is(200);
    for _ in 0..2 {
        app.advance(TimeDelta::hours(11));
        let reply = ann.api(Method::GET, "/auth/session").await.is(200);
        let lines = cookie_lines(&reply);
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.contains("Max-Age=43200")), "{lines:?}");
        let again = ann.api(Method::GET, "/auth/session").await.is(200);
        assert!(cookie_lines(&again).is_empty(), "written at most once a minute");
    }
    app.advance(TimeDelta::hours(12));
    let reply = ann.api(Method::GET, "/auth/session").await.is(401);
    assert!(cookie_lines(&reply).iter().all(|line| line.contains("Max-Age=0")), "stale cookies are deleted");
    app.finish().await;
}

#[tokio::test]
async fn acceptance_10_a_session_ends_after_168_hours_of_use() {
    let app = portal_with_ann().await;
    let ann = app.stranger();
    let _ = login(&ann, credentials("ann")).await.is(200);
    for _ in 0..16 {
        app.advance(TimeDelta::hours(10));
        let _ = ann.api(Method::GET, "/auth/session").await.is(200);
    }
    app.advance(TimeDelta::hours(8));
    let _ = ann.api(Method::GET, "/auth/session").await.is(401);
    app.finish().await;
}

#[tokio::test]
async fn acceptance_11_the_sixth_try_waits_even_with_the_right_password() {
    let app = portal_with_ann().await;
    for _ in 0..5 {
        let _ = wrong(&app.stranger()).await.is(401);
    }
    let reply = login(&app.stranger(), credentials("ann")).await.is(429).says("Too many login attempts");
    let wait: i64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
    assert_eq!(reply.value()["retry_after"], wait);
    let fields = [("email", "ann@example.com"), ("password", PASSWORD)];
    let page = app.stranger().post("/auth/login", &fields).await.is(429);
    assert!(!page.header("retry-after").is_empty());
    let _ = page.shows("Too many tries. Try again in 5 minutes.").shows("value=\"ann@example.com\"");
    app.advance(TimeDelta::seconds(301));
    let _ = login(&app.stranger(), credentials("ann")).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn acceptance_12_other_clients_are_not_limited_and_success_clears() {
    let app = portal_with_ann().await;
    for _ in 0..6 {
        wrong(&app.stranger()).await;
    }
    let elsewhere = app.stranger().at("198.51.100.9");
    for _ in 0..2 {
        for _ in 0..4 {
            let _ = wrong(&elsewhere).await.is(401);
        }
        let _ = login(&elsewhere, credentials("ann")).await.is(200);
    }
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM rate_limits WHERE bucket = 'login_account'")).await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn acceptance_13_of_fifty_parallel_guesses_five_are_answered() {
    let app = portal_with_ann().await;
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let visitor = app.stranger();
        tries.spawn(async move { wrong(&visitor).await.status });
    }
    let statuses = tries.join_all().await;
    let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    assert!(count(401) <= 5, "{statuses:?}");
    assert_eq!(count(401) + count(429), 50, "{statuses:?}");
    app.finish().await;
}

#[tokio::test]
async fn accounts_and_clients_have_limits_of_their_own() {
    let app = portal_with_ann().await;
    for n in 0..50 {
        let _ = wrong(&app.stranger().at(&format!("198.51.100.{n}"))).await.is(401);
    }
    let _ = wrong(&app.stranger().at("198.51.100.60")).await.is(429);
    app.advance(TimeDelta::minutes(61));
    app.execute(sql("DELETE FROM rate_limits")).await;
    let digest = shared::tokens::sha256_hex(b"203.0.113.7");
    let full = sql("INSERT INTO rate_limits (bucket, key_hash, window_start, hits) VALUES ('login_ip', ?, ?, 100)");
    app.execute(full.bind(digest).bind(app.app().now())).await;
    let _ = login(&app.stranger(), credentials("nobody")).await.is(429);
    app.finish().await;
}

fn log_file() -> PathBuf {
    std::env::temp_dir().join(format!("myportal-auth-{}.log", shared::tokens::random_hex(8)))
}

#[tokio::test]
async fn acceptance_14_forwarding_headers_count_from_trusted_proxies_only() {
    for (trusted, expected) in [("", "203.0.113.7"), ("203.0.113.0/24", "198.51.100.23")] {
        let path = log_file();
        let mut config = testing::config();
        config.trusted_proxies = TrustedProxies::parse(trusted).unwrap();
        config.fail2ban_log_path = Some(path.display().to_string());
        let app = portal_with(config).await;
        app.user("ann", |_| ()).await;
        let behind = app.stranger().with_header("x-forwarded-for", "6.6.6.6, 198.51.100.23, 203.0.113.99");
        let _ = wrong(&behind).await.is(401);
        let reply = login(&behind, credentials("ann")).await.is(200).value();
        assert_eq!(reply["session"]["ip_address"], expected);
        let rows: Vec<(String,)> =
            app.rows(sql("SELECT ip_address FROM audit_logs WHERE action = 'auth.login' LIMIT 5")).await;
        assert_eq!(rows, [(expected.to_owned(),)]);
        let key = shared::tokens::sha256_hex(expected.as_bytes());
        let query = sql("SELECT hits FROM rate_limits WHERE bucket = 'login_ip' AND key_hash = ?").bind(key);
        assert_eq!(app.number(query).await, 1);
        let log = std::fs::read_to_string(&path).unwrap();
        assert!(log.lines().all(|line| line.contains(&format!(" ip={expected}"))), "{log}");
        std::fs::remove_file(path).unwrap();
        app.finish().await;
    }
}

#[tokio::test]
async fn acceptance_21_posts_with_a_session_carry_its_token() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let send = async |headers: &[(&str, &str)], body: &str| {
        ann.copy().send(Method::POST, "/auth/logout", headers, Body::from(body.to_owned())).await
    };
    let _ = send(&[], "").await.is(403).says("CSRF token missing");
    let _ = send(&[("x-csrf-token", "wrong")], "").await.is(403).says("CSRF token mismatch");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let both = format!("_csrf={}", ann.csrf());
    let _ = send(&[form, ("x-csrf-token", "wrong")], &both).await.is(403);
    let _ = ann.copy().post("/auth/logout", &[]).await.goes_to("/login");
    let ben = app.requester("ben").await;
    let reply = ben.upload("/auth/logout", &[], &[("file", "a.txt", "text/plain", b"content")]).await;
    let _ = reply.goes_to("/login");
    app.finish().await;
}

#[tokio::test]
async fn posts_without_a_session_reach_the_handler() {
    let app = portal_with_ann().await;
    let _ = app.stranger().api(Method::POST, "/auth/logout").await.is(401).says("Not authenticated");
    let _ = app.stranger().post("/auth/logout", &[]).await.goes_to("/login");
    app.finish().await;
}

#[tokio::test]
async fn acceptance_22_only_exact_paths_need_no_token() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let _ = ann.send(Method::POST, "/auth/login-x", &[], Body::empty()).await.is(403).says("CSRF token missing");
    let body = Body::from(credentials("ann").to_string());
    let json = [("content-type", "application/json")];
    let _ = ann.send(Method::POST, "/auth/login", &json, body).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn acceptance_23_sign_in_from_another_site_is_refused() {
    let app = portal_with_ann().await;
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let evil = app.stranger().with_header(name, value);
        let _ = login(&evil, credentials("ann")).await.is(403).says("Cross-site request refused");
    }
    let own = app.stranger().with_header("origin", "http://portal.test");
    let _ = login(&own, credentials("ann")).await.is(200);
    app.finish().await;
}

async fn forget(app: &TestApp, email: &str) -> (Value, u64) {
    let before = app.db().statements();
    let visitor = app.stranger().at("198.51.100.77");
    let mut reply = visitor.json(Method::POST, "/auth/password/forgot", json!({"email": email})).await.is(200).value();
    reply["request_id"] = Value::Null;
    (reply, app.db().statements() - before)
}

#[tokio::test]
async fn acceptance_24_a_reset_request_says_nothing_about_the_account() {
    let app = portal_with_ann().await;
    let (known, work) = forget(&app, "ANN@example.com").await;
    let (unknown, same_work) = forget(&app, "nobody@example.com").await;
    assert_eq!(known, unknown);
    assert_eq!(known["detail"], "If the email is registered, reset instructions have been sent.");
    assert_eq!(work, same_work, "the request does the same statements");
    app.run_jobs().await;
    assert_eq!(app.mails().len(), 1);
    let mail = &app.mails_to("ann@example.com")[0];
    assert_eq!(mail.subject, "Reset your MyPortal password");
    let token = token_of(&app, "ann@example.com");
    assert!(mail.text.contains(&format!("\nhttp://portal.test/reset-password#token={token}\n")), "{}", mail.text);
    assert!(mail.text.contains("Hello ann,") && mail.text.contains("1 hour"));
    assert_eq!(mail.text.matches(&token).count(), 2, "again for typing");
    let stored: Vec<(Option<String>,)> = app.rows(sql("SELECT text_body FROM email_outbox LIMIT 5")).await;
    assert_eq!(stored, [(None,)], "a sent token is not kept");
    assert_eq!(app.audit().await, ["auth.password_reset_requested"]);
    app.finish().await;
}

#[tokio::test]
async fn reset_requests_are_limited_and_no_use_to_disabled_people() {
    let app = portal_with_ann().await;
    app.execute(sql("UPDATE users SET is_active = FALSE")).await;
    for _ in 0..3 {
        forget(&app, "ann@example.com").await;
    }
    app.run_jobs().await;
    assert!(app.mails().is_empty());
    let visitor = app.stranger();
    let _ = visitor.json(Method::POST, "/auth/password/forgot", json!({"email": "ann@example.com"})).await.is(429);
    let _ = visitor.json(Method::POST, "/auth/password/forgot", json!({"email": "ann"})).await.refuses("email");
    for n in 0..9 {
        let email = format!("n{n}@example.com");
        let _ = visitor.post("/auth/password/forgot", &[("email", &email)]).await.goes_to("/forgot-password?sent=1");
    }
    let _ = visitor.post("/auth/password/forgot", &[("email", "z@example.com")]).await.is(429);
    let _ = visitor.get("/forgot-password?sent=1").await.is(200).shows("Check your email");
    app.run_jobs().await;
    app.finish().await;
}

async fn reset(actor: &Actor, token: &str, password: &str) -> Reply {
    actor.json(Method::POST, "/auth/password/reset", json!({"token": token, "password": password})).await
}

const NEW: &str = "staple wagon lantern";

#[tokio::test]
async fn acceptance_25_a_reset_token_works_once_and_ends_all_sessions() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    for _ in 0..6 {
        wrong(&app.stranger()).await;
    }
    forget(&app, "ann@example.com").await;
    app.run_jobs().await;
    let old = token_of(&app, "ann@example.com");
    forget(&app, "ann@example.com").await;
    app.run_jobs().await;
    let token = token_of(&app, "ann@example.com");
    let _ = reset(&app.stranger(), &old, NEW).await.is(400).says("Invalid or expired token");
    let (visitor, rival) = (app.stranger(), app.stranger());
    let (one, two) = tokio::join!(reset(&visitor, &token, NEW), reset(&rival, &token, NEW));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    let _ = ann.api(Method::GET, "/auth/session").await.is(401);
    let _ = login(&app.stranger(), json!({"email": "ann@example.com", "password": NEW})).await.is(200);
    app.run_jobs().await;
    let notice = app.mails_to("ann@example.com").pop().unwrap();
    assert_eq!(notice.subject, "Your MyPortal password was changed");
    let reasons: Vec<(String,)> =
        app.rows(sql("SELECT DISTINCT revoked_reason FROM user_sessions WHERE revoked_at IS NOT NULL LIMIT 5")).await;
    assert_eq!(reasons, [("password_reset".to_owned(),)]);
    assert!(app.audit().await.contains(&"auth.password_reset".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn acceptance_25_a_reset_token_lives_an_hour() {
    let app = portal_with_ann().await;
    forget(&app, "ann@example.com").await;
    app.run_jobs().await;
    let token = token_of(&app, "ann@example.com");
    let _ = reset(&app.stranger(), &token, "ann@example.com").await.refuses("password");
    app.advance(TimeDelta::minutes(61));
    let _ = reset(&app.stranger(), &token, NEW).await.is(400);
    app.finish().await;
}

#[tokio::test]
async fn wrong_reset_tokens_are_counted_and_the_form_keeps_the_code() {
    let app = portal_with_ann().await;
    let token = "c".repeat(64);
    let fields = [("token", token.as_str()), ("password", NEW), ("confirm_password", "other")];
    let page = app.stranger().post("/auth/password/reset", &fields).await.is(422);
    let _ = page.shows("id=\"confirm_password-error\"").shows(&token).hides(NEW);
    for _ in 0..10 {
        let _ = reset(&app.stranger(), &token, NEW).await.is(400);
    }
    let _ = reset(&app.stranger(), &token, NEW).await.is(429).says("Too many requests");
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_sets_the_first_password_and_lets_in() {
    let app = portal().await;
    let company = app.company("Acme").await;
    let root = app.super_admin("root").await;
    let id = app.user("ivy", |new| {
        new.password_hash = None;
        new.email_verified_at = None;
    });
    let id = id.await;
    let mut tx = app.db().begin(shared::audit::Stamp::system(app.app().now())).await.unwrap();
    tx.housekeeping();
    let new = shared::accounts::memberships::NewMembership {
        company_id: company.id,
        user_id: id,
        role: "Member",
        status: shared::accounts::memberships::Status::Invited,
        is_owner: false,
    };
    shared::accounts::memberships::insert(&mut tx, &new, app.app().now()).await.unwrap();
    let user = shared::accounts::users::find(&mut tx, id).await.unwrap().unwrap();
    let base = "http://portal.test";
    let sent = shared::accounts::invitations::send_from(&mut tx, app.app(), base, None, &user, Some("Acme"));
    let link = sent.await.unwrap();
    tx.commit().await.unwrap();
    app.run_jobs().await;
    let mail = &app.mails_to("ivy@example.com")[0];
    assert!(mail.text.contains(&link) && mail.subject.contains("Acme"), "{}", mail.text);
    app.advance(TimeDelta::days(6));
    let token = token_of(&app, "ivy@example.com");
    let wrong = [("token", token.as_str()), ("password", "short"), ("confirm_password", "short")];
    let _ = app.stranger().post("/auth/password/reset", &wrong).await.is(422).shows("Welcome");
    let fields = [("token", token.as_str()), ("password", NEW), ("confirm_password", NEW)];
    let visitor = app.stranger();
    let _ = visitor.post("/auth/password/reset", &fields).await.goes_to("/login");
    let _ = visitor.get("/login").await.is(200).shows("Password changed. Sign in with the new one.");
    let reply = login(&visitor, json!({"email": "ivy@example.com", "password": NEW})).await.is(200).value();
    assert_eq!(reply["session"]["active_company_id"], company.id);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM users WHERE email_verified_at IS NULL")).await, 0);
    drop(root);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn acceptance_26_a_changed_password_keeps_this_browser_and_ends_the_others() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let elsewhere = app.sign_in(ann.id).await;
    let old = ann.copy();
    let change = |current: &str, new: &str| json!({"current_password": current, "new_password": new});
    let path = "/auth/password/change";
    let _ =
        ann.json(Method::POST, path, change("wrong password", NEW)).await.is(400).says("Current password is incorrect");
    let same = ann.json(Method::POST, path, change(PASSWORD, PASSWORD)).await.is(400);
    let _ = same.says("New password must be different from the current password");
    let reply = ann.json(Method::POST, path, change(PASSWORD, NEW)).await.is(200);
    assert_eq!(cookie_lines(&reply).len(), 2);
    let _ = reply.says("Password updated successfully.");
    let _ = ann.api(Method::GET, "/auth/session").await.is(200);
    for ended in [old, elsewhere] {
        let _ = ended.api(Method::GET, "/auth/session").await.is(401);
    }
    let _ = ann.post("/auth/logout", &[]).await.goes_to("/login");
    app.run_jobs().await;
    assert_eq!(app.mails_to("ann@example.com").len(), 1, "one notice");
    assert!(app.audit().await.contains(&"auth.password_changed".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn wrong_current_passwords_are_counted() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let body = json!({"current_password": "wrong password", "new_password": NEW});
    for _ in 0..5 {
        let _ = ann.json(Method::POST, "/auth/password/change", body.clone()).await.is(400);
    }
    let _ = ann.json(Method::POST, "/auth/password/change", body.clone()).await.is(429).says("Too many requests");
    let _ = ann.json(Method::POST, "/auth/reauthenticate", json!({"password": PASSWORD})).await.is(429);
    app.finish().await;
}

#[tokio::test]
async fn acceptance_27_a_password_that_must_change_closes_everything_else() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    app.execute(sql("UPDATE users SET force_password_change = TRUE")).await;
    let _ = ann.get("/confirm-password").await.goes_to("/change-password");
    let reply = ann.api(Method::GET, "/auth/sessions").await.is(403);
    assert_eq!(reply.value()["code"], "password_change_required");
    let session = ann.api(Method::GET, "/auth/session").await.is(200).value();
    assert_eq!(session["user"]["force_password_change"], true);
    let _ = ann.get("/change-password").await.is(200).shows("asks you to choose another password");
    let wrong = [("current_password", "wrong"), ("new_password", NEW), ("confirm_password", NEW)];
    let page = ann.post("/auth/password/change", &wrong).await.is(400);
    let _ = page.shows("id=\"current_password-error\"").hides(NEW);
    let fields = [("current_password", PASSWORD), ("new_password", NEW), ("confirm_password", NEW)];
    let _ = ann.post("/auth/password/change", &fields).await.goes_to("/");
    let _ = ann.api(Method::GET, "/auth/sessions").await.is(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn acceptance_28_pages_for_passwords_tell_nobody_where_they_were() {
    let app = portal_with_ann().await;
    for path in ["/reset-password", "/forgot-password", "/verify-email"] {
        let reply = app.stranger().get(path).await.is(200);
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        let text = reply.text();
        assert!(!text.contains("src=\"http") && !text.contains("href=\"http"), "nothing of other hosts");
        // Without it browsers would post the form with `Origin: null`, which is refused.
        assert!(text.contains("<meta name=\"referrer\" content=\"same-origin\">"), "{path}");
    }
    let token = "d".repeat(64);
    for page in ["/reset-password", "/verify-email"] {
        let _ = app.stranger().get(&format!("{page}?token={token}")).await.goes_to(&format!("{page}#token={token}"));
        let _ = app.stranger().get(&format!("{page}?token=%0d%0aevil")).await.is(200);
    }
    app.finish().await;
}

/// Runs the filter that we ship over a log; gives how many lines match.
fn matches(log: &Path) -> usize {
    let filter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/fail2ban/myportal-auth.conf");
    let output = Command::new("fail2ban-regex")
        .args(["--verbose", "--print-all-matched"])
        .args([log, &filter])
        .output()
        .expect("fail2ban-regex is missing: install the package fail2ban");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.starts_with("Lines:")).unwrap_or_else(|| panic!("{text}"));
    // "Lines: 7 lines, 0 ignored, 5 matched, 2 missed"
    let matched = line.split(", ").find_map(|part| part.strip_suffix(" matched")).unwrap_or_else(|| panic!("{line}"));
    matched.trim().parse().unwrap()
}

#[tokio::test]
async fn acceptance_29_the_filter_counts_failures_and_nothing_else() {
    let path = log_file();
    let mut config = testing::config();
    config.fail2ban_log_path = Some(path.display().to_string());
    let app = portal_with(config).await;
    app.user("ann", |_| ()).await;
    let _ = wrong(&app.stranger()).await.is(401);
    let _ = wrong(&app.stranger().at("2001:db8::17")).await.is(401);
    let _ = reset(&app.stranger(), &"e".repeat(64), NEW).await.is(400);
    let _ = login(&app.stranger(), credentials("ann")).await.is(200);
    let log = std::fs::read_to_string(&path).unwrap();
    assert_eq!(log.lines().count(), 4, "{log}");
    assert!(log.contains(" | ERROR | AUTH RESET FAIL email=- ip=203.0.113.7 reason=invalid_token\n"), "{log}");
    assert!(log.contains(" | INFO | AUTH LOGIN SUCCESS email=ann@example.com user_id="), "{log}");
    let more = "2026-01-15T12:18:28.123+0000 | ERROR | AUTH APIKEY FAIL email=- ip=203.0.113.10 reason=invalid_key\n\
        2026-01-15T12:18:28.123+0000 | ERROR | AUTH LOGIN FAIL email=user@example.com ip=2001:db8::1 reason=invalid_totp\n\
        2026-01-15T12:18:28.123+0000 | INFO | AUTH LOGIN FAIL email=user@example.com ip=203.0.113.10 reason=totp_required\n";
    std::fs::write(&path, format!("{log}{more}")).unwrap();
    assert_eq!(matches(&path), 5);
    std::fs::remove_file(path).unwrap();
    app.finish().await;
}

#[tokio::test]
async fn acceptance_30_nobody_gets_another_banned() {
    let path = log_file();
    let mut config = testing::config();
    config.fail2ban_log_path = Some(path.display().to_string());
    let app = portal_with(config).await;
    app.user("ann", |_| ()).await;
    for evil in [
        "a ip=1.2.3.4 @example.com",
        "a@example.com ip=1.2.3.4 reason=x",
        "a@example.com\nip=1.2.3.4",
        "a|b@example.com",
    ] {
        let _ = login(&app.stranger(), json!({"email": evil, "password": "x"})).await;
    }
    let now = app.app().now();
    let event = shared::auth_log::Event::LoginFailed {
        email: "x ip=1.2.3.4 reason=x\nip=1.2.3.4@example.com",
        ip: "203.0.113.7",
        reason: shared::auth_log::LoginFailure::InvalidCredentials,
    };
    app.app().auth_log().record(now, event);
    let log = std::fs::read_to_string(&path).unwrap();
    for line in log.lines() {
        let addresses: Vec<&str> = line.split(' ').filter_map(|word| word.strip_prefix("ip=")).collect();
        assert_eq!(addresses, ["203.0.113.7"], "{line}");
    }
    assert!(matches(&path) >= 1);
    std::fs::remove_file(path).unwrap();
    app.finish().await;
}

#[tokio::test]
async fn acceptance_31_a_log_that_cannot_be_written_stops_nobody() {
    let mut config = testing::config();
    config.fail2ban_log_path = Some("/proc/nowhere/auth.log".to_owned());
    let app = portal_with(config).await;
    app.user("ann", |_| ()).await;
    let _ = login(&app.stranger(), credentials("ann")).await.is(200);
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
async fn people_see_and_end_their_own_sessions_only() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let (second, third) = (app.sign_in(ann.id).await, app.sign_in(ann.id).await);
    let ben = app.requester("ben").await;
    let list = ann.api(Method::GET, "/auth/sessions").await.is(200).value();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 3);
    assert_eq!(list.iter().filter(|session| session["is_current"] == true).count(), 1);
    let of = async |actor: &Actor| {
        actor.api(Method::GET, "/auth/session").await.is(200).value()["session"]["id"].as_i64().unwrap()
    };
    let (bens, seconds) = (of(&ben).await, of(&second).await);
    let _ = ann.api(Method::DELETE, &format!("/auth/sessions/{bens}")).await.is(404);
    let _ = ben.api(Method::GET, "/auth/session").await.is(200);
    let _ = ann.api(Method::DELETE, &format!("/auth/sessions/{seconds}")).await.is(204);
    let _ = ann.api(Method::DELETE, &format!("/auth/sessions/{seconds}")).await.is(404);
    let _ = second.api(Method::GET, "/auth/session").await.is(401);
    assert_eq!(ann.api(Method::DELETE, "/auth/sessions").await.is(200).value(), json!({"revoked": 1}));
    let _ = third.api(Method::GET, "/auth/session").await.is(401);
    let _ = ann.api(Method::GET, "/auth/session").await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_new_device_is_told_about_once_in_90_days() {
    let app = portal_with_ann().await;
    let firefox = "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/130.0";
    let at_home = || app.stranger().with_header("user-agent", firefox);
    let told = async || {
        app.run_jobs().await;
        app.mails_to("ann@example.com").len()
    };
    let _ = login(&at_home(), credentials("ann")).await.is(200);
    assert_eq!(told().await, 0, "the first sign-in of all is expected");
    let _ = login(&at_home(), credentials("ann")).await.is(200);
    assert_eq!(told().await, 0);
    let _ = login(&at_home().at("198.51.100.9"), credentials("ann")).await.is(200);
    assert_eq!(told().await, 1);
    let mail = app.mails_to("ann@example.com").pop().unwrap();
    assert_eq!(mail.subject, "MyPortal: New sign-in to your account");
    assert!(mail.text.contains("from 198.51.100.9 with Firefox on Windows"), "{}", mail.text);
    app.advance(TimeDelta::days(60));
    app.run_jobs().await;
    let _ = login(&at_home(), credentials("ann")).await.is(200);
    assert_eq!(told().await, 1, "also after its sessions are deleted");
    app.advance(TimeDelta::days(91));
    let _ = login(&at_home(), credentials("ann")).await.is(200);
    assert_eq!(told().await, 2);
    app.finish().await;
}

#[tokio::test]
async fn the_password_is_confirmed_again_for_15_minutes() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    app.advance(TimeDelta::minutes(16));
    let reply = ann.api(Method::POST, "/auth/totp/setup").await.is(403);
    assert_eq!(reply.value()["code"], "reauthentication_required");
    let _ = ann
        .json(Method::POST, "/auth/reauthenticate", json!({"password": "wrong"}))
        .await
        .is(400)
        .says("Current password is incorrect");
    let _ = ann.json(Method::POST, "/auth/reauthenticate", json!({})).await.refuses("password");
    let _ = ann.json(Method::POST, "/auth/reauthenticate", json!({"password": PASSWORD})).await.is(204);
    let _ = ann.api(Method::POST, "/auth/totp/setup").await.is(200);
    app.advance(TimeDelta::minutes(16));
    let _ = ann.get("/confirm-password?next=/profile/security").await.is(200).shows("Signed in as ann@example.com");
    let _ = ann.post("/confirm-password", &[("password", "wrong")]).await.is(400).shows("id=\"password-error\"");
    let fields = [("password", PASSWORD), ("next", "/profile/security")];
    let _ = ann.post("/confirm-password", &fields).await.goes_to("/profile/security");
    let _ = ann.post("/confirm-password", &[("password", PASSWORD), ("next", "//evil.example")]).await.goes_to("/");
    let _ = ann.api(Method::POST, "/auth/totp/setup").await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn what_ended_long_ago_is_deleted() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let _ = ann.api(Method::POST, "/auth/logout").await.is(204);
    forget(&app, "ann@example.com").await;
    app.run_jobs().await;
    app.advance(TimeDelta::days(29));
    app.run_jobs().await;
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM user_sessions")).await, 1);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM password_tokens")).await, 0);
    app.advance(TimeDelta::days(3));
    app.run_jobs().await;
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM user_sessions")).await, 0);
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
