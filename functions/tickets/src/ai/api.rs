//! Asking for a fresh summary.

use axum::response::Response;
use http::StatusCode;
use shared::audit::Change;
use shared::caller::{Keyed, Technician};
use shared::context::By;
use shared::error::{Error, Result};
use shared::flash::Flash;
use shared::web::Path;

use super::jobs;
use crate::scope::Scope;
use crate::store;

async fn ask(by: &By, id: i64) -> Result<()> {
    let ticket = store::find(Scope::of(by), by.db(), id).await?;
    if !jobs::is_ready(by.app()).await? {
        return Err(Error::conflict("The Ollama module is off or not set up")
            .code("module_off")
            .or_see(format!("/tickets/{id}")));
    }
    let mut tx = by.begin().await?;
    jobs::queue(&mut tx, id, by.now(), 50).await?;
    tx.audit(Change::new("tickets.ai_refresh", "ticket", id).label(ticket.subject).company(ticket.company_id));
    tx.commit().await
}

/// Summarise and tag a ticket anew
///
/// Queued; nothing happens when nothing has changed since the last time.
#[utoipa::path(post, path = "/api/tickets/{id}/ai-refresh",
    params(("id" = i64, Path, description = "Number of the ticket")),
    responses((status = 202, description = "Queued"), (status = 404, description = "No such ticket"),
        (status = 409, description = "The Ollama module is off")))]
pub async fn refresh_ai(by: Keyed<Technician>, Path(id): Path<i64>) -> Result<StatusCode> {
    by.portal_wide()?;
    ask(&by, id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The same from the page.
pub async fn refresh(by: Technician, Path(id): Path<i64>) -> Result<Response> {
    ask(&by, id).await?;
    by.see(format!("/tickets/{id}#summary"), Flash::done("Summary queued")).await
}
