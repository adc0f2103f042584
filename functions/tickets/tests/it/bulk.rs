//! One change to many tickets, by program and on the list (tickets 4.7, interface 3.3).

use http::Method;
use serde_json::{Value, json};
use shared::db::sql;

use crate::help::{Desk, desk, events, key, read};

async fn bulk(who: &shared::testing::Actor, body: Value) -> shared::testing::Reply {
    who.json(Method::POST, "/api/tickets/bulk", body).await
}

async fn three(desk: &Desk) -> Vec<i64> {
    let mut ids = Vec::new();
    for subject in ["One", "Two", "Three"] {
        ids.push(desk.ticket(&desk.ana, subject).await);
    }
    ids
}

#[tokio::test]
async fn each_ticket_has_its_outcome_and_is_changed_as_by_hand() {
    let desk = desk().await;
    let ids = three(&desk).await;
    let body = json!({ "ids": [ids[0], ids[1], 9999, ids[0]], "action": "status", "value": "resolved" });
    let results = bulk(&desk.tom, body.clone()).await.is(200).value()["results"].clone();
    let expected = json!([
        { "id": ids[0], "ok": true, "detail": null },
        { "id": ids[1], "ok": true, "detail": null },
        { "id": 9999, "ok": false, "detail": "not found" },
    ]);
    assert_eq!(results, expected);
    let ticket = read(&desk.tom, ids[0]).await;
    assert_eq!((&ticket["status"], &ticket["version"]), (&json!("resolved"), &json!(2)));
    assert!(!ticket["closed_at"].is_null());
    assert_eq!(read(&desk.tom, ids[2]).await["status"], "open");
    let seen = events(&desk.app).await;
    for name in ["tickets.updated", "tickets.status_changed", "tickets.closed"] {
        assert_eq!(seen.iter().filter(|event| *event == name).count(), 2, "{name}");
    }
    let again = bulk(&desk.tom, body).await.is(200).value();
    assert_eq!(again["results"][0]["detail"], "already so");
    assert_eq!(read(&desk.tom, ids[0]).await["version"], 2, "what is so already is left alone");
    let activity = desk.tom.api(Method::GET, &format!("/api/tickets/{}/activity", ids[0])).await.is(200).value();
    assert_eq!(activity[0]["changes"]["status"], json!(["open", "resolved"]));
    bulk(&desk.tom, json!({ "ids": ids, "action": "status", "value": "open" })).await.is(200);
    assert!(read(&desk.tom, ids[0]).await["closed_at"].is_null());
    desk.finish().await;
}

#[tokio::test]
async fn every_action_is_checked_and_a_wrong_one_changes_nothing() {
    let desk = desk().await;
    let ids = three(&desk).await;
    let set = async |action: &str, value: Value| {
        bulk(&desk.tom, json!({ "ids": ids, "action": action, "value": value })).await
    };
    set("assign", json!(desk.tom.id)).await.is(200);
    set("priority", json!("urgent")).await.is(200);
    set("category", json!("Printing")).await.is(200);
    let ticket = read(&desk.tom, ids[1]).await;
    assert_eq!((&ticket["assigned_name"], &ticket["category"]), (&json!("Tom Example"), &json!("Printing")));
    assert_eq!(ticket["priority"], "urgent");
    let list = desk.tom.api(Method::GET, "/api/tickets?priority=urgent").await.is(200).value();
    assert_eq!(list["total"], 3, "the rank followed");
    set("assign", json!(desk.ana.id)).await.is(400);
    set("assign", json!(null)).await.is(200);
    set("status", json!("done")).await.refuses("value");
    set("merge", json!(null)).await.refuses("action");
    set("delete", json!(null)).await.is(403);
    bulk(&desk.tom, json!({ "ids": [], "action": "delete" })).await.refuses("ids");
    bulk(&desk.tom, json!({ "ids": (1..=201).collect::<Vec<i64>>(), "action": "status", "value": "open" }))
        .await
        .refuses("ids");
    bulk(&desk.ana, json!({ "ids": ids, "action": "status", "value": "closed" })).await.is(403);
    let limited = key(&desk.app, "tickets:write", Some(desk.northwind.id)).await;
    bulk(&limited, json!({ "ids": ids, "action": "status", "value": "closed" })).await.is(403);
    bulk(&desk.app.stranger(), json!({ "ids": ids, "action": "status", "value": "closed" })).await.is(401);
    assert!(read(&desk.tom, ids[0]).await["assigned_user_id"].is_null());
    assert_eq!(read(&desk.tom, ids[0]).await["status"], "open");
    let boss = desk.app.super_admin("Boss").await;
    bulk(&boss, json!({ "ids": [ids[0], ids[1]], "action": "delete" })).await.is(200);
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 1);
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM audit_logs WHERE action = 'tickets.delete'")).await, 2);
    desk.finish().await;
}

#[tokio::test]
async fn two_hundred_tickets_need_no_more_statements_than_two() {
    let desk = desk().await;
    let mut counts = Vec::new();
    for rows in [2, 200] {
        let at = desk.app.app().now();
        for _ in 0..rows {
            let insert =
                sql("INSERT INTO tickets (subject, search_text, created_at, updated_at) VALUES ('x', '', ?, ?)");
            desk.app.execute(insert.bind(at).bind(at)).await;
        }
        let ids: Vec<(i64,)> = desk.app.rows(sql("SELECT id FROM tickets ORDER BY id DESC LIMIT ?").bind(rows)).await;
        let ids: Vec<i64> = ids.into_iter().map(|(id,)| id).collect();
        let before = desk.app.db().statements();
        bulk(&desk.tom, json!({ "ids": ids, "action": "assign", "value": desk.tom.id })).await.is(200);
        counts.push(desk.app.db().statements() - before);
    }
    assert_eq!(counts[0], counts[1]);
    desk.app.run_jobs().await;
    desk.app.finish().await;
}

/// To the list, which offers to undo.
fn leads_back(reply: &shared::testing::Reply, to: &str) {
    assert!(reply.status == 303 && reply.header("location").starts_with(to), "{}", reply.header("location"));
}

#[tokio::test]
async fn the_bar_changes_what_is_ticked_or_all_of_the_list() {
    let desk = desk().await;
    let ids = three(&desk).await;
    let page = desk.tom.get("/tickets?state=open").await.is(200);
    let page = page.shows("Select ticket").shows("bulk-status").hides(">Delete<");
    let _ = page.shows("name=\"set\" value=\"status:resolved\"").shows("name=\"state\" value=\"open\"");
    let (one, two) = (ids[0].to_string(), ids[1].to_string());
    let fields = [("set", "status:resolved"), ("ids", one.as_str()), ("ids", &two), ("state", "open")];
    leads_back(&desk.tom.post("/tickets/bulk", &fields).await, "/tickets?state=open&undo=");
    desk.tom.get("/tickets?state=open").await.is(200).shows("2 changed");
    assert_eq!(read(&desk.tom, ids[1]).await["status"], "resolved");
    let fields = [("set", "status:closed"), ("all", "true"), ("status", "resolved")];
    leads_back(&desk.tom.post("/tickets/bulk", &fields).await, "/tickets?status=resolved&undo=");
    assert_eq!(read(&desk.tom, ids[0]).await["status"], "closed");
    assert_eq!(read(&desk.tom, ids[2]).await["status"], "open", "outside the list");
    let by_enter = [("set", ""), ("category", "Printing"), ("ids", one.as_str())];
    leads_back(&desk.tom.post("/tickets/bulk", &by_enter).await, "/tickets?undo=");
    assert_eq!(read(&desk.tom, ids[0]).await["category"], "Printing");
    desk.tom.post("/tickets/bulk", &[("set", "status:open")]).await.goes_to("/tickets");
    desk.tom.get("/tickets").await.is(200).shows("Tick the tickets first");
    desk.tom.post("/tickets/bulk", &[("set", "nonsense"), ("ids", &one)]).await.goes_to("/tickets");
    desk.ana.post("/tickets/bulk", &[("set", "status:open"), ("ids", &one)]).await.goes_to("/");
    assert_eq!(read(&desk.tom, ids[0]).await["status"], "closed");
    desk.tom.post("/tickets/bulk", &[("set", "delete"), ("confirmed", "true"), ("ids", &one)]).await.is(403);
    let boss = desk.app.super_admin("Boss").await;
    let asked = boss.post("/tickets/bulk", &[("set", "delete"), ("ids", &one), ("ids", &two)]).await.is(200);
    let _ = asked.shows("Delete 2 tickets?").shows("cannot be undone");
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 3);
    boss.post("/tickets/bulk", &[("set", "delete"), ("confirmed", "true"), ("ids", &one)]).await.goes_to("/tickets");
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 2);
    desk.finish().await;
}
