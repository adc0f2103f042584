//! Asking for an export.

use shared::audit::Change as Line;
use shared::context::By;
use shared::error::{Error, Result};
use shared::jobs::NewJob;

use super::{JOB, store};
use crate::model::TicketFilter;
use crate::scope::Scope;

/// Queues the writing of a list; gives the export's id. Each person has one in the making.
pub async fn order(by: &By, filter: &TicketFilter, of_company: bool) -> Result<i64> {
    let Some(person) = by.person() else {
        let text = "An export belongs to a person. With an API key read the list page by page.";
        return Err(Error::bad_request(text).code("needs_person"));
    };
    let company = Scope::of(by).colleagues().filter(|_| of_company);
    let mut tx = by.begin().await?;
    if store::unfinished(&mut tx, person.id()).await?.is_some() {
        let text = "An export is being written already. You are told when it is ready.";
        return Err(Error::conflict(text).code("export_running"));
    }
    let list = serde_json::to_string(filter)?;
    let id = store::insert(&mut tx, person.id(), &list, company).await?;
    NewJob::new(JOB, serde_json::json!({ "id": id })).dedupe(format!("{JOB}:{id}")).queue(&mut tx).await?;
    tx.audit(Line::new("tickets.export", "ticket_export", id).company(company).after(filter));
    tx.commit().await?;
    Ok(id)
}
