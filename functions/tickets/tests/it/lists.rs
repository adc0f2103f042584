//! Lists, searching, sorting, export (tickets 4.2, 4.7, acceptance 19, 39).

use http::Method;
use serde_json::json;
use shared::db::sql;

use crate::help::{desk, ids, portal, put, raise, say};

#[tokio::test]
async fn the_list_is_narrowed_sorted_and_paged() {
    let desk = desk().await;
    let mut all = Vec::new();
    for (subject, status, priority) in
        [("a", "open", "low"), ("b", "pending", "urgent"), ("c", "closed", "high"), ("d", "open", "normal")]
    {
        let body =
            json!({ "subject": subject, "status": status, "priority": priority, "company_id": desk.northwind.id });
        all.push(raise(&desk.tom, body).await);
        desk.app.advance(chrono::TimeDelta::minutes(1));
    }
    put(&desk.tom, all[0], json!({ "assigned_user_id": desk.tom.id })).await.is(200);
    let list =
        async |query: &str| ids(&desk.tom.api(Method::GET, &format!("/api/tickets?{query}")).await.is(200).value());
    let at = |numbers: &[usize]| numbers.iter().map(|n| all[*n]).collect::<Vec<_>>();
    assert_eq!(list("").await, at(&[0, 3, 2, 1]));
    assert_eq!(list("sort=priority").await, at(&[1, 2, 3, 0]));
    assert_eq!(list("sort=id&order=asc").await, at(&[0, 1, 2, 3]));
    assert_eq!(list("sort=created_at&limit=2&offset=1").await, at(&[2, 1]));
    assert_eq!(list("status=open&status=pending&sort=id").await, at(&[3, 1, 0]));
    assert_eq!(list("status=open,closed&priority=high").await, at(&[2]));
    assert_eq!(list("assigned_user_id=me").await, at(&[0]));
    assert_eq!(list("assigned_user_id=none&sort=id").await, at(&[3, 2, 1]));
    assert_eq!(list(&format!("company_id={}", desk.kestrel.id)).await, at(&[]));
    assert_eq!(list("created_from=2026-11-23T09:13:00Z&sort=id&created_to=2026-11-23").await.len(), 3);
    let reply = desk.tom.api(Method::GET, "/api/tickets?limit=2").await.is(200);
    assert_eq!(reply.header("x-total-count"), "4");
    assert!(reply.header("link").contains("offset=2"));
    desk.tom.api(Method::GET, "/api/tickets/").await.is(200);
    for (query, field) in [
        ("status=done", "status"),
        ("priority=x", "priority"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("offset=-1", "offset"),
        ("sort=subject", "sort"),
        ("order=up", "order"),
        ("company_id=x", "company_id"),
        ("assigned_user_id=you", "assigned_user_id"),
        ("updated_since=yesterday", "updated_since"),
    ] {
        desk.tom.api(Method::GET, &format!("/api/tickets?{query}")).await.refuses(field);
    }
    let long = "x".repeat(201);
    desk.tom.api(Method::GET, &format!("/api/tickets?search={long}")).await.refuses("search");
    desk.finish().await;
}

#[tokio::test]
async fn words_are_found_in_subject_description_reference_replies_and_number() {
    let desk = desk().await;
    let body = json!({ "subject": "Drucker jämmt", "description": "Im Büro, 50% of pages", "external_reference": "SYN-88121",
        "company_id": desk.northwind.id, "requester_id": desk.ana.id });
    let id = raise(&desk.tom, body).await;
    say(&desk.ana, id, "The toner_cartridge is empty").await;
    raise(&desk.tom, json!({ "subject": "Something else" })).await;
    for (word, found) in [
        ("drucker", true),
        ("DRUCK", true),
        ("jammt", true),
        ("b%C3%BCro", true),
        ("syn-88121", true),
        ("88121", true),
        ("toner", true),
        ("cartridge", true),
        ("im", true),
        ("50", true),
        ("printer", false),
        ("%25", false),
        ("_", false),
        ("toner%25", true),
        ("%27%20OR%201%3D1%20--", false),
        ("%22%2A", false),
        ("drucker%20jammt", true),
        ("drucker%20toner", true),
        ("NEAR(%22", false),
        ("%2B-%3C%3E%28%29~%2A%22%40", false),
    ] {
        let list = desk.tom.api(Method::GET, &format!("/api/tickets?search={word}")).await.is(200).value();
        assert_eq!(ids(&list), if found { vec![id] } else { vec![] }, "{word}");
        desk.tom.get(&format!("/tickets?q={word}")).await.is(200);
    }
    for number in [format!("%23{id}"), id.to_string()] {
        let list = desk.ana.api(Method::GET, &format!("/api/tickets?search={number}")).await.is(200).value();
        assert_eq!(ids(&list), [id]);
        assert_eq!(
            desk.kim.api(Method::GET, &format!("/api/tickets?search={number}")).await.is(200).value()["total"],
            0
        );
    }
    desk.finish().await;
}

#[tokio::test]
async fn acceptance_19_the_export_holds_no_formulas_and_only_what_the_caller_sees() {
    let desk = desk().await;
    desk.ticket(&desk.ana, "=1+1").await;
    desk.ticket(&desk.kim, "Say \"hi\", now").await;
    let reply = desk.tom.api(Method::GET, "/api/tickets/export.csv?sort=id&order=asc").await.is(200);
    assert!(reply.header("content-type").starts_with("text/csv"));
    assert!(reply.header("content-disposition").starts_with("attachment; filename=\"tickets-2026-11-23.csv\""));
    let text = reply.text();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert!(lines[0].starts_with("id,subject,status,priority,category,company,requester,requester_email"));
    assert!(lines[1].contains(",'=1+1,open,normal,,Northwind,Ana Example,ana@example.com,"), "{}", lines[1]);
    assert!(lines[2].contains(",\"Say \"\"hi\"\", now\","), "{}", lines[2]);
    assert!(lines[1].ends_with("2026-11-23T09:12:00Z,"), "{}", lines[1]);
    let own = desk.ana.api(Method::GET, "/api/tickets/export.csv").await.is(200).text();
    assert_eq!(own.trim_end().split("\r\n").count(), 2);
    let none = desk.tom.api(Method::GET, "/api/tickets/export.csv?status=closed").await.is(200).text();
    assert_eq!(none.trim_end().split("\r\n").count(), 1);
    desk.finish().await;
}

#[tokio::test]
async fn acceptance_39_page_two_of_the_desk_shows_rows_51_to_100_of_the_whole_set() {
    let desk = desk().await;
    let insert = async |n: i64, status: &'static str| {
        let at = desk.app.app().now() - chrono::TimeDelta::minutes(n);
        let query =
            sql("INSERT INTO tickets (subject, status, search_text, created_at, updated_at) VALUES (?, ?, '', ?, ?)");
        desk.app.execute(query.bind(format!("Row {n:03}.")).bind(status).bind(at).bind(at)).await;
    };
    for n in 1..=120 {
        insert(n, "open").await;
    }
    for n in 121..=130 {
        insert(n, "closed").await;
    }
    desk.tom.get("/admin/tickets?status=open&page=2").await.is(308);
    let reply = desk.tom.get("/admin/tickets?status=open&page=2").await;
    assert_eq!(reply.header("location"), "/tickets?status=open&page=2");
    let page = desk.tom.get("/tickets?status=open&page=2").await.is(200);
    let page = page.shows("Row 051.").shows("Row 100.").hides("Row 050.").hides("Row 101.");
    page.shows("51–100</span> of <span class=\"num\">120").shows("tickets?status=open&amp;page=3");
    desk.tom
        .get("/tickets?size=25&page=2")
        .await
        .is(200)
        .shows("Row 026.")
        .shows("Row 050.")
        .hides("Row 051.")
        .shows("Open 120");
    // A page beyond the end says so instead of failing.
    desk.tom.get("/tickets?page=99999999999").await.is(200);
    desk.finish().await;
}

/// What a list is expected to sort a ticket by.
fn sort_key(ticket: &serde_json::Value, sort: &str) -> String {
    let text = |name: &str| ticket[name].as_str().unwrap_or_default().to_owned();
    match sort {
        "priority" => ["low", "normal", "high", "urgent"]
            .iter()
            .position(|word| *word == text("priority"))
            .unwrap_or_default()
            .to_string(),
        "id" => String::new(),
        time_or_word => text(time_or_word),
    }
}

#[tokio::test]
async fn pages_are_parts_of_one_order_with_the_newest_number_first_among_equals() {
    let desk = desk().await;
    let words = [("open", "low", 0), ("closed", "urgent", 3), ("pending", "high", 2), ("resolved", "normal", 1)];
    for n in 0..28_i64 {
        let (status, _, _) = words[usize::try_from(n % 4).unwrap()];
        let (_, priority, rank) = words[usize::try_from(n / 2 % 4).unwrap()];
        let raised = desk.app.app().now() - chrono::TimeDelta::minutes(n * 5 % 7);
        let changed = desk.app.app().now() - chrono::TimeDelta::minutes(n * 3 % 5);
        let insert = sql("INSERT INTO tickets (subject, status, priority, priority_order, search_text, created_at, \
             updated_at) VALUES ('Row', ?, ?, ?, '', ?, ?)");
        let insert = insert.bind(status).bind(priority).bind(rank).bind(raised).bind(changed);
        desk.app.execute(insert).await;
        let tag = sql("INSERT INTO ticket_tags (ticket_id, tag, created_at) SELECT MAX(id), ?, ? FROM tickets");
        desk.app.execute(tag.bind(if n % 3 == 0 { "wifi" } else { "cable" }).bind(raised)).await;
    }
    let narrowed = [
        ("", 28),
        ("&status=open&status=pending", 14),
        ("&status=closed&status=resolved", 14),
        ("&status=open&status=closed&priority=low&priority=high", 14),
        ("&priority=urgent&priority=high", 14),
        ("&priority=urgent", 8),
        ("&assigned_user_id=none&status=open&status=closed", 14),
    ];
    for (narrowing, number) in narrowed {
        for (sort, order) in ["updated_at", "created_at", "priority", "status", "id"]
            .into_iter()
            .flat_map(|sort| ["asc", "desc"].map(|order| (sort, order)))
        {
            let list = async |part: &str| {
                let path = format!("/api/tickets?sort={sort}&order={order}{narrowing}{part}");
                desk.tom.api(Method::GET, &path).await.is(200).value()
            };
            let whole = list("").await;
            let mut expected = whole["items"].as_array().unwrap().clone();
            expected.sort_by_key(|ticket| std::cmp::Reverse(ticket["id"].as_i64()));
            match (sort, order) {
                ("id", "asc") => expected.reverse(),
                (_, "asc") => expected.sort_by_key(|ticket| sort_key(ticket, sort)),
                _ => expected.sort_by_key(|ticket| std::cmp::Reverse(sort_key(ticket, sort))),
            }
            let expected: Vec<i64> = expected.iter().filter_map(|ticket| ticket["id"].as_i64()).collect();
            assert_eq!(expected.len(), number, "{narrowing}");
            assert_eq!(ids(&whole), expected, "{sort} {order} {narrowing}");
            let mut parts = Vec::new();
            for offset in (0..number).step_by(5) {
                parts.extend(ids(&list(&format!("&limit=5&offset={offset}")).await));
            }
            assert_eq!(parts, expected, "{sort} {order} {narrowing} in parts");
        }
    }
    desk.finish().await;
}

/// Statements of one request.
async fn statements(desk: &crate::help::Desk, who: &shared::testing::Actor, path: &str) -> u64 {
    let before = desk.app.db().statements();
    let _ = who.get(path).await.is(200);
    desk.app.db().statements() - before
}

#[tokio::test]
async fn pages_need_at_most_eight_statements_whatever_their_number_of_rows() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let mut seen = Vec::new();
    for rows in [3, 100] {
        let at = desk.app.app().now();
        for n in 0..rows {
            let ticket = sql("INSERT INTO tickets (subject, requester_id, company_id, assigned_user_id, search_text, \
                 created_at, updated_at) VALUES (?, ?, ?, ?, 'word', ?, ?)");
            let ticket = ticket.bind(format!("Row {n}")).bind(desk.ana.id).bind(desk.northwind.id).bind(desk.tom.id);
            desk.app.execute(ticket.bind(at).bind(at)).await;
            let texts = sql("INSERT INTO ticket_texts (id, public_text, internal_text) \
                 SELECT MAX(id), ' word', '' FROM tickets");
            desk.app.execute(texts).await;
            let reply =
                sql("INSERT INTO ticket_replies (ticket_id, author_id, body, body_hash, search_text, created_at) \
                 VALUES (?, ?, 'Hello', '', 'word', ?)");
            desk.app.execute(reply.bind(id).bind(desk.tom.id).bind(at)).await;
            let activity = sql("INSERT INTO ticket_activity (ticket_id, actor_id, kind, changes, created_at) \
                 VALUES (?, ?, 'updated', '{}', ?)");
            desk.app.execute(activity.bind(id).bind(desk.tom.id).bind(at)).await;
        }
        let record = format!("/tickets/{id}?all=1");
        let mut counts = Vec::new();
        for who in [&desk.tom, &desk.ana] {
            for path in ["/tickets?state=all&size=100", "/tickets?q=word&state=open", record.as_str()] {
                counts.push(statements(&desk, who, path).await);
            }
            let api = [
                format!("/api/tickets/{id}"),
                "/api/tickets?limit=500".to_owned(),
                "/api/tickets/export.csv".to_owned(),
            ];
            for path in api {
                counts.push(statements(&desk, who, &path).await);
            }
        }
        assert!(counts.iter().all(|count| *count <= 8), "{counts:?}");
        seen.push(counts);
    }
    assert_eq!(seen[0], seen[1]);
    desk.finish().await;
}

#[tokio::test]
async fn long_conversations_are_folded_until_asked_for() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    for n in 0..40 {
        let at = desk.app.app().now() + chrono::TimeDelta::seconds(n);
        let reply = sql("INSERT INTO ticket_replies (ticket_id, author_id, body, body_hash, search_text, created_at) \
             VALUES (?, ?, ?, '', '', ?)");
        desk.app.execute(reply.bind(id).bind(desk.tom.id).bind(format!("Text {n:02}.")).bind(at)).await;
    }
    let page = desk.ana.get(&format!("/tickets/{id}")).await.is(200);
    let page = page.shows("Text 00.").shows("Text 01.").hides("Text 02.").hides("Text 19.").shows("Text 20.");
    page.shows("Show 18 earlier").shows("Text 39.");
    desk.ana.get(&format!("/tickets/{id}?all=1")).await.is(200).shows("Text 02.").hides("earlier");
    desk.finish().await;
}

#[tokio::test]
async fn an_empty_portal_says_what_to_do() {
    let app = portal().await;
    let sam = app.requester("Sam").await;
    sam.get("/tickets").await.is(200).shows("No open tickets").shows("New ticket");
    sam.get("/tickets?state=closed").await.is(200).shows("No closed tickets");
    sam.get("/tickets?q=vpn").await.is(200).shows("No tickets match").shows("Clear filters");
    let boss = app.super_admin("Boss").await;
    boss.get("/tickets").await.is(200).shows("No tickets yet");
    app.finish().await;
}
