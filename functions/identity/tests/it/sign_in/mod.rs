//! Signing in and out, sessions, passwords, the authentication log (acceptance 9 to 16, 21 to 31, 40).

mod auth_log;
mod guessing;
mod passwords;
mod sessions;
mod signing_in;
mod tokens;

use std::path::PathBuf;

use http::Method;
use serde_json::{Value, json};
use shared::testing::{Actor, PASSWORD, Reply, TestApp};

use crate::registration::portal;

pub(crate) fn credentials(name: &str) -> Value {
    json!({"email": format!("{name}@example.com"), "password": PASSWORD})
}

pub(crate) async fn login(actor: &Actor, body: Value) -> Reply {
    actor.json(Method::POST, "/auth/login", body).await
}

async fn wrong(actor: &Actor) -> Reply {
    login(actor, json!({"email": "ann@example.com", "password": "not the password"})).await
}

async fn portal_with_ann() -> TestApp {
    let app = portal().await;
    app.user("ann", |_| ()).await;
    app
}

fn log_file() -> PathBuf {
    std::env::temp_dir().join(format!("myportal-auth-{}.log", shared::tokens::random_hex(8)))
}
