//! Tags: by program, on pages, in lists, over what a model suggests.

use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::testing::Actor;

use crate::help::{Desk, desk, ids, key, put, raise, read};

async fn retag(who: &Actor, id: i64, body: Value) -> shared::testing::Reply {
    who.json(Method::POST, &format!("/api/tickets/{id}/tags"), body).await
}

async fn suggest(desk: &Desk, id: i64, tags: &Value) {
    let set = sql("UPDATE tickets SET ai_tags = ?, ai_tags_status = 'succeeded', ai_summary_status = 'succeeded' \
         WHERE id = ?");
    desk.app.execute(set.bind(tags.to_string()).bind(id)).await;
}

#[tokio::test]
async fn programs_put_tags_on_and_take_them_off() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    assert_eq!(read(&desk.tom, id).await["tags"], json!([]));
    let answer = retag(&desk.tom, id, json!({ "add": ["VIP", "Paper Jam", "vip"] })).await.is(200).value();
    assert_eq!((&answer["tags"], &answer["version"]), (&json!(["paper-jam", "vip"]), &json!(2)));
    let answer = retag(&desk.tom, id, json!({ "add": ["büro"], "remove": ["vip", "unknown"] })).await.is(200).value();
    assert_eq!(answer["tags"], json!(["buro", "paper-jam"]));
    let again = retag(&desk.tom, id, json!({ "add": ["buro"] })).await.is(200).value();
    assert_eq!(again["version"], 3, "nothing differed");
    let answer =
        put(&desk.tom, id, json!({ "tags": ["a", "b"], "priority": "high", "version": 3 })).await.is(200).value();
    assert_eq!((&answer["tags"], &answer["priority"]), (&json!(["a", "b"]), &json!("high")));
    put(&desk.tom, id, json!({ "tags": [], "version": 3 })).await.is(409);
    put(&desk.tom, id, json!({ "status": "pending" })).await.is(200);
    assert_eq!(read(&desk.tom, id).await["tags"], json!(["a", "b"]), "absent is no change");
    assert_eq!(desk.tom.api(Method::GET, "/api/tickets/tags").await.is(200).value(), json!(["a", "b"]));
    put(&desk.tom, id, json!({ "tags": [] })).await.is(200);
    assert_eq!(desk.tom.api(Method::GET, "/api/tickets/tags").await.is(200).value(), json!([]));
    let made = raise(&desk.tom, json!({ "subject": "With tags", "tags": ["vip"] })).await;
    assert_eq!(read(&desk.tom, made).await["tags"], json!(["vip"]));
    let own = raise(&desk.ana, json!({ "subject": "Mine", "tags": ["vip"] })).await;
    assert_eq!(read(&desk.tom, own).await["tags"], json!([]), "customers set none");
    desk.finish().await;
}

#[tokio::test]
async fn wrong_tags_and_wrong_people_change_nothing() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    retag(&desk.tom, id, json!({ "add": ["vip"] })).await.is(200);
    retag(&desk.tom, id, json!({ "add": ["!!"] })).await.refuses("add");
    retag(&desk.tom, id, json!({ "remove": ["x".repeat(49)] })).await.refuses("remove");
    let many: Vec<String> = (0..20).map(|n| format!("t{n}")).collect();
    retag(&desk.tom, id, json!({ "add": many })).await.refuses("add");
    put(&desk.tom, id, json!({ "tags": ["!"] })).await.refuses("tags");
    desk.tom.json(Method::POST, "/api/tickets", json!({ "subject": "x", "tags": [""] })).await.refuses("tags");
    retag(&desk.tom, 9999, json!({ "add": ["x"] })).await.is(404);
    retag(&desk.ana, id, json!({ "add": ["x"] })).await.is(403);
    retag(&desk.app.stranger(), id, json!({ "add": ["x"] })).await.is(401);
    desk.ana.api(Method::GET, "/api/tickets/tags").await.is(403);
    let limited = key(&desk.app, "tickets:write", Some(desk.northwind.id)).await;
    retag(&limited, id, json!({ "add": ["x"] })).await.is(403);
    limited.api(Method::GET, "/api/tickets/tags").await.is(403);
    let wide = key(&desk.app, "tickets:write", None).await;
    assert_eq!(retag(&wide, id, json!({ "add": ["by-key"] })).await.is(200).value()["tags"], json!(["by-key", "vip"]));
    desk.ana.post(&format!("/tickets/{id}/tags"), &[("add", "x")]).await.goes_to("/");
    desk.app.stranger().post(&format!("/tickets/{id}/tags"), &[("add", "x")]).await.is(303);
    assert_eq!(read(&desk.tom, id).await["tags"], json!(["by-key", "vip"]));
    assert_eq!(read(&desk.ana, id).await["tags"], json!(null), "customers do not see them");
    let limited = key(&desk.app, "tickets:read", Some(desk.northwind.id)).await;
    assert_eq!(read(&limited, id).await["tags"], json!(null));
    desk.ana.get(&format!("/tickets/{id}")).await.is(200).hides("by-key");
    desk.ana.get("/tickets").await.is(200).hides("by-key").hides("vip");
    desk.finish().await;
}

#[tokio::test]
async fn the_card_beside_a_ticket_puts_them_on_and_off() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let (page, form) = (format!("/tickets/{id}"), format!("/tickets/{id}/tags"));
    desk.tom.get(&page).await.is(200).shows("No tags");
    desk.tom
        .post(&format!("{form}?state=open&n=1"), &[("add", "VIP, needs visit")])
        .await
        .goes_to(&format!("{page}?state=open&n=1"));
    let shown = desk.tom.get(&page).await.is(200).shows("Tags added").shows("Remove tag needs-visit");
    let shown = shown.shows("tickets?tag=vip").shows("Tom Example");
    shown.shows("added the tags needs-visit, vip");
    desk.tom.post(&form, &[("remove", "vip")]).await.goes_to(&page);
    desk.tom.get(&page).await.is(200).shows("removed the tag vip");
    assert_eq!(read(&desk.tom, id).await["tags"], json!(["needs-visit"]));
    desk.tom.post(&form, &[("add", " !! ")]).await.goes_to(&page);
    desk.tom.get(&page).await.is(200).shows("Enter a tag of letters and digits");
    desk.tom.post(&form, &[]).await.goes_to(&page);
    let many = (0..20).map(|n| format!("t{n}")).collect::<Vec<_>>().join(",");
    desk.tom.post(&form, &[("add", &many)]).await.goes_to(&page);
    desk.tom.get(&page).await.is(200).shows("Use at most 20 tags");
    desk.tom.post("/tickets/9999/tags", &[("add", "x")]).await.is(404);
    let audited: Vec<(String,)> = desk
        .app
        .rows(sql("SELECT new_value FROM audit_logs WHERE action = 'tickets.update' ORDER BY id LIMIT 10"))
        .await;
    assert!(audited[0].0.contains("needs-visit"), "{audited:?}");
    desk.finish().await;
}

#[tokio::test]
async fn what_a_model_suggests_is_taken_over_by_people_only() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    suggest(&desk, id, &json!(["printer", "paper-jam", "tray"])).await;
    assert_eq!(read(&desk.tom, id).await["tags"], json!([]), "a suggestion is no tag");
    let list = desk.tom.api(Method::GET, "/api/tickets?tag=printer").await.is(200).value();
    assert_eq!(list["total"], 0);
    let (page, form) = (format!("/tickets/{id}"), format!("/tickets/{id}/tags"));
    desk.tom.get(&page).await.is(200).shows("Suggested").shows("Add tag paper-jam").shows("Add all suggested");
    desk.tom.post(&form, &[("add", "printer")]).await.goes_to(&page);
    desk.tom.get(&page).await.is(200).hides("Add tag printer").shows("Add tag tray").shows("Remove tag printer");
    desk.tom.post(&form, &[("suggested", "all")]).await.goes_to(&page);
    desk.tom.get(&page).await.is(200).hides("Add all suggested").hides("Add tag tray");
    let ticket = read(&desk.tom, id).await;
    assert_eq!(ticket["tags"], json!(["paper-jam", "printer", "tray"]));
    assert_eq!(ticket["ai_tags"], json!(["printer", "paper-jam", "tray"]), "what it said stays");
    let other = desk.ticket(&desk.ana, "Scanner").await;
    suggest(&desk, other, &json!(["scanner"])).await;
    assert_eq!(retag(&desk.tom, other, json!({ "suggested": true })).await.is(200).value()["tags"], json!(["scanner"]));
    desk.finish().await;
}

#[tokio::test]
async fn lists_are_narrowed_by_tags() {
    let desk = desk().await;
    let mut all = Vec::new();
    for (subject, tags) in [("One", json!(["vip"])), ("Two", json!(["vip", "visit"])), ("Three", json!([]))] {
        all.push(raise(&desk.tom, json!({ "subject": subject, "tags": tags })).await);
        desk.app.advance(chrono::TimeDelta::minutes(1));
    }
    put(&desk.tom, all[0], json!({ "status": "closed" })).await.is(200);
    let list =
        async |query: &str| ids(&desk.tom.api(Method::GET, &format!("/api/tickets?{query}")).await.is(200).value());
    assert_eq!(list("tag=vip").await, [all[0], all[1]]);
    assert_eq!(list("tag=vip&sort=id&order=asc").await, [all[0], all[1]]);
    assert_eq!(list("tag=visit,unknown").await, [all[1]]);
    assert_eq!(list("tag=VIP&status=open&status=pending").await, [all[1]]);
    assert_eq!(list("tag=vip&search=Two").await, [all[1]]);
    assert_eq!(list(&format!("tag=visit&search=%23{}", all[0])).await, [0_i64; 0]);
    assert_eq!(list("tag=nothing").await, [0_i64; 0]);
    desk.tom.api(Method::GET, "/api/tickets?tag=!").await.refuses("tag");
    let page = desk.tom.get("/tickets?tag=visit&sort=-id").await.is(200);
    let page = page.shows("Two").hides(">One<").hides(">Three<").shows("Remove filter Tag");
    let page = page.shows("Tags:").shows("tag=visit").shows("<option value=\"visit\" selected>");
    let _ = page.shows("export.csv?tag=visit");
    let csv = desk.tom.get("/api/tickets/export.csv?tag=visit").await.is(200);
    csv.shows("Two").hides("One");
    // Customers see their own, whatever they ask for.
    let own = desk.ticket(&desk.ana, "Mine").await;
    assert_eq!(ids(&desk.ana.api(Method::GET, "/api/tickets?tag=vip").await.is(200).value()), [own]);
    desk.ana.get("/tickets?tag=vip").await.is(200).shows("Mine").hides("Remove filter Tag");
    let boss = desk.app.super_admin("Boss").await;
    boss.api(Method::DELETE, &format!("/api/tickets/{}", all[1])).await.is(204);
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM ticket_tags")).await, 1, "tags go with their ticket");
    desk.finish().await;
}

#[tokio::test]
async fn many_tickets_get_and_lose_a_tag_at_once() {
    let desk = desk().await;
    let mut all = Vec::new();
    for subject in ["One", "Two", "Three"] {
        all.push(desk.ticket(&desk.ana, subject).await);
    }
    let bulk = async |ids: &[i64], action: &str, value: &str| {
        let body = json!({ "ids": ids, "action": action, "value": value });
        desk.tom.json(Method::POST, "/api/tickets/bulk", body).await
    };
    bulk(&all[..1], "tag", "vip").await.is(200);
    let results = bulk(&all, "tag", "VIP").await.is(200).value()["results"].clone();
    assert_eq!((&results[0]["detail"], &results[1]["ok"]), (&json!("already so"), &json!(true)));
    assert_eq!(
        (&read(&desk.tom, all[2]).await["tags"], &read(&desk.tom, all[2]).await["version"]),
        (&json!(["vip"]), &json!(2))
    );
    let activity = desk.tom.api(Method::GET, &format!("/api/tickets/{}/activity", all[2])).await.is(200).value();
    assert_eq!(activity[0]["changes"]["tags"], json!([[], ["vip"]]));
    bulk(&all, "tag", "!").await.refuses("value");
    let full: Vec<String> = (0..20).map(|n| format!("t{n}")).collect();
    put(&desk.tom, all[1], json!({ "tags": full })).await.is(200);
    let results = bulk(&all[1..2], "tag", "one-more").await.is(200).value()["results"].clone();
    assert_eq!(results[0]["detail"], "20 tags already");
    let (one, three) = (all[0].to_string(), all[2].to_string());
    let fields = [("set", "untag"), ("tag_text", "vip"), ("ids", one.as_str()), ("ids", &three), ("tag", "vip")];
    desk.tom.post("/tickets/bulk", &fields).await.goes_to("/tickets?tag=vip");
    assert_eq!(read(&desk.tom, all[0]).await["tags"], json!([]));
    assert_eq!(desk.tom.api(Method::GET, "/api/tickets?tag=vip").await.is(200).value()["total"], 0);
    desk.tom.post("/tickets/bulk", &[("set", ""), ("tag_text", "visit"), ("ids", &one)]).await.goes_to("/tickets");
    assert_eq!(read(&desk.tom, all[0]).await["tags"], json!(["visit"]), "Enter in the field adds");
    desk.tom.get("/tickets").await.is(200).shows("1 changed").shows("bulk-tag-text");
    desk.finish().await;
}
