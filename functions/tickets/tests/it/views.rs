//! Saved views, columns and sort of the desk's list (interface 3.3).

use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::testing::Actor;

use crate::help::{Desk, desk, key, raise};

/// Saves a list as a view on the page; gives its id.
async fn save(who: &Actor, fields: &[(&str, &str)]) -> i64 {
    let reply = who.post("/tickets/views", fields).await.is(303);
    reply.header("location").rsplit("view=").next().unwrap().parse().unwrap()
}

async fn three(desk: &Desk) -> [i64; 3] {
    let one = raise(&desk.tom, json!({ "subject": "Low one", "priority": "low", "tags": ["vip"] })).await;
    desk.app.advance(chrono::TimeDelta::minutes(1));
    let two = raise(&desk.tom, json!({ "subject": "High one", "priority": "high" })).await;
    desk.app.advance(chrono::TimeDelta::minutes(1));
    let three = raise(&desk.tom, json!({ "subject": "Closed one", "status": "closed" })).await;
    [one, two, three]
}

#[tokio::test]
async fn a_list_is_saved_opened_changed_renamed_and_deleted() {
    let desk = desk().await;
    three(&desk).await;
    let fields =
        [("name", " Important  things "), ("state", "open"), ("sort", "-priority"), ("shown", "id,subject,tags")];
    let reply = desk.tom.post("/tickets/views", &fields).await.is(303);
    let to = reply.header("location").to_owned();
    let id: i64 = to.rsplit("view=").next().unwrap().parse().unwrap();
    assert_eq!(to, format!("/tickets?state=open&sort=-priority&view={id}"));
    let page = desk.tom.get(&to).await.is(200).shows("View saved").shows("Important things").hides("Closed one");
    let page = page.hides("was changed").hides(">Assignee</th>").shows(">Tags</th>");
    let text = page.text();
    assert!(text.find("High one").unwrap() < text.find("Low one").unwrap(), "sorted as saved");
    // The count of the tab, and the tab that is open.
    page.shows("aria-current=\"page\">Important things <span class=\"count\">2</span>");
    let changed = desk.tom.get(&format!("{to}&tag=vip")).await.is(200).shows("Important things was changed");
    changed.shows("Reset to Important things").shows("name=\"keep\" value=\"list\"").hides("High one");
    let fields = [("keep", "list"), ("state", "open"), ("tag", "vip"), ("shown", "id,subject,status")];
    desk.tom
        .post(&format!("/tickets/views/{id}"), &fields)
        .await
        .goes_to(&format!("/tickets?state=open&tag=vip&view={id}"));
    let page = desk.tom.get(&format!("/tickets?view={id}")).await;
    page.goes_to(&format!("/tickets?state=open&tag=vip&view={id}"));
    desk.tom.get(&format!("/tickets/views/{id}")).await.is(200).shows("Important things");
    desk.tom.post(&format!("/tickets/views/{id}"), &[("name", "VIP")]).await.goes_to("/tickets/views");
    desk.tom.get("/tickets/views").await.is(200).shows("VIP").shows("Only you").hides("Important things");
    desk.tom
        .post(&format!("/tickets/views/{id}"), &[("name", " ")])
        .await
        .refuses("name")
        .shows("Enter a name for the view");
    desk.tom
        .post("/tickets/views", &[("name", ""), ("tag", "vip")])
        .await
        .refuses("name")
        .shows("name=\"tag\" value=\"vip\"");
    desk.tom.post(&format!("/tickets/views/{id}/delete"), &[]).await.goes_to("/tickets/views");
    desk.tom.get("/tickets/views").await.is(200).shows("No saved views yet");
    desk.tom.post(&format!("/tickets/views/{id}/delete"), &[]).await.is(404);
    let audited = desk.app.number(sql("SELECT COUNT(*) FROM audit_logs WHERE entity_type = 'ticket_view'")).await;
    assert_eq!(audited, 4, "made, changed, renamed, deleted");
    desk.finish().await;
}

#[tokio::test]
async fn own_views_are_ones_own_and_shared_ones_everybodys_at_the_desk() {
    let desk = desk().await;
    let provider = desk.app.provider("Second").await;
    let grace = desk.app.technician("Grace", &provider).await;
    let own = save(&desk.tom, &[("name", "Only Tom"), ("assigned", "me")]).await;
    let shared = save(&desk.tom, &[("name", "All of us"), ("tag", "vip"), ("is_shared", "true")]).await;
    grace.get("/tickets?state=all").await.is(200).shows("All of us").hides("Only Tom");
    grace.get(&format!("/tickets/views/{own}")).await.is(404);
    grace.post(&format!("/tickets/views/{own}"), &[("name", "Mine now")]).await.is(404);
    grace.post(&format!("/tickets/views/{own}/delete"), &[]).await.is(404);
    grace.post(&format!("/tickets/views/{own}/default"), &[("is_default", "true")]).await.is(404);
    grace.post(&format!("/tickets/views/{shared}"), &[("name", "Renamed"), ("is_shared", "true")]).await.is(303);
    desk.tom.get("/tickets/views").await.is(200).shows("Renamed").shows("Shared").shows("Only Tom");
    // `me` is whoever looks.
    let both = save(&desk.tom, &[("name", "My work"), ("assigned", "me"), ("is_shared", "true")]).await;
    let id = raise(&desk.tom, json!({ "subject": "For Grace", "assigned_user_id": grace.id })).await;
    let path = format!("/tickets?assigned=me&view={both}");
    grace.get(&path).await.is(200).shows("For Grace");
    desk.tom.get(&path).await.is(200).hides("For Grace");
    // Sharing ends: the view belongs to who ended it.
    grace.post(&format!("/tickets/views/{shared}"), &[("name", "Renamed")]).await.is(303);
    desk.tom.get("/tickets/views").await.is(200).hides("Renamed");
    desk.ana.get("/tickets/views").await.goes_to("/");
    desk.ana.post("/tickets/views", &[("name", "x")]).await.goes_to("/");
    desk.ana.get(&format!("/tickets?view={both}&state=all")).await.is(200).hides("Saved views");
    desk.app.stranger().get("/tickets/views").await.is(303);
    assert!(id > 0);
    desk.finish().await;
}

#[tokio::test]
async fn the_list_begins_with_the_view_that_was_chosen() {
    let desk = desk().await;
    three(&desk).await;
    let id = save(&desk.tom, &[("name", "VIP"), ("tag", "vip")]).await;
    let (form, at) = (format!("/tickets/views/{id}/default"), format!("/tickets?tag=vip&view={id}"));
    desk.tom.post(&form, &[("is_default", "true")]).await.goes_to("/tickets/views");
    desk.tom.get("/tickets/views").await.is(200).shows("Tickets begins with VIP").shows("Tickets begins here");
    desk.tom.get("/tickets").await.goes_to(&at);
    desk.tom.get("/tickets?state=all").await.is(200).shows("Closed one");
    desk.tom.get(&at).await.is(200).shows("tickets?state=all\">Clear filters");
    let boss = desk.app.super_admin("Boss").await;
    boss.get("/tickets").await.is(200);
    desk.tom.post(&form, &[("is_default", "")]).await.goes_to("/tickets/views");
    desk.tom.get("/tickets").await.is(200);
    desk.tom.post(&form, &[("is_default", "true")]).await.is(303);
    desk.tom.post(&format!("/tickets/views/{id}/delete"), &[]).await.is(303);
    desk.tom.get("/tickets").await.is(200).shows("Closed one");
    desk.tom.get(&at).await.is(200).shows("Low one").hides("was changed");
    desk.finish().await;
}

#[tokio::test]
async fn columns_sort_and_rows_are_remembered_per_person() {
    let desk = desk().await;
    three(&desk).await;
    let page = desk.tom.get("/tickets?state=open").await.is(200).shows(">Assignee</th>").hides(">Category</th>");
    let text = page.text();
    assert!(text.find("High one").unwrap() < text.find("Low one").unwrap(), "newest first");
    desk.tom
        .get("/tickets/columns?back=%2Ftickets%3Fstate%3Dopen")
        .await
        .is(200)
        .shows("Move Status up")
        .shows("Category");
    let fields = [
        ("columns", "status"),
        ("columns", "category"),
        ("order", "subject,id,category,status,priority"),
        ("sort", "updated_at"),
        ("size", "25"),
        ("back", "/tickets?state=open"),
    ];
    desk.tom.post("/tickets/columns", &fields).await.goes_to("/tickets?state=open");
    let page = desk.tom.get("/tickets?state=open").await.is(200).shows("List saved").hides(">Assignee</th>");
    let text = page.text();
    let head = |label: &str| text.find(&format!(">{label}</th>")).unwrap_or_else(|| panic!("{label} is missing"));
    assert!(head("Subject") < head("Category"), "in the order chosen");
    assert!(text.find("Low one").unwrap() < text.find("High one").unwrap(), "sorted as chosen");
    page.shows("sort=updated_at");
    // An address that says it otherwise wins.
    let page = desk.tom.get("/tickets?state=open&sort=-updated_at").await.is(200);
    let text = page.text();
    assert!(text.find("High one").unwrap() < text.find("Low one").unwrap());
    // The quick choice above the list leaves sort and rows as they are.
    let fields = [("columns", "assignee"), ("columns", "updated_at")];
    desk.tom.post("/tickets/columns?back=%2Ftickets", &fields).await.goes_to("/tickets");
    let stored: Vec<(String, String, String)> =
        desk.app.rows(sql("SELECT shown_columns, sort_key, page_size FROM ticket_list_settings")).await;
    let expected = ("id,subject,assignee,updated_at", "updated_at", "25");
    assert_eq!(stored, [(expected.0.to_owned(), expected.1.to_owned(), expected.2.to_owned())]);
    let boss = desk.app.super_admin("Boss").await;
    boss.get("/tickets?state=open").await.is(200).shows(">Status<svg");
    // Moving shows the form again and keeps nothing.
    let fields =
        [("columns", "status"), ("columns", "tags"), ("order", "id,subject,status,tags"), ("shift", "up:tags")];
    desk.tom.post("/tickets/columns", &fields).await.is(200).shows("value=\"id,subject,tags,status,");
    let kept: Vec<(String,)> = desk.app.rows(sql("SELECT shown_columns FROM ticket_list_settings")).await;
    assert_eq!(kept[0].0, "id,subject,assignee,updated_at");
    desk.tom
        .post("/tickets/columns", &[("columns", "tags"), ("back", "https://evil.example")])
        .await
        .goes_to("/tickets");
    desk.ana.get("/tickets/columns").await.goes_to("/");
    desk.ana.post("/tickets/columns", &[("columns", "tags")]).await.goes_to("/");
    desk.finish().await;
}

#[tokio::test]
async fn columns_of_a_view_are_the_views() {
    let desk = desk().await;
    three(&desk).await;
    let id = save(&desk.tom, &[("name", "VIP"), ("state", "open"), ("shown", "id,subject,created_at")]).await;
    let at = format!("/tickets?state=open&view={id}");
    desk.tom.get(&at).await.is(200).shows(">Opened<svg").hides("was changed");
    let back = format!("/tickets/columns?back=%2Ftickets%3Fstate%3Dopen%26view%3D{id}");
    let reply = desk.tom.post(&back, &[("columns", "company")]).await.is(303);
    let to = reply.header("location").to_owned();
    assert_eq!(to, format!("{at}&columns=id%2Csubject%2Ccompany"));
    desk.tom.get(&to).await.is(200).shows("VIP was changed").shows(">Company</th>").hides(">Opened<svg");
    desk.tom.get(&at).await.is(200).shows(">Opened<svg");
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM ticket_list_settings")).await, 0);
    desk.finish().await;
}

#[tokio::test]
async fn programs_keep_views_of_people_and_of_the_desk() {
    let desk = desk().await;
    let call = async |who: &Actor, method: Method, path: &str, body: Value| who.json(method, path, body).await;
    let body =
        json!({ "name": "VIP", "query": "?sort=-priority&tag=vip&status=open&page=4", "columns": ["id", "tags"] });
    let made = call(&desk.tom, Method::POST, "/api/tickets/views", body).await.is(201).value();
    assert_eq!(made["query"], "status=open&tag=vip&sort=-priority");
    assert_eq!((&made["columns"], &made["is_shared"]), (&json!(["id", "subject", "tags"]), &json!(false)));
    let path = format!("/api/tickets/views/{}", made["id"]);
    let changed =
        call(&desk.tom, Method::PUT, &path, json!({ "name": "Vips", "query": "tag=vip", "is_shared": true })).await;
    assert_eq!(changed.is(200).value()["columns"], json!(null));
    let wide = key(&desk.app, "tickets:write", None).await;
    let list = wide.api(Method::GET, "/api/tickets/views").await.is(200).value();
    assert_eq!(list[0]["name"], "Vips");
    call(&wide, Method::POST, "/api/tickets/views", json!({ "name": "Mine" })).await.is(400);
    call(&wide, Method::PUT, &path, json!({ "name": "Mine" })).await.is(400);
    call(&wide, Method::POST, "/api/tickets/views", json!({ "name": "By key", "is_shared": true })).await.is(201);
    call(&desk.tom, Method::POST, "/api/tickets/views", json!({ "name": " " })).await.refuses("name");
    let long = format!("q={}", "x".repeat(4000));
    call(&desk.tom, Method::POST, "/api/tickets/views", json!({ "name": "x", "query": long })).await.refuses("query");
    call(&desk.ana, Method::POST, "/api/tickets/views", json!({ "name": "x" })).await.is(403);
    desk.ana.api(Method::GET, "/api/tickets/views").await.is(403);
    desk.app.stranger().api(Method::GET, "/api/tickets/views").await.is(401);
    let limited = key(&desk.app, "tickets:read", Some(desk.northwind.id)).await;
    limited.api(Method::GET, "/api/tickets/views").await.is(403);
    desk.tom.api(Method::DELETE, "/api/tickets/views/9999").await.is(404);
    desk.tom.api(Method::DELETE, &path).await.is(204);
    for n in 0..49 {
        call(&desk.tom, Method::POST, "/api/tickets/views", json!({ "name": format!("View {n}") })).await.is(201);
    }
    call(&desk.tom, Method::POST, "/api/tickets/views", json!({ "name": "One more" })).await.is(409);
    desk.finish().await;
}

#[tokio::test]
async fn saved_views_need_no_further_statements_and_two_are_counted() {
    let desk = desk().await;
    three(&desk).await;
    let count = async |path: &str| {
        let before = desk.app.db().statements();
        desk.tom.get(path).await.is(200);
        desk.app.db().statements() - before
    };
    let bare = count("/tickets?state=open&q=one").await;
    for n in 0..6 {
        let name = format!("View {n}");
        save(&desk.tom, &[("name", name.as_str()), ("tag", "vip")]).await;
    }
    desk.tom.get("/tickets?state=open&q=one").await.is(200);
    assert_eq!(count("/tickets?state=open&q=one").await, bare);
    assert!(bare <= 8, "{bare}");
    let page = desk.tom.get("/tickets?state=open").await.is(200);
    let shown = page.text().matches("<span class=\"count\">1</span>").count();
    assert_eq!(shown, 2, "only the first two are counted");
    desk.finish().await;
}

#[tokio::test]
async fn the_assignee_is_changed_in_the_row() {
    let desk = desk().await;
    let [id, ..] = three(&desk).await;
    let page = desk
        .tom
        .get("/tickets?state=open")
        .await
        .is(200)
        .shows(&format!("data-opens=\"row-assignee\" data-row=\"{id}\""));
    page.shows("Assignee: Nobody, change");
    let me = desk.tom.id.to_string();
    let form = format!("/tickets/{id}/details?back=%2Ftickets%3Fstate%3Dopen");
    desk.tom.post(&form, &[("assigned_user_id", me.as_str()), ("version", "1")]).await.goes_to("/tickets?state=open");
    desk.tom.get("/tickets?state=open").await.is(200).shows("Assignee: Tom Example, change");
    desk.finish().await;
}
