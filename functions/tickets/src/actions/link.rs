//! Saying that tickets belong together, and that they do not.

use serde_json::{Map, Value, json};
use shared::audit::Change as Line;
use shared::context::By;
use shared::db::Tx;
use shared::error::{Error, Result};

use crate::model::Relation;
use crate::scope::{Doer, Scope};
use crate::store::{self, NewActivity};

/// Links of one ticket at most.
const MOST: i64 = 50;

pub(super) fn other(id: i64) -> Map<String, Value> {
    json!({ "other_id": [null, id] }).as_object().cloned().unwrap_or_default()
}

fn told(relation: Relation, id: i64) -> Map<String, Value> {
    let told = json!({ "other_id": [null, id], "relation": [null, relation.as_str()] });
    told.as_object().cloned().unwrap_or_default()
}

/// Notes on both tickets what became of them.
pub(super) async fn note(tx: &mut Tx, doer: &Doer, ticket_id: i64, kind: &'static str, id: i64) -> Result<()> {
    store::record(tx, doer, ticket_id, NewActivity { kind, changes: other(id) }).await
}

async fn note_both(tx: &mut Tx, doer: &Doer, kind: &'static str, pair: (i64, i64), relation: Relation) -> Result<()> {
    let (one, two) = pair;
    store::record(&mut *tx, doer, one, NewActivity { kind, changes: told(relation, two) }).await?;
    store::record(tx, doer, two, NewActivity { kind, changes: told(relation.turned(), one) }).await
}

/// Links a ticket to another; both must be in reach.
pub async fn link(by: &By, id: i64, other_id: i64, relation: Relation) -> Result<()> {
    let (scope, doer) = (Scope::of(by), Doer::of(by));
    let mut tx = by.begin().await?;
    store::lock(&mut tx, id).await?;
    let ticket = store::find(scope, &mut tx, id).await?;
    if id == other_id {
        return Err(Error::bad_request("Choose another ticket").code("same_ticket"));
    }
    if store::find(scope, &mut tx, other_id).await.is_err() {
        return Err(Error::bad_request(format!("There is no ticket #{other_id}")).code("no_such_ticket"));
    }
    let stored = relation.stored(id, other_id);
    if store::are_linked(&mut tx, stored).await? {
        return Err(Error::conflict("These tickets are linked like that already").code("already_linked"));
    }
    if store::count_links(&mut tx, id).await? >= MOST {
        return Err(Error::conflict("A ticket has at most 50 links").code("too_many_links"));
    }
    store::link(&mut tx, stored).await?;
    note_both(&mut tx, &doer, "linked", (id, other_id), relation).await?;
    let line = Line::new("tickets.link", "ticket", id).label(&ticket.subject).company(ticket.company_id);
    tx.audit(line.after(json!({ "other_id": other_id, "relation": relation.as_str() })));
    tx.commit().await
}

/// Takes a link away.
pub async fn unlink(by: &By, id: i64, other_id: i64, relation: Relation) -> Result<()> {
    let (scope, doer) = (Scope::of(by), Doer::of(by));
    let mut tx = by.begin().await?;
    let ticket = store::find(scope, &mut tx, id).await?;
    if !store::unlink(&mut tx, relation.stored(id, other_id)).await? {
        return Err(Error::not_found("Link not found"));
    }
    note_both(&mut tx, &doer, "unlinked", (id, other_id), relation).await?;
    let line = Line::new("tickets.unlink", "ticket", id).label(&ticket.subject).company(ticket.company_id);
    tx.audit(line.before(json!({ "other_id": other_id, "relation": relation.as_str() })));
    tx.commit().await
}
