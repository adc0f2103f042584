//! Changing fields of a ticket (tickets 4.5).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::audit::Change as Line;
use shared::context::By;
use shared::db::Tx;
use shared::error::Result;
use shared::events::{emit, emit_all, names};
use shared::web::Patch;

use super::checks;
use crate::model::{self, Change, Status};
use crate::scope::{Doer, Scope};
use crate::store::{self, NewActivity, Ticket};

/// What came of a change.
#[derive(Debug)]
pub enum Outcome {
    /// The ticket as it is now; equal to before when nothing differed.
    Saved(Box<Ticket>),
    /// Somebody else was quicker; the ticket as they left it.
    Conflict(Box<Ticket>),
}

/// Changes a ticket that the caller may see.
pub async fn update(by: &By, id: i64, change: Change) -> Result<Outcome> {
    let scope = Scope::of(by);
    store::find(scope, by.db(), id).await?;
    update_in(by.begin().await?, scope, &Doer::of(by), id, change).await
}

/// The same for who does not stand behind a request of a person or key.
pub async fn update_in(mut tx: Tx, scope: Scope, doer: &Doer, id: i64, change: Change) -> Result<Outcome> {
    store::lock(&mut tx, id).await?;
    let before = store::find(scope, &mut tx, id).await?;
    if change.version.is_some_and(|seen| seen != before.version) {
        return Ok(Outcome::Conflict(Box::new(before)));
    }
    super::merge::refuse_merged(&before)?;
    let wanted = merged(scope, &mut tx, &before, change).await?;
    let Some(after) = save(&mut tx, doer, before.clone(), wanted).await? else {
        return Ok(Outcome::Saved(Box::new(before)));
    };
    tx.commit().await?;
    Ok(Outcome::Saved(Box::new(after)))
}

/// Writes what differs, with activity, events and audit; none when nothing does.
pub(super) async fn save(tx: &mut Tx, doer: &Doer, before: Ticket, wanted: Ticket) -> Result<Option<Ticket>> {
    if model::differences(&before.facts(), &wanted.facts()).is_empty() && before.description == wanted.description {
        return Ok(None);
    }
    store::save(tx, &before, &wanted).await?;
    let everywhere = Scope::everywhere();
    let after = store::find(everywhere, &mut *tx, before.id).await?;
    let changes = model::differences(&before.facts(), &after.facts());
    store::record(tx, doer, before.id, NewActivity { kind: "updated", changes: changes.clone() }).await?;
    let payload = json!({ "ticket_id": before.id, "actor_id": doer.id, "fields": changes.keys().collect::<Vec<_>>(),
        "changes": changes });
    emit(tx, names::TICKET_UPDATED, payload).await?;
    if let Some(user_id) = after.assigned_user_id.filter(|_| after.assigned_user_id != before.assigned_user_id) {
        let payload = json!({ "ticket_id": before.id, "user_id": user_id, "actor_id": doer.id,
            "previous_assigned_user_id": before.assigned_user_id });
        emit(tx, names::TICKET_ASSIGNED, payload).await?;
    }
    tell_status(tx, doer, before.id, before.state().status, after.state().status).await?;
    let line = Line::new("tickets.update", "ticket", before.id).label(&after.subject).company(after.company_id);
    tx.audit(doer.named(line.changed(before.facts(), after.facts())));
    Ok(Some(after))
}

/// The events of a change of status.
pub(super) async fn tell_status(tx: &mut Tx, doer: &Doer, id: i64, from: Status, to: Status) -> Result<()> {
    emit_all(tx, &status_events(doer, id, from, to)).await
}

/// What a change of status is told as.
pub(super) fn status_events(doer: &Doer, id: i64, from: Status, to: Status) -> Vec<(&'static str, Value)> {
    if from == to {
        return Vec::new();
    }
    let payload = json!({ "ticket_id": id, "actor_id": doer.id, "from": from.as_str(), "to": to.as_str() });
    let mut events = vec![(names::TICKET_STATUS_CHANGED, payload.clone())];
    match (from.is_done(), to.is_done()) {
        (false, true) => events.push((names::TICKET_CLOSED, payload)),
        (true, false) => events.push((names::TICKET_REOPENED, payload)),
        _ => {}
    }
    events
}

/// The ticket as it would be, once company and people are found to fit.
async fn merged(scope: Scope, tx: &mut Tx, before: &Ticket, change: Change) -> Result<Ticket> {
    let now = tx.stamp().at;
    let mut wanted = fields(before, &change, now);
    if wanted.company_id != before.company_id {
        checks::company(scope, tx, wanted.company_id).await?;
    }
    let asked = change.requester_id.change().filter(|id| *id != before.requester_id);
    match asked {
        Some(requester) => {
            checks::requester(tx, requester, wanted.company_id).await?;
            wanted.requester_id = requester;
        }
        None if wanted.company_id != before.company_id => {
            wanted.requester_id = kept_requester(tx, before.requester_id, wanted.company_id).await?;
        }
        None => {}
    }
    if wanted.assigned_user_id != before.assigned_user_id {
        checks::assignee(tx, wanted.assigned_user_id).await?;
    }
    // Names are read again after the change; these belong to the old ids.
    if wanted.company_id != before.company_id {
        wanted.company_name = None;
    }
    Ok(wanted)
}

fn fields(before: &Ticket, change: &Change, now: DateTime<Utc>) -> Ticket {
    let mut wanted = before.clone();
    if let Some(subject) = &change.subject {
        wanted.subject.clone_from(subject);
    }
    wanted.description = patched(&change.description, before.description.as_ref());
    if let Some(status) = change.status {
        status.as_str().clone_into(&mut wanted.status);
        wanted.closed_at = model::closed_at(before.closed_at, status, now);
    }
    if let Some(priority) = change.priority {
        priority.as_str().clone_into(&mut wanted.priority);
    }
    wanted.category = patched(&change.category, before.category.as_ref());
    wanted.module_slug = patched(&change.module_slug, before.module_slug.as_ref());
    wanted.external_reference = patched(&change.external_reference, before.external_reference.as_ref());
    wanted.company_id = patched(&change.company_id, before.company_id.as_ref());
    wanted.assigned_user_id = patched(&change.assigned_user_id, before.assigned_user_id.as_ref());
    if let Some(tags) = &change.tags {
        wanted.set_tags(tags);
    }
    wanted
}

fn patched<T: Clone>(patch: &Patch<T>, before: Option<&T>) -> Option<T> {
    match patch {
        Patch::Absent => before.cloned(),
        Patch::Null => None,
        Patch::Value(value) => Some(value.clone()),
    }
}

/// Who stays the requester when a ticket moves to another company without one being named: people who
/// belong to no company keep their ticket, people of another company lose it.
async fn kept_requester(tx: &mut Tx, requester: Option<i64>, company: Option<i64>) -> Result<Option<i64>> {
    let Some(id) = requester else { return Ok(None) };
    if let Some(company) = company
        && store::is_requester_of(&mut *tx, id, company).await?
    {
        return Ok(requester);
    }
    // Without a company the ticket keeps whom it has.
    let loses = company.is_some() && store::is_member_of_any(tx, id).await?;
    Ok(requester.filter(|_| !loses))
}
