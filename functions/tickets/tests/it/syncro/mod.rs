//! Tickets from Syncro, against a local server that speaks the documented API, faults included (tickets 9).

mod access;
mod content;
mod mishaps;
mod ranges;

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
