//! Deleting a ticket: the page that states the effect, and its form.

use axum::response::Response;
use serde::Serialize;
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::error::Result;
use shared::page::Page;
use shared::web::Path;

use crate::actions;
use crate::scope::Scope;
use crate::store;

/// Asks before a ticket is deleted.
#[derive(Debug, Serialize)]
pub struct TicketDelete {
    id: i64,
    subject: String,
    effect: String,
}

/// States the effect.
pub async fn ask(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let scope = Scope::of(&by);
    let ticket = store::find(scope, by.db(), id).await?;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let replies = count(store::replies(scope, by.db(), id).await?.len());
    let files = count(store::attachments(scope, by.db(), id).await?.len());
    by.page(&TicketDelete { id, subject: ticket.subject, effect: effect(replies, files) }).await
}

fn effect(replies: i64, files: i64) -> String {
    use shared::format::plural;
    let replies =
        if replies == 1 { "1 reply".to_owned() } else { format!("{} replies", shared::format::grouped(replies)) };
    format!(
        "Removes the ticket with {replies} and {} for everybody at once. It cannot be undone.",
        plural(files, "file")
    )
}

/// Deletes.
pub async fn delete(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    actions::delete(&by, id).await?;
    by.see("/tickets", Flash::done(format!("Ticket #{id} deleted"))).await
}

impl Page for TicketDelete {
    const TEMPLATE: &'static str = "tickets/delete.html";

    fn samples() -> Vec<Self> {
        vec![Self { id: 10432, subject: "Printer in room 4 jams".to_owned(), effect: effect(3, 1) }]
    }
}
