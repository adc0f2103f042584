//! The kernel as the areas use it: each test is a portal of its own with a few tiny routes.

mod audit;
mod database;
mod files;
mod idempotency;
mod jobs;
mod mail;
mod modules;
mod pipeline;
mod search;
mod shifts;
mod smtp_tls;
mod workers;

use serde::Serialize;
use shared::audit::Stamp;
use shared::db::{Tx, sql};
use shared::page::Page;
use shared::testing::TestApp;

/// A page with one sentence, drawn by the template of problems; its region is the template of toasts.
#[derive(Debug, Default, Serialize)]
pub struct Note {
    status: u16,
    title: &'static str,
    text: String,
    code: &'static str,
    request_id: &'static str,
    retry_after: Option<i64>,
}

impl Note {
    fn new(text: impl Into<String>) -> Self {
        Self { title: "A note", text: text.into(), ..Self::default() }
    }
}

impl Page for Note {
    const TEMPLATE: &'static str = "errors/problem.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("side", "errors/_problem.html")];

    fn samples() -> Vec<Self> {
        vec![Self::new("Hello")]
    }
}

/// A transaction of the product itself, as jobs open them.
async fn begin(app: &TestApp) -> Tx {
    let mut tx = app.db().begin(Stamp::system(app.app().now())).await.unwrap();
    tx.housekeeping();
    tx
}

/// A row of `api_keys`; gives its id.
async fn insert_key(app: &TestApp, key: &str, scopes: &str) -> i64 {
    let pepper = app.app().config().api_key_pepper.clone();
    let hash = shared::tokens::hmac_sha256_hex(pepper.as_bytes(), key.as_bytes());
    let mut tx = begin(app).await;
    let id = sql("INSERT INTO api_keys (key_hash, key_prefix, scopes, created_at) VALUES (?, ?, ?, ?)")
        .bind(hash)
        .bind(key.chars().take(6).collect::<String>())
        .bind(scopes)
        .bind(app.app().now())
        .insert(&mut tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}
