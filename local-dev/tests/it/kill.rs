//! The server is killed again and again while people register, raise tickets, get answers and ask for
//! passwords. Nothing that was acknowledged may be missing, nothing may be there twice, and whatever is
//! mailed twice carries one Message-ID (decisions 11.9).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shared::audit::Stamp;
use shared::db::{Db, PoolSize, sql};
use shared::testing::sink::SmtpSink;
use shared::tokens::random_hex;
use tokio::sync::Mutex;

use crate::process::{Answer, Client, Scratch, Server, database, drop_database, free_port};

/// People who work at the same time.
const PEOPLE: u64 = 8;

/// Tickets without which the test says nothing.
const ENOUGH: usize = 11;

/// What the server said is done.
#[derive(Debug, Default)]
struct Acknowledged {
    people: BTreeSet<String>,
    tickets: BTreeSet<String>,
    replies: BTreeSet<String>,
    /// With the number of times that the request was sent.
    resets: BTreeMap<String, usize>,
    /// Requests that broke off and were sent again.
    repeats: u64,
}

struct Work {
    base: String,
    db: Db,
    admin: Client,
    done: Mutex<Acknowledged>,
    is_over: AtomicBool,
    next: AtomicU64,
}

impl Work {
    /// Sends until there is an answer. `again` says what a repeat may be answered instead.
    async fn insist(&self, client: &mut Client, path: &str, body: &Value, again: &[u16]) -> Answer {
        let key = random_hex(16);
        let mut tries = 0;
        loop {
            let answer = client.send(Method::POST, path, body, Some(&key)).await;
            if is_done_already(&answer) {
                return answer;
            }
            match answer {
                // The server is down, coming up, or still holds the key of the request that broke off.
                None | Some((409 | 429 | 503, _)) if tries < 600 => {
                    if let Some((status, _)) = &answer
                        && again.contains(status)
                        && tries > 0
                    {
                        return answer;
                    }
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                answer => {
                    self.done.lock().await.repeats += u64::from(tries > 0);
                    return answer;
                }
            }
        }
    }

    /// One person from registration to the forgotten password.
    async fn story(&self) -> Result<(), String> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let (email, subject) = (format!("p{n}@example.com"), format!("Ticket of person {n}"));
        let mut person = Client::new(&self.base, &format!("10.1.{}.{}", n / 250, n % 250 + 1));
        let password = "correct horse battery";
        let form = json!({"email": email, "password": password, "first_name": "P", "last_name": n.to_string()});
        let registered = self.insist(&mut person, "/auth/register", &form, &[409]).await;
        expect(&registered, &[201, 409], "register")?;
        self.done.lock().await.people.insert(email.clone());
        if !matches!(registered, Some((201, _))) {
            let login = json!({"email": email, "password": password});
            expect(&self.insist(&mut person, "/auth/login", &login, &[]).await, &[200], "login")?;
        }
        let ticket = json!({"subject": subject, "description": "It does not work."});
        let created = self.insist(&mut person, "/api/tickets", &ticket, &[]).await;
        if !is_done_already(&created) {
            expect(&created, &[201], "ticket")?;
        }
        self.done.lock().await.tickets.insert(subject.clone());
        let id = created.and_then(|(_, value)| value["id"].as_i64());
        let found = sql("SELECT id FROM tickets WHERE subject = ? LIMIT 1").bind(&subject);
        let id = match id {
            Some(id) => id,
            None => found.fetch_value::<i64>(&self.db).await.map_err(|error| format!("{subject}: {error}"))?,
        };
        let text = format!("Answer to person {n}");
        let path = format!("/api/tickets/{id}/replies");
        let replied = self.insist(&mut self.admin.clone(), &path, &json!({"body": text}), &[]).await;
        if !is_done_already(&replied) {
            // A reply that was stored before the kill is found by its text.
            expect(&replied, &[200, 201], "reply")?;
        }
        self.done.lock().await.replies.insert(text);
        self.forgot(&mut person, email).await
    }

    /// Nobody is signed in here, so no key makes repeats harmless: each request that arrives is a cause.
    async fn forgot(&self, person: &mut Client, email: String) -> Result<(), String> {
        for sent in 1..200 {
            let body = json!({ "email": email });
            let answer = person.send(Method::POST, "/auth/password/forgot", &body, None).await;
            if answer.is_some() {
                self.done.lock().await.resets.insert(email, sent);
                return expect(&answer, &[200, 202], "forgot");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("forgot: no answer".to_owned())
    }

    async fn loop_until_told(&self) {
        while !self.is_over.load(Ordering::Relaxed) {
            if let Err(text) = self.story().await {
                panic!("{text}");
            }
        }
    }
}

/// The first try did the work and died before it could answer.
fn is_done_already(answer: &Answer) -> bool {
    matches!(answer, Some((409, problem)) if problem["code"] == "already_done")
}

fn expect(answer: &Answer, statuses: &[u16], what: &str) -> Result<(), String> {
    match answer {
        Some((status, _)) if statuses.contains(status) => Ok(()),
        other => Err(format!("{what}: {other:?}")),
    }
}

fn settings(folder: &Scratch, database: &str, mail_port: u16) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("DATA_DIR", folder.0.display().to_string()),
        ("DATABASE_URL", database.to_owned()),
        ("LISTEN", format!("127.0.0.1:{}", free_port())),
        ("TRUSTED_PROXIES", "127.0.0.1/32".to_owned()),
        ("SMTP_HOST", "127.0.0.1".to_owned()),
        ("SMTP_PORT", mail_port.to_string()),
        ("SMTP_SECURE", "false".to_owned()),
        ("SMTP_FROM", "portal@example.com".to_owned()),
        ("SMTP_MAX_PER_MINUTE", "100000".to_owned()),
        ("REQUIRE_EMAIL_VERIFICATION", "false".to_owned()),
        ("RATE_LIMIT_COARSE", "0".to_owned()),
        ("RATE_LIMIT_ANONYMOUS", "0".to_owned()),
        ("RATE_LIMIT_SIGNED_IN", "0".to_owned()),
    ])
}

async fn first_admin(base: &str) -> Client {
    let mut admin = Client::new(base, "10.0.0.1");
    let form = json!({"email": "admin@example.com", "password": "correct horse battery", "first_name": "Ann",
        "last_name": "Admin", "company_name": "Northstar"});
    let answer = admin.send(Method::POST, "/auth/register", &form, None).await;
    assert!(matches!(answer, Some((201, _))), "{answer:?}");
    admin
}

/// Claims of killed workers and keys of broken requests hold for a minute or two; the test does not wait.
async fn let_claims_end(db: &Db) {
    let now = shared::clock::Clock::Machine.now();
    let mut tx = db.begin(Stamp::system(now)).await.unwrap();
    tx.housekeeping();
    let past = now - chrono::TimeDelta::minutes(1);
    let end = sql("UPDATE jobs SET locked_until = ? WHERE status = 'running'").bind(past);
    end.execute(&mut tx).await.unwrap();
    let due = sql("UPDATE jobs SET run_at = ? WHERE status = 'queued'").bind(past);
    due.execute(&mut tx).await.unwrap();
    let keys = sql("UPDATE idempotency_keys SET locked_until = ? WHERE locked_until > ?").bind(past).bind(past);
    keys.execute(&mut tx).await.unwrap();
    // Requests that broke off count as tries, and there are many of them here.
    sql("DELETE FROM rate_limits").execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn number(db: &Db, query: shared::db::Sql) -> i64 {
    query.fetch_value::<i64>(db).await.unwrap()
}

/// Work that waits, and events that have not become work yet.
async fn left(db: &Db) -> i64 {
    let jobs = number(db, sql("SELECT COUNT(*) FROM jobs WHERE status IN ('queued', 'running')")).await;
    jobs + number(db, sql("SELECT COUNT(*) FROM event_outbox WHERE dispatched_at IS NULL")).await
}

/// Lets a server work while the pile shrinks; gives what is left.
async fn work_off(db: &Db, mut last: i64) -> i64 {
    let mut idle = 0;
    while last > 0 && idle < 100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = left(db).await;
        idle = if now < last { 0 } else { idle + 1 };
        last = now;
    }
    last
}

/// Starts the server until nothing is left to do.
async fn drain(settings: &BTreeMap<&str, String>, db: &Db) {
    for _ in 0..6 {
        let_claims_end(db).await;
        let server = Server::start(settings).await;
        let remaining = work_off(db, left(db).await.max(1)).await;
        assert_eq!(server.stop().await, Some(0), "SIGTERM ends the server in order");
        if remaining == 0 {
            return;
        }
    }
    panic!("{} are left over: {:?}", left(db).await, waiting(db).await);
}

/// What waits, for the message of a failure: kind, state, tries, error, number.
async fn waiting(db: &Db) -> Vec<(String, String, i64, Option<String>, i64)> {
    let all = sql("SELECT kind, status, attempts, last_error, COUNT(*) FROM jobs \
         WHERE status IN ('queued', 'running') GROUP BY kind, status, attempts, last_error LIMIT 50");
    all.fetch_all(db).await.unwrap()
}

async fn check_rows(db: &Db, done: &Acknowledged) {
    for email in &done.people {
        let query = sql("SELECT COUNT(*) FROM users WHERE email = ?").bind(email);
        assert_eq!(number(db, query).await, 1, "{email}");
    }
    for subject in &done.tickets {
        let query = sql("SELECT COUNT(*) FROM tickets WHERE subject = ?").bind(subject);
        assert_eq!(number(db, query).await, 1, "{subject}");
    }
    for body in &done.replies {
        let query = sql("SELECT COUNT(*) FROM ticket_replies WHERE body = ?").bind(body);
        assert_eq!(number(db, query).await, 1, "{body}");
    }
    let twice = sql("SELECT COUNT(*) FROM (SELECT subject FROM tickets GROUP BY subject HAVING COUNT(*) > 1) d");
    assert_eq!(number(db, twice).await, 0, "tickets that nobody knew of are there twice");
    let twice = sql("SELECT COUNT(*) FROM (SELECT body FROM ticket_replies GROUP BY body HAVING COUNT(*) > 1) d");
    assert_eq!(number(db, twice).await, 0, "replies are there twice");
    let unwritten = sql("SELECT COUNT(*) FROM tickets t WHERE NOT EXISTS \
         (SELECT 1 FROM audit_logs a WHERE a.entity_type = 'ticket' AND a.entity_id = t.id)");
    assert_eq!(number(db, unwritten).await, 0, "tickets without a line in the audit trail");
    let failed = sql("SELECT COUNT(*) FROM jobs WHERE status = 'failed'");
    println!("jobs given up after their last try: {}", number(db, failed).await);
}

/// Mails by recipient and subject: how many copies of which Message-IDs.
fn by_cause(sink: &SmtpSink) -> BTreeMap<(String, String), BTreeMap<String, u64>> {
    let mut causes: BTreeMap<_, BTreeMap<String, u64>> = BTreeMap::new();
    for mail in sink.mails() {
        let header = |name: &str| {
            let line = mail.raw.lines().find(|line| line.to_lowercase().starts_with(name));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let cause = (mail.to.join(","), header("subject:"));
        *causes.entry(cause).or_default().entry(header("message-id:")).or_default() += 1;
    }
    causes
}

/// What the outbox says about a person's mails: subject, state, repeats, error.
async fn outbox(db: &Db, email: &str) -> Vec<(String, String, i64, Option<String>)> {
    let all = sql("SELECT subject, status, resends, last_error FROM email_outbox WHERE to_addresses LIKE ? LIMIT 50");
    all.bind(format!("%{email}%")).fetch_all(db).await.unwrap()
}

async fn check_mails(db: &Db, sink: &SmtpSink, done: &Acknowledged) {
    let causes = by_cause(sink);
    for (cause, ids) in &causes {
        // A person who never saw an answer may have asked twice.
        let is_reset = cause.1.starts_with("Reset");
        let asked = if is_reset { done.resets.get(&cause.0).copied().unwrap_or(1) } else { 1 };
        assert!(ids.len() <= asked, "{cause:?} was mailed under {ids:?}");
        assert!(ids.values().all(|copies| *copies <= 2), "{cause:?} was mailed {ids:?} times");
    }
    for email in done.resets.keys() {
        // The answer to the ticket, and the link.
        let there = causes.keys().filter(|(to, _)| to == email).collect::<Vec<_>>();
        assert!(there.len() >= 2, "{email} lacks mail; there is {there:?}; {:?}", outbox(db, email).await);
    }
    let copies: u64 = causes.values().flat_map(BTreeMap::values).sum();
    let distinct = u64::try_from(causes.values().map(BTreeMap::len).sum::<usize>()).unwrap();
    println!("{distinct} mails, {} of them sent twice under the same Message-ID", copies - distinct);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_is_done_twice() {
    let kills: u64 = std::env::var("KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(50);
    let folder = Scratch::new("kill");
    let url = database(&folder.0).await;
    let sink = SmtpSink::start(&[]).await.unwrap();
    let settings = settings(&folder, &url, sink.port());
    let mut server = Server::start(&settings).await;
    let admin = first_admin(&server.base).await;
    let db = Db::connect(&url, PoolSize { connections: 2 }).await.unwrap();
    let work = Arc::new(Work {
        base: server.base.clone(),
        db: db.clone(),
        admin,
        done: Mutex::default(),
        is_over: AtomicBool::new(false),
        next: AtomicU64::new(1),
    });
    let people: Vec<_> = (0..PEOPLE)
        .map(|_| {
            let work = Arc::clone(&work);
            tokio::spawn(async move { work.loop_until_told().await })
        })
        .collect();
    let mut killed = 0;
    // On a busy machine little happens between two kills.
    while killed < kills || (killed < kills + 50 && work.done.lock().await.tickets.len() < ENOUGH) {
        let n = killed;
        killed += 1;
        tokio::time::sleep(Duration::from_millis(150 + n * 37 % 500)).await;
        server.kill().await;
        let_claims_end(&db).await;
        server = Server::start(&settings).await;
    }
    work.is_over.store(true, Ordering::Relaxed);
    for person in people {
        person.await.unwrap();
    }
    server.kill().await;
    drain(&settings, &db).await;
    let done = work.done.lock().await;
    println!(
        "{killed} kills, {} people, {} tickets, {} replies, {} requests sent again",
        done.people.len(),
        done.tickets.len(),
        done.replies.len(),
        done.repeats
    );
    assert!(done.tickets.len() >= ENOUGH, "too little happened to say anything");
    check_rows(&db, &done).await;
    check_mails(&db, &sink, &done).await;
    db.close().await;
    drop_database(&url).await;
}
