//! Sessions: how long they live, the person's own list of them, and the password asked again.

use chrono::TimeDelta;
use http::Method;
use serde_json::json;
use shared::db::sql;
use shared::testing::{Actor, PASSWORD};

use super::passwords::forget;
use super::{credentials, login, portal_with_ann};
use crate::registration::{cookie_lines, portal};

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
