//! The audit trail for people and programs.

use std::collections::HashSet;

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use shared::audit::Change;
use shared::db::sql;
use shared::testing::TestApp;

use crate::{key, portal};

async fn lines(app: &TestApp) {
    let note = async |change| {
        app.advance(TimeDelta::days(1));
        app.note(change).await;
    };
    let company = |id| Change::new("company.updated", "company", id).label(format!("Company-{id}")).company(Some(id));
    note(company(1).changed(json!({"is_vip": false, "phone": "1"}), json!({"is_vip": true, "phone": "1"}))).await;
    note(company(2).by(7, "ben@example.com")).await;
    note(Change::new("user.login", "user", 7).by(7, "ben@example.com").label("<b>Ben</b>")).await;
}

#[tokio::test]
async fn the_trail_is_read_and_filtered() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let _ = ann.get("/admin/audit-logs").await.is(200).shows("Nothing recorded yet");
    lines(&app).await;
    let ann = app.sign_in(ann.id).await;
    let page = ann.get("/admin/audit-logs").await.is(200).shows("company.updated").shows("System").shows("is_vip");
    let _ = page.shows("&lt;b&gt;Ben").hides("<b>Ben").shows("<option value=\"user.login\"").hides(">phone<");
    for (query, shown, hidden) in [
        ("action=user.login", "Ben", "Company-1"),
        ("action=company.", "Company-2", "Ben"),
        ("entity_type=user", "Ben", "Company-1"),
        ("entity_type=company&entity_id=2", "Company-2", "Company-1"),
        ("actor=ben%40", "Company-2", "Company-1"),
        ("q=company-1", "Company-1", "Company-2"),
        ("user_id=7&company_id=2", "Company-2", "Ben"),
        ("entity_type=&entity_id=&user_id=", "Company-1", "No audit records"),
    ] {
        let _ = ann.get(&format!("/admin/audit-logs?{query}")).await.is(200).shows(shown).hides(hidden);
    }
    let day = (shared::testing::monday() + TimeDelta::days(2)).format("%Y-%m-%d").to_string();
    let _ = ann
        .get(&format!("/admin/audit-logs?from={day}&to={day}"))
        .await
        .shows("Company-2")
        .hides("Company-1")
        .hides("Ben<");
    let _ = ann.get("/admin/audit-logs?from=yesterday").await.is(200).shows("Enter a date such as 2026-11-23");
    let _ = ann.get("/admin/audit-logs?q=nothing").await.shows("No audit records match the selected filters");
    let _ = ann.region("/admin/audit-logs?action=user.login", "audit-list").await.hides("<html").hides("Company-1");
    app.finish().await;
}

#[tokio::test]
async fn a_line_shows_each_field_before_and_after() {
    let app = portal().await;
    lines(&app).await;
    let ann = app.super_admin("ann").await;
    let id = app.number(sql("SELECT MIN(id) FROM audit_logs")).await;
    let page = ann.get(&format!("/admin/audit-logs/{id}")).await.is(200).shows("is_vip").shows("Yes").shows("No");
    let _ = page.shows("Show as JSON");
    let _ = ann.get("/admin/audit-logs/999999").await.is(404);
    app.finish().await;
}

#[tokio::test]
async fn programs_page_by_cursor_and_see_each_line_once() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    for n in 0..23 {
        app.note(Change::new("x.y", "thing", n)).await;
    }
    let mut seen = HashSet::new();
    let mut path = "/audit-logs?limit=5&action=x.y".to_owned();
    let mut pages = 0;
    loop {
        let reply = ann.api(Method::GET, &path).await.is(200);
        pages += 1;
        for line in reply.value().as_array().unwrap() {
            assert!(seen.insert(line["id"].as_i64().unwrap()));
        }
        if reply.header("x-next-cursor").is_empty() {
            break;
        }
        let link = reply.header("link");
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    assert_eq!((seen.len(), pages), (23, 5));
    let _ = ann.api(Method::GET, "/audit-logs?cursor=x").await.refuses("cursor");
    let _ = ann.api(Method::GET, "/audit-logs?limit=501").await.refuses("limit");
    let _ = ann.api(Method::GET, "/audit-logs?from=x&entity_id=0").await.refuses("from");
    let _ = ann.api(Method::GET, "/audit-logs?entity_type=&entity_id=&user_id=").await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn programs_read_one_line() {
    let app = portal().await;
    lines(&app).await;
    let ann = app.super_admin("ann").await;
    let id = app.number(sql("SELECT MIN(id) FROM audit_logs")).await;
    let line = ann.api(Method::GET, &format!("/audit-logs/{id}")).await.is(200).value();
    assert_eq!(line["previous_value"], json!({"is_vip": false}));
    assert_eq!(line["new_value"], json!({"is_vip": true}));
    assert_eq!((&line["user_id"], &line["action"]), (&Value::Null, &"company.updated".into()));
    let _ = ann.api(Method::GET, "/audit-logs/999999").await.is(404).says("Audit log not found");
    app.finish().await;
}

#[tokio::test]
async fn keys_read_within_their_scope_and_company() {
    let app = portal().await;
    lines(&app).await;
    let _ = app.stranger().api(Method::GET, "/audit-logs").await.is(401);
    let wide = key(&app, r#"["audit_logs:read"]"#, None).await;
    assert_eq!(wide.api(Method::GET, "/audit-logs").await.is(200).value().as_array().unwrap().len(), 3);
    app.company("One").await;
    app.company("Two").await;
    let narrow = key(&app, r#"["*:read"]"#, Some(2)).await;
    for query in ["", "?company_id=1", "?action=company.&limit=500"] {
        let list = narrow.api(Method::GET, &format!("/audit-logs{query}")).await.is(200).value();
        assert!(list.as_array().unwrap().iter().all(|line| line["company_id"] == 2), "{query}: {list}");
    }
    let foreign = app.number(sql("SELECT id FROM audit_logs WHERE company_id = 1")).await;
    let _ = narrow.api(Method::GET, &format!("/audit-logs/{foreign}")).await.is(404);
    let other = key(&app, r#"["tickets:read"]"#, None).await;
    let _ = other.api(Method::GET, "/audit-logs").await.is(403);
    app.finish().await;
}
