//! Changing tickets (tickets 4.5, 4.7, acceptance 8 to 12).

use http::Method;
use serde_json::json;
use shared::db::sql;

use crate::help::{desk, events, note, put, raise, read, say};

#[tokio::test]
async fn acceptance_8_the_status_sets_and_clears_the_closing_time() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let ticket = put(&desk.tom, id, json!({ "status": " Resolved " })).await.is(200).value();
    assert_eq!(ticket["status"], "resolved");
    let closed = ticket["closed_at"].clone();
    assert!(!closed.is_null());
    desk.app.advance(chrono::TimeDelta::minutes(5));
    assert_eq!(put(&desk.tom, id, json!({ "status": "closed" })).await.is(200).value()["closed_at"], closed);
    assert!(put(&desk.tom, id, json!({ "status": "open" })).await.is(200).value()["closed_at"].is_null());
    put(&desk.tom, id, json!({ "status": "done" })).await.refuses("status");
    for field in ["subject", "status", "priority"] {
        put(&desk.tom, id, json!({ field: null })).await.refuses(field);
    }
    put(&desk.tom, id, json!({ "subject": "x".repeat(256), "category": "c".repeat(65) })).await.refuses("category");
    let seen = events(&desk.app).await;
    for name in ["tickets.updated", "tickets.status_changed", "tickets.closed", "tickets.reopened"] {
        assert!(seen.iter().any(|event| event == name), "{name} in {seen:?}");
    }
    desk.finish().await;
}

#[tokio::test]
async fn acceptance_9_a_stale_version_is_409_and_the_row_unchanged() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    put(&desk.tom, id, json!({ "priority": "high", "version": 1 })).await.is(200);
    let reply = put(&desk.tom, id, json!({ "priority": "low", "version": 1 })).await.is(409);
    assert_eq!(reply.value()["detail"], "Ticket was changed by someone else");
    assert_eq!(reply.value()["code"], "version_conflict");
    assert_eq!(reply.value()["current"]["priority"], "high");
    assert_eq!(reply.value()["current"]["version"], 2);
    assert_eq!(read(&desk.tom, id).await["priority"], "high");
    desk.finish().await;
}

#[tokio::test]
async fn an_empty_change_changes_nothing_and_tells_nobody() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    desk.app.advance(chrono::TimeDelta::minutes(5));
    let before = read(&desk.tom, id).await;
    put(&desk.tom, id, json!({})).await.is(200);
    put(&desk.tom, id, json!({ "status": "open", "category": null, "nonsense": 1 })).await.is(200);
    assert_eq!(read(&desk.tom, id).await, before);
    assert_eq!(events(&desk.app).await, ["tickets.created"]);
    desk.finish().await;
}

#[tokio::test]
async fn absent_stays_null_clears_and_the_search_follows() {
    let desk = desk().await;
    let body = json!({ "subject": "Old words", "description": "Text", "category": "A", "external_reference": "R1" });
    let id = raise(&desk.tom, body).await;
    let change = json!({ "subject": "Fresh words", "category": null, "assigned_user_id": desk.tom.id });
    let ticket = put(&desk.tom, id, change).await.is(200).value();
    assert_eq!((&ticket["description"], &ticket["category"]), (&json!("Text"), &json!(null)));
    assert_eq!(ticket["external_reference"], "R1");
    assert_eq!(ticket["assigned_name"], "Tom Example");
    for (word, count) in [("fresh", 1), ("old", 0), ("text", 1), ("r1", 1)] {
        let list = desk.tom.api(Method::GET, &format!("/api/tickets?search={word}")).await.is(200).value();
        assert_eq!(list["total"], count, "{word}");
    }
    let activity = desk.tom.api(Method::GET, &format!("/api/tickets/{id}/activity?limit=1")).await.is(200).value();
    assert_eq!(activity[0]["changes"]["subject"], json!(["Old words", "Fresh words"]));
    assert_eq!(activity[0]["actor_name"], "Tom Example");
    assert_eq!(activity[0]["kind"], "updated");
    desk.tom.api(Method::GET, &format!("/api/tickets/{id}/activity?limit=201")).await.refuses("limit");
    desk.finish().await;
}

#[tokio::test]
async fn a_move_to_another_company_keeps_only_fitting_requesters() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Of Ana").await;
    let ticket = put(&desk.tom, id, json!({ "company_id": desk.kestrel.id })).await.is(200).value();
    assert!(ticket["requester_id"].is_null(), "a member of another company loses the ticket");
    put(&desk.tom, id, json!({ "requester_id": desk.ana.id })).await.is(400);
    put(&desk.tom, id, json!({ "requester_id": desk.kim.id })).await.is(200);
    let sam = desk.app.requester("Sam").await;
    let own = desk.ticket(&sam, "Of Sam").await;
    let ticket = put(&desk.tom, own, json!({ "company_id": desk.kestrel.id })).await.is(200).value();
    assert_eq!(ticket["requester_id"], sam.id, "somebody without a company keeps theirs");
    let ticket = put(&desk.tom, own, json!({ "company_id": null })).await.is(200).value();
    assert_eq!(ticket["requester_id"], sam.id);
    read(&sam, own).await;
    put(&desk.tom, own, json!({ "company_id": 9999 })).await.is(400);
    put(&desk.tom, own, json!({ "assigned_user_id": desk.ana.id })).await.is(400);
    put(&desk.tom, 9999, json!({ "priority": "low" })).await.is(404);
    desk.finish().await;
}

#[tokio::test]
async fn acceptance_10_saving_the_details_of_a_ticket_without_company_keeps_its_requester() {
    let desk = desk().await;
    let sam = desk.app.requester("Sam").await;
    let id = desk.ticket(&sam, "Of Sam").await;
    let path = format!("/tickets/{id}/details");
    for (round, fields) in [
        vec![("priority", "high"), ("version", "1")],
        vec![("priority", "low"), ("requester_id", ""), ("company_id", ""), ("assigned_user_id", "")],
        vec![("priority", "urgent"), ("requesterId", ""), ("companyId", ""), ("category", "x")],
    ]
    .into_iter()
    .enumerate()
    {
        desk.tom.post(&path, &fields).await.goes_to(&format!("/tickets/{id}"));
        let ticket = read(&desk.tom, id).await;
        assert_eq!(ticket["requester_id"], sam.id, "round {round}");
    }
    assert_eq!(read(&sam, id).await["priority"], "urgent");
    desk.finish().await;
}

#[tokio::test]
async fn acceptance_11_only_a_super_admin_deletes_and_everything_goes() {
    let desk = desk().await;
    let boss = desk.app.super_admin("Boss").await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    say(&desk.tom, id, "Hello").await;
    note(&desk.tom, id, "Note").await;
    let file = [("files", "a.txt", "text/plain", b"hello".as_slice())];
    desk.ana.upload(&format!("/tickets/{id}/replies"), &[("body", "See file")], &file).await.is(303);
    desk.tom.api(Method::DELETE, &format!("/api/tickets/{id}")).await.is(403);
    boss.get(&format!("/tickets/{id}/delete")).await.is(200).shows("3 replies and 1 file");
    boss.api(Method::DELETE, &format!("/api/tickets/{id}")).await.is(204);
    boss.api(Method::DELETE, &format!("/api/tickets/{id}")).await.is(404);
    for table in [
        sql("SELECT COUNT(*) FROM tickets"),
        sql("SELECT COUNT(*) FROM ticket_replies"),
        sql("SELECT COUNT(*) FROM ticket_watchers"),
        sql("SELECT COUNT(*) FROM ticket_activity"),
        sql("SELECT COUNT(*) FROM ticket_attachments"),
        sql("SELECT COUNT(*) FROM files WHERE deleted_at IS NULL"),
    ] {
        assert_eq!(desk.app.number(table).await, 0);
    }
    let line = sql("SELECT entity_label, metadata FROM audit_logs WHERE action = 'tickets.delete' LIMIT 1");
    let rows: Vec<(String, String)> = desk.app.rows(line).await;
    assert_eq!(rows[0].0, "Printer");
    assert!(rows[0].1.contains("\"replies\":3"), "{}", rows[0].1);
    let other = desk.ticket(&desk.ana, "Other").await;
    boss.post(&format!("/tickets/{other}/delete"), &[]).await.goes_to("/tickets");
    desk.finish().await;
}

#[tokio::test]
async fn acceptance_12_watchers_are_replaced_whole_or_not_at_all() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let path = format!("/api/tickets/{id}/watchers");
    let set = async |ids: serde_json::Value| desk.tom.json(Method::PUT, &path, json!({ "user_ids": ids })).await;
    let ticket = set(json!([desk.tom.id, desk.tom.id, desk.ana.id])).await.is(200).value();
    assert_eq!(ticket["watchers"].as_array().unwrap().len(), 2);
    for bad in [99_999, desk.kim.id] {
        let reply = set(json!([desk.tom.id, bad])).await.is(400);
        assert!(reply.value()["detail"].as_str().unwrap().contains(&bad.to_string()));
        assert_eq!(reply.value()["user_ids"], json!([bad]));
        assert_eq!(read(&desk.tom, id).await["watchers"].as_array().unwrap().len(), 2);
    }
    set((1..=101).collect::<Vec<i64>>().into()).await.refuses("user_ids");
    assert_eq!(set(json!([])).await.is(200).value()["watchers"], json!([]));
    desk.tom.json(Method::PUT, &path, json!({})).await.is(422);
    desk.finish().await;
}

#[tokio::test]
async fn a_requester_closes_and_reopens_within_fourteen_days() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let post = async |who: &shared::testing::Actor, what: &str| {
        who.api(Method::POST, &format!("/api/tickets/{id}/{what}")).await
    };
    post(&desk.ana, "reopen").await.is(409);
    assert_eq!(post(&desk.ana, "close").await.is(200).value()["status"], "closed");
    post(&desk.ana, "close").await.is(409);
    assert_eq!(post(&desk.ana, "reopen").await.is(200).value()["status"], "open");
    post(&desk.ana, "close").await.is(200);
    desk.app.advance(chrono::TimeDelta::days(15));
    let (ana, tom) = (desk.app.sign_in(desk.ana.id).await, desk.app.sign_in(desk.tom.id).await);
    let reply = post(&ana, "reopen").await.is(409);
    assert_eq!(reply.value()["follow_up"], format!("/tickets/new?follow_up={id}"));
    ana.post(&format!("/tickets/{id}/reopen"), &[]).await.goes_to(&format!("/tickets/{id}"));
    assert_eq!(read(&ana, id).await["status"], "closed");
    post(&tom, "reopen").await.is(200);
    desk.finish().await;
}

#[tokio::test]
async fn two_changes_at_once_do_not_overwrite_each_other() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let mut changes = tokio::task::JoinSet::new();
    for n in 0..8 {
        let tom = desk.tom.copy();
        let body = json!({ "category": format!("c{n}"), "version": 1 });
        changes.spawn(async move { put(&tom, id, body).await.status });
    }
    let mut won = 0;
    for status in changes.join_all().await {
        match status {
            200 => won += 1,
            status => assert!(status == 409 || status == 503, "{status}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(read(&desk.tom, id).await["version"], 2);
    desk.finish().await;
}
