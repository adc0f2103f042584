//! What a stranger may not see does not exist (acceptance 2, 3, 5, 6).

use http::Method;
use serde_json::json;
use shared::db::sql;

use crate::help::{Desk, desk, ids, key, note, raise, read, say};

#[tokio::test]
async fn acceptance_2_a_requesters_filters_never_widen_the_list() {
    let desk = desk().await;
    let mine = desk.ticket(&desk.ana, "Mine").await;
    desk.ticket(&desk.kim, "Theirs").await;
    for query in [
        String::new(),
        format!("?company_id={}&assigned_user_id=8&module_slug=x", desk.kestrel.id),
        format!("?requester_id={}", desk.kim.id),
        "?assigned_user_id=nonsense&company_id=nonsense".to_owned(),
    ] {
        let list = desk.ana.api(Method::GET, &format!("/api/tickets{query}")).await.is(200);
        assert_eq!(list.header("x-total-count"), "1");
        assert_eq!((ids(&list.value()), list.value()["total"].clone()), (vec![mine], json!(1)), "{query}");
    }
    let page =
        desk.ana.get(&format!("/tickets?company={}&assigned=none&requester={}", desk.kestrel.id, desk.kim.id)).await;
    page.is(200).shows("Mine").hides("Theirs");
    desk.finish().await;
}

#[tokio::test]
async fn acceptance_3_a_strangers_ticket_and_a_missing_one_answer_alike() {
    let desk = desk().await;
    let theirs = desk.ticket(&desk.kim, "Theirs").await;
    let answer = async |id: i64| {
        let mut value = desk.ana.api(Method::GET, &format!("/api/tickets/{id}")).await.is(404).value();
        value.as_object_mut().unwrap().remove("request_id");
        value
    };
    let (stranger, missing) = (answer(theirs).await, answer(99_999).await);
    assert_eq!(stranger, missing);
    assert_eq!(stranger["detail"], "Ticket not found");
    desk.finish().await;
}

/// Everything somebody else could try on a ticket, its note, reply and file.
async fn every_door_is_shut(desk: &Desk, who: &shared::testing::Actor, id: i64, file: i64) {
    let api = format!("/api/tickets/{id}");
    who.api(Method::GET, &api).await.is(404);
    who.json(Method::POST, &format!("{api}/replies"), json!({ "body": "x" })).await.is(404);
    who.api(Method::POST, &format!("{api}/close")).await.is(404);
    who.api(Method::POST, &format!("{api}/reopen")).await.is(404);
    let announced = json!({ "file_name": "a.txt", "file_size": 3 });
    who.json(Method::POST, &format!("{api}/attachments"), announced).await.is(404);
    who.json(Method::POST, &format!("{api}/attachments/{file}/complete"), json!({})).await.is(404);
    who.api(Method::DELETE, &format!("{api}/attachments/{file}")).await.is(404);
    for path in ["", "/attachments/1", "/attachments/1?download=1", "/delete"] {
        let reply = who.get(&format!("/tickets/{id}{path}")).await;
        assert!(reply.status == 404 || (path == "/delete" && reply.status == 303), "{path}: {}", reply.status);
    }
    who.post(&format!("/tickets/{id}/replies"), &[("body", "x")]).await.is(404);
    who.post(&format!("/tickets/{id}/close"), &[]).await.is(404);
    who.post(&format!("/tickets/{id}/reopen"), &[]).await.is(404);
    who.get(&format!("/tickets/new?follow_up={id}")).await.is(404);
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM ticket_replies")).await, 2);
}

#[tokio::test]
async fn nobody_reaches_the_ticket_of_somebody_else() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Private").await;
    say(&desk.ana, id, "A reply").await;
    note(&desk.tom, id, "A note").await;
    let upload = [("files", "a.txt", "text/plain", b"hello".as_slice())];
    desk.ana.upload(&format!("/tickets/{id}/replies"), &[("body", "A reply")], &upload).await.is(303);
    let file = desk.app.number(sql("SELECT COALESCE(MAX(id), 1) FROM ticket_attachments")).await;
    let colleague = desk.app.member("Nora", &desk.northwind).await;
    let manager = desk.app.company_admin("Otto", &desk.northwind).await;
    let lonely = desk.app.requester("Sam").await;
    // A technician's role counts at the provider only.
    let pretender = desk.app.technician("Pia", &desk.kestrel).await;
    let before = desk.app.number(sql("SELECT COUNT(*) FROM ticket_replies")).await;
    if before != 2 {
        desk.app.execute(sql("DELETE FROM ticket_replies WHERE id > 2")).await;
    }
    for who in [&desk.kim, &colleague, &manager, &lonely, &pretender] {
        every_door_is_shut(&desk, who, id, file).await;
        let list = who.api(Method::GET, "/api/tickets?search=Private").await.is(200).value();
        assert_eq!(list["total"], 0);
        who.api(Method::GET, "/api/tickets/export.csv").await.is(200).hides("Private");
    }
    desk.finish().await;
}

#[tokio::test]
async fn acceptance_5_a_requesters_note_is_public_and_the_desks_notes_stay_there() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let path = format!("/api/tickets/{id}/replies");
    let body = json!({ "body": "Mine", "is_internal": true, "status": "closed" });
    let reply = desk.ana.json(Method::POST, &path, body).await.is(201).value();
    assert_eq!(reply["reply"]["is_internal"], false);
    assert_eq!(reply["ticket"]["status"], "open");
    note(&desk.tom, id, "Secret of the desk").await;
    say(&desk.tom, id, "Open words").await;
    let detail = read(&desk.ana, id).await;
    assert_eq!(detail["replies"].as_array().unwrap().len(), 2);
    assert!(!detail.to_string().contains("Secret"));
    assert_eq!(read(&desk.tom, id).await["replies"].as_array().unwrap().len(), 3);
    desk.ana
        .get(&format!("/tickets/{id}"))
        .await
        .is(200)
        .shows("Open words")
        .hides("Secret of the desk")
        .hides("Only technicians");
    desk.tom
        .get(&format!("/tickets/{id}"))
        .await
        .is(200)
        .shows("Secret of the desk")
        .shows("Only technicians see this");
    // Nor does the note's text lead to the ticket.
    for (who, found) in [(&desk.ana, 0), (&desk.tom, 1)] {
        let list = who.api(Method::GET, "/api/tickets?search=secret").await.is(200).value();
        assert_eq!(list["total"], found);
    }
    desk.finish().await;
}

#[tokio::test]
async fn acceptance_6_a_requester_sees_no_watchers_and_no_ai_fields() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    say(&desk.tom, id, "Hello").await;
    let update = sql(
        "UPDATE tickets SET ai_summary = 'Leaks', ai_summary_status = 'succeeded', ai_summary_model = 'm', \
         ai_resolution_state = 'likely_resolved', ai_tags = '[\"leak\"]', ai_tags_status = 'succeeded', \
         ai_tags_model = 'm', external_source = 'syncro', external_reference = '88', external_number = '1009' WHERE id = ?",
    );
    desk.app.execute(update.bind(id)).await;
    let ticket = read(&desk.ana, id).await;
    assert_eq!(ticket["watchers"], json!([]));
    for (name, value) in ticket.as_object().unwrap() {
        assert!(!(name.starts_with("ai_") || name.starts_with("external_")) || value.is_null(), "{name}: {value}");
    }
    let list = desk.ana.api(Method::GET, "/api/tickets").await.is(200).text();
    assert!(!list.contains("Leaks") && !list.contains("leak"));
    let ticket = read(&desk.tom, id).await;
    assert_eq!((&ticket["ai_summary"], &ticket["ai_tags"]), (&json!("Leaks"), &json!(["leak"])));
    assert_eq!(ticket["external_number"], "1009");
    assert_eq!(ticket["watchers"].as_array().unwrap().len(), 1);
    desk.finish().await;
}

#[tokio::test]
async fn what_only_the_desk_may_do_is_403_for_requesters() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let api = format!("/api/tickets/{id}");
    desk.ana.json(Method::PUT, &api, json!({ "priority": "urgent" })).await.is(403);
    desk.ana.json(Method::PUT, &format!("{api}/watchers"), json!({ "user_ids": [] })).await.is(403);
    desk.ana.api(Method::GET, &format!("{api}/activity")).await.is(403);
    desk.ana.api(Method::DELETE, &api).await.is(403);
    desk.ana.post(&format!("/tickets/{id}/details"), &[("priority", "urgent")]).await;
    desk.ana.post(&format!("/tickets/{id}/status"), &[("status", "closed")]).await;
    let ticket = read(&desk.tom, id).await;
    assert_eq!((&ticket["status"], &ticket["priority"]), (&json!("open"), &json!("normal")));
    desk.finish().await;
}

#[tokio::test]
async fn a_technician_whose_membership_ended_sees_only_their_own() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let own = desk.ticket(&desk.tom, "Of Tom").await;
    read(&desk.tom, id).await;
    let suspend = sql("UPDATE company_memberships SET status = 'suspended' WHERE user_id = ?").bind(desk.tom.id);
    desk.app.execute(suspend).await;
    desk.tom.api(Method::GET, &format!("/api/tickets/{id}")).await.is(404);
    desk.tom.api(Method::GET, &format!("/api/tickets/{own}")).await.is(404);
    assert_eq!(desk.tom.api(Method::GET, "/api/tickets").await.is(200).value()["total"], 0);
    desk.finish().await;
}

#[tokio::test]
async fn ids_that_are_no_ids_are_422_for_programs_and_404_on_pages() {
    let desk = desk().await;
    for bad in ["0", "-1", "abc", "99999999999999999999", "1%20OR%201=1"] {
        desk.ana.api(Method::GET, &format!("/api/tickets/{bad}")).await.is(422);
        desk.ana.get(&format!("/tickets/{bad}")).await.is(404);
    }
    let key = key(&desk.app, "tickets:read", None).await;
    let id = raise(&desk.ana, json!({ "subject": "x" })).await;
    // Pages never read a key.
    key.get(&format!("/tickets/{id}")).await.goes_to(&format!("/login?next=%2Ftickets%2F{id}"));
    desk.finish().await;
}
