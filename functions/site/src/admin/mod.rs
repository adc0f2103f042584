//! `/admin`: the overview of the portal and its first steps.

use axum::response::Response;
use serde::Serialize;
use serde_json::json;
use shared::Flash;
use shared::audit::Change;
use shared::caller::{SuperAdmin, User};
use shared::config::Config;
use shared::db::sql;
use shared::error::Result;
use shared::mail::transport::Backend;
use shared::page::Page;
use shared::routes::Routes;

use crate::dashboard::{Watch, Worker, watch};
use crate::figures::portal::Portal;
use crate::setup::{Setup, Task};

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes.page("/admin", overview).form("/admin/setup/dismiss", dismiss)
}

/// The overview.
#[derive(Debug, Serialize)]
pub struct Overview {
    watch: Watch,
    version: &'static str,
    database: &'static str,
    mail: String,
    bucket: String,
}

impl Page for Overview {
    const TEMPLATE: &'static str = "site/admin.html";

    fn samples() -> Vec<Self> {
        let task = |title, state| Task { title, href: "/admin/email".to_owned(), state, help: None };
        let page = |worker, is_dismissed| Self {
            watch: Watch {
                portal: Portal { companies: 12, users: 140, open_tickets: 31, failed_jobs: 1, ..Portal::default() },
                worker,
                setup: Setup {
                    tasks: vec![task("Protect your account", "done"), task("Set up outgoing mail", "attention")],
                    done: 1,
                    is_dismissed,
                },
            },
            version: "0.1.0",
            database: "SQLite",
            mail: "smtp.example.com".to_owned(),
            bucket: "uploads".to_owned(),
        };
        vec![page(Worker::Running, false), page(Worker::Stopped, true)]
    }
}

/// The page.
pub async fn overview(by: SuperAdmin, user: User) -> Result<Response> {
    let config = by.app().config();
    let page = Overview {
        watch: watch(&user).await?,
        version: env!("CARGO_PKG_VERSION"),
        database: if by.db().is_sqlite() { "SQLite" } else { "MySQL or MariaDB" },
        mail: mail_text(by.app().mail(), config),
        bucket: config.bucket.name.clone(),
    };
    by.page(&page).await
}

fn mail_text(backend: &Backend, config: &Config) -> String {
    match backend {
        Backend::Off => "No mail server".to_owned(),
        Backend::Folder(_) => "Kept on this machine".to_owned(),
        _ if config.smtp.host.is_empty() => "Kept in memory".to_owned(),
        _ => config.smtp.host.clone(),
    }
}

/// Puts the list of first steps away, for all super administrators.
pub async fn dismiss(by: SuperAdmin) -> Result<Response> {
    let mut tx = by.begin().await?;
    let now = by.now();
    sql("UPDATE site_settings SET setup_dismissed_at = ?, updated_at = ? WHERE id = 1")
        .bind(now)
        .bind(now)
        .execute(&mut tx)
        .await?;
    tx.audit(Change::new("site_settings.updated", "site_settings", 1).after(json!({ "setup_dismissed_at": now })));
    tx.commit().await?;
    by.see("/admin", Flash::done("First steps put away")).await
}
