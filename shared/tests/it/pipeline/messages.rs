//! Where people are led, and the message that waits for them there.

use chrono::TimeDelta;
use http::Method;

use super::{form, portal, set_cookies};

#[tokio::test]
async fn the_signed_out_are_sent_to_sign_in_and_back() {
    let app = portal().await;
    let nobody = app.stranger();
    let _ = nobody
        .get("/mine?a=1&b=x y".replace(' ', "%20").as_str())
        .await
        .goes_to("/login?next=%2Fmine%3Fa%3D1%26b%3Dx%2520y");
    let _ = nobody.post("/save", &[]).await.goes_to("/login");
    let from = [("referer", "http://portal.test/mine?tab=2")];
    let _ = form(&nobody, "/save", &from, "name=x").await.goes_to("/login?next=%2Fmine%3Ftab%3D2");
    let foreign = [("referer", "https://evil.example//evil.example")];
    let _ = form(&nobody, "/save", &foreign, "name=x").await.goes_to("/login");
    let reply = nobody.api(Method::GET, "/api/who").await.is(401).says("Not authenticated");
    assert_eq!(reply.header("content-type"), "application/problem+json");
    app.finish().await;
}

#[tokio::test]
async fn a_closed_page_leads_home_with_a_message_shown_once() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let _ = ann.get("/administration").await.goes_to("/");
    // A region drawn in between does not swallow the message.
    let _ = ann.region("/open", "side").await.is(200).hides("do not have access");
    let _ = ann.get("/open").await.is(200).shows("You do not have access to administration.");
    let _ = ann.get("/open").await.is(200).hides("do not have access");
    app.finish().await;
}

#[tokio::test]
async fn a_form_leads_on_with_a_message_shown_once() {
    let app = portal().await;
    let (ann, ben) = (app.requester("ann").await, app.requester("ben").await);
    let _ = ann.post("/save", &[("name", "<b>")]).await.goes_to("/open");
    let _ = ben.get("/open").await.hides("Saved");
    let _ = ann.get("/open").await.shows("Saved &lt;b&gt;");
    let _ = ann.get("/open").await.hides("Saved");
    let _ = ann.post("/save", &[("name", "late")]).await.goes_to("/open");
    app.advance(TimeDelta::minutes(11));
    let _ = ann.get("/open").await.hides("Saved");
    app.finish().await;
}

#[tokio::test]
async fn partial_forms_are_redirected_by_header() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let csrf = ann.csrf();
    let reply = form(&ann, "/save", &[("hx-request", "true"), ("x-csrf-token", &csrf)], "name=x").await.is(204);
    assert_eq!(reply.header("hx-redirect"), "/open");
    app.finish().await;
}

#[tokio::test]
async fn messages_reach_people_without_a_session_by_cookie() {
    let app = portal().await;
    let nobody = app.stranger();
    let reply = nobody.post("/leave", &[]).await.goes_to("/open");
    assert!(set_cookies(&reply)[0].starts_with("myportal_notice=signed_out; Path=/; Max-Age=60; HttpOnly"));
    let _ = nobody.region("/open", "side").await.is(200);
    let _ = nobody.get("/open").await.shows("Signed out");
    assert_eq!(nobody.cookie("myportal_notice"), None);
    let _ = nobody.get("/open").await.hides("Signed out");
    nobody.set_cookie("myportal_notice", "<script>");
    let _ = nobody.get("/open").await.is(200).hides("<script>");
    app.finish().await;
}
