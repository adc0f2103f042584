//! The routes of the area, in process, each test with a portal of its own.

mod api;
mod batch;
mod business_information;
mod documentation;
mod domains;
mod invitations;
mod joining;
mod list;
mod matrix;
mod members;
mod memberships;
mod pages;
mod refusals;
mod removal;
mod roles;
mod staff;
mod staff_bulk;
mod staff_import;
mod staff_steps;
mod switch;
mod together;

use shared::caller::Company;
use shared::db::sql;
use shared::jobs::Jobs;
use shared::testing::{Actor, TestApp};

/// A portal with the routes of the area and the kernel's work.
async fn portal() -> TestApp {
    TestApp::new(companies::routes(), companies::jobs().merge(Jobs::kernel())).await
}

/// A key with these scopes, as the key area stores it.
async fn key(app: &TestApp, scopes: &str, company: Option<i64>) -> String {
    let key = format!("mp_{}", "a1".repeat(24));
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
    key
}

/// Number of a role by its name.
async fn role(app: &TestApp, name: &str) -> i64 {
    app.number(sql("SELECT id FROM roles WHERE name_key = ?").bind(name.to_lowercase())).await
}

/// Number of a membership.
async fn membership(app: &TestApp, company: &Company, person: &Actor) -> i64 {
    let query = sql("SELECT id FROM company_memberships WHERE company_id = ? AND user_id = ?");
    app.number(query.bind(company.id).bind(person.id)).await
}

/// Puts a membership as a test wants it, behind the portal's back.
async fn make(app: &TestApp, person: &Actor, role_name: &str, is_admin: bool) {
    let role = role(app, role_name).await;
    let query = sql("UPDATE company_memberships SET role_id = ?, is_admin = ? WHERE user_id = ?");
    app.execute(query.bind(role).bind(is_admin).bind(person.id)).await;
}
