//! The pages and their forms (tickets 5, 6; interface 6.5).

use serde_json::json;
use shared::db::sql;

use crate::help::{desk, note, put, raise, read, say};

#[tokio::test]
async fn a_requester_raises_replies_closes_and_reopens_on_pages() {
    let desk = desk().await;
    desk.ana.get("/tickets/new").await.is(200).shows("For Northwind").hides("Assignee");
    let fields = [
        ("subject", "Printer jams"),
        ("description", "Since <b>today</b>\nhttps://example.com/a"),
        ("priority", "urgent"),
    ];
    let to = desk.ana.post("/tickets", &fields).await.is(303).header("location").to_owned();
    let id: i64 = to.trim_start_matches("/tickets/").parse().unwrap();
    let page = desk.ana.get(&to).await.is(200).shows(&format!("Ticket #{id} created"));
    let page = page.shows("Since &lt;b&gt;today&lt;/b&gt;<br>").shows("rel=\"noopener noreferrer nofollow\"");
    page.shows("We have your request").hides("Internal note").hides("Save details").hides("Watchers");
    let reply =
        desk.ana.post(&format!("{to}/replies"), &[("body", "More\r\nlines"), ("is_internal", "true")]).await.is(303);
    assert!(reply.header("location").starts_with(&format!("{to}#reply-")));
    desk.ana.get(&to).await.is(200).shows("Reply sent").shows("More<br>");
    desk.ana.post(&format!("{to}/close"), &[]).await.goes_to(&to);
    desk.ana.get("/tickets").await.is(200).hides("Printer jams");
    desk.ana.get("/tickets?state=closed").await.is(200).shows("Printer jams");
    desk.ana.get("/tickets?state=all").await.is(200).shows("Printer jams").hides("Assignee");
    desk.ana.get(&to).await.is(200).shows("Was this solved?");
    desk.ana.post(&format!("{to}/reopen"), &[]).await.goes_to(&to);
    assert_eq!(read(&desk.ana, id).await["status"], "open");
    assert_eq!(read(&desk.ana, id).await["source"], "portal");
    desk.finish().await;
}

#[tokio::test]
async fn what_was_typed_comes_back_with_what_is_wrong() {
    let desk = desk().await;
    let fields = [("subject", " "), ("description", "Typed with \"care\"")];
    let page = desk.ana.post("/tickets", &fields).await.refuses("subject");
    page.shows("Enter a subject").shows("Typed with &quot;care&quot;").shows("<title>Error: New ticket");
    let id = desk.ticket(&desk.ana, "Printer").await;
    let path = format!("/tickets/{id}");
    let page =
        desk.tom.post(&format!("{path}/replies"), &[("body", "  "), ("is_internal", "true")]).await.refuses("body");
    page.shows("<title>Error: Printer").shows("value=\"true\" checked");
    let long = "c".repeat(65);
    let page = desk.tom.post(&format!("{path}/details"), &[("category", &long), ("priority", "high")]).await.is(422);
    page.shows("Use at most 64 characters").shows("details-category-error").shows(&long);
    desk.tom.post(&format!("{path}/details"), &[("priority", "asap")]).await.is(422).shows("Choose urgent");
    desk.tom
        .post(&format!("{path}/details"), &[("assigned_user_id", &desk.ana.id.to_string())])
        .await
        .is(422)
        .shows("works at the desk");
    desk.tom.post(&format!("{path}/status"), &[("status", "done")]).await.is(422);
    assert_eq!(read(&desk.tom, id).await["priority"], "normal");
    desk.finish().await;
}

#[tokio::test]
async fn the_desk_raises_a_ticket_for_a_customer_without_script() {
    let desk = desk().await;
    let (company, ana) = (desk.northwind.id.to_string(), desk.ana.id.to_string());
    desk.tom.get("/tickets/new").await.is(200).shows("Northwind").hides("ana@example.com");
    let fields = [("subject", "For Ana"), ("company_id", company.as_str()), ("op", "people")];
    let page = desk.tom.post("/tickets", &fields).await.is(200);
    page.shows("Ana Example (ana@example.com)").shows("For Ana");
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 0);
    let reply = desk.tom.post("/tickets", &[("subject", "For Ana"), ("requester_id", &ana)]).await.is(422);
    let _ = reply.shows("Choose a company first");
    let fields = [
        ("subject", "For Ana"),
        ("companyId", company.as_str()),
        ("requesterId", &ana),
        ("assignedUserId", ""),
        ("priority", "high"),
    ];
    desk.tom.post("/tickets", &fields).await.is(303);
    desk.ana.get("/tickets").await.is(200).shows("For Ana");
    desk.finish().await;
}

#[tokio::test]
async fn the_panel_saves_and_says_when_somebody_was_quicker() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let path = format!("/tickets/{id}/details");
    let tom = desk.tom.id.to_string();
    let fields = [
        ("status", "in_progress"),
        ("priority", "high"),
        ("assigned_user_id", tom.as_str()),
        ("category", "Printing"),
        ("version", "1"),
    ];
    desk.tom.post(&path, &fields).await.goes_to(&format!("/tickets/{id}"));
    let page = desk.tom.get(&format!("/tickets/{id}")).await.is(200).shows("Details saved");
    page.shows("set status to In progress, set priority to High, assigned it to Tom Example, set category to Printing");
    let page = desk.tom.post(&path, &[("priority", "low"), ("category", "Mine"), ("version", "1")]).await.is(409);
    page.shows("Tom Example changed this ticket").shows("value=\"Mine\"").shows("name=\"version\" value=\"2\"");
    desk.tom
        .post(&path, &[("priority", "low"), ("version", "2"), ("returnUrl", "/tickets?state=open")])
        .await
        .goes_to("/tickets?state=open");
    desk.tom.post(&path, &[("returnUrl", "https://evil.example/tickets")]).await.goes_to(&format!("/tickets/{id}"));
    let fields = [("status", "resolved"), ("returnUrl", "/admin/tickets?page=2")];
    desk.tom.post(&format!("/tickets/{id}/status"), &fields).await.goes_to("/admin/tickets?page=2");
    assert_eq!(read(&desk.tom, id).await["status"], "resolved");
    desk.finish().await;
}

#[tokio::test]
async fn the_desk_filters_by_address_with_chips_and_the_region_alone() {
    let desk = desk().await;
    let first = raise(
        &desk.tom,
        json!({ "subject": "VPN drops", "priority": "urgent", "company_id": desk.northwind.id,
        "assigned_user_id": desk.tom.id }),
    )
    .await;
    desk.ticket(&desk.kim, "Mailbox full").await;
    let page = desk.tom.get("/tickets").await.is(200).shows("VPN drops").shows("Mailbox full").shows("Tom Example");
    page.shows("My open <span class=\"count\">1</span>")
        .shows("Unassigned <span class=\"count\">1</span>")
        .shows("aria-sort=\"descending\"");
    desk.tom.get("/tickets?assigned=me&state=open").await.is(200).shows("VPN drops").hides("Mailbox full");
    desk.tom
        .get("/tickets?assigned=none")
        .await
        .is(200)
        .hides("VPN drops")
        .shows("Mailbox full")
        .shows("Remove filter Assignee");
    let company = format!("/tickets?company={}&priority=urgent,high&status=foo", desk.northwind.id);
    let page = desk.tom.get(&company).await.is(200).shows("VPN drops").hides("Mailbox full");
    page.shows("Urgent, High").shows("foo (unknown)").shows("Clear filters");
    desk.tom.get("/tickets?requester=me").await.is(200).shows("No tickets match");
    desk.tom.get("/tickets?q=%3Cscript%3Ealert(1)%3C/script%3E").await.is(200).hides("<script>alert");
    let region = desk.tom.region("/tickets?q=vpn", "tickets-list").await.is(200);
    let region = region.shows("VPN drops").hides("<html").hides("Mailbox full");
    assert!(region.header("hx-trigger").contains("1 ticket"));
    put(&desk.tom, first, json!({ "status": "closed" })).await.is(200);
    desk.tom.get("/tickets").await.is(200).shows("Open 1").shows("Closed 1");
    desk.finish().await;
}

#[tokio::test]
async fn the_desks_former_addresses_lead_to_the_new_ones() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    for (path, to) in [
        ("/admin/tickets".to_owned(), "/tickets".to_owned()),
        ("/admin/tickets?status=open&q=a%20b".to_owned(), "/tickets?status=open&q=a%20b".to_owned()),
        (format!("/admin/tickets/{id}"), format!("/tickets/{id}")),
    ] {
        let reply = desk.tom.get(&path).await.is(308);
        assert_eq!(reply.header("location"), to);
    }
    for path in ["details", "replies", "status"] {
        let reply = desk.tom.post(&format!("/admin/tickets/{id}/{path}"), &[("body", "x")]).await.is(308);
        assert_eq!(reply.header("location"), format!("/tickets/{id}/{path}"));
    }
    desk.tom.post("/admin/tickets", &[("subject", "x")]).await.is(308);
    desk.app.stranger().get("/tickets").await.goes_to("/login?next=%2Ftickets");
    desk.finish().await;
}

#[tokio::test]
async fn acceptance_40_the_desk_is_in_the_navigation_of_technicians_only() {
    let desk = desk().await;
    desk.tom.get("/tickets").await.is(200).shows("Unassigned");
    desk.ana.get("/tickets").await.is(200).shows("Tickets").hides("Unassigned");
    desk.finish().await;
}

#[tokio::test]
async fn a_form_sent_twice_does_its_work_once() {
    let desk = desk().await;
    let fields = [("_once", "abc"), ("subject", "Once")];
    let first = desk.ana.post("/tickets", &fields).await.is(303).header("location").to_owned();
    desk.ana.post("/tickets", &fields).await.goes_to(&first);
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 1);
    let files = [("files", "a.txt", "text/plain", b"x".as_slice())];
    let to = desk
        .ana
        .upload("/tickets", &[("_once", "def"), ("subject", "Two")], &files)
        .await
        .is(303)
        .header("location")
        .to_owned();
    desk.ana.upload("/tickets", &[("_once", "def"), ("subject", "Two")], &files).await.goes_to(&to);
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 2);
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM files")).await, 1);
    desk.finish().await;
}

#[tokio::test]
async fn hostile_text_is_shown_as_text_everywhere() {
    let desk = desk().await;
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7 * 7 }}";
    let id = raise(
        &desk.tom,
        json!({ "subject": evil, "description": evil, "category": evil.get(..60),
        "external_reference": evil, "company_id": desk.northwind.id, "requester_id": desk.ana.id }),
    )
    .await;
    say(&desk.tom, id, evil).await;
    note(&desk.tom, id, evil).await;
    put(&desk.tom, id, json!({ "subject": format!("{evil}!") })).await.is(200);
    for who in [&desk.tom, &desk.ana] {
        for path in [format!("/tickets/{id}"), "/tickets".to_owned(), format!("/tickets/new?follow_up={id}")] {
            let page = who.get(&path).await.is(200).hides("<script>alert").hides("<img src=x").shows("{{ 7 * 7 }}");
            assert!(!page.text().contains("style="), "no inline style: {path}");
        }
    }
    desk.app.run_jobs().await;
    for mail in desk.app.mails() {
        assert!(!mail.html.unwrap().contains("<script>alert"));
    }
    desk.finish().await;
}
