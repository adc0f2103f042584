//! Who is told of what happens on a ticket (tickets 4.7).

use serde_json::json;
use shared::audit::Change as Line;
use shared::context::By;
use shared::error::{Error, Result};

use crate::scope::{Doer, Scope};
use crate::store::{self, NewActivity};

/// Makes exactly these people the watchers, or nobody's place changes.
pub async fn watch_only(by: &By, id: i64, user_ids: &[i64]) -> Result<()> {
    let (scope, doer) = (Scope::of(by), Doer::of(by));
    let mut tx = by.begin().await?;
    store::lock(&mut tx, id).await?;
    let ticket = store::find(scope, &mut tx, id).await?;
    let bad =
        if user_ids.is_empty() { Vec::new() } else { store::unwatchable(&mut tx, ticket.company_id, user_ids).await? };
    if !bad.is_empty() {
        let names: Vec<String> = bad.iter().map(ToString::to_string).collect();
        return Err(Error::bad_request(format!("These people cannot watch the ticket: {}", names.join(", ")))
            .code("cannot_watch")
            .with("user_ids", bad));
    }
    store::replace_watchers(&mut tx, id, user_ids).await?;
    let changes = json!({ "watchers": [null, user_ids] }).as_object().cloned().unwrap_or_default();
    store::record(&mut tx, &doer, id, NewActivity { kind: "watchers", changes }).await?;
    let line = Line::new("tickets.watchers", "ticket", id).label(&ticket.subject).company(ticket.company_id);
    tx.audit(line.after(json!({ "user_ids": user_ids })));
    tx.commit().await
}

/// Adds somebody who may watch.
pub async fn watch(by: &By, id: i64, user_id: i64) -> Result<()> {
    let mut tx = by.begin().await?;
    store::lock(&mut tx, id).await?;
    let ticket = store::find(Scope::of(by), &mut tx, id).await?;
    if !store::unwatchable(&mut tx, ticket.company_id, &[user_id]).await?.is_empty() {
        return Err(Error::bad_request("This person cannot watch the ticket").code("cannot_watch"));
    }
    store::watch(&mut tx, id, user_id).await?;
    let line = Line::new("tickets.watch", "ticket", id).label(&ticket.subject).company(ticket.company_id);
    tx.audit(line.after(json!({ "user_id": user_id })));
    tx.commit().await
}

/// Takes somebody off the watchers.
pub async fn unwatch(by: &By, id: i64, user_id: i64) -> Result<()> {
    let mut tx = by.begin().await?;
    let ticket = store::find(Scope::of(by), &mut tx, id).await?;
    store::unwatch(&mut tx, id, user_id).await?;
    let line = Line::new("tickets.unwatch", "ticket", id).label(&ticket.subject).company(ticket.company_id);
    tx.audit(line.before(json!({ "user_id": user_id })));
    tx.commit().await
}
