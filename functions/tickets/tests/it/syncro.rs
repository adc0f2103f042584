//! Tickets from Syncro, against a local server that speaks the documented API, faults included (tickets 9).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use shared::caller::Company;
use shared::db::sql;
use shared::jobs::Jobs;
use shared::outbound::Exceptions;
use shared::testing::web::{Answer, Received, Server};
use shared::testing::{Actor, TestApp, config};

use crate::help::{events, key, read};

/// What the other side has, and how it misbehaves.
#[derive(Default)]
pub struct Account {
    pub tickets: Vec<Value>,
    pub comments: HashMap<String, Vec<Value>>,
    /// Contents by path, without the host.
    pub files: HashMap<String, String>,
    /// Answers given once, by path.
    pub faults: HashMap<String, VecDeque<Answer>>,
    pub calls: Vec<String>,
}

pub struct Bench {
    pub app: TestApp,
    server: Server,
    account: Arc<Mutex<Account>>,
    pub ann: Actor,
    pub tom: Actor,
    pub ana: Actor,
    northwind: Company,
}

fn answer(account: &Mutex<Account>, request: &Received) -> Answer {
    let mut account = account.lock().unwrap();
    account.calls.push(request.target.clone());
    if request.header("authorization") != "Bearer syncro-key" {
        return Answer::Json(401, json!({ "error": "no" }));
    }
    if let Some(fault) = account.faults.get_mut(&request.target).and_then(VecDeque::pop_front) {
        return fault;
    }
    if let Some(content) = account.files.get(&request.target) {
        return Answer::Full(200, vec![("content-type", "text/plain".to_owned())], content.clone());
    }
    let target = request.target.strip_prefix("/api/v1").unwrap_or_default().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    if let Some(fault) = account.faults.get_mut(&target).and_then(VecDeque::pop_front) {
        return fault;
    }
    let query: HashMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["tickets"] => match query.get("number") {
            Some(number) => {
                let found = account.tickets.iter().filter(|t| t["number"].to_string().contains(*number)).cloned();
                Answer::Json(200, json!({ "tickets": found.collect::<Vec<_>>() }))
            }
            None => {
                assert_eq!(query["per_page"], "25");
                let page: usize = query["page"].parse().unwrap();
                let pages = account.tickets.len().div_ceil(25);
                let tickets: Vec<Value> = account.tickets.iter().skip((page - 1) * 25).take(25).map(listed).collect();
                let meta = json!({ "total_pages": pages, "total_entries": account.tickets.len(), "page": page,
                    "per_page": 25, "total": 61 });
                Answer::Json(200, json!({ "tickets": tickets, "meta": meta }))
            }
        },
        ["tickets", id] => match account.tickets.iter().find(|t| t["id"].as_i64() == id.parse().ok()) {
            Some(ticket) => Answer::Json(200, json!({ "ticket": ticket })),
            None => Answer::Json(404, json!({ "error": "Not found" })),
        },
        ["tickets", id, "comments"] => {
            let comments = account.comments.get(*id).cloned().unwrap_or_default();
            Answer::Json(200, json!({ "comments": comments, "meta": { "total_pages": 1 } }))
        }
        _ => Answer::status(404),
    }
}

/// A ticket as lists have it: only a ticket alone names its files.
fn listed(ticket: &Value) -> Value {
    let mut ticket = ticket.clone();
    if let Some(fields) = ticket.as_object_mut() {
        fields.remove("attachments");
    }
    ticket
}

pub fn ticket(id: i64) -> Value {
    json!({ "id": id, "number": id + 1000, "subject": format!("Ticket {id}"), "status": "New", "priority": "2 Normal",
        "problem_type": "Hardware", "customer_id": 77, "user_id": 5,
        "contact": { "name": "Ana Lima", "email": "ANA@example.com" }, "user": { "id": 5, "email": "tom@example.com" },
        "created_at": "2026-06-01T09:00:00.000-04:00", "updated_at": "2026-06-02T09:00:00.000-04:00" })
}

pub fn comment(id: i64, body: &str, hidden: bool, user: Option<i64>) -> Value {
    json!({ "id": id, "subject": "Update", "body": body, "hidden": hidden, "user_id": user, "tech": "Eve Tech",
        "created_at": format!("2026-06-01T{:02}:00:00-04:00", 9 + id % 10) })
}

pub async fn bench() -> Bench {
    let account = Arc::new(Mutex::new(Account::default()));
    let script = Arc::clone(&account);
    let server = Server::start(move |request| answer(&script, request)).await;
    let mut config = config();
    config.outbound_exceptions = Exceptions::parse("127.0.0.1").unwrap();
    config.module_defaults.insert("SYNCRO_WEBHOOK_URL", format!("{}/", server.url()));
    config.module_defaults.insert("SYNCRO_API_KEY", "syncro-key".to_owned());
    let app = TestApp::with(config, tickets::routes(), tickets::jobs().merge(Jobs::kernel())).await;
    let provider = app.provider("Northstar").await;
    let northwind = app.company("Northwind").await;
    let set = sql("UPDATE companies SET syncro_company_id = '77' WHERE id = ?");
    app.execute(set.bind(northwind.id)).await;
    let (ann, tom) = (app.super_admin("Ann").await, app.technician("Tom", &provider).await);
    let ana = app.member("Ana", &northwind).await;
    Bench { app, server, account, ann, tom, ana, northwind }
}

impl Bench {
    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap()
    }

    pub fn fault(&self, target: &str, answers: Vec<Answer>) {
        self.account().faults.insert(target.to_owned(), answers.into());
    }

    /// Starts a run as the console does and gives its id.
    pub async fn start(&self, fields: &[(&str, &str)]) -> i64 {
        self.ann.post("/admin/tickets/import", fields).await.goes_to("/admin/tickets/import");
        self.app.number(sql("SELECT MAX(id) FROM ticket_import_runs")).await
    }

    /// Works until the run is over; the clock moves as often as it has to.
    pub async fn finish_run(&self, id: i64) -> Value {
        for _ in 0..80 {
            self.app.run_jobs().await;
            let run = self.run(id).await;
            if !matches!(run["status"].as_str(), Some("queued" | "running")) {
                return run;
            }
            self.app.advance(TimeDelta::seconds(31));
        }
        panic!("the run does not end: {}", self.run(id).await);
    }

    async fn run(&self, id: i64) -> Value {
        self.ann.api(Method::GET, &format!("/api/tickets/import/syncro/runs/{id}")).await.is(200).value()
    }

    pub async fn import(&self, fields: &[(&str, &str)]) -> Value {
        let id = self.start(fields).await;
        self.finish_run(id).await
    }

    pub async fn all(&self) -> Value {
        self.import(&[("mode", "all"), ("include_comments", "true")]).await
    }

    async fn post(&self, body: Value) -> shared::testing::Reply {
        self.ann.json(Method::POST, "/api/tickets/import/syncro", body).await
    }

    /// Everything that an import wrote, without our own ids.
    async fn state(&self) -> Vec<String> {
        type Row = (String, String, Option<String>, String, i64);
        let tickets: Vec<Row> = self
            .app
            .rows(sql("SELECT external_reference, subject, description, status, version FROM tickets \
                 WHERE external_source = 'syncro' ORDER BY external_reference LIMIT 500"))
            .await;
        let replies: Vec<(String, String, bool)> = self
            .app
            .rows(sql("SELECT external_reference, body, is_internal FROM ticket_replies \
                 WHERE external_source = 'syncro' ORDER BY external_reference LIMIT 500"))
            .await;
        let tickets = tickets.iter().map(|row| format!("{row:?}"));
        tickets.chain(replies.iter().map(|row| format!("{row:?}"))).collect()
    }

    pub async fn finish(self) {
        self.app.run_jobs().await;
        drop(self.server);
        self.app.finish().await;
    }
}

pub fn figures(run: &Value) -> [i64; 5] {
    ["fetched", "created", "updated", "skipped", "failed"].map(|name| run[name].as_i64().unwrap())
}

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
async fn ranges_ask_for_each_id_and_missing_ones_are_skipped() {
    let bench = bench().await;
    bench.account().tickets = vec![ticket(10)];
    let (reply, ()) = tokio::join!(bench.post(json!({ "mode": "range", "start_id": 10, "endId": 11 })), async {
        while bench.app.run_jobs().await.succeeded == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    let run = reply.is(202).value();
    assert_eq!((figures(&run), run["status"].as_str()), ([1, 1, 0, 1, 0], Some("succeeded")));
    assert_eq!(run["mode"], "range");
    bench.finish().await;
}

#[tokio::test]
async fn numbers_are_found_exactly() {
    let bench = bench().await;
    bench.account().tickets = vec![ticket(11), ticket(101)];
    bench.account().tickets[0]["number"] = json!(21011);
    bench.account().tickets[1]["number"] = json!(1011);
    let run = bench.import(&[("mode", "single"), ("ticket_id", "1011"), ("lookup", "number")]).await;
    assert_eq!(figures(&run), [1, 1, 0, 0, 0]);
    assert_eq!(bench.app.number(sql("SELECT COUNT(*) FROM tickets WHERE external_reference = '101'")).await, 1);
    let run = bench.import(&[("mode", "single"), ("ticket_id", "5"), ("lookup", "number")]).await;
    assert_eq!(figures(&run), [0, 0, 0, 1, 0]);
    bench.finish().await;
}

#[tokio::test]
async fn all_pages_are_read_once_and_the_first_once_more() {
    let bench = bench().await;
    bench.account().tickets = (1..=61).map(ticket).collect();
    let run = bench.import(&[("mode", "all")]).await;
    assert_eq!((figures(&run), run["total_pages"].as_i64()), ([61, 61, 0, 0, 0], Some(3)));
    let pages: Vec<String> = bench.account().calls.iter().filter(|call| call.contains("page=")).cloned().collect();
    let wanted = [1, 2, 3, 1].map(|page| format!("/api/v1/tickets?page={page}&per_page=25"));
    assert_eq!(pages, wanted);
    bench.finish().await;
}

#[tokio::test]
async fn faults_are_waited_out_and_one_bad_ticket_does_not_end_a_run() {
    let bench = bench().await;
    bench.account().tickets = (1..=4).map(ticket).collect();
    let page = "/tickets?page=1&per_page=25";
    let slow_down = Answer::Full(429, vec![("retry-after", "7".to_owned())], String::new());
    bench.fault(page, vec![slow_down.clone(), Answer::status(500), Answer::Cut, Answer::Json(502, json!({}))]);
    let broken = Answer::Full(200, vec![("content-type", "application/json".to_owned())], "{\"comm".to_owned());
    bench.fault("/tickets/2/comments?page=1", vec![broken, Answer::Cut, slow_down]);
    bench.fault("/tickets/3/comments?page=1", vec![Answer::status(500); 4]);
    let run = bench.all().await;
    assert_eq!((run["status"].as_str(), figures(&run)), (Some("succeeded"), [4, 3, 0, 0, 1]), "{run}");
    assert_eq!(
        (&run["errors"][0]["external_reference"], &run["errors"][0]["message"]),
        (&json!("3"), &json!("Syncro answered 500"))
    );
    bench.ann.get(&format!("/admin/tickets/import/{}", run["run_id"])).await.is(200).shows("Syncro answered 500");
    // The next run brings what was missing.
    assert_eq!(figures(&bench.all().await), [4, 1, 0, 3, 0]);
    // A page that stays broken ends the run, with its reason.
    bench.fault(page, vec![Answer::status(503); 4]);
    let run = bench.all().await;
    assert_eq!(run["status"], "failed");
    assert!(run["last_error"].as_str().unwrap().contains("Syncro answered 503"), "{run}");
    bench.fault(page, vec![Answer::status(403)]);
    let run = bench.all().await;
    assert_eq!(run["status"], "failed");
    assert!(run["last_error"].as_str().unwrap().contains("refused the key"), "{run}");
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
async fn a_kill_at_any_point_neither_loses_nor_doubles() {
    let calls = {
        let bench = disturbed().await;
        let run = bench.all().await;
        assert_eq!(figures(&run), [27, 27, 0, 0, 0]);
        let calls = bench.server.received().len();
        bench.finish().await;
        calls
    };
    for kill_at in [1, 2, 3, 14, 26, 27, 28, 29, calls - 1, calls] {
        let bench = disturbed().await;
        let id = bench.start(&[("mode", "all"), ("include_comments", "true")]).await;
        // The process is gone as soon as so many questions were asked.
        tokio::select! {
            _ = bench.app.run_jobs() => {}
            () = async { while bench.server.received().len() < kill_at { tokio::task::yield_now().await; } } => {}
        }
        let run = bench.finish_run(id).await;
        assert_eq!(
            (run["status"].as_str(), run["created"].as_i64(), run["failed"].as_i64()),
            (Some("succeeded"), Some(27), Some(0)),
            "{kill_at}"
        );
        assert_eq!(run["comments_created"], 27);
        assert_eq!(bench.state().await.len(), 54, "{kill_at}");
        bench.finish().await;
    }
}

async fn disturbed() -> Bench {
    let bench = bench().await;
    bench.account().tickets = (1..=27).map(ticket).collect();
    for id in 1..=27 {
        bench.account().comments.insert(id.to_string(), vec![comment(id * 10, "Said", false, Some(6))]);
    }
    bench
}

#[tokio::test]
async fn one_run_at_a_time_and_a_run_can_be_cancelled() {
    let bench = bench().await;
    bench.account().tickets = (1..=3).map(ticket).collect();
    let (first, second) = tokio::join!(bench.post(json!({ "mode": "all" })), bench.post(json!({ "mode": "all" })));
    let mut codes = [first.status, second.status];
    codes.sort_unstable();
    assert_eq!(codes, [202, 409]);
    let (done, refused) = if first.status == 202 { (first, second) } else { (second, first) };
    let id = done.value()["run_id"].clone();
    assert_eq!((&refused.value()["run_id"], &done.value()["status"]), (&id, &json!("queued")));
    bench.ann.get("/admin/tickets/import").await.is(200).shows("Waits for the worker").shows("hx-trigger");
    let cancel = format!("/api/tickets/import/syncro/runs/{id}/cancel");
    assert_eq!(bench.ann.api(Method::POST, &cancel).await.is(200).value()["status"], "cancelled");
    bench.ann.api(Method::POST, &cancel).await.is(409);
    bench.app.run_jobs().await;
    assert_eq!(bench.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 0);
    assert!(bench.server.received().is_empty());
    bench.ann.get("/admin/tickets/import").await.is(200).shows("Cancelled").hides("hx-trigger=\"every");
    let list = bench.ann.api(Method::GET, "/api/tickets/import/syncro/runs").await.is(200);
    assert_eq!((list.header("x-total-count"), list.value().as_array().unwrap().len()), ("1", 1));
    // A form cancels as well, and one that comes too late is told so.
    let id = bench.start(&[("mode", "all")]).await;
    bench.ann.post(&format!("/admin/tickets/import/{id}/cancel"), &[]).await.goes_to("/admin/tickets/import");
    bench.ann.post(&format!("/admin/tickets/import/{id}/cancel"), &[]).await.goes_to("/admin/tickets/import");
    bench.finish().await;
}

#[tokio::test]
async fn a_run_without_worker_goes_on_after_five_minutes() {
    let bench = bench().await;
    bench.account().tickets = vec![ticket(1)];
    let id = bench.start(&[("mode", "all")]).await;
    // Its job is gone for good.
    bench.app.execute(sql("DELETE FROM jobs WHERE kind = 'ticket.syncro_import'")).await;
    bench.app.run_jobs().await;
    assert_eq!(bench.run(id).await["status"], "queued");
    bench.app.advance(TimeDelta::minutes(6));
    bench.app.run_jobs().await;
    assert_eq!(figures(&bench.finish_run(id).await), [1, 1, 0, 0, 0]);
    bench.finish().await;
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_before_anything_is_fetched() {
    let bench = bench().await;
    bench.post(json!({ "mode": "range", "startId": 5, "endId": 4 })).await.refuses("end_id");
    bench.post(json!({ "mode": "range", "startId": 1, "endId": 5001 })).await.is(400);
    bench.post(json!({ "mode": "single" })).await.refuses("ticket_id");
    bench.post(json!({ "mode": "single", "ticketId": 1, "ticket_id": 2 })).await.refuses("ticket_id");
    bench.post(json!({ "mode": "some" })).await.refuses("mode");
    bench
        .ann
        .post("/admin/tickets/import", &[("mode", "single"), ("ticket_id", "x")])
        .await
        .refuses("ticket_id")
        .shows("value=\"x\"");
    assert!(bench.server.received().is_empty());
    assert_eq!(bench.app.number(sql("SELECT COUNT(*) FROM ticket_import_runs")).await, 0);
    bench.finish().await;
    let app = crate::help::portal().await;
    let ann = app.super_admin("Ann").await;
    ann.json(Method::POST, "/api/tickets/import/syncro", json!({ "mode": "all" }))
        .await
        .is(503)
        .says("Syncro is not configured");
    ann.get("/admin/tickets/import").await.is(200).shows("Syncro is not set up");
    app.finish().await;
}

#[tokio::test]
async fn only_super_administrators_and_portal_wide_keys_import() {
    let bench = bench().await;
    let body = json!({ "mode": "range", "startId": 1, "endId": 100 });
    bench.app.stranger().json(Method::POST, "/api/tickets/import/syncro", body.clone()).await.is(401);
    for who in [&bench.tom, &bench.ana] {
        who.json(Method::POST, "/api/tickets/import/syncro", body.clone()).await.is(403);
        who.api(Method::GET, "/api/tickets/import/syncro/runs").await.is(403);
        who.api(Method::GET, "/api/tickets/import/syncro/runs/1").await.is(403);
        who.api(Method::POST, "/api/tickets/import/syncro/runs/1/cancel").await.is(403);
        for path in ["/admin/tickets/import", "/admin/tickets/import/all", "/admin/tickets/import/1"] {
            who.get(path).await.goes_to("/");
        }
        who.post("/admin/tickets/import", &[("mode", "all")]).await.goes_to("/");
        who.post("/admin/syncro/import-tickets", &[("mode", "all")]).await.goes_to("/");
    }
    let limited = key(&bench.app, "tickets:write", Some(bench.northwind.id)).await;
    limited.json(Method::POST, "/api/tickets/import/syncro", body.clone()).await.is(403);
    bench.ann.api(Method::GET, "/api/tickets/import/syncro/runs/99").await.is(404);
    bench.ann.get("/admin/tickets/import/99").await.is(404);
    bench.ann.get("/admin/tickets/import/all").await.is(200);
    let wide = key(&bench.app, "tickets:write", None).await;
    let id =
        wide.json(Method::POST, "/api/tickets/import/syncro", body).await.is(202).value()["run_id"].as_i64().unwrap();
    bench.finish_run(id).await;
    // The address of the portal before this one.
    let form = [("mode", "range"), ("startId", "1"), ("endId", "99")];
    bench.ann.post("/admin/syncro/import-tickets", &form).await.goes_to("/admin/tickets/import");
    bench.finish_run(id + 1).await;
    bench.finish().await;
}

#[tokio::test]
async fn the_former_address_speaks_json_to_programs_and_pages_to_people() {
    let bench = bench().await;
    let path = "/admin/syncro/import-tickets";
    let wrong = json!({ "mode": "range", "startId": 5, "endId": 4 });
    let reply = bench.ann.json(Method::POST, path, wrong).await.is(422);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert!(reply.value()["errors"].is_object(), "{}", reply.text());
    bench.ann.json(Method::POST, path, json!({ "mode": "some" })).await.refuses("mode");
    let id = bench.start(&[("mode", "all")]).await;
    let busy = bench.ann.json(Method::POST, path, json!({ "mode": "all" })).await.is(409);
    assert_eq!((busy.header("content-type"), busy.value()["status"].clone()), ("application/problem+json", json!(409)));
    bench.ann.post(path, &[("mode", "all")]).await.goes_to("/admin/tickets/import");
    bench.ann.get("/admin/tickets/import").await.is(200).shows("already running");
    bench.finish_run(id).await;
    let stranger = bench.app.stranger().json(Method::POST, path, json!({ "mode": "all" })).await.is(401);
    assert_eq!(stranger.header("content-type"), "application/problem+json");
    bench.finish().await;
}

#[tokio::test]
async fn super_admins_find_the_import_beside_the_list_and_nobody_else_does() {
    let bench = bench().await;
    bench.ann.get("/tickets").await.is(200).shows("&#x2f;admin&#x2f;tickets&#x2f;import");
    bench.ann.get("/admin/tickets/import").await.is(200).shows("aria-current=\"page\"");
    let provider = bench.app.provider("Second").await;
    let tom = bench.app.technician("Terry", &provider).await;
    tom.get("/tickets").await.is(200).hides("tickets&#x2f;import");
    bench.finish().await;
}

#[tokio::test]
async fn a_hundred_and_eighty_calls_a_minute_over_all_processes() {
    use shared::outbound_slots::{take, used};
    use shared::syncro::LIMIT;
    let bench = bench().await;
    let app = bench.app.app();
    let began = app.now();
    // Two processes share nothing but the database.
    let (one, other) = tokio::join!(taken(app), taken(app));
    assert_eq!(one + other, 180);
    let wait = take(app, &LIMIT).await.unwrap().unwrap_err();
    assert!(wait >= TimeDelta::seconds(60), "{wait}");
    bench.app.advance(TimeDelta::seconds(59));
    assert!(take(app, &LIMIT).await.unwrap().is_err());
    bench.app.advance(began + wait - app.now());
    take(app, &LIMIT).await.unwrap().unwrap();
    assert_eq!(used(app.db(), &LIMIT, app.now()).await.unwrap(), 1);
    // A run that meets the limit waits by its job and then goes on.
    taken(app).await;
    bench.account().tickets = vec![ticket(1)];
    let id = bench.start(&[("mode", "single"), ("ticket_id", "1"), ("lookup", "id")]).await;
    bench.app.run_jobs().await;
    assert!(bench.server.received().is_empty());
    assert_eq!(figures(&bench.finish_run(id).await), [1, 1, 0, 0, 0]);
    bench.finish().await;
}

async fn taken(app: &shared::app::App) -> i64 {
    let mut count = 0;
    for _ in 0..200 {
        match shared::outbound_slots::take(app, &shared::syncro::LIMIT).await {
            Ok(Ok(())) => count += 1,
            Ok(Err(_)) => break,
            Err(shared::error::Error::Busy) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    count
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
