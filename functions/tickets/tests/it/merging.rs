//! Merging, splitting and linking (tickets, "What users will expect" 7).

use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::testing::{Actor, Reply};

use crate::help::{desk, events, key, note, put, raise, read, say};

async fn merge(who: &Actor, target: i64, ids: &[i64]) -> Reply {
    who.json(Method::POST, &format!("/api/tickets/{target}/merge"), json!({ "ids": ids })).await
}

async fn unmerge(who: &Actor, id: i64) -> Reply {
    who.json(Method::POST, &format!("/api/tickets/{id}/unmerge"), json!({})).await
}

async fn link(who: &Actor, id: i64, other: i64, relation: &str) -> Reply {
    who.json(Method::POST, &format!("/api/tickets/{id}/links"), json!({ "other_id": other, "relation": relation }))
        .await
}

fn bodies(ticket: &Value) -> Vec<String> {
    ticket["replies"].as_array().unwrap().iter().map(|r| r["body"].as_str().unwrap().to_owned()).collect()
}

fn watchers(ticket: &Value) -> Vec<i64> {
    let mut ids: Vec<i64> =
        ticket["watchers"].as_array().unwrap().iter().map(|w| w["user_id"].as_i64().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn a_merged_conversation_moves_and_can_be_taken_out_again() {
    let desk = desk().await;
    let nora = desk.app.member("Nora", &desk.northwind).await;
    let files = [("files", "tray.txt", "text/plain", b"jammed".as_slice())];
    let to = nora.upload("/tickets", &[("subject", "Printer two"), ("description", "Jams too")], &files).await.is(303);
    let from: i64 = to.header("location").trim_start_matches("/tickets/").parse().unwrap();
    let target = desk.ticket(&desk.ana, "Printer").await;
    desk.app.advance(chrono::TimeDelta::minutes(1));
    say(&nora, from, "Any news of two?").await;
    note(&desk.tom, from, "Secret of two").await;
    put(&desk.tom, from, json!({ "status": "pending" })).await.is(200);
    let merged = merge(&desk.tom, target, &[from]).await.is(200).value();
    let texts = bodies(&merged);
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts.contains(&format!("#{from}: Printer two\n\nJams too")));
    assert_eq!(merged["attachments"].as_array().unwrap().len(), 1);
    assert_eq!(watchers(&merged), [desk.tom.id, nora.id], "who asked there is told of what happens here");
    assert_eq!(merged["last_reply_side"], "requester");
    let old = read(&desk.tom, from).await;
    assert_eq!((&old["status"], &old["merged_into_id"]), (&json!("closed"), &json!(target)));
    assert_eq!(bodies(&old), [""; 0]);
    // Who asked on it reads on, without notes, and what they write lands there.
    assert_eq!(read(&nora, from).await["merged_into_id"], json!(null));
    assert_eq!(bodies(&read(&nora, target).await).len(), 2);
    desk.kim.api(Method::GET, &format!("/api/tickets/{target}")).await.is(404);
    nora.get(&format!("/tickets/{from}")).await.is(200).shows(&format!("merged into #{target}")).hides("Send reply");
    let answered =
        nora.json(Method::POST, &format!("/api/tickets/{from}/replies"), json!({ "body": "Still two" })).await;
    assert_eq!(answered.is(201).value()["ticket"]["id"], target);
    let file = merged["attachments"][0]["url"].as_str().unwrap().to_owned();
    assert!(file.starts_with(&format!("/tickets/{target}/")));
    nora.get(&file).await.is(302);
    // It is found by its words where it is now.
    let found = desk.tom.api(Method::GET, "/api/tickets?search=news").await.is(200).value();
    assert_eq!(found["items"][0]["id"], target);
    // Nothing is changed on it from now on.
    put(&desk.tom, from, json!({ "status": "open" })).await.is(409);
    desk.tom.json(Method::POST, &format!("/api/tickets/{from}/reopen"), json!({})).await.is(409);
    desk.tom.json(Method::POST, &format!("/api/tickets/{from}/tags"), json!({ "add": ["x"] })).await.is(409);
    let body = json!({ "ids": [from], "action": "status", "value": "open" });
    let bulk = desk.tom.json(Method::POST, "/api/tickets/bulk", body).await.is(200).value();
    assert_eq!(bulk["results"][0]["detail"], "merged into another");
    desk.tom.post(&format!("/tickets/{from}/details"), &[("status", "open")]).await.is(303);
    desk.tom.get(&format!("/tickets/{from}")).await.is(200).shows("Work on that one").shows("Take out of");
    // Out again: it stands where it stood; what was written since stays.
    let out = unmerge(&desk.tom, from).await.is(200).value();
    assert_eq!(
        (&out["status"], &out["merged_into_id"], &out["closed_at"]),
        (&json!("pending"), &json!(null), &json!(null))
    );
    assert_eq!(bodies(&out), ["Any news of two?", "Secret of two"]);
    assert_eq!(out["attachments"][0]["reply_id"], json!(null));
    assert_eq!(bodies(&read(&desk.tom, target).await), ["Still two"]);
    nora.api(Method::GET, &format!("/api/tickets/{target}")).await.is(404);
    unmerge(&desk.tom, from).await.is(409);
    let found = desk.tom.api(Method::GET, "/api/tickets?search=news").await.is(200).value();
    assert_eq!(found["items"][0]["id"], from);
    for (id, kinds) in [(from, ["unmerged", "merged"]), (target, ["unmerged_here", "merged_here"])] {
        let activity = desk.tom.api(Method::GET, &format!("/api/tickets/{id}/activity")).await.is(200).value();
        let told: Vec<&str> = activity.as_array().unwrap().iter().filter_map(|a| a["kind"].as_str()).collect();
        assert!(kinds.iter().all(|kind| told.contains(kind)), "{told:?}");
    }
    desk.tom.get(&format!("/tickets/{target}")).await.is(200).shows(&format!("merged #{from} into this ticket"));
    for action in ["tickets.merge", "tickets.unmerge"] {
        let count = sql("SELECT COUNT(*) FROM audit_logs WHERE action = ?").bind(action);
        assert_eq!(desk.app.number(count).await, 1, "{action}");
    }
    assert!(!events(&desk.app).await.contains(&"tickets.closed".to_owned()), "nobody is told that it was solved");
    desk.finish().await;
}

#[tokio::test]
async fn tickets_are_merged_once_and_never_across_customers() {
    let desk = desk().await;
    let one = desk.ticket(&desk.ana, "One").await;
    let two = desk.ticket(&desk.ana, "Two").await;
    let three = desk.ticket(&desk.ana, "Three").await;
    let foreign = desk.ticket(&desk.kim, "Foreign").await;
    merge(&desk.tom, one, &[one]).await.is(400);
    merge(&desk.tom, one, &[]).await.refuses("ids");
    merge(&desk.tom, one, &[9999]).await.is(400);
    merge(&desk.tom, 9999, &[one]).await.is(404);
    merge(&desk.tom, one, &[foreign]).await.is(409).shows("are of different customers");
    merge(&desk.tom, one, &[two, foreign]).await.is(409);
    assert_eq!(read(&desk.tom, two).await["merged_into_id"], json!(null), "all or none");
    merge(&desk.tom, one, &[two]).await.is(200);
    merge(&desk.tom, one, &[two]).await.is(409);
    merge(&desk.tom, three, &[two]).await.is(409);
    merge(&desk.tom, two, &[three]).await.is(409).shows(&format!("merged into #{one}"));
    // What was merged before goes along, and comes out of where it is then.
    merge(&desk.tom, three, &[one]).await.is(200);
    assert_eq!(read(&desk.tom, two).await["merged_into_id"], three);
    assert_eq!(bodies(&read(&desk.tom, three).await).len(), 2);
    unmerge(&desk.tom, two).await.is(200);
    assert_eq!(bodies(&read(&desk.tom, three).await), [format!("#{one}: One")]);
    for who in [&desk.ana, &key(&desk.app, "tickets:write", Some(desk.northwind.id)).await] {
        merge(who, three, &[two]).await.is(403);
        unmerge(who, one).await.is(403);
    }
    merge(&desk.app.stranger(), three, &[two]).await.is(401);
    desk.ana.get(&format!("/tickets/{two}/merge")).await.goes_to("/");
    desk.ana.post(&format!("/tickets/{one}/unmerge"), &[]).await.goes_to("/");
    desk.finish().await;
}

#[tokio::test]
async fn tickets_are_merged_on_pages() {
    let desk = desk().await;
    let one = desk.ticket(&desk.ana, "One").await;
    let two = desk.ticket(&desk.ana, "Two").await;
    let three = desk.ticket(&desk.ana, "Three").await;
    let foreign = desk.ticket(&desk.kim, "Foreign").await;
    let (n1, n2, n3) = (one.to_string(), two.to_string(), three.to_string());
    let at = desk.tom.post("/tickets/bulk", &[("set", "merge"), ("ids", n1.as_str()), ("ids", &n2)]).await.is(303);
    let at = at.header("location").to_owned();
    assert_eq!(at, format!("/tickets/merge?ids={one}&ids={two}"));
    desk.tom.get(&at).await.is(200).shows("Which ticket remains?").shows("One").shows("Two").hides("Three");
    let fields = [("ids", n1.as_str()), ("ids", n2.as_str()), ("into", n1.as_str())];
    desk.tom.post("/tickets/merge", &fields).await.goes_to(&format!("/tickets/{one}"));
    let page = desk.tom.get(&format!("/tickets/{one}")).await.is(200);
    page.shows(&format!("#{two} merged into this ticket"))
        .shows("Merged into this ticket")
        .shows(&format!("Take out #{two}"));
    desk.tom.post("/tickets/merge", &[("ids", n1.as_str()), ("into", &n1)]).await.refuses("into");
    desk.tom.post("/tickets/merge", &[("ids", n1.as_str()), ("ids", &n3)]).await.refuses("into");
    desk.tom.get("/tickets/merge").await.is(303);
    let page = desk.tom.get(&format!("/tickets/{three}/merge")).await.is(200).shows(&format!("into-{one}"));
    page.hides(&format!("into-{two}\"")).hides(&format!("into-{foreign}\""));
    let form = format!("/tickets/{three}/merge");
    desk.tom.post(&form, &[]).await.refuses("number");
    desk.tom.post(&form, &[("number", "9999")]).await.refuses("number").shows("There is no ticket #9999");
    desk.tom.post(&form, &[("number", &foreign.to_string())]).await.refuses("number");
    desk.tom.post(&form, &[("number", &format!("#{one}"))]).await.goes_to(&format!("/tickets/{one}"));
    desk.tom.post(&format!("/tickets/{three}/unmerge"), &[]).await.goes_to(&format!("/tickets/{three}"));
    desk.tom.get(&format!("/tickets/{three}")).await.is(200).shows("Taken out of");
    desk.tom.post("/tickets/9999/merge", &[("number", "1")]).await.is(404);
    desk.tom.post(&format!("/tickets/{three}/unmerge"), &[]).await.is(303);
    desk.finish().await;
}

#[tokio::test]
async fn a_reply_becomes_a_ticket_with_its_files() {
    let desk = desk().await;
    let nora = desk.app.member("Nora", &desk.northwind).await;
    let id = raise(
        &desk.tom,
        json!({ "subject": "Printer", "company_id": desk.northwind.id, "requester_id": desk.ana.id,
            "priority": "high", "tags": ["vip"] }),
    )
    .await;
    desk.tom.json(Method::PUT, &format!("/api/tickets/{id}/watchers"), json!({ "user_ids": [nora.id] })).await.is(200);
    let files = [("files", "scan.txt", "text/plain", b"E4".as_slice())];
    let fields = [("body", "The scanner is broken as well.\nIt says E4.")];
    let at = desk.ana.upload(&format!("/tickets/{id}/replies"), &fields, &files).await.is(303);
    let reply: i64 = at.header("location").rsplit("reply-").next().unwrap().parse().unwrap();
    let secret = note(&desk.tom, id, "Secret").await;
    let page = desk.tom.get(&format!("/tickets/{id}")).await.is(200);
    page.shows(&format!("replies&#x2f;{reply}&#x2f;split")).hides(&format!("replies&#x2f;{secret}&#x2f;split"));
    desk.ana.get(&format!("/tickets/{id}")).await.is(200).hides("&#x2f;split").hides("/split");
    let path = format!("/tickets/{id}/replies/{reply}/split");
    desk.tom.get(&path).await.is(200).shows("value=\"The scanner is broken as well.\"");
    desk.tom.post(&path, &[("subject", " ")]).await.refuses("subject").shows("It says E4.");
    let to = desk.tom.post(&path, &[("subject", "Scanner")]).await.is(303).header("location").to_owned();
    let new: i64 = to.trim_start_matches("/tickets/").parse().unwrap();
    let ticket = read(&desk.tom, new).await;
    assert_eq!((&ticket["subject"], &ticket["requester_id"]), (&json!("Scanner"), &json!(desk.ana.id)));
    assert_eq!(ticket["description"], "The scanner is broken as well.\nIt says E4.");
    assert_eq!((&ticket["priority"], &ticket["tags"]), (&json!("high"), &json!(["vip"])));
    assert_eq!(ticket["attachments"][0]["name"], "scan.txt");
    let old = read(&desk.tom, id).await;
    assert_eq!((bodies(&old), &old["attachments"]), (vec!["Secret".to_owned()], &json!([])));
    desk.tom
        .get(&to)
        .await
        .is(200)
        .shows(&format!("Related to <a href=\"/tickets/{id}\""))
        .shows("made this ticket from a reply");
    desk.tom.get(&format!("/tickets/{id}")).await.is(200).shows(&format!("made a reply into ticket #{new}"));
    // Where it may not be: a note, a reply that is gone or elsewhere, others.
    let split = async |who: &Actor, ticket: i64, reply: i64| {
        who.json(Method::POST, &format!("/api/tickets/{ticket}/split"), json!({ "reply_id": reply })).await
    };
    split(&desk.tom, id, secret).await.is(409);
    desk.tom.get(&format!("/tickets/{id}/replies/{secret}/split")).await.goes_to(&format!("/tickets/{id}"));
    split(&desk.tom, id, reply).await.is(404);
    split(&desk.tom, new, secret).await.is(404);
    split(&desk.ana, id, secret).await.is(403);
    desk.ana.get(&path).await.goes_to("/");
    desk.app
        .execute(sql("UPDATE ticket_replies SET source = 'syncro', is_internal = FALSE WHERE id = ?").bind(secret))
        .await;
    split(&desk.tom, id, secret).await.is(409);
    let third = say(&desk.tom, id, "An answer").await;
    let made = split(&desk.tom, id, third).await.is(201).value();
    assert_eq!((&made["subject"], &made["requester_id"]), (&json!("An answer"), &json!(desk.ana.id)));
    assert!(events(&desk.app).await.iter().filter(|name| *name == "tickets.created").count() >= 3);
    desk.finish().await;
}

#[tokio::test]
async fn links_show_at_both_ends_to_people_who_may_see_both() {
    let desk = desk().await;
    let one = desk.ticket(&desk.ana, "One").await;
    let two = desk.ticket(&desk.ana, "Two").await;
    let foreign = desk.ticket(&desk.kim, "Foreign words").await;
    let links = async |who: &Actor, id: i64| {
        let list = who.api(Method::GET, &format!("/api/tickets/{id}/links")).await.is(200).value();
        let list = list.as_array().unwrap().clone();
        list.iter().map(|l| format!("{} {}", l["relation"].as_str().unwrap(), l["id"])).collect::<Vec<_>>()
    };
    link(&desk.tom, one, two, "blocks").await.is(201);
    link(&desk.tom, two, foreign, "relates").await.is(201);
    assert_eq!(links(&desk.tom, one).await, [format!("blocks {two}")]);
    assert_eq!(links(&desk.tom, two).await, [format!("relates {foreign}"), format!("blocked_by {one}")]);
    assert_eq!(links(&desk.ana, two).await, [format!("blocked_by {one}")]);
    assert_eq!(links(&desk.kim, foreign).await, [""; 0]);
    desk.ana
        .get(&format!("/tickets/{two}"))
        .await
        .is(200)
        .shows(&format!("Blocked by #{one} One"))
        .hides("Foreign words");
    desk.kim.get(&format!("/tickets/{foreign}")).await.is(200).hides("Belongs together");
    let page = desk.tom.get(&format!("/tickets/{two}")).await.is(200).shows("Foreign words").shows("Blocked by");
    page.shows("linked it: blocked by").shows(&format!("Remove link to #{one}"));
    link(&desk.tom, one, two, "blocks").await.is(409);
    link(&desk.tom, two, one, "blocks").await.is(409);
    link(&desk.tom, two, one, "blocked_by").await.is(409);
    link(&desk.tom, foreign, two, "relates").await.is(409);
    link(&desk.tom, one, two, "duplicate_of").await.is(201);
    link(&desk.tom, one, one, "relates").await.is(400);
    link(&desk.tom, one, 9999, "relates").await.is(400);
    link(&desk.tom, 9999, one, "relates").await.is(404);
    link(&desk.tom, one, two, "parent").await.refuses("relation");
    link(&desk.ana, one, two, "relates").await.is(403);
    link(&desk.app.stranger(), one, two, "relates").await.is(401);
    desk.kim.api(Method::GET, &format!("/api/tickets/{one}/links")).await.is(404);
    let form = format!("/tickets/{one}/links");
    desk.tom
        .post(&form, &[("remove", &two.to_string()), ("relation", "blocks")])
        .await
        .goes_to(&format!("/tickets/{one}"));
    desk.tom.get(&format!("/tickets/{one}")).await.is(200).shows("Link removed").shows("removed the link: blocks");
    desk.tom.post(&form, &[("remove", &two.to_string()), ("relation", "blocks")]).await.is(404);
    desk.tom.post(&form, &[("add", &format!("#{foreign}")), ("relation", "duplicated_by")]).await.is(303);
    assert_eq!(links(&desk.tom, foreign).await, [format!("duplicate_of {one}"), format!("relates {two}")]);
    desk.tom.post(&form, &[("add", "x"), ("relation", "relates")]).await.is(303);
    desk.tom.get(&format!("/tickets/{one}")).await.is(200).shows("Enter the number of a ticket");
    desk.tom.post(&form, &[("add", "9999"), ("relation", "relates")]).await.is(303);
    desk.tom.get(&format!("/tickets/{one}")).await.is(200).shows("There is no ticket #9999");
    desk.ana.post(&form, &[("add", "1"), ("relation", "relates")]).await.goes_to("/");
    let all = desk.tom.api(Method::GET, &format!("/api/tickets/{one}/links")).await.is(200).value();
    let link_id = all[0]["link_id"].as_i64().unwrap();
    desk.ana.api(Method::DELETE, &format!("/api/tickets/{one}/links/{link_id}")).await.is(403);
    desk.tom.api(Method::DELETE, &format!("/api/tickets/{one}/links/9999")).await.is(404);
    desk.tom.api(Method::DELETE, &format!("/api/tickets/{one}/links/{link_id}")).await.is(204);
    assert_eq!(links(&desk.tom, one).await.len(), all.as_array().unwrap().len() - 1);
    desk.finish().await;
}
