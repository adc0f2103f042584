//! Starting, waiting for and cancelling a run.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use shared::audit::Change;
use shared::context::By;
use shared::error::{Error, Result};
use shared::syncro::Syncro;

use super::request::{Wanted, Which};
use super::runs::{self, ImportRun};

/// Where people see imports.
pub const CONSOLE: &str = "/admin/tickets/import";

/// Whoever asks for a small import waits so long for its end.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(200);

/// Queues a run, if Syncro is set up and no other is active.
pub async fn start(by: &By, wanted: &Wanted) -> Result<ImportRun> {
    if Syncro::of_module(by.app()).await?.is_none() {
        return Err(Error::refused(StatusCode::SERVICE_UNAVAILABLE, "Syncro is not configured")
            .code("syncro_not_configured")
            .or_see(CONSOLE));
    }
    let mut tx = by.begin().await?;
    let Some(id) = runs::insert(&mut tx, wanted).await? else {
        let other = runs::active(&mut tx).await?.map(|run| run.id);
        return Err(Error::conflict("An import is already running")
            .code("import_running")
            .with("run_id", json!(other))
            .or_see(CONSOLE));
    };
    let range = match wanted.which {
        Which::Range(first, last) => json!([first, last]),
        Which::Id(id) | Which::Number(id) => json!(id),
        Which::All => json!(null),
    };
    let line = Change::new("tickets.import_started", "ticket_import", id).label(wanted.which.mode());
    tx.audit(line.after(json!({ "mode": wanted.which.mode(), "tickets": range })));
    tx.commit().await?;
    found(by, id).await
}

/// A run, or 404.
pub async fn found(by: &By, id: i64) -> Result<ImportRun> {
    runs::find(by.db(), id).await?.ok_or_else(|| Error::not_found("Import not found"))
}

/// Waits a while for the end of a small run, so that its figures are final. The work is a job's; only the
/// row is looked at.
pub async fn awaited(by: &By, run: ImportRun) -> Result<ImportRun> {
    let until = tokio::time::Instant::now() + PATIENCE;
    let mut run = run;
    while run.which().is_small() && run.is_active() && tokio::time::Instant::now() < until {
        tokio::time::sleep(PAUSE).await;
        run = found(by, run.id).await?;
    }
    Ok(run)
}

/// Ends a run where it stands; what was imported stays.
pub async fn cancel(by: &By, id: i64) -> Result<ImportRun> {
    let run = found(by, id).await?;
    let mut tx = by.begin().await?;
    if !runs::end(&mut tx, id, "cancelled", None).await? {
        return Err(Error::conflict("This import is over").code("import_over").or_see(CONSOLE));
    }
    tx.audit(Change::new("tickets.import_cancelled", "ticket_import", id).label(run.mode));
    tx.commit().await?;
    found(by, id).await
}
