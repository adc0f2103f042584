//! Passwords: forgotten, reset, set from an invitation, changed, and required to change.

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::testing::{Actor, PASSWORD, Reply, TestApp};

use super::{login, portal_with_ann, wrong};
use crate::registration::{cookie_lines, portal, token_of};

pub(super) async fn forget(app: &TestApp, email: &str) -> (Value, u64) {
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

pub(super) async fn reset(actor: &Actor, token: &str, password: &str) -> Reply {
    actor.json(Method::POST, "/auth/password/reset", json!({"token": token, "password": password})).await
}

pub(super) const NEW: &str = "staple wagon lantern";

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
