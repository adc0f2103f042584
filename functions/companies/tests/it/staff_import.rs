//! Staff from Syncro, against a local server that speaks the documented API with its faults, and from files
//! (organisation 10.1, 10.7; acceptance 27).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use serde_json::{Value, json};
use shared::caller::Company;
use shared::commands::Progress;
use shared::db::sql;
use shared::jobs::Jobs;
use shared::outbound::Exceptions;
use shared::testing::web::{Answer, Received, Server};
use shared::testing::{Actor, Reply, TestApp, config};

use crate::staff::{person, with_level, work_for};

/// What the other side has, and how it misbehaves.
#[derive(Default)]
struct Account {
    contacts: Vec<Value>,
    /// Answers given once, by page.
    faults: HashMap<usize, VecDeque<Answer>>,
}

struct Bench {
    app: TestApp,
    server: Server,
    account: Arc<Mutex<Account>>,
    ann: Actor,
    acme: Company,
}

/// `GET /api/v1/contacts?customer_id=…&page=…`, 25 to a page, as the API of Syncro is documented.
fn answer(account: &Mutex<Account>, request: &Received) -> Answer {
    let mut account = account.lock().unwrap();
    if request.header("authorization") != "Bearer syncro-key" {
        return Answer::Json(401, json!({ "error": "no" }));
    }
    let Some(query) = request.target.strip_prefix("/api/v1/contacts?") else { return Answer::status(404) };
    let query: HashMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let page: usize = query["page"].parse().unwrap();
    if let Some(fault) = account.faults.get_mut(&page).and_then(VecDeque::pop_front) {
        return fault;
    }
    if query["customer_id"] != "77" {
        return Answer::Json(404, json!({ "error": "Not found" }));
    }
    let contacts: Vec<Value> = account.contacts.iter().skip((page - 1) * 25).take(25).cloned().collect();
    let pages = account.contacts.len().div_ceil(25);
    let meta = json!({ "total_pages": pages, "total_entries": account.contacts.len(), "page": page, "per_page": 25 });
    Answer::Json(200, json!({ "contacts": contacts, "meta": meta }))
}

fn contact(id: i64) -> Value {
    json!({ "id": id, "customer_id": 77, "name": format!("Pat Number{id}"), "email": format!("pat{id}@example.com"),
        "mobile": "+44 7700 900123", "phone": "", "address1": "12 Mill Lane", "city": "Leeds", "state": null,
        "zip": "LS1 4AP", "title": "Clerk", "created_at": "2026-01-02T09:00:00.000-05:00" })
}

async fn bench() -> Bench {
    let account = Arc::new(Mutex::new(Account::default()));
    let script = Arc::clone(&account);
    let server = Server::start(move |request| answer(&script, request)).await;
    let mut config = config();
    config.outbound_exceptions = Exceptions::parse("127.0.0.1").unwrap();
    config.module_defaults.insert("SYNCRO_WEBHOOK_URL", format!("{}/", server.url()));
    config.module_defaults.insert("SYNCRO_API_KEY", "syncro-key".to_owned());
    let app = TestApp::with(config, companies::routes(), companies::jobs().merge(Jobs::kernel())).await;
    let acme = app.company("Acme").await;
    app.execute(sql("UPDATE companies SET syncro_company_id = '77' WHERE id = ?").bind(acme.id)).await;
    let ann = app.super_admin("Ann").await;
    work_for(&ann, &acme).await;
    Bench { app, server, account, ann, acme }
}

impl Bench {
    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap()
    }

    fn fault(&self, page: usize, answers: Vec<Answer>) {
        self.account().faults.insert(page, answers.into());
    }

    /// Starts a run as the page does and gives its number.
    async fn start(&self) -> i64 {
        let reply = self.ann.post("/admin/syncro/import-contacts", &[("syncroCompanyId", "77")]).await.is(303);
        reply.header("location").rsplit('/').next().unwrap().parse().unwrap()
    }

    async fn run(&self, id: i64) -> (String, [i64; 4], Option<String>) {
        let query = sql("SELECT status, created, updated, unchanged, skipped, last_error FROM staff_imports \
             WHERE id = ? LIMIT 1");
        let rows: Vec<(String, i64, i64, i64, i64, Option<String>)> = self.app.rows(query.bind(id)).await;
        let (status, created, updated, unchanged, skipped, error) = rows.into_iter().next().unwrap();
        (status, [created, updated, unchanged, skipped], error)
    }

    /// Works until the run is over; the clock moves as often as it has to.
    async fn finish_run(&self, id: i64) -> (String, [i64; 4], Option<String>) {
        for _ in 0..60 {
            self.app.run_jobs().await;
            let run = self.run(id).await;
            if !matches!(run.0.as_str(), "queued" | "running") {
                return run;
            }
            self.app.advance(TimeDelta::seconds(31));
        }
        panic!("the run does not end: {:?}", self.run(id).await);
    }

    async fn import(&self) -> (String, [i64; 4], Option<String>) {
        let id = self.start().await;
        self.finish_run(id).await
    }

    /// The same by program, while a worker works beside.
    async fn call(&self, body: Value) -> Reply {
        let work = async {
            for _ in 0..200 {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                self.app.run_jobs().await;
            }
        };
        tokio::select! {
            reply = self.ann.json(Method::POST, "/admin/syncro/import-contacts", body) => reply,
            () = work => panic!("the request did not end"),
        }
    }

    /// Everything that an import wrote, times included.
    async fn state(&self) -> Vec<String> {
        type Row = (i64, Option<String>, String, String, Option<String>, Option<String>, DateTime<Utc>);
        let rows: Vec<Row> = self
            .app
            .rows(sql("SELECT id, syncro_contact_id, first_name, last_name, email, postcode, updated_at FROM staff \
                 ORDER BY id LIMIT 5000"))
            .await;
        rows.iter().map(|row| format!("{row:?}")).collect()
    }

    async fn notes(&self) -> Vec<String> {
        let rows: Vec<(String, String)> =
            self.app.rows(sql("SELECT reference, message FROM staff_import_notes ORDER BY id LIMIT 500")).await;
        rows.into_iter().map(|(who, what)| format!("{who}: {what}")).collect()
    }

    async fn finish(self) {
        self.app.run_jobs().await;
        drop(self.server);
        self.app.finish().await;
    }
}

#[tokio::test]
async fn two_pages_become_staff_and_a_second_run_changes_nothing() {
    let bench = bench().await;
    {
        let mut account = bench.account();
        account.contacts = (1..=30).map(contact).collect();
        account.contacts.push(json!({ "id": 31, "name": "Ex Staff - Jo", "email": "jo@example.com" }));
        // Two people of one name with different addresses stay two.
        account.contacts.push(json!({ "id": 32, "name": "Sam Lee", "email": "sam.a@example.com" }));
        account.contacts.push(json!({ "id": 33, "name": "Sam Lee", "email": "sam.b@example.com" }));
    }
    let done = bench.call(json!({ "syncroCompanyId": 77 })).await.is(200).value();
    let figures = ["created", "updated", "unchanged", "skipped"].map(|name| done[name].as_i64().unwrap());
    assert_eq!((&done["success"], figures), (&json!(true), [32, 0, 0, 1]));
    let pages: Vec<String> = bench.server.received().iter().map(|r| r.target.clone()).collect();
    assert_eq!(pages, ["/api/v1/contacts?customer_id=77&page=1", "/api/v1/contacts?customer_id=77&page=2"]);
    let list = bench.ann.api(Method::GET, "/api/staff?q=number7").await.is(200).value();
    let one = &list[0];
    assert_eq!((&one["first_name"], &one["last_name"]), (&json!("Pat"), &json!("Number7")));
    assert_eq!((&one["mobile_phone"], &one["job_title"]), (&json!("+447700900123"), &json!("Clerk")));
    assert_eq!((&one["syncro_contact_id"], &one["enabled"]), (&json!("7"), &json!(true)));
    assert_eq!((&one["account_action"], &one["date_onboarded"]), (&Value::Null, &Value::Null));
    assert_eq!(bench.notes().await, ["Ex Staff - Jo: Is marked as ex staff"]);
    let before = bench.state().await;
    bench.app.advance(TimeDelta::hours(1));
    assert_eq!(bench.import().await.1, [0, 0, 32, 1]);
    assert_eq!(bench.state().await, before);
    let trail = bench.app.audit().await;
    assert_eq!(trail.iter().filter(|action| *action == "staff.imported").count(), 2);
    bench.finish().await;
}

#[tokio::test]
async fn people_are_matched_and_nothing_is_taken_from_them() {
    let bench = bench().await;
    let (ann, acme) = (&bench.ann, &bench.acme);
    let by_email = person(
        ann,
        acme,
        "Rosa",
        json!({"city": "York", "department": "Desk", "enabled": false,
        "accountAction": "Onboarded", "org_company": "North", "managerName": "Helen"}),
    )
    .await;
    let by_name = person(ann, acme, "Sid", json!({})).await;
    let other = person(ann, acme, "Ida", json!({})).await;
    for id in [by_name, other] {
        let _ = ann.json(Method::PUT, &format!("/api/staff/{id}"), json!({"email": null})).await.is(200);
    }
    bench.account().contacts = vec![
        json!({ "id": 1, "first_name": "Rosalind", "last_name": "", "email": "ROSA@example.com", "city": "", "zip": "YO1" }),
        json!({ "id": 2, "name": "SID Example" }),
        // Neither side may have an address: this is somebody else.
        json!({ "id": 3, "name": "Ida Example", "email": "ida2@example.com" }),
        // The address of another contact stays with that one.
        json!({ "id": 4, "name": "Rosa Twin", "email": "rosa@example.com" }),
        json!({ "id": 5, "last_name": "Solo" }),
    ];
    let run = bench.import().await;
    assert_eq!((run.0.as_str(), run.1), ("succeeded", [2, 2, 0, 1]));
    let read = async |id: i64| ann.api(Method::GET, &format!("/api/staff/{id}")).await.is(200).value();
    let rosa = read(by_email).await;
    assert_eq!(
        (&rosa["first_name"], &rosa["last_name"], &rosa["city"]),
        (&json!("Rosalind"), &json!("Example"), &json!("York"))
    );
    assert_eq!((&rosa["postcode"], &rosa["syncro_contact_id"]), (&json!("YO1"), &json!("1")));
    assert_eq!((&rosa["enabled"], &rosa["account_action"]), (&json!(false), &json!("Onboarded")));
    assert_eq!((&rosa["org_company"], &rosa["manager_name"]), (&json!("North"), &json!("Helen")));
    assert_eq!(read(by_name).await["syncro_contact_id"], "2");
    assert_eq!(read(other).await["syncro_contact_id"], Value::Null);
    assert_eq!(bench.notes().await, ["Rosa Twin: Another contact of Syncro has the same email"]);
    let solo = ann.api(Method::GET, "/api/staff?q=solo").await.value();
    assert_eq!(solo[0]["first_name"], "Unknown");
    let before = bench.state().await;
    assert_eq!(bench.import().await.1, [0, 0, 4, 1]);
    assert_eq!(bench.state().await, before);
    bench.finish().await;
}

#[tokio::test]
async fn odd_records_are_noted_and_do_not_stop_the_rest() {
    let bench = bench().await;
    bench.account().contacts = vec![
        json!(null),
        json!("text"),
        json!({ "id": {"a": 1}, "name": 12 }),
        json!({ "id": 2, "name": "Long One", "email": "not an address", "mobile": "ask Bob", "zip": "1".repeat(90),
            "title": "x".repeat(4000) }),
        json!({ "id": "x".repeat(300), "name": "No Number", "email": "nonumber@example.com" }),
        json!({ "id": 4, "first_name": "\u{0}\u{7}", "last_name": ["a"], "name": null }),
        json!({ "id": 5, "name": "\u{1F600} Emoji", "address1": "Zw\u{f6}lf" }),
        json!({ "id": 5, "name": "\u{1F600} Emoji", "address1": "Zw\u{f6}lf" }),
    ];
    let run = bench.import().await;
    assert_eq!((run.0.as_str(), run.1), ("succeeded", [4, 0, 1, 3]), "{:?}", bench.notes().await);
    let notes = bench.notes().await.join("\n");
    for words in
        ["Has no name", "no email address", "no phone number", "Postcode was cut at 20", "Job title was cut at 255"]
    {
        assert!(notes.contains(words), "{words}: {notes}");
    }
    let before = bench.state().await;
    assert_eq!(bench.import().await.1, [0, 0, 5, 3]);
    assert_eq!(bench.state().await, before);
    bench.finish().await;
}

#[tokio::test]
async fn faults_of_the_other_side_are_waited_out() {
    let bench = bench().await;
    bench.account().contacts = (1..=60).map(contact).collect();
    let limited = || Answer::Full(429, vec![("retry-after", "20".to_owned())], String::new());
    bench.fault(1, vec![limited(), Answer::status(500)]);
    bench.fault(2, vec![Answer::Cut, Answer::Raw("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"cont"), limited()]);
    bench.fault(
        3,
        vec![
            Answer::Full(200, vec![("content-type", "application/json".to_owned())], "{\"contacts\": [".to_owned()),
            limited(),
        ],
    );
    let run = bench.import().await;
    assert_eq!((run.0.as_str(), run.1, run.2), ("succeeded", [60, 0, 0, 0], None));
    assert_eq!(bench.server.received().len(), 3 + 7);
    bench.finish().await;
}

#[tokio::test]
async fn what_does_not_pass_ends_the_run_and_is_told() {
    let bench = bench().await;
    let told = "SELECT COUNT(*) FROM notifications WHERE event_type = 'staff.import_failed' AND user_id = ?";
    bench.account().contacts = (1..=30).map(contact).collect();
    bench.fault(2, vec![Answer::status(500); 4]);
    let (status, figures, error) = bench.import().await;
    assert_eq!((status.as_str(), figures), ("failed", [25, 0, 0, 0]), "what was read is kept");
    assert!(error.unwrap().contains("Page 2 could not be read. Syncro answered 500"));
    assert_eq!(bench.app.number(sql(told).bind(bench.ann.id)).await, 1);
    assert_eq!(bench.import().await.1, [5, 0, 25, 0], "the next run does the rest");
    for (fault, words) in [
        (Answer::Json(200, json!({ "people": [] })), "no list of contacts"),
        (Answer::status(403), "refused the key"),
        (Answer::status(418), "answered 418"),
    ] {
        bench.fault(1, vec![fault]);
        let (status, _, error) = bench.import().await;
        assert!(status == "failed" && error.as_ref().unwrap().contains(words), "{error:?}");
    }
    bench.finish().await;
}

#[tokio::test]
async fn who_may_import_and_from_where() {
    let bench = bench().await;
    let path = "/admin/syncro/import-contacts";
    let three = with_level(&bench.app, "three", &bench.acme, 3).await;
    let post = async |by: &Actor, body: Value| by.json(Method::POST, path, body).await;
    let _ = post(&three, json!({"syncroCompanyId": "77"})).await.is(403);
    let _ = three.get("/staff/import").await.goes_to("/staff");
    let _ =
        three.upload("/staff/import", &[], &[("file", "a.csv", "text/csv", b"first_name\nA")]).await.goes_to("/staff");
    let _ = post(&bench.ann, json!({})).await.is(400).says("syncroCompanyId required");
    let _ = post(&bench.ann, json!({"syncro_company_id": " "})).await.is(400);
    let _ = post(&bench.ann, json!({"syncro_company_id": "999"})).await.is(404);
    // Known here, but not there.
    let beta = bench.app.company("Beta").await;
    bench.app.execute(sql("UPDATE companies SET syncro_company_id = '78' WHERE id = ?").bind(beta.id)).await;
    let gone = bench.call(json!({"syncroCompanyId": "78"})).await.is(404);
    let _ = gone.says("Syncro knows no customer 78");
    let first = bench.start().await;
    let second = post(&bench.ann, json!({"syncroCompanyId": "77"})).await.is(409).value();
    assert_eq!(second["import_id"].as_i64(), Some(first));
    let own = format!("/staff/import/{first}");
    let _ = bench.ann.get(&own).await.is(200).shows("Cancel import");
    let _ = three.get(&own).await.goes_to("/");
    let _ = bench.ann.post(&format!("{own}/cancel"), &[]).await.goes_to("/staff/import");
    let _ = bench.ann.post(&format!("{own}/cancel"), &[]).await.is(303);
    assert_eq!(bench.finish_run(first).await.0, "cancelled");
    let _ = bench.ann.get("/staff/import").await.is(200).shows("Last imports");
    let _ = bench.ann.get("/staff/import/999").await.is(404);
    bench.finish().await;
    let app = crate::portal().await;
    let ann = app.super_admin("ann").await;
    let acme = app.company("Acme").await;
    app.execute(sql("UPDATE companies SET syncro_company_id = '77' WHERE id = ?").bind(acme.id)).await;
    let _ = post(&ann, json!({"syncroCompanyId": "77"})).await.is(503).says("Syncro is not configured");
    work_for(&ann, &acme).await;
    let _ = ann.get("/staff/import").await.is(200).shows("Syncro is not set up");
    app.finish().await;
}

#[tokio::test]
async fn two_thousand_contacts_survive_a_kill_at_any_point() {
    let bench = bench().await;
    bench.account().contacts = (1..=2000).map(contact).collect();
    let limited = || Answer::Full(429, vec![("retry-after", "5".to_owned())], String::new());
    for page in [7, 40, 80] {
        bench.fault(page, vec![Answer::Cut, limited(), Answer::status(502)]);
    }
    let id = bench.start().await;
    // The process is gone as soon as so many questions were asked, or in the middle of a page.
    for kill_at in [1, 2, 9, 30] {
        tokio::select! {
            _ = bench.app.run_jobs() => {}
            () = async {
                while bench.server.received().len() < kill_at { tokio::task::yield_now().await; }
                tokio::time::sleep(std::time::Duration::from_millis(7 * kill_at as u64)).await;
            } => {}
        }
        // The claim of the dead worker ends first.
        bench.app.advance(TimeDelta::minutes(6));
    }
    let run = bench.finish_run(id).await;
    assert_eq!((run.0.as_str(), run.1), ("succeeded", [2000, 0, 0, 0]));
    assert_eq!(bench.app.number(sql("SELECT COUNT(DISTINCT email) FROM staff")).await, 2000);
    let before = bench.state().await;
    assert_eq!(before.len(), 2000);
    let asked = bench.server.received().len();
    let again = bench.import().await;
    assert_eq!((again.0.as_str(), again.1), ("succeeded", [0, 0, 2000, 0]));
    // A slow machine needs several slices, and each asks for the page again in which the last one ended.
    let asked = bench.server.received().len() - asked;
    assert!((80..=100).contains(&asked), "one question a page, not {asked}");
    assert_eq!(bench.state().await, before);
    bench.finish().await;
}

#[tokio::test]
async fn the_scheduler_syncs_each_company() {
    let bench = bench().await;
    bench.account().contacts = (1..=30).map(contact).collect();
    bench.app.company("Without").await;
    let jobs = companies::jobs();
    let step = |company, cursor| shared::commands::Step::of(bench.app.app(), company, cursor);
    let found = jobs.commands().companies("sync_staff", step(None, None)).await.unwrap().unwrap();
    assert_eq!(found, [(bench.acme.id, "Acme".to_owned())]);
    let mut cursor = None;
    let line = loop {
        match jobs.commands().perform("sync_staff", step(Some(bench.acme.id), cursor.take())).await.unwrap() {
            Progress::Done(line) => break line,
            Progress::More(next) => cursor = Some(next),
        }
    };
    assert_eq!(line, "30 created, 0 updated, 0 unchanged, 0 skipped");
    assert_eq!(bench.app.number(sql("SELECT COUNT(*) FROM staff")).await, 30);
    // While another import runs, the command says so; and a run that fails is a failure.
    let id = bench.start().await;
    let busy = jobs.commands().perform("sync_staff", step(Some(bench.acme.id), None)).await.unwrap_err();
    assert!(format!("{busy:?}").contains("already running"));
    bench.finish_run(id).await;
    bench.fault(1, vec![Answer::status(403)]);
    let failed = jobs.commands().perform("sync_staff", step(Some(bench.acme.id), None)).await.unwrap_err();
    assert!(format!("{failed:?}").contains("refused the key"));
    bench.finish().await;
}

#[tokio::test]
async fn a_file_is_looked_at_before_it_is_imported() {
    let app = crate::portal().await;
    let acme = app.company("Acme").await;
    let ann = app.super_admin("ann").await;
    work_for(&ann, &acme).await;
    let rosa = person(&ann, &acme, "Rosa", json!({"city": "York"})).await;
    let file = "First name,Last name,Email,Department,Started,Salary\r\nRosa,Bell,rosa@example.com,Desk,,9\r\n\
                Ben,\"Carter, B\",ben@example.com,Desk,2026-01-05,9\r\n,Nameless,x@example.com,,,\r\n\
                Eva,Novak,not-an-address,,2026-13-01,\r\n";
    let send =
        async |content: &[u8]| ann.upload("/staff/import", &[], &[("file", "staff.csv", "text/csv", content)]).await;
    let _ = send(b"").await.refuses("file");
    let _ = send(b"name\nAna").await.refuses("file").shows("The first line must name the columns");
    let _ = send(&[0xff, 0xfe, 0x41]).await.refuses("file").shows("UTF-8");
    let _ = ann.upload("/staff/import", &[], &[]).await.refuses("file").shows("Choose a file");
    let own = send(file.as_bytes()).await.is(303).header("location").to_owned();
    let page = ann.get(&own).await.is(200).shows("Import 2 people").shows("2 rows are left out").shows("Salary");
    let page =
        page.shows("Line 4: Nameless").shows("Enter the first name").shows("Line 5: Eva Novak").shows("Started:");
    let _ = page.shows("Known, compared").shows("Carter, B");
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM staff")).await, 1, "nothing is written yet");
    let _ = ann.post(&own, &[]).await.goes_to(&own);
    let _ = ann.post(&own, &[]).await.goes_to(&own);
    app.run_jobs().await;
    let page = ann.get(&own).await.is(200).shows("Created 1 · Updated 1 · Unchanged 0 · Skipped 2");
    let _ = page.shows("Line 5: Eva Novak");
    let kept = ann.api(Method::GET, &format!("/api/staff/{rosa}")).await.value();
    assert_eq!(
        (&kept["last_name"], &kept["city"], &kept["department"]),
        (&json!("Bell"), &json!("York"), &json!("Desk"))
    );
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM staff_imports WHERE content IS NOT NULL")).await, 0);
    // The file of the export is read back without a change.
    let export = ann.get("/staff/export.csv").await.is(200).text();
    let again = send(export.as_bytes()).await.is(303).header("location").to_owned();
    let _ = ann.post(&again, &[]).await.goes_to(&again);
    app.run_jobs().await;
    let _ = ann.get(&again).await.shows("Created 0 · Updated 0 · Unchanged 2 · Skipped 0");
    // A file that nobody takes is forgotten.
    let left = send(file.as_bytes()).await.is(303).header("location").to_owned();
    app.advance(TimeDelta::days(2));
    app.run_jobs().await;
    app.run_jobs().await;
    let ann = app.sign_in(ann.id).await;
    let _ = ann.get(&left).await.is(404);
    app.finish().await;
}
