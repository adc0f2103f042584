//! The routes of the area, in process, each test with a portal of its own.

mod access;
mod audit;
mod dashboard;
mod docs;
mod email;
mod health;
mod live;
mod pages;
mod search;
mod settings;

use shared::db::sql;
use shared::jobs::Jobs;
use shared::testing::TestApp;

/// A portal with the routes of the area and the kernel's work.
async fn portal() -> TestApp {
    TestApp::new(site::routes(), Jobs::kernel()).await
}

/// A ticket, as the area of tickets stores it.
struct Ticket<'t> {
    subject: &'t str,
    company: Option<i64>,
    requester: i64,
    assigned: Option<i64>,
    status: &'t str,
    priority: &'t str,
}

impl Default for Ticket<'_> {
    fn default() -> Self {
        Self {
            subject: "Printer jams",
            company: None,
            requester: 0,
            assigned: None,
            status: "open",
            priority: "normal",
        }
    }
}

async fn ticket(app: &TestApp, ticket: Ticket<'_>) -> i64 {
    let now = app.app().now();
    let insert = sql("INSERT INTO tickets (company_id, requester_id, assigned_user_id, subject, status, priority, \
         priority_order, search_text, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    .bind(ticket.company)
    .bind((ticket.requester > 0).then_some(ticket.requester))
    .bind(ticket.assigned)
    .bind(ticket.subject)
    .bind(ticket.status)
    .bind(ticket.priority)
    .bind(if ticket.priority == "urgent" { 3_i64 } else { 1 })
    .bind(shared::search::fold(ticket.subject))
    .bind(now)
    .bind(now);
    app.execute(insert).await;
    let id = app.number(sql("SELECT MAX(id) FROM tickets")).await;
    let words = format!(" {}", shared::search::fold(ticket.subject));
    let texts = sql("INSERT INTO ticket_texts (id, public_text, internal_text) VALUES (?, ?, ' vault')");
    app.execute(texts.bind(id).bind(words)).await;
    id
}

/// An API key, as the area of keys stores it.
async fn key(app: &TestApp, scopes: &str, company: Option<i64>) -> shared::testing::Actor {
    let key = format!("mp_{}", shared::tokens::random_hex(24));
    let pepper = app.app().config().api_key_pepper.clone();
    let digest = shared::tokens::hmac_sha256_hex(pepper.as_bytes(), key.as_bytes());
    app.execute(
        sql("INSERT INTO api_keys (key_hash, key_prefix, scopes, company_id, created_at) VALUES (?, 'mp_a1a1', ?, ?, ?)")
            .bind(digest)
            .bind(scopes)
            .bind(company)
            .bind(app.app().now()),
    )
    .await;
    app.stranger().with_key(&key)
}

/// A person whose role in the company reads the audit trail, without being its admin.
async fn auditor(app: &TestApp, name: &str, company: &shared::caller::Company) -> shared::testing::Actor {
    let person = app.member(name, company).await;
    let role = "UPDATE company_memberships SET role_id = (SELECT id FROM roles WHERE name_key = 'administrator') WHERE user_id = ?";
    app.execute(sql(role).bind(person.id)).await;
    person
}
