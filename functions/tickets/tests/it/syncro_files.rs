//! Files of tickets from Syncro, against local servers: the account, and another where it keeps files.

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::testing::web::{Answer, Received, Server};

use crate::help::{raise, read};
use crate::syncro::{Bench, bench, comment, figures, ticket};

/// What lies elsewhere: whoever knows the address gets it.
fn elsewhere(request: &Received) -> Answer {
    let text = |body: &str| Answer::Full(200, vec![("content-type", "text/plain".to_owned())], body.to_owned());
    match request.target.as_str() {
        "/store/plan.txt?sig=1" => text("the plan"),
        "/store/moved" => text("was moved"),
        "/store/large" => Answer::Raw("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\nbegins"),
        _ => Answer::status(403),
    }
}

fn file(id: i64, name: &str, url: &str) -> Value {
    json!({ "id": id, "file_name": name, "file": { "url": url } })
}

async fn with_files(files: Value, prepare: impl FnOnce(&Bench)) -> (Bench, i64) {
    let bench = bench().await;
    prepare(&bench);
    bench.account().files.insert("/files/own.txt".to_owned(), "our own".to_owned());
    let mut ours = ticket(11);
    ours["attachments"] = files;
    bench.account().tickets = vec![ours];
    let run = bench.import(&[("mode", "all"), ("include_comments", "true"), ("include_attachments", "true")]).await;
    assert_eq!(figures(&run), [1, 1, 0, 0, 0]);
    let id = bench.app.number(sql("SELECT id FROM tickets WHERE external_reference = '11'")).await;
    (bench, id)
}

/// Lets the jobs of files do their tries.
async fn fetched(bench: &Bench) {
    for _ in 0..6 {
        bench.app.run_jobs().await;
        bench.app.advance(TimeDelta::seconds(61));
    }
}

fn names(ticket: &Value) -> Vec<&str> {
    ticket["attachments"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn files_are_fetched_once_and_hang_on_a_note_that_customers_do_not_see() {
    let other = Server::start(elsewhere).await;
    let at = |path: &str| format!("{}{path}", other.url());
    let moved = Answer::Full(302, vec![("location", at("/store/moved"))], String::new());
    let files = json!([
        file(1, "own.txt", "/files/own.txt"),
        file(2, "plan.txt", &at("/store/plan.txt?sig=1")),
        file(3, "moved.txt", "/files/moved"),
        file(4, "expired.txt", &at("/store/expired")),
        file(5, "large.iso", &at("/store/large")),
        file(6, "gone.txt", "/files/gone"),
        null,
    ]);
    let (bench, id) = with_files(files, |bench| bench.fault("/files/moved", vec![moved])).await;
    fetched(&bench).await;
    let ours = read(&bench.tom, id).await;
    let mut found = names(&ours);
    found.sort_unstable();
    assert_eq!(found, ["moved.txt", "own.txt", "plan.txt"]);
    let notes: Vec<&Value> = ours["replies"].as_array().unwrap().iter().collect();
    assert_eq!(
        (notes.len(), &notes[0]["body"], &notes[0]["is_internal"]),
        (1, &json!("Files from Syncro"), &json!(true))
    );
    let theirs = read(&bench.ana, id).await;
    assert_eq!((names(&theirs).len(), theirs["replies"].as_array().unwrap().len()), (0, 0));
    for file in ours["attachments"].as_array().unwrap() {
        assert_eq!(file["reply_id"], notes[0]["id"]);
        bench.tom.get(file["url"].as_str().unwrap()).await.is(302);
        bench.ana.get(file["url"].as_str().unwrap()).await.is(404);
    }
    // The key of the account goes to the account only.
    assert!(other.received().iter().all(|request| request.header("authorization").is_empty()));
    let run = bench.app.number(sql("SELECT MAX(id) FROM ticket_import_runs")).await;
    let page = bench.ann.get(&format!("/admin/tickets/import/{run}")).await.is(200);
    let page = page.shows("Files 3").shows("no longer valid").shows("larger than").shows("no longer has it");
    page.hides("still to be fetched");
    let kept = bench.app.number(sql("SELECT COUNT(*) FROM ticket_import_files WHERE address <> ''")).await;
    assert_eq!(kept, 0, "addresses open files to whoever knows them");
    // A later change brings none of them again.
    let asked = other.received().len();
    bench.account().tickets[0]["updated_at"] = json!("2026-07-01T09:00:00-04:00");
    bench.account().tickets[0]["subject"] = json!("Changed there");
    bench.import(&[("mode", "single"), ("ticket_id", "11"), ("include_attachments", "true")]).await;
    fetched(&bench).await;
    assert_eq!((other.received().len(), names(&read(&bench.tom, id).await).len()), (asked, 3));
    drop(other);
    bench.finish().await;
}

#[tokio::test]
async fn faults_on_the_way_to_a_file_are_waited_out() {
    let slow_down = || Answer::Full(429, vec![("retry-after", "7".to_owned())], String::new());
    let (bench, id) = with_files(json!([file(1, "own.txt", "/files/own.txt")]), |bench| {
        bench.fault("/tickets/11", vec![slow_down(), Answer::Cut, Answer::status(500)]);
        bench.fault("/files/own.txt", vec![slow_down(), Answer::Cut, Answer::status(503)]);
    })
    .await;
    assert!(names(&read(&bench.tom, id).await).is_empty());
    fetched(&bench).await;
    fetched(&bench).await;
    assert_eq!(names(&read(&bench.tom, id).await), ["own.txt"]);
    bench.finish().await;
}

#[tokio::test]
async fn files_are_left_out_when_nobody_asks_for_them() {
    let bench = bench().await;
    let mut ours = ticket(11);
    ours["attachments"] = json!([file(1, "own.txt", "/files/own.txt")]);
    bench.account().tickets = vec![ours];
    bench.import(&[("mode", "single"), ("ticket_id", "11")]).await;
    fetched(&bench).await;
    assert_eq!(bench.app.number(sql("SELECT COUNT(*) FROM ticket_import_files")).await, 0);
    assert!(!bench.account().calls.iter().any(|call| call.contains("/files/")));
    bench.finish().await;
}

#[tokio::test]
async fn a_merged_ticket_stays_as_it_is_and_what_is_said_there_goes_on_where_it_is_read() {
    let (bench, id) = with_files(json!([file(1, "own.txt", "/files/own.txt")]), |bench| {
        bench.fault("/files/own.txt", vec![Answer::status(503)]);
    })
    .await;
    let target = raise(&bench.ana, json!({ "subject": "The real one" })).await;
    let merge = format!("/api/tickets/{target}/merge");
    bench.tom.json(Method::POST, &merge, json!({ "ids": [id] })).await.is(200);
    fetched(&bench).await;
    {
        let mut account = bench.account();
        account.tickets[0]["status"] = json!("In Progress");
        account.tickets[0]["updated_at"] = json!("2026-07-01T09:00:00-04:00");
        account
            .comments
            .insert("11".to_owned(), vec![comment(1, "What it is", false, None), comment(2, "More", false, Some(6))]);
    }
    let run = bench.import(&[("mode", "all"), ("include_comments", "true")]).await;
    assert_eq!(run["failed"], 0, "{run}");
    let merged = read(&bench.tom, id).await;
    assert_eq!((&merged["status"], &merged["merged_into_id"]), (&json!("closed"), &json!(target)));
    let there = read(&bench.tom, target).await;
    assert_eq!(names(&there), ["own.txt"]);
    let said: Vec<&str> = there["replies"].as_array().unwrap().iter().filter_map(|r| r["body"].as_str()).collect();
    assert!(said.contains(&"More"), "{said:?}");
    assert_eq!(merged["replies"], json!([]));
    let again = bench.import(&[("mode", "all"), ("include_comments", "true")]).await;
    assert_eq!(again["comments_created"], 0);
    bench.finish().await;
}
