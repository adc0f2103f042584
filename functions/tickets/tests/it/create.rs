//! Raising tickets (tickets 4.4, acceptance 1, 4, 7).

use http::Method;
use serde_json::json;
use shared::db::{Sql, sql};

use crate::help::{Desk, desk, events, portal, raise, read};

#[tokio::test]
async fn acceptance_1_signed_out_is_401_and_a_post_without_csrf_token_is_403() {
    let desk = desk().await;
    desk.app.stranger().api(Method::GET, "/api/tickets").await.is(401);
    let json = [("accept", "application/json"), ("content-type", "application/json")];
    let body = || axum::body::Body::from(r#"{"subject": "x"}"#);
    let reply = desk.ana.send(Method::POST, "/api/tickets", &json, body()).await.is(403);
    assert_eq!(reply.value()["code"], "csrf_missing");
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 0);
    desk.finish().await;
}

#[tokio::test]
async fn acceptance_7_somebody_of_the_staff_directory_may_ask_while_enabled() {
    let desk = desk().await;
    let ticket = json!({ "subject": "x", "requester_id": desk.kim.id, "company_id": desk.northwind.id });
    let post = async || desk.tom.json(Method::POST, "/api/tickets", ticket.clone()).await;
    let offered = async || {
        let form = desk.tom.get(&format!("/tickets/new?company_id={}", desk.northwind.id)).await.is(200).text();
        let (_, from) = form.split_once("name=\"requester_id\"").unwrap();
        from.split_once("</select>").unwrap().0.contains(&format!("<option value=\"{}\"", desk.kim.id))
    };
    assert_eq!(post().await.is(400).value()["code"], "requester_not_allowed");
    desk.app.execute(on_staff(&desk, false)).await;
    assert_eq!(post().await.is(400).value()["code"], "requester_not_allowed");
    assert!(!offered().await);
    desk.app.execute(sql("UPDATE staff SET enabled = TRUE")).await;
    assert!(offered().await);
    post().await.is(201);
    let unproven = sql("UPDATE users SET email_verified_at = NULL WHERE id = ?").bind(desk.kim.id);
    desk.app.execute(unproven).await;
    assert!(!offered().await);
    desk.app.run_jobs().await;
    desk.finish().await;
}

/// Kim, who is no member of Northwind, in its directory.
fn on_staff(desk: &Desk, is_enabled: bool) -> Sql {
    let now = desk.app.app().now();
    sql("INSERT INTO staff (company_id, first_name, last_name, email, enabled, sort_name, search_text, created_at, \
         updated_at) SELECT ?, 'Kim', 'Kestrel', u.email, ?, 'kestrel kim', 'kim', ?, ? FROM users u WHERE u.id = ?")
    .bind(desk.northwind.id)
    .bind(is_enabled)
    .bind(now)
    .bind(now)
    .bind(desk.kim.id)
}

#[tokio::test]
async fn acceptance_4_a_requesters_choices_are_given_whatever_was_sent() {
    let desk = desk().await;
    let body = json!({
        "subject": "  Printer\r\njams ", "description": "", "status": "closed", "priority": "urgent",
        "assigned_user_id": 1, "requester_id": desk.kim.id, "company_id": desk.kestrel.id, "category": "x",
        "module_slug": "syncro", "external_reference": "SYN-1", "source": "mcp", "nonsense": [1]
    });
    let id = raise(&desk.ana, body).await;
    let ticket = read(&desk.ana, id).await;
    assert_eq!((&ticket["status"], &ticket["priority"]), (&json!("open"), &json!("normal")));
    assert_eq!(ticket["subject"], "Printer  jams");
    assert_eq!(ticket["requester_id"], desk.ana.id);
    assert_eq!(ticket["company_id"], desk.northwind.id);
    for name in ["assigned_user_id", "category", "module_slug", "external_reference", "description", "closed_at"] {
        assert!(ticket[name].is_null(), "{name}");
    }
    assert_eq!(ticket["source"], "api");
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM ticket_watchers")).await, 0);
    assert_eq!(events(&desk.app).await, ["tickets.created"]);
    assert_eq!(desk.app.audit().await, ["tickets.create"]);
    desk.finish().await;
}

#[tokio::test]
async fn somebody_without_a_company_raises_a_ticket_and_keeps_it() {
    let app = portal().await;
    let sam = app.requester("Sam").await;
    let id = raise(&sam, json!({ "subject": "Hello" })).await;
    let ticket = read(&sam, id).await;
    assert!(ticket["company_id"].is_null());
    assert_eq!(ticket["requester_id"], sam.id);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn acceptance_7_a_requester_needs_a_company_and_must_work_there() {
    let desk = desk().await;
    let post = async |body| desk.tom.json(Method::POST, "/api/tickets", body).await;
    let reply = post(json!({ "subject": "x", "requester_id": desk.ana.id })).await.is(400);
    assert_eq!(reply.value()["code"], "requester_needs_company");
    assert_eq!(reply.value()["detail"], "Choose a company first");
    let suspend = sql("UPDATE company_memberships SET status = 'suspended' WHERE user_id = ?").bind(desk.kim.id);
    desk.app.execute(suspend).await;
    for (requester, company) in [
        (desk.ana.id, desk.kestrel.id),
        (desk.kim.id, desk.kestrel.id),
        (9999, desk.northwind.id),
        (desk.tom.id, desk.northwind.id),
    ] {
        post(json!({ "subject": "x", "requester_id": requester, "company_id": company })).await.is(400);
    }
    post(json!({ "subject": "x", "company_id": 9999 })).await.is(400).says("Company not found");
    post(json!({ "subject": "x", "assigned_user_id": desk.ana.id })).await.is(400);
    post(json!({ "subject": "x", "module_slug": "no-such-module" })).await.refuses("module_slug");
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 0);
    desk.finish().await;
}

#[tokio::test]
async fn the_desk_files_a_ticket_under_a_module_of_the_catalogue() {
    let desk = desk().await;
    let id = raise(&desk.tom, json!({ "subject": "Agent", "module_slug": " TacticalRMM " })).await;
    assert_eq!(read(&desk.tom, id).await["module_slug"], "tacticalrmm");
    raise(&desk.tom, json!({ "subject": "Other" })).await;
    let listed = desk.tom.api(Method::GET, "/api/tickets?module_slug=tacticalrmm").await.is(200).value();
    assert_eq!((&listed["total"], &listed["items"][0]["id"]), (&json!(1), &json!(id)));
    let path = format!("/api/tickets/{id}");
    desk.tom.json(Method::PUT, &path, json!({ "module_slug": "no-such-module" })).await.refuses("module_slug");
    desk.tom.json(Method::PUT, &path, json!({ "module_slug": null })).await.is(200);
    assert!(read(&desk.tom, id).await["module_slug"].is_null());
    desk.app.run_jobs().await;
    desk.finish().await;
}

#[tokio::test]
async fn a_technician_fills_every_field_and_becomes_a_watcher() {
    let desk = desk().await;
    let body = json!({
        "subject": "New starter", "description": "Line 1\nLine 2", "status": "resolved", "priority": " URGENT ",
        "category": "Onboarding", "company_id": desk.northwind.id, "requester_id": desk.ana.id,
        "assigned_user_id": desk.tom.id, "external_reference": "REF-9"
    });
    let id = raise(&desk.tom, body).await;
    let ticket = read(&desk.tom, id).await;
    assert_eq!(ticket["priority"], "urgent");
    assert!(!ticket["closed_at"].is_null());
    assert_eq!(ticket["requester_name"], "Ana Example");
    assert_eq!(ticket["requester_email"], "ana@example.com");
    assert_eq!(ticket["company_name"], "Northwind");
    assert_eq!(ticket["assigned_name"], "Tom Example");
    assert_eq!(ticket["ai_tags"], json!([]));
    assert_eq!(ticket["watchers"][0]["user_id"], desk.tom.id);
    assert_eq!(read(&desk.ana, id).await["subject"], "New starter");
    desk.finish().await;
}

#[tokio::test]
async fn invalid_fields_are_named_together_and_nothing_is_stored() {
    let desk = desk().await;
    let reply =
        desk.tom.json(Method::POST, "/api/tickets", json!({ "subject": " ", "status": "done", "priority": "x" }));
    let errors = reply.await.is(422).value()["errors"].clone();
    assert_eq!(errors.as_object().unwrap().len(), 3);
    desk.ana.json(Method::POST, "/api/tickets", json!({})).await.refuses("subject");
    desk.ana.json(Method::POST, "/api/tickets", json!({ "subject": 7 })).await.refuses("subject");
    desk.ana.json(Method::POST, "/api/tickets", json!({ "subject": "a\u{0}b" })).await.refuses("subject");
    let long = "x".repeat(50_001);
    desk.ana
        .json(Method::POST, "/api/tickets", json!({ "subject": "x", "description": long }))
        .await
        .refuses("description");
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 0);
    desk.finish().await;
}

#[tokio::test]
async fn a_requester_raises_twenty_in_an_hour_and_the_desk_any_number() {
    let desk = desk().await;
    for n in 0..20 {
        raise(&desk.ana, json!({ "subject": format!("Number {n}") })).await;
    }
    // What is refused for its fields does not count, and is told before the limit.
    desk.ana.json(Method::POST, "/api/tickets", json!({})).await.refuses("subject");
    let reply = desk.ana.json(Method::POST, "/api/tickets", json!({ "subject": "One more" })).await.is(429);
    assert!(reply.header("retry-after").parse::<i64>().unwrap() > 0);
    desk.ana.post("/tickets", &[("subject", "One more")]).await.is(429);
    raise(&desk.kim, json!({ "subject": "Another person" })).await;
    for n in 0..21 {
        raise(&desk.tom, json!({ "subject": format!("Desk {n}") })).await;
    }
    desk.app.advance(chrono::TimeDelta::minutes(61));
    let (ana, kim) = (desk.ana.id, desk.kim.id);
    let ana = desk.app.sign_in(ana).await;
    raise(&ana, json!({ "subject": "Next hour" })).await;
    assert_ne!(ana.id, kim);
    desk.finish().await;
}

#[tokio::test]
async fn the_same_key_twice_makes_one_ticket() {
    let desk = desk().await;
    let ana = desk.ana.copy().with_header("idempotency-key", "abc");
    let first = ana.json(Method::POST, "/api/tickets", json!({ "subject": "Once" })).await.is(201).value();
    let second = ana.json(Method::POST, "/api/tickets", json!({ "subject": "Once" })).await.is(201).value();
    assert_eq!(first["id"], second["id"]);
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 1);
    desk.finish().await;
}
