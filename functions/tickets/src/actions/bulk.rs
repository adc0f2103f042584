//! One change to many tickets, in one transaction and a fixed number of statements (tickets 4.7).

use serde_json::{Map, Value, json};
use shared::audit::Change as Line;
use shared::context::By;
use shared::db::Tx;
use shared::error::{Error, Result};
use shared::events::{emit_all, names};

use super::checks;
use super::status::delete_in;
use super::undo::Kept;
use crate::model::{self, Bulk, Fate, MOST_TAGS, Status};
use crate::scope::{Doer, Scope};
use crate::store::{self, Ticket};

/// What became of the tickets, and what they were before.
#[derive(Debug, Default)]
pub struct Done {
    /// Of each, in the order asked.
    pub fates: Vec<Fate>,
    /// For taking it back; empty where there is no way back.
    pub kept: Vec<Kept>,
}

/// Changes at most 200 tickets; says of each what became of it, in the order asked.
pub async fn bulk(by: &By, ids: &[i64], change: &Bulk) -> Result<Done> {
    if *change == Bulk::Delete && !by.person().is_none_or(|person| person.user.is_super_admin) {
        return Err(Error::forbidden("Only super administrators delete tickets"));
    }
    let (scope, doer) = (Scope::of(by), Doer::of(by));
    let mut tx = by.begin().await?;
    if let Bulk::Assign(assignee) = change {
        checks::assignee(&mut tx, *assignee).await?;
    }
    let found = store::lock_all(scope, &mut tx, ids).await?;
    let changed = match change {
        Bulk::Delete => delete_all(&mut tx, &found).await?,
        change => save(&mut tx, &doer, &found, change).await?,
    };
    let fates = ids.iter().map(|id| Fate { id: *id, problem: problem(*id, &found, &changed, change) }).collect();
    if changed.is_empty() {
        return Ok(Done { fates, kept: Vec::new() });
    }
    tx.commit().await?;
    let replaced = found.iter().filter(|ticket| *change != Bulk::Delete && changed.contains(&ticket.id));
    Ok(Done { fates, kept: replaced.map(|ticket| Kept::of(ticket, change)).collect() })
}

fn problem(id: i64, found: &[Ticket], changed: &[i64], change: &Bulk) -> Option<&'static str> {
    if changed.contains(&id) {
        return None;
    }
    let Some(ticket) = found.iter().find(|ticket| ticket.id == id) else { return Some("not found") };
    match change {
        _ if ticket.merged_into_id.is_some() => Some("merged into another"),
        Bulk::Tag(tag) if !ticket.tags().contains(tag) => Some("20 tags already"),
        _ => Some("already so"),
    }
}

async fn delete_all(tx: &mut Tx, found: &[Ticket]) -> Result<Vec<i64>> {
    for ticket in found {
        delete_in(tx, ticket).await?;
    }
    Ok(found.iter().map(|ticket| ticket.id).collect())
}

pub(super) async fn save(tx: &mut Tx, doer: &Doer, found: &[Ticket], change: &Bulk) -> Result<Vec<i64>> {
    let differing: Vec<&Ticket> = found.iter().filter(|ticket| differs(ticket, change)).collect();
    let ids: Vec<i64> = differing.iter().map(|ticket| ticket.id).collect();
    if ids.is_empty() {
        return Ok(ids);
    }
    store::save_all(tx, &ids, change).await?;
    // The names after the change come from the database, as with single changes.
    let after = store::lock_all(Scope::everywhere(), tx, &ids).await?;
    let pairs = differing.iter().filter_map(|old| Some((*old, after.iter().find(|new| new.id == old.id)?)));
    let pairs: Vec<(&Ticket, &Ticket)> = pairs.collect();
    let changes: Vec<(i64, Map<String, Value>)> =
        pairs.iter().map(|(old, new)| (old.id, model::differences(&old.facts(), &new.facts()))).collect();
    store::record_all(tx, doer, &changes).await?;
    let events: Vec<_> = pairs.iter().flat_map(|(old, new)| events(doer, old, new)).collect();
    emit_all(tx, &events).await?;
    tx.audit(Line::of_many("tickets.bulk", "ticket").after(json!({ "ids": ids, "change": told(change) })));
    Ok(ids)
}

fn differs(ticket: &Ticket, change: &Bulk) -> bool {
    if ticket.merged_into_id.is_some() {
        return false;
    }
    match change {
        Bulk::Status(status) => ticket.status != status.as_str(),
        Bulk::Priority(priority) => ticket.priority != priority.as_str(),
        Bulk::Assign(user) => ticket.assigned_user_id != *user,
        Bulk::Category(category) => ticket.category != *category,
        Bulk::Tag(tag) => {
            let tags = ticket.tags();
            !tags.contains(tag) && tags.len() < MOST_TAGS
        }
        Bulk::Untag(tag) => ticket.tags().contains(tag),
        Bulk::Delete => true,
    }
}

fn told(change: &Bulk) -> Value {
    match change {
        Bulk::Status(status) => json!({ "status": status.as_str() }),
        Bulk::Priority(priority) => json!({ "priority": priority.as_str() }),
        Bulk::Assign(user) => json!({ "assigned_user_id": user }),
        Bulk::Category(category) => json!({ "category": category }),
        Bulk::Tag(tag) => json!({ "tag": tag }),
        Bulk::Untag(tag) => json!({ "untag": tag }),
        Bulk::Delete => json!("delete"),
    }
}

fn events(doer: &Doer, old: &Ticket, new: &Ticket) -> Vec<(&'static str, Value)> {
    let changes = model::differences(&old.facts(), &new.facts());
    let fields: Vec<&String> = changes.keys().collect();
    let payload = json!({ "ticket_id": old.id, "actor_id": doer.id, "fields": fields, "changes": changes });
    let mut events = vec![(names::TICKET_UPDATED, payload)];
    if let Some(user_id) = new.assigned_user_id.filter(|_| new.assigned_user_id != old.assigned_user_id) {
        let payload = json!({ "ticket_id": old.id, "user_id": user_id, "actor_id": doer.id,
            "previous_assigned_user_id": old.assigned_user_id });
        events.push((names::TICKET_ASSIGNED, payload));
    }
    events.extend(super::update::status_events(doer, old.id, Status::stored(&old.status), Status::stored(&new.status)));
    events
}
