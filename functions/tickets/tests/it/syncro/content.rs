//! What becomes of a ticket: its people, its times, what was said, and what a later run changes.

use http::Method;
use serde_json::json;
use shared::db::sql;

use super::{bench, comment, figures, ticket};
use crate::help::{events, read};

#[tokio::test]
async fn a_ticket_comes_with_its_people_its_times_and_what_was_said() {
    let bench = bench().await;
    {
        let mut account = bench.account();
        let mut ours = ticket(11);
        ours["status"] = json!("Waiting on Customer");
        ours["priority"] = json!("0 Urgent");
        account.tickets.push(ours);
        let mut issue = comment(100, "<p>It <b>jams</b> &amp; smokes</p>", false, None);
        issue["subject"] = json!("Initial Issue");
        let said = vec![
            comment(103, "Customer was rude", true, Some(6)),
            issue,
            comment(101, "We look", false, Some(5)),
            comment(102, "Thanks", false, None),
        ];
        account.comments.insert("11".to_owned(), said);
    }
    let run =
        bench.import(&[("mode", "single"), ("ticket_id", "11"), ("lookup", "id"), ("include_comments", "true")]).await;
    assert_eq!(
        (run["status"].as_str(), figures(&run), run["comments_created"].as_i64()),
        (Some("succeeded"), [1, 1, 0, 0, 0], Some(3))
    );
    let list = bench.tom.api(Method::GET, "/api/tickets").await.is(200).value();
    let id = list["items"][0]["id"].as_i64().unwrap();
    let ours = read(&bench.tom, id).await;
    assert_eq!(
        (&ours["status"], &ours["priority"], &ours["category"]),
        (&json!("pending"), &json!("urgent"), &json!("Hardware"))
    );
    assert_eq!(
        (&ours["external_reference"], &ours["external_number"], &ours["source"]),
        (&json!("11"), &json!("1011"), &json!("syncro"))
    );
    assert_eq!(
        (&ours["company_id"], &ours["requester_id"], &ours["assigned_user_id"]),
        (&json!(bench.northwind.id), &json!(bench.ana.id), &json!(bench.tom.id))
    );
    assert_eq!(
        (&ours["created_at"], &ours["updated_at"]),
        (&json!("2026-06-01T13:00:00Z"), &json!("2026-06-02T13:00:00Z"))
    );
    assert_eq!(ours["description"], "It jams & smokes");
    let said: Vec<(&str, &str, bool)> = ours["replies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["body"].as_str().unwrap(), r["author_name"].as_str().unwrap(), r["is_internal"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        said,
        [("We look", "Tom Example", false), ("Thanks", "Ana Example", false), ("Customer was rude", "Eve Tech", true)]
    );
    assert_eq!(ours["last_reply_side"], "requester");
    // The customer reads what is theirs, and nobody was told by mail.
    assert_eq!(read(&bench.ana, id).await["replies"].as_array().unwrap().len(), 2);
    bench.app.run_jobs().await;
    assert!(bench.app.mails().is_empty() && events(&bench.app).await.is_empty());
    let trail = bench.app.audit().await;
    assert!(
        trail.contains(&"tickets.import_started".to_owned()) && trail.contains(&"tickets.import_finished".to_owned())
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_second_run_changes_nothing_and_a_later_one_follows() {
    let bench = bench().await;
    bench.account().tickets = (1..=5).map(ticket).collect();
    bench.account().comments.insert("3".to_owned(), vec![comment(30, "First", false, Some(6))]);
    assert_eq!(figures(&bench.all().await), [5, 5, 0, 0, 0]);
    let before = bench.state().await;
    assert_eq!(before.len(), 6);
    let again = bench.all().await;
    assert_eq!((figures(&again), again["comments_created"].as_i64()), ([5, 0, 0, 5, 0], Some(0)));
    assert_eq!(bench.state().await, before);
    // What is done here stays; what Syncro says wins where it changed.
    let id = bench.app.number(sql("SELECT id FROM tickets WHERE external_reference = '3'")).await;
    let body = json!({ "body": "Written here" });
    bench.tom.json(Method::POST, &format!("/api/tickets/{id}/replies"), body).await.is(201);
    {
        let mut account = bench.account();
        account.tickets[2]["status"] = json!("Invoiced");
        account.tickets[2]["subject"] = json!("Changed there");
        account.tickets[2]["contact"] = json!(null);
        account.tickets[2]["user"] = json!(null);
        account.tickets[2]["updated_at"] = json!("2026-07-01T09:00:00-04:00");
        let said = vec![
            comment(20, "What it is about", false, None),
            comment(30, "First, edited", true, Some(6)),
            comment(31, "Second", false, None),
        ];
        account.comments.insert("3".to_owned(), said);
    }
    let third = bench.all().await;
    assert_eq!((figures(&third), third["comments_created"].as_i64()), ([5, 0, 1, 4, 0], Some(1)));
    let ours = read(&bench.tom, id).await;
    assert_eq!((&ours["status"], &ours["subject"]), (&json!("closed"), &json!("Changed there")));
    assert!(!ours["closed_at"].is_null());
    assert_eq!((&ours["requester_id"], &ours["assigned_user_id"]), (&json!(bench.ana.id), &json!(bench.tom.id)));
    let said: Vec<(&str, bool)> = ours["replies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["body"].as_str().unwrap(), r["is_internal"].as_bool().unwrap()))
        .collect();
    assert!(said.contains(&("Written here", false)) && said.contains(&("Second", false)), "{said:?}");
    assert!(said.contains(&("First, edited", true)), "{said:?}");
    bench.finish().await;
}

#[tokio::test]
async fn odd_records_are_taken_as_far_as_they_go() {
    let bench = bench().await;
    let mut unknown = ticket(7);
    unknown["customer_id"] = json!(999);
    let mut embedded = ticket(8);
    embedded["comments"] = json!([comment(80, "a\u{0}b 😀", false, Some(6)), comment(80, "a\u{0}b 😀", false, Some(6)), null, "x", { "id": null }]);
    bench.account().tickets = vec![
        json!({ "subject": "No id" }),
        json!(null),
        json!({ "id": 5, "subject": null, "status": 7, "created_at": "yesterday", "customer_id": {} }),
        json!({ "id": "6", "subject": "x".repeat(400), "problem_type": "y".repeat(200) }),
        unknown,
        embedded,
    ];
    let run = bench.all().await;
    assert_eq!((run["status"].as_str(), figures(&run)), (Some("succeeded"), [6, 4, 0, 2, 0]), "{run}");
    assert_eq!(run["without_company"], 1);
    let subject: Vec<(String,)> =
        bench.app.rows(sql("SELECT subject FROM tickets WHERE external_reference = '5' LIMIT 1")).await;
    assert_eq!(subject[0].0, "Syncro Ticket 5");
    let again = bench.all().await;
    assert_eq!(figures(&again), [6, 0, 0, 6, 0]);
    bench.finish().await;
}

#[tokio::test]
async fn automations_hear_of_an_import_only_when_asked_and_people_never() {
    let bench = bench().await;
    bench.account().tickets = vec![ticket(1)];
    let reply = bench.post(json!({ "mode": "all", "emitEvents": true })).await.is(202).value();
    bench.finish_run(reply["run_id"].as_i64().unwrap()).await;
    bench.app.run_jobs().await;
    assert_eq!(events(&bench.app).await, ["tickets.created"]);
    assert!(bench.app.mails().is_empty());
    bench.finish().await;
}
