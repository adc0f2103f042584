//! The area in process, through its routes, against local servers that speak the partners' protocols.

mod automations;
mod automations_files;
mod automations_pages;
mod documentation;
mod killed_workers;
mod leases;
mod module_calls;
mod modules;
mod pause;
mod scheduler_api;
mod scheduler_pages;
mod scheduler_runs;
mod scheduler_workers;
mod script;
mod standard_webhooks;
mod webhook_endpoint_api;
mod webhook_endpoints;
mod webhook_monitor;
mod webhooks;

use serde_json::{Map, Value};
use shared::config::Config;
use shared::db::sql;
use shared::jobs::Jobs;
use shared::modules::{Edit, Slug};
use shared::outbound::Exceptions;
use shared::testing::{Actor, TestApp, config};

/// Settings under which the servers of the tests may be reached.
fn settings() -> Config {
    let mut config = config();
    config.outbound_exceptions = Exceptions::parse("127.0.0.1").unwrap();
    config
}

async fn portal() -> TestApp {
    portal_with(settings()).await
}

async fn portal_with(config: Config) -> TestApp {
    TestApp::with(config, automation::routes(), jobs()).await
}

fn jobs() -> Jobs {
    automation::jobs().merge(Jobs::kernel())
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// Switches a module on with these settings, behind the portal's back.
async fn switch_on(app: &TestApp, slug: Slug, value: Value) {
    let mut tx = app.db().begin(shared::audit::Stamp::system(app.app().now())).await.unwrap();
    let edit = Edit { enabled: Some(true), settings: map(value), ..Edit::default() };
    shared::modules::save(app.app(), &mut tx, slug, edit).await.unwrap();
    tx.commit().await.unwrap();
}

/// A program with a key of this scope.
async fn key(app: &TestApp, scope: &str, company: Option<i64>) -> Actor {
    let token = format!("mp_{}", shared::tokens::random_hex(24));
    let hash = shared::tokens::hmac_sha256_hex(app.app().config().api_key_pepper.as_bytes(), token.as_bytes());
    let insert =
        sql("INSERT INTO api_keys (key_hash, key_prefix, scopes, company_id, created_at) VALUES (?, ?, ?, ?, ?)")
            .bind(hash)
            .bind("mp_test")
            .bind(serde_json::json!([scope]).to_string())
            .bind(company)
            .bind(app.app().now());
    app.execute(insert).await;
    app.stranger().with_key(&token)
}
