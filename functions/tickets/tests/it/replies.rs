//! Replies and notes (tickets 4.6, 3, acceptance 14).

use http::Method;
use serde_json::json;
use shared::db::sql;

use crate::help::{desk, events, note, put, read, say};

#[tokio::test]
async fn acceptance_14_a_requesters_reply_on_a_resolved_ticket_reopens_it() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    for status in ["resolved", "closed", "pending"] {
        put(&desk.tom, id, json!({ "status": status })).await.is(200);
        say(&desk.ana, id, &format!("Still broken after {status}")).await;
        let ticket = read(&desk.ana, id).await;
        assert_eq!((&ticket["status"], &ticket["closed_at"]), (&json!("open"), &json!(null)), "{status}");
        assert_eq!(ticket["last_reply_side"], "requester");
    }
    let reopened = events(&desk.app).await.iter().filter(|event| *event == "tickets.reopened").count();
    assert_eq!(reopened, 2);
    put(&desk.tom, id, json!({ "status": "resolved" })).await.is(200);
    note(&desk.tom, id, "A note").await;
    say(&desk.tom, id, "An answer of the desk").await;
    assert_eq!(read(&desk.tom, id).await["status"], "resolved");
    desk.finish().await;
}

#[tokio::test]
async fn a_reply_on_a_ticket_closed_long_ago_is_409_with_a_follow_up() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    put(&desk.tom, id, json!({ "status": "closed" })).await.is(200);
    desk.app.advance(chrono::TimeDelta::days(14) + chrono::TimeDelta::minutes(1));
    let (ana, tom) = (desk.app.sign_in(desk.ana.id).await, desk.app.sign_in(desk.tom.id).await);
    let reply = ana.json(Method::POST, &format!("/api/tickets/{id}/replies"), json!({ "body": "Again" })).await.is(409);
    assert_eq!(reply.value()["follow_up"], format!("/tickets/new?follow_up={id}"));
    assert_eq!(reply.value()["code"], "closed_too_long");
    ana.get(&format!("/tickets/{id}")).await.is(200).shows("Create a follow-up ticket").hides("Send reply");
    let page = ana.post(&format!("/tickets/{id}/replies"), &[("body", "Typed with care")]).await.is(409);
    let _ = page.shows("closed more than 14 days ago");
    ana.get(&format!("/tickets/new?follow_up={id}")).await.is(200).shows("Follow-up: Printer");
    say(&tom, id, "The desk may always write").await;
    assert_eq!(read(&tom, id).await["replies"].as_array().unwrap().len(), 1);
    desk.finish().await;
}

#[tokio::test]
async fn the_first_public_answer_of_the_desk_is_noted_and_its_author_watches() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    say(&desk.ana, id, "One more thing").await;
    note(&desk.tom, id, "A note").await;
    assert!(read(&desk.tom, id).await["first_response_at"].is_null());
    desk.app.advance(chrono::TimeDelta::minutes(5));
    say(&desk.tom, id, "An answer").await;
    let ticket = read(&desk.tom, id).await;
    let first = ticket["first_response_at"].clone();
    assert_eq!(first, ticket["last_reply_at"]);
    assert_eq!(ticket["last_reply_side"], "technician");
    assert_eq!(ticket["updated_at"], first);
    assert_eq!(ticket["version"], 1, "a reply does not spoil a form that is being filled in");
    assert_eq!(ticket["watchers"].as_array().unwrap().len(), 1);
    desk.app.advance(chrono::TimeDelta::minutes(5));
    say(&desk.tom, id, "Another answer").await;
    assert_eq!(read(&desk.tom, id).await["first_response_at"], first);
    desk.finish().await;
}

#[tokio::test]
async fn a_reply_may_carry_a_status() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let path = format!("/api/tickets/{id}/replies");
    let body = json!({ "body": "Fixed", "status": "resolved" });
    let reply = desk.tom.json(Method::POST, &path, body).await.is(201).value();
    assert_eq!(reply["ticket"]["status"], "resolved");
    assert!(!reply["ticket"]["closed_at"].is_null());
    desk.tom.json(Method::POST, &path, json!({ "body": "x", "status": "done" })).await.refuses("status");
    let path = format!("/tickets/{id}/replies");
    desk.tom.post(&path, &[("body", "Back to you"), ("status", "pending"), ("isInternal", "false")]).await.is(303);
    assert_eq!(read(&desk.tom, id).await["status"], "pending");
    desk.finish().await;
}

#[tokio::test]
async fn the_same_text_within_ten_seconds_is_the_same_press() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let path = format!("/api/tickets/{id}/replies");
    let send =
        async |who: &shared::testing::Actor, body: &str| who.json(Method::POST, &path, json!({ "body": body })).await;
    let first = send(&desk.ana, "Hello").await.is(201).value();
    desk.app.advance(chrono::TimeDelta::seconds(9));
    let second = send(&desk.ana, " Hello\n").await.is(200).value();
    assert_eq!(first["reply"]["id"], second["reply"]["id"]);
    send(&desk.tom, "Hello").await.is(201);
    send(&desk.ana, "Hello!").await.is(201);
    desk.app.advance(chrono::TimeDelta::seconds(11));
    send(&desk.ana, "Hello").await.is(201);
    let mut presses = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (ana, path) = (desk.ana.copy(), path.clone());
        presses.spawn(async move { ana.json(Method::POST, &path, json!({ "body": "At once" })).await.status });
    }
    let mut created = 0;
    for status in presses.join_all().await {
        assert!(matches!(status, 200 | 201 | 503), "{status}");
        created += i64::from(status == 201);
    }
    assert_eq!(created, 1);
    let count = sql("SELECT COUNT(*) FROM ticket_replies WHERE body = 'At once'");
    assert_eq!(desk.app.number(count).await, 1);
    desk.finish().await;
}

#[tokio::test]
async fn a_requester_replies_sixty_times_in_an_hour() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    for n in 0..60 {
        say(&desk.ana, id, &format!("Number {n}")).await;
    }
    let path = format!("/api/tickets/{id}/replies");
    let reply = desk.ana.json(Method::POST, &path, json!({ "body": "More" })).await.is(429);
    assert!(!reply.header("retry-after").is_empty());
    desk.ana.post(&format!("/tickets/{id}/replies"), &[("body", "More")]).await.is(429);
    say(&desk.tom, id, "The desk is not limited").await;
    desk.finish().await;
}

#[tokio::test]
async fn bodies_are_one_to_fifty_thousand_characters() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let path = format!("/api/tickets/{id}/replies");
    for bad in [json!({}), json!({ "body": null }), json!({ "body": " \n " }), json!({ "body": "é".repeat(50_001) })] {
        desk.ana.json(Method::POST, &path, bad).await.refuses("body");
    }
    desk.ana.json(Method::POST, &path, json!({ "body": 7 })).await.refuses("body");
    let long = "😀".repeat(50_000);
    let reply = desk.ana.json(Method::POST, &path, json!({ "body": long })).await.is(201).value();
    assert_eq!(reply["reply"]["body"], long);
    desk.finish().await;
}

#[tokio::test]
async fn a_deleted_author_keeps_a_readable_name() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    say(&desk.tom, id, "An answer").await;
    desk.app.execute(sql("UPDATE ticket_replies SET author_id = NULL")).await;
    assert_eq!(read(&desk.ana, id).await["replies"][0]["author_name"], "Tom Example");
    desk.app.execute(sql("UPDATE ticket_replies SET author_label = NULL")).await;
    assert_eq!(read(&desk.ana, id).await["replies"][0]["author_name"], "Former user");
    desk.ana.get(&format!("/tickets/{id}")).await.is(200).shows("Former user");
    desk.finish().await;
}
