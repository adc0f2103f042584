//! What the tests of tickets share: a desk, two customers, tickets.

use http::Method;
use serde_json::{Value, json};
use shared::caller::Company;
use shared::db::sql;
use shared::jobs::Jobs;
use shared::testing::{Actor, TestApp};

/// A portal with the people of most tests.
pub struct Desk {
    pub app: TestApp,
    pub northwind: Company,
    pub kestrel: Company,
    /// Technician.
    pub tom: Actor,
    /// Works for Northwind.
    pub ana: Actor,
    /// Works for Kestrel.
    pub kim: Actor,
}

pub async fn portal() -> TestApp {
    TestApp::new(tickets::routes(), tickets::jobs().merge(Jobs::kernel())).await
}

pub async fn desk() -> Desk {
    let app = portal().await;
    let provider = app.provider("Northstar").await;
    let northwind = app.company("Northwind").await;
    let kestrel = app.company("Kestrel").await;
    let tom = app.technician("Tom", &provider).await;
    let ana = app.member("Ana", &northwind).await;
    let kim = app.member("Kim", &kestrel).await;
    Desk { app, northwind, kestrel, tom, ana, kim }
}

impl Desk {
    /// Raises a ticket and gives its id.
    pub async fn ticket(&self, who: &Actor, subject: &str) -> i64 {
        raise(who, json!({ "subject": subject })).await
    }

    /// Finishes the work and the test.
    pub async fn finish(self) {
        self.app.run_jobs().await;
        self.app.finish().await;
    }
}

pub async fn raise(who: &Actor, body: Value) -> i64 {
    who.json(Method::POST, "/api/tickets", body).await.is(201).value()["id"].as_i64().unwrap()
}

pub async fn say(who: &Actor, ticket: i64, body: &str) -> i64 {
    let reply = who.json(Method::POST, &format!("/api/tickets/{ticket}/replies"), json!({ "body": body })).await;
    reply.is(201).value()["reply"]["id"].as_i64().unwrap()
}

pub async fn note(who: &Actor, ticket: i64, body: &str) -> i64 {
    let body = json!({ "body": body, "is_internal": true });
    let reply = who.json(Method::POST, &format!("/api/tickets/{ticket}/replies"), body).await;
    reply.is(201).value()["reply"]["id"].as_i64().unwrap()
}

pub async fn read(who: &Actor, ticket: i64) -> Value {
    who.api(Method::GET, &format!("/api/tickets/{ticket}")).await.is(200).value()
}

pub async fn put(who: &Actor, ticket: i64, body: Value) -> shared::testing::Reply {
    who.json(Method::PUT, &format!("/api/tickets/{ticket}"), body).await
}

/// An API key, as the row of one.
pub async fn key(app: &TestApp, scope: &str, company: Option<i64>) -> Actor {
    let token = format!("mp_{}", shared::tokens::random_hex(16));
    let pepper = app.app().config().api_key_pepper.clone();
    let hash = shared::tokens::hmac_sha256_hex(pepper.as_bytes(), token.as_bytes());
    let insert =
        sql("INSERT INTO api_keys (key_hash, key_prefix, scopes, company_id, created_at) VALUES (?, ?, ?, ?, ?)");
    let scopes = json!([scope]).to_string();
    let now = app.app().now();
    app.execute(insert.bind(hash).bind("mp_test").bind(scopes).bind(company).bind(now)).await;
    app.stranger().with_key(&token)
}

/// Somebody whose role in the company opens the tickets of its people.
pub async fn contact(app: &TestApp, name: &str, company: &Company) -> Actor {
    let who = app.member(name, company).await;
    let now = app.app().now();
    if app.number(sql("SELECT COUNT(*) FROM roles WHERE name_key = 'ticket contact'")).await == 0 {
        let insert =
            sql("INSERT INTO roles (name, name_key, description, permissions, is_system, created_at, updated_at) \
             VALUES ('Ticket contact', 'ticket contact', '', '[\"portal.access\",\"tickets.company\"]', FALSE, ?, ?)");
        app.execute(insert.bind(now).bind(now)).await;
    }
    app.execute(
        sql("UPDATE company_memberships SET role_id = (SELECT id FROM roles WHERE name_key = 'ticket contact') \
             WHERE user_id = ?")
        .bind(who.id),
    )
    .await;
    who
}

/// The ids of a list.
pub fn ids(list: &Value) -> Vec<i64> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

/// The names of events so far.
pub async fn events(app: &TestApp) -> Vec<String> {
    let rows: Vec<(String,)> = app.rows(sql("SELECT name FROM event_outbox ORDER BY id LIMIT 1000")).await;
    rows.into_iter().map(|(name,)| name).collect()
}

/// A picture of the given size.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(width, height, image::Rgb([200, 30, 30]))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}
