//! The feed by program and on its page (acceptance 1, 3, 4, 5, 6, 7, 8, 9, 17).

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::notify::{Announcement, GENERAL, TICKET_REPLY, TICKET_STATUS, To};
use shared::testing::{Actor, TestApp};

use crate::{announce, news, portal, publish, tell};

async fn messages(actor: &Actor, query: &str) -> Vec<String> {
    let list = actor.api(Method::GET, &format!("/api/notifications{query}")).await.is(200).value();
    list.as_array().unwrap().iter().map(|item| item["message"].as_str().unwrap().to_owned()).collect()
}

async fn summary(actor: &Actor, query: &str) -> Value {
    actor.api(Method::GET, &format!("/api/notifications/summary{query}")).await.is(200).value()
}

async fn unread(actor: &Actor) -> i64 {
    summary(actor, "").await["global_unread_count"].as_i64().unwrap()
}

async fn first_id(actor: &Actor) -> i64 {
    actor.api(Method::GET, "/api/notifications").await.value()[0]["id"].as_i64().unwrap()
}

#[tokio::test]
async fn acceptance_1_everybody_sees_own_company_and_broadcast_rows_and_nobody_else_s() {
    let app = portal().await;
    let (acme, other) = (app.company("Acme").await, app.company("Other").await);
    let (ana, ben) = (app.member("ana", &acme).await, app.member("ben", &other).await);
    app.advance(TimeDelta::minutes(1));
    tell(&app, ana.id, GENERAL, "For Ana").await;
    tell(&app, ben.id, GENERAL, "For Ben").await;
    announce(&app, To::Company(acme.id), "For Acme").await;
    announce(&app, To::Company(other.id), "For Other").await;
    announce(&app, To::Everyone, "For all").await;
    assert_eq!(messages(&ana, "").await, ["For all", "For Acme", "For Ana"]);
    assert_eq!(messages(&ben, "").await, ["For all", "For Other", "For Ben"]);
    let strange = sql("SELECT id FROM notifications WHERE message = 'For Ben'");
    let id = app.number(strange).await;
    for path in ["read", "unread"] {
        ana.api(Method::POST, &format!("/api/notifications/{id}/{path}")).await.is(404);
    }
    ana.api(Method::DELETE, &format!("/api/notifications/{id}")).await.is(404);
    ana.get(&format!("/notifications/{id}/open")).await.is(404);
    ana.post("/notifications/read", &[("one", &format!("hide:{id}"))]).await.goes_to("/notifications");
    assert_eq!(unread(&ben).await, 3);
    // Who has left a company no longer sees what it is told.
    app.execute(sql("UPDATE company_memberships SET status = 'suspended' WHERE user_id = ?").bind(ana.id)).await;
    assert_eq!(messages(&ana, "").await, ["For all", "For Ana"]);
    for (method, path) in [
        (Method::GET, "/api/notifications"),
        (Method::GET, "/api/notifications/summary"),
        (Method::GET, "/api/notifications/event-types"),
        (Method::POST, "/api/notifications/1/read"),
        (Method::POST, "/api/notifications/read-all"),
        (Method::DELETE, "/api/notifications/1"),
    ] {
        app.stranger().api(method, path).await.is(401);
    }
    app.stranger().get("/notifications").await.is(303);
    app.finish().await;
}

#[tokio::test]
async fn acceptance_3_and_4_states_are_each_person_s_own_and_go_with_the_person() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let (ana, ben) = (app.member("ana", &acme).await, app.member("ben", &acme).await);
    app.advance(TimeDelta::minutes(1));
    let id = announce(&app, To::Everyone, "For all").await;
    ana.api(Method::POST, &format!("/api/notifications/{id}/read")).await.is(200);
    assert_eq!((unread(&ana).await, unread(&ben).await), (0, 1));
    ana.get("/notifications").await.is(200).hides("99+").hides("1 unread\"");
    ben.get("/notifications").await.is(200).shows("Notifications, 1 unread");
    ana.api(Method::DELETE, &format!("/api/notifications/{id}")).await.is(204);
    assert!(messages(&ana, "").await.is_empty());
    assert_eq!(messages(&ben, "").await, ["For all"]);
    // Somebody who comes later finds it read.
    app.advance(TimeDelta::minutes(1));
    let cleo = app.member("cleo", &acme).await;
    assert_eq!((messages(&cleo, "").await.len(), unread(&cleo).await), (1, 0));
    cleo.get("/notifications").await.is(200).hides("1 unread\"");
    // Nothing of a deleted person becomes visible to others.
    tell(&app, ben.id, GENERAL, "Private").await;
    app.execute(sql("DELETE FROM users WHERE id = ?").bind(ben.id)).await;
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM notifications WHERE message = 'Private'")).await, 0);
    assert!(!messages(&cleo, "").await.contains(&"Private".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn acceptance_5_filters_are_exact_and_signs_stand_for_themselves() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ana = app.member("ana", &acme).await;
    for (kind, message) in [
        (GENERAL, "Now 50% off"),
        (TICKET_REPLY, "Now 50% done"),
        (TICKET_STATUS, "Now 50% of it"),
        (GENERAL, "Now 50 percent"),
        (GENERAL, "Ünder_score"),
    ] {
        app.advance(TimeDelta::minutes(1));
        tell(&app, ana.id, kind, message).await;
    }
    let query = "?read_state=unread&event_type=general&event_type=tickets.reply_added&search=50%25";
    assert_eq!(messages(&ana, query).await, ["Now 50% done", "Now 50% off"]);
    assert_eq!(messages(&ana, "?search=%25").await.len(), 3);
    assert_eq!(messages(&ana, "?search=_").await, ["Ünder_score"]);
    assert_eq!(messages(&ana, "?search=%C3%9Cnder").await, ["Ünder_score"]);
    assert_eq!(messages(&ana, "?unread_only=true").await.len(), 5);
    let about = Announcement {
        metadata: Some(json!({"carrier": "DPD", "parcel": {"number": 4711}})),
        ..news(To::Person(ana.id), "On its way")
    };
    publish(&app, about).await;
    for part in ["dpd", "carrier", "4711"] {
        assert_eq!(messages(&ana, &format!("?search={part}")).await, ["On its way"], "{part}");
    }
    ana.get("/notifications?q=dpd").await.is(200).shows("carrier: DPD").shows("{&quot;number&quot;:4711}");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn acceptance_6_a_day_is_included_whole_in_the_zone_that_is_named() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ana = app.member("ana", &acme).await;
    tell(&app, ana.id, GENERAL, "Late").await;
    // 23:59 of 1 March 2025 in Sydney.
    let late: chrono::DateTime<chrono::Utc> = "2025-03-01T12:59:00Z".parse().unwrap();
    app.execute(sql("UPDATE notifications SET created_at = ?").bind(late)).await;
    assert_eq!(messages(&ana, "?created_to=2025-03-01&tz=Australia/Sydney").await, ["Late"]);
    assert_eq!(messages(&ana, "?created_to=2025-02-28&tz=Australia/Sydney").await.len(), 0);
    assert_eq!(messages(&ana, "?created_to=2025-03-01T00:00:00Z").await.len(), 0);
    assert_eq!(messages(&ana, "?created_from=2025-03-01&tz=Australia/Sydney").await, ["Late"]);
    assert_eq!(messages(&ana, "?created_from=2025-03-02").await.len(), 0);
    ana.api(Method::GET, "/api/notifications?created_to=soon").await.refuses("created_to");
    ana.api(Method::GET, "/api/notifications?tz=Mars").await.refuses("tz");
    ana.get("/notifications?created_to=soon").await.is(200).shows("Enter a day such as");
    // On the page times are those of the reader's zone.
    let zone =
        "INSERT INTO user_preferences (user_id, name, value, updated_at) VALUES (?, 'zone', 'Australia/Sydney', ?)";
    app.execute(sql(zone).bind(ana.id).bind(late)).await;
    ana.get("/notifications?created_from=2025-03-01T23:30").await.is(200).shows(">Late");
    ana.get("/notifications?created_to=2025-03-01T23:30").await.is(200).hides(">Late");
    app.finish().await;
}

#[tokio::test]
async fn acceptance_7_lists_are_limited_and_stable() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ana = app.member("ana", &acme).await;
    for n in 0..30 {
        tell(&app, ana.id, GENERAL, &format!("N{n:02}")).await;
    }
    let ids = ana.api(Method::GET, "/api/notifications?limit=200").await.value();
    let some: Vec<&Value> = ids.as_array().unwrap().iter().step_by(3).map(|item| &item["id"]).collect();
    ana.json(Method::POST, "/api/notifications/acknowledge", json!({"notification_ids": some})).await.is(200);
    let mut seen = Vec::new();
    for offset in [0, 10, 20] {
        let page = format!("?sort_by=read_at&sort_order=asc&limit=10&offset={offset}");
        seen.extend(messages(&ana, &page).await);
    }
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!((seen.len(), once.len()), (30, 30), "no row twice, none left out");
    let page = ana.api(Method::GET, "/api/notifications?limit=10&offset=10").await.is(200);
    assert_eq!(page.header("x-total-count"), "30");
    assert!(page.header("link").contains("rel=\"next\"") && page.header("link").contains("rel=\"prev\""));
    for (query, field) in [
        ("limit=201", "limit"),
        ("limit=0", "limit"),
        ("offset=-1", "offset"),
        ("sort_by=message", "sort_by"),
        ("sort_order=up", "sort_order"),
        ("read_state=maybe", "read_state"),
    ] {
        ana.api(Method::GET, &format!("/api/notifications?{query}")).await.refuses(field);
    }
    let many: String = (0..21).map(|n| format!("event_type=a{n}&")).collect();
    ana.api(Method::GET, &format!("/api/notifications?{many}")).await.refuses("event_type");
    app.finish().await;
}

#[tokio::test]
async fn acceptance_8_the_summary_counts_unread_whatever_the_read_state() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ana = app.member("ana", &acme).await;
    for (kind, message) in [(GENERAL, "One"), (GENERAL, "Two"), (TICKET_REPLY, "Three")] {
        app.advance(TimeDelta::minutes(1));
        tell(&app, ana.id, kind, message).await;
    }
    let id = first_id(&ana).await;
    ana.api(Method::POST, &format!("/api/notifications/{id}/read")).await.is(200);
    let counted = summary(&ana, "?read_state=read&event_type=general").await;
    assert_eq!(counted, json!({"total_count": 0, "filtered_unread_count": 2, "global_unread_count": 2}));
    let counted = summary(&ana, "?read_state=read").await;
    assert_eq!(counted, json!({"total_count": 1, "filtered_unread_count": 2, "global_unread_count": 2}));
    let done = ana.api(Method::POST, "/api/notifications/read-all?event_type=general").await.is(200).value();
    assert_eq!(done, json!({"updated": 2}));
    assert_eq!(unread(&ana).await, 0);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn acceptance_9_acknowledging_is_all_or_nothing() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let (ana, ben) = (app.member("ana", &acme).await, app.member("ben", &acme).await);
    for message in ["One", "Two"] {
        tell(&app, ana.id, GENERAL, message).await;
    }
    tell(&app, ben.id, GENERAL, "Of Ben").await;
    let list = ana.api(Method::GET, "/api/notifications").await.value();
    let (two, one) = (&list[0]["id"], &list[1]["id"]);
    let path = "/api/notifications/acknowledge";
    let foreign = first_id(&ben).await;
    ana.json(Method::POST, path, json!({"notification_ids": [one, foreign]})).await.is(404);
    assert_eq!(unread(&ana).await, 2, "nothing was changed");
    let done = ana.json(Method::POST, path, json!({"notification_ids": [one, one, two]})).await.is(200).value();
    assert_eq!(done.as_array().unwrap().len(), 2);
    assert_eq!((&done[0]["id"], &done[1]["id"]), (one, two));
    let first = done[0]["read_at"].clone();
    assert!(first.is_string());
    app.advance(TimeDelta::hours(1));
    let again = ana.api(Method::POST, &format!("/api/notifications/{one}/read")).await.is(200).value();
    assert_eq!(again["read_at"], first, "a second call keeps the first time");
    let back = ana.api(Method::POST, &format!("/api/notifications/{one}/unread")).await.is(200).value();
    assert_eq!((back["read_at"].clone(), unread(&ana).await), (Value::Null, 1));
    ana.json(Method::POST, path, json!({"notification_ids": []})).await.refuses("notification_ids");
    let many: Vec<i64> = (1..=201).collect();
    ana.json(Method::POST, path, json!({"notification_ids": many})).await.refuses("notification_ids");
    app.finish().await;
}

/// Reading many is no loop of statements.
#[tokio::test]
async fn many_are_read_in_few_statements() {
    let app = portal().await;
    let ana = thirty(&app).await;
    let list = ana.api(Method::GET, "/api/notifications?limit=30").await.is(200).value();
    let ids: Vec<i64> = list.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect();
    let spent = async |path: &str, body: Value| {
        let before = app.db().statements();
        ana.json(Method::POST, path, body).await.is(200);
        app.db().statements() - before
    };
    let spent_on_ids = spent("/api/notifications/acknowledge", json!({"notification_ids": ids[..15]})).await;
    assert_eq!(unread(&ana).await, 15);
    let spent_on_rest = spent("/api/notifications/read-all", json!({})).await;
    assert_eq!(unread(&ana).await, 0);
    assert!(spent_on_ids <= 8 && spent_on_rest <= 8, "{spent_on_ids} and {spent_on_rest} statements");
    app.finish().await;
}

async fn thirty(app: &TestApp) -> Actor {
    let acme = app.company("Acme").await;
    let ana = app.member("ana", &acme).await;
    for n in 0..30 {
        app.advance(TimeDelta::minutes(1));
        tell(app, ana.id, GENERAL, &format!("N{n:02} news")).await;
    }
    ana
}

#[tokio::test]
async fn acceptance_17_the_page_pages_and_works_by_forms() {
    let app = portal().await;
    let ana = thirty(&app).await;
    ana.get("/notifications").await.is(200).shows("N29 news").hides("N04 news").shows("1–25");
    let last = ana.get("/notifications?page=999&q=news").await.is(200);
    last.shows("N04 news").hides("N05 news").shows("26–30").shows("q=news&amp;page=1");
    ana.region("/notifications?q=N07", "notifications-list").await.shows("N07").hides("<html");
    ana.get("/notifications?q=nowhere").await.shows("No notifications match");
    let id = first_id(&ana).await.to_string();
    let path = "/notifications/read";
    ana.post(path, &[("one", &format!("read:{id}")), ("back", "?page=2")]).await.goes_to("/notifications?page=2");
    assert_eq!(unread(&ana).await, 29);
    ana.post(path, &[("do", "unread"), ("ids", &id)]).await.goes_to("/notifications");
    assert_eq!(unread(&ana).await, 30);
    let hidden = ana.post(path, &[("do", "hide"), ("ids", &id), ("ids", "999999")]).await.is(303);
    assert!(hidden.header("location").starts_with("/notifications?undo=hide-"));
    ana.get("/notifications").await.shows("1 notification hidden").hides("N29 news");
    let read = ana.post(path, &[("do", "read-all"), ("back", "?q=N0")]).await.is(303);
    assert!(read.header("location").starts_with("/notifications?q=N0&undo=read-"));
    ana.get("/notifications").await.shows("10 notifications marked as read");
    assert_eq!(unread(&ana).await, 19);
    ana.post(path, &[("do", "read")]).await.goes_to("/notifications");
    ana.get("/notifications").await.shows("Tick the notifications first");
    ana.post(path, &[("back", "//evil.example"), ("one", "read:1")]).await.goes_to("/notifications");
    let nobody = app.requester("nora").await;
    nobody.get("/notifications").await.is(200).shows("Nothing there yet");
    app.finish().await;
}

#[tokio::test]
async fn opening_marks_as_read_and_leads_to_the_thing() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ana = app.member("ana", &acme).await;
    tell(&app, ana.id, TICKET_REPLY, "A reply").await;
    ana.get("/notifications").await.shows("Notifications, 1 unread");
    let id = first_id(&ana).await;
    ana.get(&format!("/notifications/{id}/open")).await.goes_to("/tickets/7");
    assert_eq!(unread(&ana).await, 0);
    ana.get("/notifications").await.shows("A reply").hides("1 unread\"");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_types_are_those_one_may_meet() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ana = app.member("ana", &acme).await;
    let boss = app.super_admin("boss").await;
    publish(&app, Announcement { event_type: "own.type".to_owned(), ..news(To::Person(ana.id), "Custom") }).await;
    let types = |list: Value| -> Vec<String> { serde_json::from_value(list).unwrap() };
    let mine = types(ana.api(Method::GET, "/api/notifications/event-types").await.is(200).value());
    let mut sorted = mine.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(mine, sorted);
    for name in ["general", "shop.shipping_status_updated", "own.type"] {
        assert!(mine.iter().any(|known| known == name), "{name}");
    }
    assert!(!mine.iter().any(|name| name == "webhook.failed" || name == "billing.invoice_overdue"));
    let theirs = types(boss.api(Method::GET, "/api/notifications/event-types").await.value());
    assert!(theirs.iter().any(|name| name == "webhook.failed") && !theirs.iter().any(|name| name == "own.type"));
    app.finish().await;
}

#[tokio::test]
async fn programs_page_by_cursor_while_rows_arrive() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ana = app.member("ana", &acme).await;
    for n in 0..7 {
        // Two of them at the same moment.
        if n != 3 {
            app.advance(TimeDelta::minutes(1));
        }
        tell(&app, ana.id, GENERAL, &format!("Number {n}")).await;
    }
    let mut path = "/api/notifications?limit=3&event_type=general".to_owned();
    let mut seen = Vec::new();
    for page in 0..3 {
        let reply = ana.api(Method::GET, &path).await.is(200);
        let rows = reply.value();
        seen.extend(rows.as_array().unwrap().iter().map(|row| row["message"].as_str().unwrap().to_owned()));
        assert_eq!(reply.header("x-total-count"), (7 + page.min(1)).to_string());
        if page == 2 {
            assert_eq!(reply.header("x-next-cursor"), "");
            break;
        }
        let link = reply.header("link").to_owned();
        assert!(link.contains("event_type=general") && link.ends_with("; rel=\"next\""), "{link}");
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
        if page == 0 {
            app.advance(TimeDelta::minutes(1));
            tell(&app, ana.id, GENERAL, "Came meanwhile").await;
        }
    }
    let expected: Vec<String> = (0..7).rev().map(|n| format!("Number {n}")).collect();
    assert_eq!(seen, expected, "each row once, though one came meanwhile");
    ana.api(Method::GET, "/api/notifications?cursor=nonsense").await.refuses("cursor");
    ana.api(Method::GET, "/api/notifications?cursor=1-1&sort_by=read_at").await.refuses("cursor");
    ana.api(Method::GET, "/api/notifications?cursor=1-1&sort_order=asc").await.refuses("cursor");
    app.finish().await;
}

#[tokio::test]
async fn the_list_is_exported_as_it_is_filtered() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let (ana, ben) = (app.member("ana", &acme).await, app.member("ben", &acme).await);
    tell(&app, ana.id, GENERAL, "=cmd, \"quoted\"").await;
    tell(&app, ana.id, TICKET_REPLY, "Another").await;
    tell(&app, ben.id, GENERAL, "For Ben").await;
    ana.get("/notifications?q=cmd").await.is(200).shows("export.csv?q=cmd");
    let file = ana.get("/notifications/export.csv?q=cmd").await.is(200);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    let text = file.text().to_owned();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains(",general,Announcement,\"'=cmd, \"\"quoted\"\"\",user,/tickets/7,"), "{text}");
    let all = ana.get("/notifications/export.csv").await.is(200);
    assert_eq!(all.hides("For Ben").text().lines().count(), 3);
    app.stranger().get("/notifications/export.csv").await.is(303);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn hiding_and_reading_in_one_go_can_be_taken_back() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let (ana, ben) = (app.member("ana", &acme).await, app.member("ben", &acme).await);
    app.advance(TimeDelta::minutes(1));
    tell(&app, ana.id, GENERAL, "First").await;
    announce(&app, To::Everyone, "For all").await;
    let read = first_id(&ana).await;
    ana.api(Method::POST, &format!("/api/notifications/{read}/read")).await.is(200);
    app.advance(TimeDelta::minutes(1));
    // Everything is read: what was read before stays so.
    let reply = ana.post("/notifications/read", &[("do", "read-all"), ("back", "?q=F&")]).await.is(303);
    let page = reply.header("location").to_owned();
    let offer = page.strip_prefix("/notifications?q=F&undo=").unwrap().to_owned();
    ana.get(&page).await.is(200).shows("Undo").shows(&offer);
    assert_eq!(unread(&ana).await, 0);
    // Nobody else has anything to take back by it.
    ben.post("/notifications/undo", &[("undo", &offer)]).await.goes_to("/notifications");
    assert_eq!((unread(&ana).await, unread(&ben).await), (0, 1));
    ana.post("/notifications/undo", &[("undo", &offer), ("back", "?q=F")]).await.goes_to("/notifications?q=F");
    assert_eq!(unread(&ana).await, 1);
    ana.get("/notifications").await.shows("1 notification unread again").shows("Notifications, 1 unread");
    // Hidden rows come back as they were.
    app.advance(TimeDelta::minutes(1));
    let all = ana.api(Method::GET, "/api/notifications").await.value();
    let ids: Vec<String> = all.as_array().unwrap().iter().map(|row| row["id"].to_string()).collect();
    let mut fields: Vec<(&str, &str)> = ids.iter().map(|id| ("ids", id.as_str())).collect();
    fields.push(("do", "hide"));
    let reply = ana.post("/notifications/read", &fields).await.is(303);
    let offer = reply.header("location").rsplit_once("undo=").unwrap().1.to_owned();
    assert!(messages(&ana, "").await.is_empty());
    ana.post("/notifications/undo", &[("undo", &offer)]).await.goes_to("/notifications");
    assert_eq!((messages(&ana, "").await.len(), unread(&ana).await), (2, 1));
    // Too late, or nonsense.
    app.advance(TimeDelta::minutes(11));
    for undo in [offer.as_str(), "", "hide-x", "drop-1"] {
        ana.post("/notifications/undo", &[("undo", undo)]).await.goes_to("/notifications");
        ana.get(&format!("/notifications?undo={undo}"))
            .await
            .is(200)
            .shows("too late")
            .hides("Possible for ten minutes");
    }
    app.finish().await;
}
