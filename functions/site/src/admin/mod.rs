//! `/admin`: the overview of the portal and its first steps.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::Flash;
use shared::audit::Change;
use shared::caller::{SuperAdmin, User};
use shared::config::Config;
use shared::db::{sql, sql_by_engine};
use shared::error::{Error, Result};
use shared::mail::transport::Backend;
use shared::page::Page;
use shared::routes::Routes;
use shared::web::Form;

use crate::dashboard::{Watch, Worker, watch};
use crate::figures::portal::Portal;
use crate::setup::{STEPS, Setup, Task};

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes.page("/admin", overview).form("/admin/setup/dismiss", dismiss).form("/admin/setup/skip", skip)
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
        let task = |title, state| Task { step: "mail", title, href: "/admin/email".to_owned(), state, help: None };
        let page = |worker, is_dismissed| Self {
            watch: Watch {
                portal: Portal { companies: 12, users: 140, open_tickets: 31, failed_jobs: 1, ..Portal::default() },
                worker,
                setup: Setup {
                    tasks: vec![
                        task("Protect your account", "done"),
                        task("Set up outgoing mail", "attention"),
                        task("Connect your other systems", "skipped"),
                    ],
                    done: 1,
                    is_finished: false,
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

/// Which step is passed over, or taken up again.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Skip {
    step: String,
    /// Taken up again.
    undo: String,
    /// `/` or the overview.
    back: String,
}

/// Passes over a step of the list, or takes it up again, for all super administrators.
pub async fn skip(by: SuperAdmin, form: Form<Skip>) -> Result<Response> {
    let step = STEPS.into_iter().find(|step| *step == form.step);
    let step = step.ok_or_else(|| Error::bad_request("There is no such step").or_see("/admin"))?;
    let is_skipped = form.undo.is_empty();
    let mut tx = by.begin().await?;
    let change = if is_skipped {
        sql_by_engine(
            "INSERT INTO setup_skips (step, skipped_by_id, skipped_at) VALUES (?, ?, ?) ON CONFLICT (step) DO NOTHING",
            "INSERT INTO setup_skips (step, skipped_by_id, skipped_at) VALUES (?, ?, ?) \
             ON DUPLICATE KEY UPDATE step = step",
        )
        .bind(step)
        .bind(tx.stamp().user_id)
        .bind(by.now())
    } else {
        sql("DELETE FROM setup_skips WHERE step = ?").bind(step)
    };
    change.execute(&mut tx).await?;
    let after = json!({ "step": step, "skipped": is_skipped });
    tx.audit(Change::new("site_settings.updated", "site_settings", 1).after(after));
    tx.commit().await?;
    let to = if form.back == "/" { "/" } else { "/admin" };
    by.see(to, Flash::done(if is_skipped { "Step skipped" } else { "Step taken up again" })).await
}
