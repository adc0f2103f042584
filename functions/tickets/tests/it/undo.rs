//! Undo behind a change to many tickets ("what users will expect" 12).

use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::testing::Actor;

use crate::help::{desk, put, read};

async fn change(who: &Actor, ids: &[i64], action: &str, value: Value) -> Value {
    let body = json!({ "ids": ids, "action": action, "value": value });
    who.json(Method::POST, "/api/tickets/bulk", body).await.is(200).value()
}

async fn undo(who: &Actor, done: &Value) -> shared::testing::Reply {
    who.api(Method::POST, &format!("/api/tickets/bulk/{}/undo", done["undo_id"])).await
}

#[tokio::test]
async fn a_change_of_status_is_taken_back_with_the_time_of_closing() {
    let desk = desk().await;
    let (a, b, c) =
        (desk.ticket(&desk.ana, "A").await, desk.ticket(&desk.kim, "B").await, desk.ticket(&desk.ana, "C").await);
    put(&desk.tom, b, json!({ "status": "resolved" })).await.is(200);
    put(&desk.tom, c, json!({ "status": "pending" })).await.is(200);
    let closed = read(&desk.tom, b).await["closed_at"].clone();
    desk.app.advance(chrono::TimeDelta::seconds(30));
    let done = change(&desk.tom, &[a, b, c], "status", json!("in_progress")).await;
    assert!(read(&desk.tom, b).await["closed_at"].is_null());
    let undone = undo(&desk.tom, &done).await.is(200).value();
    assert_eq!(undone, json!({ "restored": 3, "left": 0 }));
    for (id, status) in [(a, "open"), (b, "resolved"), (c, "pending")] {
        assert_eq!(read(&desk.tom, id).await["status"], status);
    }
    assert_eq!(read(&desk.tom, b).await["closed_at"], closed);
    let log = desk.tom.api(Method::GET, &format!("/api/tickets/{c}/activity")).await.is(200).value();
    assert_eq!(log[0]["changes"]["status"], json!(["in_progress", "pending"]));
    assert!(desk.app.audit().await.contains(&"tickets.undo".to_owned()));
    undo(&desk.tom, &done).await.is(409);
    desk.finish().await;
}

#[tokio::test]
async fn every_kind_of_change_leads_back_and_what_was_changed_again_stays() {
    let desk = desk().await;
    let grace = desk.app.technician("Grace", &desk.app.provider("Second").await).await;
    let (a, b) = (desk.ticket(&desk.ana, "A").await, desk.ticket(&desk.kim, "B").await);
    put(&desk.tom, a, json!({ "priority": "high", "category": "Network", "assigned_user_id": desk.tom.id }))
        .await
        .is(200);
    let before = (read(&desk.tom, a).await, read(&desk.tom, b).await);
    for (action, value) in [("priority", json!("urgent")), ("category", json!("Printing")), ("assign", json!(grace.id))]
    {
        let done = change(&desk.tom, &[a, b], action, value).await;
        undo(&desk.tom, &done).await.is(200);
        let after = (read(&desk.tom, a).await, read(&desk.tom, b).await);
        for field in ["priority", "category", "assigned_user_id", "status"] {
            assert_eq!((&after.0[field], &after.1[field]), (&before.0[field], &before.1[field]), "{action} {field}");
        }
    }
    let done = change(&desk.tom, &[a, b], "status", json!("closed")).await;
    put(&grace, a, json!({ "status": "pending" })).await.is(200);
    assert_eq!(undo(&desk.tom, &done).await.is(200).value(), json!({ "restored": 1, "left": 1 }));
    assert_eq!(read(&desk.tom, a).await["status"], "pending");
    assert_eq!(read(&desk.tom, b).await["status"], "open");
    desk.finish().await;
}

#[tokio::test]
async fn only_who_changed_it_takes_it_back_and_only_for_a_minute() {
    let desk = desk().await;
    let grace = desk.app.technician("Grace", &desk.app.provider("Second").await).await;
    let id = desk.ticket(&desk.ana, "A").await;
    let done = change(&desk.tom, &[id], "status", json!("closed")).await;
    undo(&grace, &done).await.is(409);
    undo(&desk.ana, &done).await.is(403);
    desk.app.stranger().api(Method::POST, "/api/tickets/bulk/1/undo").await.is(401);
    desk.app.advance(chrono::TimeDelta::seconds(61));
    undo(&desk.tom, &done).await.is(409).says("It is too late to undo this. The tickets stay as they were changed.");
    assert_eq!(read(&desk.tom, id).await["status"], "closed");
    let nothing = change(&desk.tom, &[id], "status", json!("closed")).await;
    assert!(nothing["undo_id"].is_null());
    let ann = desk.app.super_admin("Ann").await;
    assert!(change(&ann, &[id], "delete", json!(null)).await["undo_id"].is_null());
    desk.app.advance(chrono::TimeDelta::days(2));
    desk.app.run_jobs().await;
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM ticket_undos")).await, 0);
    desk.finish().await;
}

#[tokio::test]
async fn the_list_offers_undo_after_a_change_and_without_script() {
    let desk = desk().await;
    let (a, b) = (desk.ticket(&desk.ana, "A").await.to_string(), desk.ticket(&desk.kim, "B").await.to_string());
    let fields = [("ids", a.as_str()), ("ids", b.as_str()), ("set", "status:resolved"), ("state", "open")];
    let to = desk.tom.post("/tickets/bulk", &fields).await.is(303).header("location").to_owned();
    assert!(to.starts_with("/tickets?state=open&undo="), "{to}");
    let undo = to.rsplit_once("undo=").unwrap().1.split('-').next().unwrap().to_owned();
    desk.tom.get(&to).await.is(200).shows("2 changed").shows("Undo the last change");
    let back = desk.tom.post(&format!("/tickets/undo/{undo}"), &[("back", "/tickets?state=open")]).await;
    back.goes_to("/tickets?state=open");
    desk.tom.get("/tickets?state=open").await.is(200).shows("Undone for 2 tickets").hides("Undo the last change");
    desk.tom.post(&format!("/tickets/undo/{undo}"), &[("back", "https://evil.example/")]).await.goes_to("/tickets");
    desk.tom.get("/tickets").await.is(200).shows("too late to undo");
    desk.app.advance(chrono::TimeDelta::seconds(61));
    desk.tom.get(&to).await.is(200).hides("Undo the last change");
    desk.ana.post(&format!("/tickets/undo/{undo}"), &[]).await.goes_to("/");
    desk.finish().await;
}
