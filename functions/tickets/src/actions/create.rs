//! Raising a ticket (tickets 4.4).

use serde_json::{Map, json};
use shared::audit::Change as Line;
use shared::context::By;
use shared::error::Result;
use shared::events::{emit, names};
use shared::rate_limit;

use super::checks;
use crate::model::{NewTicket, RawTicket};
use crate::scope::{Doer, Scope};
use crate::store::{self, NewActivity};

/// A ticket that was understood, with what the caller's role makes of it.
#[derive(Debug)]
pub struct Wanted {
    new: NewTicket,
    is_own: bool,
    /// The person of a customer whose tickets of the hour are counted.
    counted: Option<i64>,
}

/// Reads what was sent: the desk's fields count, a requester's are given but for subject and description.
/// Who may see the tickets of the company may also name a colleague.
pub fn wanted(by: &By, raw: RawTicket) -> Result<Wanted> {
    let scope = Scope::of(by);
    match by.person() {
        Some(person) if scope.is_own() => {
            let company = person.company.as_ref().map(|c| c.id).filter(|id| person.may_work_in(*id));
            let requester = scope.colleagues().and(raw.requester_id).unwrap_or(person.id());
            let is_own = requester == person.id();
            Ok(Wanted { new: NewTicket::parse_own(raw, requester, company)?, is_own, counted: Some(person.id()) })
        }
        _ => {
            let company_id = raw.company_id.or(scope.company());
            Ok(Wanted { new: NewTicket::parse(&RawTicket { company_id, ..raw })?, is_own: false, counted: None })
        }
    }
}

impl Wanted {
    /// Takes one of the tickets that a requester may raise in an hour.
    pub async fn count(&self, by: &By) -> Result<()> {
        match self.counted {
            Some(id) => rate_limit::hit(by.app(), &rate_limit::TICKET_CREATE, &id.to_string()).await,
            None => Ok(()),
        }
    }
}

/// Stores the ticket with files that have arrived; returns its id.
pub async fn create(by: &By, wanted: Wanted, file_ids: &[i64]) -> Result<i64> {
    let (doer, new) = (Doer::of(by), wanted.new);
    let mut tx = by.begin().await?;
    if !wanted.is_own {
        checks::company(Scope::of(by), &mut tx, new.company_id).await?;
        checks::requester(&mut tx, new.requester_id, new.company_id).await?;
        checks::assignee(&mut tx, new.assigned_user_id).await?;
    }
    let id = store::insert(&mut tx, &doer, &new).await?;
    store::attach(&mut tx, id, None, file_ids).await?;
    // Who raises a ticket for somebody else is told of the answers, as the desk is.
    if let Some(person) = doer.id.filter(|_| !wanted.is_own) {
        store::watch(&mut tx, id, person).await?;
    }
    store::record(&mut tx, &doer, id, NewActivity { kind: "created", changes: Map::new() }).await?;
    emit(&mut tx, names::TICKET_CREATED, json!({ "ticket_id": id, "actor_id": doer.id })).await?;
    if let Some(assignee) = new.assigned_user_id {
        let payload = json!({ "ticket_id": id, "user_id": assignee, "actor_id": doer.id });
        emit(&mut tx, names::TICKET_ASSIGNED, payload).await?;
    }
    let after = json!({ "status": new.status.as_str(), "priority": new.priority.as_str(),
        "requester_id": new.requester_id, "assigned_user_id": new.assigned_user_id, "files": file_ids.len() });
    tx.audit(Line::new("tickets.create", "ticket", id).label(new.subject).company(new.company_id).after(after));
    tx.commit().await?;
    Ok(id)
}
