//! Programs with API keys (tickets 4.4, 4.6).

use http::Method;
use serde_json::json;

use crate::help::{desk, ids, key, note, put, raise, read, say};

#[tokio::test]
async fn a_key_acts_under_the_rules_of_the_desk_without_a_person() {
    let desk = desk().await;
    let program = key(&desk.app, "tickets:write", None).await;
    let id = raise(&program, json!({ "subject": "From outside", "priority": "high", "company_id": desk.northwind.id }))
        .await;
    let ticket = read(&program, id).await;
    assert_eq!((&ticket["source"], &ticket["priority"]), (&json!("api"), &json!("high")));
    assert!(ticket["requester_id"].is_null());
    put(&program, id, json!({ "status": "pending", "assigned_user_id": desk.tom.id })).await.is(200);
    let activity = program.api(Method::GET, &format!("/api/tickets/{id}/activity")).await.is(200).value();
    assert_eq!(activity[0]["actor_name"], "API key mp_test••••");
    program.api(Method::POST, &format!("/api/tickets/{id}/close")).await.is(200);
    desk.finish().await;
}

#[tokio::test]
async fn a_reply_by_key_names_its_author() {
    let desk = desk().await;
    let program = key(&desk.app, "tickets:write", None).await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let path = format!("/api/tickets/{id}/replies");
    let send = async |body| program.json(Method::POST, &path, body).await;
    let reply = send(json!({ "body": "x" })).await.is(400);
    assert_eq!(reply.value()["code"], "author_required");
    send(json!({ "body": "x", "author_id": desk.kim.id })).await.is(400);
    send(json!({ "body": "x", "author_id": 9999 })).await.is(400);
    let reply = send(json!({ "body": "By Tom", "author_id": desk.tom.id })).await.is(201).value();
    assert_eq!(reply["reply"]["author_name"], "Tom Example");
    assert_eq!(reply["ticket"]["last_reply_side"], "technician");
    put(&desk.tom, id, json!({ "status": "resolved" })).await.is(200);
    let reply = send(json!({ "body": "By Ana", "author_id": desk.ana.id })).await.is(201).value();
    assert_eq!((&reply["ticket"]["status"], &reply["reply"]["source"]), (&json!("open"), &json!("api")));
    desk.finish().await;
}

#[tokio::test]
async fn a_key_of_one_company_reaches_that_company_and_not_the_desks_side_of_it() {
    let desk = desk().await;
    let program = key(&desk.app, "tickets:write", Some(desk.northwind.id)).await;
    let own = desk.ticket(&desk.ana, "Of Ana").await;
    let other = desk.ticket(&desk.kim, "Of Kim").await;
    note(&desk.tom, own, "Secret of the desk").await;
    say(&desk.tom, own, "Open words").await;
    let list = program.api(Method::GET, &format!("/api/tickets?company_id={}", desk.kestrel.id)).await.is(200).value();
    assert_eq!(list["total"], 0);
    assert_eq!(ids(&program.api(Method::GET, "/api/tickets").await.is(200).value()), [own]);
    assert_eq!(program.api(Method::GET, "/api/tickets?search=secret").await.is(200).value()["total"], 0);
    program.api(Method::GET, "/api/tickets/export.csv").await.is(200).hides("Of Kim");
    let detail = read(&program, own).await;
    assert!(!detail.to_string().contains("Secret"));
    assert_eq!((&detail["watchers"], &detail["ai_tags"]), (&json!([]), &json!(null)));
    for (method, path) in [
        (Method::GET, format!("/api/tickets/{other}")),
        (Method::PUT, format!("/api/tickets/{other}")),
        (Method::POST, format!("/api/tickets/{other}/close")),
    ] {
        program.json(method, &path, json!({ "priority": "low" })).await.is(404);
    }
    program.api(Method::DELETE, &format!("/api/tickets/{own}")).await.is(403);
    program.api(Method::GET, &format!("/api/tickets/{own}/activity")).await.is(403);
    program.json(Method::PUT, &format!("/api/tickets/{own}/watchers"), json!({ "user_ids": [] })).await.is(403);
    put(&program, own, json!({ "company_id": desk.kestrel.id })).await.is(400);
    put(&program, own, json!({ "company_id": null })).await.is(400);
    put(&program, own, json!({ "priority": "low" })).await.is(200);
    let id = raise(&program, json!({ "subject": "Ours" })).await;
    assert_eq!(read(&program, id).await["company_id"], desk.northwind.id);
    let body = json!({ "subject": "Not ours", "company_id": desk.kestrel.id });
    program.json(Method::POST, "/api/tickets", body).await.is(400);
    let body = json!({ "body": "x", "is_internal": true, "author_id": desk.tom.id });
    program.json(Method::POST, &format!("/api/tickets/{own}/replies"), body).await.is(403);
    desk.finish().await;
}

#[tokio::test]
async fn scopes_are_kept() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let reader = key(&desk.app, "tickets:read", None).await;
    let other = key(&desk.app, "users:write", None).await;
    read(&reader, id).await;
    reader.json(Method::POST, "/api/tickets", json!({ "subject": "x" })).await.is(403);
    other.api(Method::GET, "/api/tickets").await.is(403);
    desk.app.stranger().with_key("mp_unknown").api(Method::GET, "/api/tickets").await.is(401);
    desk.finish().await;
}
