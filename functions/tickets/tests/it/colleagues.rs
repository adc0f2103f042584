//! Tickets of a company: who may see, answer and raise them for others (tickets 1, and "what users will expect" 8).

use http::Method;
use serde_json::json;
use shared::db::sql;

use crate::help::{Desk, contact, desk, ids, note, put, raise, read, say};

fn api(id: i64) -> String {
    format!("/api/tickets/{id}")
}

#[tokio::test]
async fn the_right_opens_the_tickets_of_the_company_and_no_others() {
    let desk = desk().await;
    let otto = contact(&desk.app, "Otto", &desk.northwind).await;
    let (anas, kims) = (desk.ticket(&desk.ana, "Printer of Ana").await, desk.ticket(&desk.kim, "Router of Kim").await);
    let own = desk.ticket(&otto, "Own").await;
    let list = async |query: &str| {
        let list = otto.api(Method::GET, &format!("/api/tickets{query}")).await.is(200).value();
        assert_eq!(list["total"], ids(&list).len());
        ids(&list)
    };
    assert_eq!(list("").await, [own], "what programs read by default stays one's own");
    assert_eq!(list("?of=company&sort=id&order=asc").await, [anas, own]);
    assert_eq!(list(&format!("?company_id={}", desk.northwind.id)).await.len(), 2);
    assert_eq!(list(&format!("?company_id={}", desk.kestrel.id)).await, [own], "another company gives nothing more");
    assert_eq!(list(&format!("?of=company&requester_id={}", desk.kim.id)).await, [0_i64; 0]);
    assert_eq!(list("?of=company&search=router").await, [0_i64; 0]);
    assert_eq!(list("?of=company&search=printer").await, [anas]);
    otto.get("/tickets").await.is(200).shows("Everybody at Northwind").hides("Printer of Ana").shows("/tickets/");
    let page = otto.get("/tickets?of=company").await.is(200).shows("Tickets of Northwind").shows("Printer of Ana");
    page.shows("Ana Example").hides("Router of Kim").hides("Assignee").shows("export.csv?of=company");
    let file = otto.api(Method::GET, "/api/tickets/export.csv?of=company").await.is(200).shows("Printer of Ana");
    file.hides("Router of Kim");
    otto.api(Method::GET, &api(kims)).await.is(404);
    otto.get(&format!("/tickets/{kims}")).await.is(404);
    otto.json(Method::POST, &format!("{}/replies", api(kims)), json!({ "body": "x" })).await.is(404);
    desk.finish().await;
}

#[tokio::test]
async fn without_the_right_nothing_of_it_opens() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer of Ana").await;
    let owner = desk.app.company_admin("Olga", &desk.northwind).await;
    let nora = desk.app.member("Nora", &desk.northwind).await;
    // The right counts in the company where it was given.
    let elsewhere = contact(&desk.app, "Uwe", &desk.kestrel).await;
    for who in [&owner, &nora, &elsewhere] {
        let list = who.api(Method::GET, &format!("/api/tickets?of=company&company_id={}", desk.northwind.id)).await;
        assert_eq!(list.is(200).value()["total"], 0);
        who.get("/tickets?of=company").await.is(200).hides("Printer of Ana");
        who.get(&format!("/tickets/{id}")).await.is(404);
        who.json(Method::POST, &format!("{}/replies", api(id)), json!({ "body": "x" })).await.is(404);
    }
    owner.get("/tickets/new").await.is(200).hides("Who is it for?");
    let body = json!({ "subject": "For Ana", "requester_id": desk.ana.id });
    let forced = raise(&nora, body).await;
    assert_eq!(read(&nora, forced).await["requester_id"], nora.id);
    desk.finish().await;
}

#[tokio::test]
async fn the_right_ends_with_the_role_and_with_the_membership() {
    let desk = desk().await;
    let otto = contact(&desk.app, "Otto", &desk.northwind).await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    otto.get(&format!("/tickets/{id}")).await.is(200);
    let change = |role: &'static str| {
        sql("UPDATE company_memberships SET role_id = (SELECT id FROM roles WHERE name_key = ?) WHERE user_id = ?")
            .bind(role)
            .bind(otto.id)
    };
    desk.app.execute(change("member")).await;
    otto.get(&format!("/tickets/{id}")).await.is(404);
    desk.app.execute(change("ticket contact")).await;
    otto.get(&format!("/tickets/{id}")).await.is(200);
    let suspend = sql("UPDATE company_memberships SET status = 'suspended' WHERE user_id = ?").bind(otto.id);
    desk.app.execute(suspend).await;
    otto.get(&format!("/tickets/{id}")).await.is(404);
    desk.finish().await;
}

#[tokio::test]
async fn a_colleague_reads_and_answers_but_never_sees_the_desk() {
    let desk = desk().await;
    let otto = contact(&desk.app, "Otto", &desk.northwind).await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    note(&desk.tom, id, "Secret of the desk").await;
    say(&desk.tom, id, "Open words").await;
    let update = sql("UPDATE tickets SET ai_summary = 'Leaks', ai_summary_status = 'succeeded' WHERE id = ?").bind(id);
    desk.app.execute(update).await;
    let detail = read(&otto, id).await;
    assert_eq!((&detail["watchers"], &detail["ai_summary"]), (&json!([]), &json!(null)));
    assert_eq!(detail["replies"].as_array().unwrap().len(), 1);
    let page = otto.get(&format!("/tickets/{id}")).await.is(200).shows("Open words").hides("Secret of the desk");
    page.hides("Watchers").hides("Internal note").hides("Leaks").hides("Close ticket").shows("Your reply");
    otto.api(Method::GET, &format!("{}/activity", api(id))).await.is(403);
    put(&desk.tom, id, json!({ "status": "pending" })).await.is(200);
    let body = json!({ "body": "It is plugged in", "is_internal": true, "status": "closed" });
    let sent = otto.json(Method::POST, &format!("{}/replies", api(id)), body).await.is(201).value();
    assert_eq!((&sent["reply"]["is_internal"], &sent["ticket"]["status"]), (&json!(false), &json!("open")));
    assert_eq!(sent["ticket"]["last_reply_side"], "requester");
    for path in ["close", "reopen"] {
        otto.api(Method::POST, &format!("{}/{path}", api(id))).await.is(403);
    }
    put(&otto, id, json!({ "status": "closed" })).await.is(403);
    otto.api(Method::DELETE, &api(id)).await.is(403);
    let upload = [("files", "a.txt", "text/plain", b"hello".as_slice())];
    otto.upload(&format!("/tickets/{id}/replies"), &[("body", "A file")], &upload).await.is(303);
    let announced = json!({ "file_name": "b.txt", "file_size": 5 });
    otto.json(Method::POST, &format!("{}/attachments", api(id)), announced).await.is(201);
    desk.finish().await;
}

/// The number of a ticket from where its form led.
async fn raised(who: &shared::testing::Actor, fields: &[(&str, &str)]) -> i64 {
    let reply = who.post("/tickets", fields).await.is(303);
    reply.header("location").trim_start_matches("/tickets/").parse().unwrap()
}

#[tokio::test]
async fn a_ticket_is_raised_for_a_colleague() {
    let desk = desk().await;
    let otto = contact(&desk.app, "Otto", &desk.northwind).await;
    let page = otto.get("/tickets/new").await.is(200).shows("Who is it for?").shows("Ana Example (ana@example.com)");
    page.hides("Kim Example").hides("Tom Example").hides("Assignee");
    let ana = desk.ana.id.to_string();
    let id = raised(&otto, &[("subject", "Screen of Ana"), ("requester_id", &ana), ("priority", "urgent")]).await;
    let ticket = read(&desk.ana, id).await;
    assert_eq!((&ticket["requester_id"], &ticket["company_id"]), (&json!(desk.ana.id), &json!(desk.northwind.id)));
    assert_eq!(ticket["priority"], "normal");
    desk.ana.get(&format!("/tickets/{id}")).await.is(200).shows("opened by Otto Example for Ana Example");
    desk.ana.get("/tickets").await.is(200).shows("Screen of Ana");
    let watchers = read(&desk.tom, id).await["watchers"].clone();
    assert_eq!((watchers.as_array().unwrap().len(), &watchers[0]["user_id"]), (1, &json!(otto.id)));
    desk.app.run_jobs().await;
    say(&desk.tom, id, "Try the other cable").await;
    desk.app.run_jobs().await;
    for address in ["ana@example.com", "otto@example.com"] {
        let mails = desk.app.mails_to(address);
        assert_eq!(mails.iter().filter(|mail| mail.text.contains("Try the other cable")).count(), 1, "{address}");
    }
    let mine = raised(&otto, &[("subject", "Mine"), ("requester_id", "")]).await;
    assert_eq!(read(&otto, mine).await["requester_id"], otto.id);
    desk.finish().await;
}

/// People whom nobody at Northwind may name.
async fn strangers(desk: &Desk) -> Vec<i64> {
    let gone = desk.app.member("Gus", &desk.northwind).await;
    let off = desk.app.member("Ida", &desk.northwind).await;
    let suspend = sql("UPDATE company_memberships SET status = 'suspended' WHERE user_id = ?").bind(gone.id);
    desk.app.execute(suspend).await;
    desk.app.execute(sql("UPDATE users SET is_active = FALSE WHERE id = ?").bind(off.id)).await;
    vec![desk.kim.id, desk.tom.id, gone.id, off.id, 99_999]
}

#[tokio::test]
async fn only_people_of_the_company_are_named_and_the_hour_is_counted_for_who_raises() {
    let desk = desk().await;
    let otto = contact(&desk.app, "Otto", &desk.northwind).await;
    for stranger in strangers(&desk).await {
        let body = json!({ "subject": "x", "requester_id": stranger, "company_id": desk.kestrel.id });
        let reply = otto.json(Method::POST, "/api/tickets", body).await.is(400).value();
        assert_eq!(reply["code"], "requester_not_allowed");
        let fields = [("subject", "Kept text"), ("requester_id", &stranger.to_string())];
        otto.post("/tickets", &fields).await.is(422).shows("works for the company").shows("Kept text");
    }
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 0);
    let mut last = 0;
    for _ in 0..21 {
        let body = json!({ "subject": "x", "requester_id": desk.ana.id });
        last = otto.json(Method::POST, "/api/tickets", body).await.status;
    }
    assert_eq!(last, 429);
    raise(&desk.ana, json!({ "subject": "Ana still may" })).await;
    desk.finish().await;
}

#[tokio::test]
async fn the_desk_chooses_the_person_of_any_company() {
    let desk = desk().await;
    let kestrel = desk.kestrel.id.to_string();
    let people = desk.tom.region(&format!("/tickets/new?company_id={kestrel}"), "requesters").await.is(200);
    people.shows("Kim Example").hides("Ana Example").hides("<html");
    let page = desk.tom.post("/tickets", &[("op", "people"), ("company_id", &kestrel), ("subject", "Typed")]).await;
    page.is(200).shows("Kim Example").shows("Typed");
    let kim = desk.kim.id.to_string();
    let id = raised(&desk.tom, &[("subject", "By phone"), ("company_id", &kestrel), ("requester_id", &kim)]).await;
    let ticket = read(&desk.kim, id).await;
    assert_eq!(ticket["requester_id"], desk.kim.id);
    desk.kim.get(&format!("/tickets/{id}")).await.is(200).shows("opened by Tom Example for Kim Example");
    desk.finish().await;
}
