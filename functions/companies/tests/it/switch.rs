//! `POST /switch-company` in every form of body (organisation 5.2, acceptance 2 to 6).

use axum::body::Body;
use http::Method;
use serde_json::json;
use shared::caller::Company;
use shared::db::sql;
use shared::testing::{Actor, TestApp};

use crate::portal;

async fn active(app: &TestApp, actor: &Actor) -> i64 {
    app.number(sql("SELECT COALESCE(active_company_id, 0) FROM user_sessions WHERE user_id = ?").bind(actor.id)).await
}

/// A person who belongs to both companies; the first is active.
async fn in_two(app: &TestApp) -> (Actor, Company, Company) {
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let mia = app.member("mia", &acme).await;
    app.execute(
        sql("INSERT INTO company_memberships (company_id, user_id, role_id, status, created_at, updated_at) \
             SELECT ?, user_id, role_id, status, created_at, updated_at FROM company_memberships WHERE user_id = ?")
        .bind(beta.id)
        .bind(mia.id),
    )
    .await;
    (mia, acme, beta)
}

#[tokio::test]
async fn every_form_of_body_switches() {
    let app = portal().await;
    let (mia, acme, beta) = in_two(&app).await;
    let id = beta.id;
    let json = format!(r#"{{"companyId":{id},"returnUrl":"/tickets?status=open&page=2"}}"#);
    let text = format!(r#"{{"company_id":"{id}","return_url":"/tickets?status=open&page=2"}}"#);
    let form = format!("companyId={id}&returnUrl=%2Ftickets%3Fstatus%3Dopen%26page%3D2");
    let parts = format!(
        "--b\r\nContent-Disposition: form-data; name=\"companyId\"\r\n\r\n{id}\r\n--b\r\n\
         Content-Disposition: form-data; name=\"returnUrl\"\r\n\r\n/tickets?status=open&page=2\r\n--b--\r\n"
    );
    let query = format!("?companyId={id}&returnUrl=/tickets%3Fstatus%3Dopen%26page%3D2");
    let blank = format!("companyId=&company_id={id}&returnUrl=%20&return_url=/tickets%3Fstatus%3Dopen%26page%3D2");
    for (kind, body, query) in [
        ("application/json", json.as_str(), ""),
        ("application/json", &text, ""),
        ("application/x-www-form-urlencoded", &form, ""),
        ("multipart/form-data; boundary=b", &parts, ""),
        ("", &json, ""),
        ("", &form, ""),
        ("", &parts, ""),
        ("application/json", &form, ""),
        ("application/json", &parts, ""),
        ("application/x-www-form-urlencoded", &json, ""),
        ("multipart/form-data", &parts, ""),
        ("", "", &query),
        ("application/x-www-form-urlencoded", "companyId=&returnUrl=", &query),
        ("application/x-www-form-urlencoded", &blank, "?companyId=999"),
    ] {
        app.execute(sql("UPDATE user_sessions SET active_company_id = ?").bind(acme.id)).await;
        let csrf = mia.csrf();
        let headers = [("accept", "text/html"), ("content-type", kind), ("x-csrf-token", csrf.as_str())];
        let path = format!("/switch-company{query}");
        let reply = mia.send(Method::POST, &path, &headers, Body::from(body.to_owned())).await;
        let _ = reply.goes_to("/tickets?status=open&page=2");
        assert_eq!(active(&app, &mia).await, beta.id, "{kind}: {body}");
    }
    let seen = sql("SELECT COUNT(*) FROM company_memberships WHERE company_id = ? AND last_seen_at IS NOT NULL");
    assert_eq!(app.number(seen.bind(beta.id)).await, 1);
    assert!(app.audit().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_form_with_its_token_and_a_program_switch() {
    let app = portal().await;
    let (mia, acme, beta) = in_two(&app).await;
    let _ = mia.post("/switch-company", &[("companyId", &beta.id.to_string())]).await.goes_to("/");
    assert_eq!(active(&app, &mia).await, beta.id);
    let body = json!({"companyId": acme.id, "returnUrl": "/tickets"});
    let reply = mia.json(Method::POST, "/switch-company", body).await.is(200);
    assert_eq!(reply.value(), json!({"active_company_id": acme.id, "redirect": "/tickets"}));
    app.finish().await;
}

#[tokio::test]
async fn what_means_nothing_is_refused() {
    let app = portal().await;
    let (mia, acme, _) = in_two(&app).await;
    let switch = async |body| mia.json(Method::POST, "/switch-company", body).await;
    let _ = switch(json!({})).await.is(400).says("companyId is required");
    let _ = switch(json!({"companyId": null})).await.is(400).says("companyId is required");
    let _ = switch(json!({"companyId": "abc"})).await.is(400).says("Invalid company identifier");
    let _ = switch(json!({"companyId": 1.5})).await.is(400).says("Invalid company identifier");
    let _ = switch(json!({"companyId": acme.id, "x": "y".repeat(70_000)})).await.is(413);
    let _ = mia.post("/switch-company", &[("companyId", "abc")]).await.is(400).shows("Invalid company identifier");
    let headers = [("content-type", "application/json"), ("accept", "application/json")];
    let _ = mia.send(Method::POST, "/switch-company", &headers, Body::from("{}")).await.is(403);
    let form = [("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html")];
    let body = || Body::from("companyId=1");
    let _ = mia.send(Method::POST, "/switch-company", &form, body()).await.is(403);
    let _ = app.stranger().send(Method::POST, "/switch-company", &form, body()).await.goes_to("/login");
    let _ = app.stranger().json(Method::POST, "/switch-company", json!({"companyId": 1})).await.is(401);
    assert_eq!(active(&app, &mia).await, acme.id);
    app.finish().await;
}

#[tokio::test]
async fn a_company_that_is_not_open_is_left_alone() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let other = app.company("Other").await;
    let mia = app.member("mia", &acme).await;
    for id in [other.id, 999] {
        let refused = mia.json(Method::POST, "/switch-company", json!({"companyId": id})).await;
        let _ = refused.is(403).says("Access denied");
        let fields = [("companyId", id.to_string()), ("returnUrl", "/business-information".to_owned())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let _ = mia.post("/switch-company", &fields).await.goes_to("/business-information");
        let _ = mia.get("/business-information").await.is(200).shows("You do not have access to that company.");
    }
    assert_eq!(active(&app, &mia).await, acme.id);
    let ann = app.super_admin("ann").await;
    let _ = ann.json(Method::POST, "/switch-company", json!({"companyId": other.id})).await.is(200);
    let _ = ann.api(Method::POST, &format!("/companies/{}/archive", acme.id)).await.is(200);
    let _ = ann.json(Method::POST, "/switch-company", json!({"companyId": acme.id})).await.is(403);
    app.finish().await;
}

#[tokio::test]
async fn only_local_addresses_are_followed() {
    let app = portal().await;
    let (mia, acme, _) = in_two(&app).await;
    for (asked, followed) in [
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\tb", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("/login?next=/", "/"),
        ("/auth/logout", "/"),
        ("/switch-company", "/"),
        ("/staff?enabled=1", "/staff?enabled=1"),
    ] {
        let fields = [("companyId", acme.id.to_string()), ("returnUrl", asked.to_owned())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let reply = mia.post("/switch-company", &fields).await.is(303);
        assert_eq!(reply.header("location"), followed, "{asked:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_taken_away_is_gone_with_the_next_request() {
    let app = portal().await;
    let (mia, acme, beta) = in_two(&app).await;
    let _ = mia.get("/business-information").await.is(200).shows("Acme");
    app.execute(sql("UPDATE company_memberships SET status = 'suspended' WHERE company_id = ?").bind(acme.id)).await;
    let _ = mia.get("/business-information").await.is(200).shows("Beta").hides("Acme");
    let ann = app.super_admin("ann").await;
    let _ = ann.post(&format!("/admin/companies/{}/archive", beta.id), &[]).await.is(303);
    let _ = mia.get("/business-information").await.is(400).shows("Choose a company");
    let _ = ann.post(&format!("/admin/companies/{}/unarchive", beta.id), &[]).await.is(303);
    let _ = mia.get("/business-information").await.is(200).shows("Beta");
    app.finish().await;
}
