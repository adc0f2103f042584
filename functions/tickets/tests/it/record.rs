//! One ticket on its page: what the desk changes beside the conversation (interface 3.4).

use http::Method;
use serde_json::json;
use shared::db::sql;
use shared::notify;

use crate::help::{desk, key, put, raise, read, say};

#[tokio::test]
async fn a_conflict_is_settled_field_by_field() {
    let desk = desk().await;
    let provider = desk.app.provider("Second").await;
    let grace = desk.app.technician("Grace", &provider).await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    put(&grace, id, json!({ "status": "pending", "category": "Network" })).await.is(200);
    let path = format!("/tickets/{id}/details");
    let fields = [("status", "resolved"), ("category", "Printing"), ("priority", "normal"), ("version", "1")];
    let page = desk.tom.post(&path, &fields).await.is(409);
    let page = page.shows("Grace Example changed this ticket while you were editing");
    let page = page.shows("Keep theirs: Pending").shows("Use mine: Resolved").shows("Use mine: Printing");
    let _ = page.hides("Keep theirs: Normal").shows("name=\"version\" value=\"2\"");
    assert_eq!(read(&desk.tom, id).await["status"], "pending", "nothing is written before the choice");
    let fields = [("status", "pending"), ("category", "Printing"), ("version", "2")];
    desk.tom.post(&path, &fields).await.goes_to(&format!("/tickets/{id}"));
    let ticket = read(&desk.tom, id).await;
    assert_eq!((&ticket["status"], &ticket["category"]), (&json!("pending"), &json!("Printing")));
    desk.finish().await;
}

#[tokio::test]
async fn single_values_are_set_from_the_list_and_lead_back_to_it() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let back = format!("/tickets/{id}/details?back=%2Ftickets%3Fstate%3Dopen%26page%3D2");
    desk.tom.post(&back, &[("priority", "urgent"), ("version", "1")]).await.goes_to("/tickets?state=open&page=2");
    let evil = format!("/tickets/{id}/details?back=https%3A%2F%2Fevil.example");
    desk.tom.post(&evil, &[("status", "pending")]).await.goes_to(&format!("/tickets/{id}"));
    let me = desk.tom.id.to_string();
    desk.tom.post(&format!("/tickets/{id}/details"), &[("assigned_user_id", me.as_str())]).await.is(303);
    let ticket = read(&desk.tom, id).await;
    assert_eq!((&ticket["priority"], &ticket["status"]), (&json!("urgent"), &json!("pending")));
    assert_eq!(ticket["assigned_user_id"], desk.tom.id);
    desk.tom.post(&format!("/tickets/{id}/details"), &[("subject", "Plotter"), ("assigned_user_id", "")]).await.is(303);
    let ticket = read(&desk.tom, id).await;
    assert_eq!((&ticket["subject"], &ticket["assigned_user_id"]), (&json!("Plotter"), &json!(null)));
    desk.finish().await;
}

#[tokio::test]
async fn people_are_put_on_a_ticket_and_taken_off() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let path = format!("/tickets/{id}/watchers");
    let watching = async || {
        let watchers = read(&desk.tom, id).await["watchers"].clone();
        watchers.as_array().unwrap().iter().map(|w| w["user_id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    desk.tom.get(&format!("/tickets/{id}")).await.is(200).shows("Nobody watches").shows(">Watch<");
    desk.tom.post(&path, &[("add", "me")]).await.goes_to(&format!("/tickets/{id}"));
    desk.tom.post(&path, &[("add", "me")]).await.is(303);
    let nora = desk.app.member("Nora", &desk.northwind).await;
    desk.tom.post(&path, &[("add", &nora.id.to_string())]).await.is(303);
    assert_eq!(watching().await, [desk.tom.id, nora.id]);
    desk.tom.get(&format!("/tickets/{id}")).await.is(200).shows("Stop watching").shows("Remove Nora Example");
    desk.tom.post(&path, &[("add", &desk.kim.id.to_string())]).await.is(303);
    desk.tom.get(&format!("/tickets/{id}")).await.is(200).shows("cannot watch");
    desk.tom.post(&path, &[("remove", &nora.id.to_string())]).await.is(303);
    desk.tom.post(&path, &[("remove", "me")]).await.is(303);
    assert!(watching().await.is_empty());
    desk.ana.post(&path, &[("add", "me")]).await.goes_to("/");
    assert!(watching().await.is_empty());
    desk.tom.post("/tickets/9999/watchers", &[("add", "me")]).await.is(404);
    desk.finish().await;
}

#[tokio::test]
async fn a_ticket_opened_from_a_list_leads_to_its_neighbours() {
    let desk = desk().await;
    let mut ids = Vec::new();
    for subject in ["One", "Two", "Three"] {
        ids.push(desk.ticket(&desk.ana, subject).await);
        desk.app.advance(chrono::TimeDelta::minutes(1));
    }
    // Newest first: three, two, one.
    desk.tom.get("/tickets?state=open").await.is(200).shows(&format!("{}?state=open&amp;n=2\"", ids[1]));
    let page = desk.tom.get(&format!("/tickets/{}?state=open&n=2", ids[1])).await.is(200);
    let page = page.shows(&format!("{}?state=open&amp;n=1\"", ids[2]));
    let page = page.shows(&format!("{}?state=open&amp;n=3\"", ids[0])).shows("tickets?state=open\"");
    let _ = page.shows("replies?state=open&amp;n=2\"");
    let reply =
        desk.tom.post(&format!("/tickets/{}/replies?state=open&n=2", ids[1]), &[("body", "Hello")]).await.is(303);
    assert!(reply.header("location").starts_with(&format!("/tickets/{}?state=open&n=2#reply-", ids[1])));
    // A place that no longer holds shows the way back only.
    desk.tom.get(&format!("/tickets/{}?state=closed&n=1", ids[1])).await.is(200).hides("rel=\"next\"");
    desk.tom.get(&format!("/tickets/{}?n=99999999999", ids[1])).await.is(200).hides("rel=\"prev\"");
    desk.finish().await;
}

#[tokio::test]
async fn the_views_hold_what_they_say() {
    let desk = desk().await;
    let new = desk.ticket(&desk.ana, "Brand new").await;
    let answered = desk.ticket(&desk.ana, "Answered").await;
    say(&desk.tom, answered, "Try again").await;
    let back = desk.ticket(&desk.ana, "Came back").await;
    say(&desk.tom, back, "Try again").await;
    say(&desk.ana, back, "Still broken").await;
    let page =
        desk.tom.get("/tickets?waiting=us").await.is(200).shows("Brand new").shows("Came back").hides("Answered");
    let _ = page.shows("Waiting on us <span class=\"count\">2</span>").shows("Remove filter Waiting on");
    put(&desk.tom, new, json!({ "status": "closed" })).await.is(200);
    desk.tom.get("/tickets?waiting=us").await.is(200).hides("Brand new");
    desk.app.advance(chrono::TimeDelta::days(9));
    let tom = desk.app.sign_in(desk.tom.id).await;
    put(&tom, new, json!({ "category": "x" })).await.is(200);
    tom.get("/tickets?updated=last_7d").await.is(200).shows("Brand new").hides("Came back").shows("last 7 days");
    desk.finish().await;
}

#[tokio::test]
async fn keys_download_files_within_their_reach() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let file = [("files", "a.txt", "text/plain", b"hello".as_slice())];
    desk.ana.upload(&format!("/tickets/{id}/replies"), &[("body", "See file")], &file).await.is(303);
    let url = format!("/api{}", read(&desk.ana, id).await["attachments"][0]["url"].as_str().unwrap());
    for who in
        [key(&desk.app, "tickets:read", None).await, key(&desk.app, "tickets:read", Some(desk.northwind.id)).await]
    {
        let to = who.api(Method::GET, &url).await.is(302).header("location").to_owned();
        assert_eq!(reqwest::get(&to).await.unwrap().text().await.unwrap(), "hello");
    }
    let other = key(&desk.app, "tickets:read", Some(desk.kestrel.id)).await;
    other.api(Method::GET, &url).await.is(404);
    desk.kim.api(Method::GET, &url).await.is(404);
    key(&desk.app, "users:read", None).await.api(Method::GET, &url).await.is(403);
    desk.finish().await;
}

#[tokio::test]
async fn an_answer_on_a_ticket_that_is_nobodys_reaches_somebody() {
    let desk = desk().await;
    let provider = desk.app.provider("Second").await;
    let grace = desk.app.technician("Grace", &provider).await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    say(&desk.ana, id, "Anybody there?").await;
    desk.app.run_jobs().await;
    let mails = |address: &str| desk.app.mails_to(address).len();
    assert_eq!((mails("tom@example.com"), mails("grace@example.com"), mails("ana@example.com")), (1, 1, 0));
    let insert = sql("INSERT INTO notification_preferences (user_id, event_type, channel_in_app, channel_email, \
         channel_sms, created_at, updated_at) VALUES (?, ?, TRUE, FALSE, FALSE, ?, ?)");
    let now = desk.app.app().now();
    desk.app.execute(insert.bind(grace.id).bind(notify::TICKET_CREATED.name).bind(now).bind(now)).await;
    say(&desk.ana, id, "Still nobody?").await;
    desk.app.run_jobs().await;
    assert_eq!((mails("tom@example.com"), mails("grace@example.com")), (1, 2), "who follows the queue is told");
    let id = raise(
        &desk.tom,
        json!({ "subject": "Mine", "company_id": desk.northwind.id, "requester_id": desk.ana.id,
        "assigned_user_id": desk.tom.id }),
    )
    .await;
    say(&desk.ana, id, "Thanks").await;
    desk.app.run_jobs().await;
    assert_eq!((mails("tom@example.com"), mails("grace@example.com")), (2, 2), "an assignee is enough");
    desk.finish().await;
}
