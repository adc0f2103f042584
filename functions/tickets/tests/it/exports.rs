//! Long lists as files: a job writes them, a notice leads to them (interface 3.3).

use http::Method;
use serde_json::json;
use shared::db::sql;
use shared::testing::Actor;

use crate::help::{Desk, contact, desk, key, note, put};

/// Follows the link of an export to the bucket.
#[expect(clippy::disallowed_methods, reason = "the test is the browser that talks to the bucket")]
async fn fetch(who: &Actor, path: &str) -> String {
    let reply = who.get(path).await.is(302);
    let response = reqwest::Client::new().get(reply.header("location")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

async fn order(who: &Actor, query: &str) -> String {
    let order = who.api(Method::POST, &format!("/api/tickets/exports{query}")).await.is(202).value();
    assert_eq!((&order["status"], &order["url"]), (&json!("queued"), &json!(null)));
    format!("/tickets/exports/{}", order["id"])
}

#[tokio::test]
async fn a_list_is_written_and_its_person_is_told_with_a_link() {
    let desk = desk().await;
    let high = desk.ticket(&desk.ana, "=1+1").await;
    put(&desk.tom, high, json!({ "priority": "high", "external_reference": "SYN-1" })).await.is(200);
    desk.ticket(&desk.kim, "Other").await;
    desk.app.run_jobs().await;
    let path = order(&desk.tom, "?priority=high").await;
    desk.tom.get(&path).await.goes_to("/tickets");
    desk.tom.get("/tickets").await.is(200).shows("still being written");
    desk.app.run_jobs().await;
    let text = fetch(&desk.tom, &path).await;
    assert!(text.starts_with("id,subject,status"), "{text}");
    assert!(text.contains("'=1+1") && text.contains("SYN-1") && !text.contains("Other"), "{text}");
    let export = desk.tom.api(Method::GET, &format!("/api{path}")).await.is(200).value();
    assert_eq!((&export["status"], &export["row_count"], &export["url"]), (&json!("ready"), &json!(1), &json!(path)));
    let mails = desk.app.mails_to("tom@example.com");
    let mail = mails.iter().find(|mail| mail.text.contains("Your export of 1 ticket is ready")).unwrap();
    assert!(mail.text.contains(&path), "{}", mail.text);
    assert!(desk.app.audit().await.contains(&"tickets.export".to_owned()));
    desk.finish().await;
}

#[tokio::test]
async fn nobody_takes_the_export_of_somebody_else() {
    let desk = desk().await;
    desk.ticket(&desk.ana, "Mine").await;
    let path = order(&desk.ana, "").await;
    desk.app.run_jobs().await;
    assert!(fetch(&desk.ana, &path).await.contains("Mine"));
    let ann = desk.app.super_admin("Ann").await;
    for who in [&desk.kim, &desk.tom, &ann] {
        who.get(&path).await.is(404);
        who.api(Method::GET, &format!("/api{path}")).await.is(404);
    }
    desk.app.stranger().api(Method::POST, "/api/tickets/exports").await.is(401);
    let key = key(&desk.app, "tickets:write", None).await;
    let reply = key.api(Method::POST, "/api/tickets/exports").await.is(400).value();
    assert_eq!(reply["code"], "needs_person");
    key.api(Method::GET, &format!("/api{path}")).await.is(404);
    desk.finish().await;
}

/// What the file of an order holds.
async fn written(desk: &Desk, who: &Actor, query: &str) -> String {
    let path = order(who, query).await;
    desk.app.run_jobs().await;
    fetch(who, &path).await
}

#[tokio::test]
async fn the_file_holds_what_its_person_may_see_when_it_is_written() {
    let desk = desk().await;
    let otto = contact(&desk.app, "Otto", &desk.northwind).await;
    let printer = desk.ticket(&desk.ana, "Printer").await;
    put(&desk.tom, printer, json!({ "external_reference": "SYN-1" })).await.is(200);
    note(&desk.tom, printer, "Secret word").await;
    desk.ticket(&desk.kim, "Router").await;
    desk.ticket(&otto, "Own").await;
    let text = written(&desk, &otto, "?of=company").await;
    assert!(text.contains("Printer") && text.contains("Own"), "{text}");
    assert!(!text.contains("Router") && !text.contains("SYN-1"), "{text}");
    assert!(!written(&desk, &otto, "").await.contains("Printer"));
    assert!(!written(&desk, &otto, "?of=company&search=secret").await.contains("Printer"));
    assert!(written(&desk, &desk.tom, "?search=secret").await.contains("Printer"));
    // The right is lost before the job runs.
    let path = order(&otto, "?of=company").await;
    let change = sql("UPDATE company_memberships SET role_id = (SELECT id FROM roles WHERE name_key = 'member') \
         WHERE user_id = ?");
    desk.app.execute(change.bind(otto.id)).await;
    desk.app.run_jobs().await;
    otto.get(&path).await.goes_to("/tickets");
    otto.get("/tickets").await.is(200).shows("could not be written");
    desk.finish().await;
}

#[tokio::test]
async fn one_is_written_at_a_time_and_a_week_later_it_is_gone() {
    let desk = desk().await;
    desk.ticket(&desk.ana, "Mine").await;
    let path = order(&desk.ana, "").await;
    let again = desk.ana.api(Method::POST, "/api/tickets/exports").await.is(409).value();
    assert_eq!(again["code"], "export_running");
    desk.ana.post("/tickets/exports", &[("state", "all")]).await.goes_to("/tickets?state=all");
    desk.ana.get("/tickets").await.is(200).shows("is being written already");
    desk.app.run_jobs().await;
    let (file,): (String,) =
        desk.app.rows(sql("SELECT storage_key FROM files WHERE category = 'ticket_export'")).await.remove(0);
    desk.app.advance(chrono::TimeDelta::days(8));
    let ana = desk.app.sign_in(desk.ana.id).await;
    ana.get(&path).await.is(404);
    desk.app.run_jobs().await;
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM ticket_exports")).await, 0);
    assert!(desk.app.app().blobs().head(&file).await.unwrap().is_none());
    desk.finish().await;
}

#[tokio::test]
async fn the_page_orders_a_file_where_the_list_is_too_long_to_come_at_once() {
    let desk = desk().await;
    desk.ticket(&desk.ana, "One").await;
    desk.tom.get("/tickets").await.is(200).shows("export.csv").hides("tickets&#x2f;exports");
    desk.app.run_jobs().await;
    for _ in 0..14 {
        desk.app
            .execute(sql("INSERT INTO tickets (company_id, requester_id, subject, status, priority, priority_order, \
                 source, search_text, version, created_at, updated_at) SELECT company_id, requester_id, subject, status, \
                 priority, priority_order, source, search_text, version, created_at, updated_at FROM tickets"))
            .await;
    }
    let page = desk.tom.get("/tickets?priority=normal").await.is(200).shows("tickets&#x2f;exports").hides("export.csv");
    page.shows("name=\"priority\" value=\"normal\"");
    desk.tom.post("/tickets/exports", &[("priority", "normal")]).await.goes_to("/tickets?priority=normal");
    desk.app.run_jobs().await;
    let rows = desk.app.number(sql("SELECT row_count FROM ticket_exports")).await;
    assert_eq!(rows, 16_384);
    let text = fetch(&desk.tom, "/tickets/exports/1").await;
    assert_eq!(text.lines().count(), 16_385);
    desk.finish().await;
}
