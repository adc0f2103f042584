//! Posts with a session carry its token, and come from our own pages.

use axum::body::Body;
use http::Method;

use super::{credentials, login, portal_with_ann};
use crate::registration::portal;

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
