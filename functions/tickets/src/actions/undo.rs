//! Taking back a change to many tickets, for a short while and where nobody has changed them since
//! ("what users will expect" 12).

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use shared::audit::Change as Line;
use shared::context::By;
use shared::db::Tx;
use shared::error::{Error, Result};

use super::bulk::save;
use crate::model::{Bulk, Priority, Status};
use crate::scope::{Doer, Scope};
use crate::store::{self, Ticket};

/// So long a change can be taken back. The page offers it at once; reading and reaching it takes some
/// people longer than the ten seconds that a quick hand needs.
const OPEN_FOR: TimeDelta = TimeDelta::seconds(60);

/// Tickets in one statement.
const STEP: usize = 200;

/// A ticket before a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    id: i64,
    /// After the change: a ticket that has another by now was changed again.
    version: i64,
    value: Option<String>,
    closed_at: Option<DateTime<Utc>>,
}

impl Kept {
    /// What the change replaces.
    pub(super) fn of(ticket: &Ticket, change: &Bulk) -> Self {
        let value = match change {
            Bulk::Status(_) => Some(ticket.status.clone()),
            Bulk::Priority(_) => Some(ticket.priority.clone()),
            Bulk::Assign(_) => ticket.assigned_user_id.map(|id| id.to_string()),
            Bulk::Category(_) => ticket.category.clone(),
            _ => None,
        };
        Self { id: ticket.id, version: ticket.version + 1, value, closed_at: ticket.closed_at }
    }

    /// The change that brings it back.
    fn back(&self, what: &str) -> Option<Bulk> {
        let value = self.value.as_deref();
        Some(match what {
            "status" => Bulk::Status(Status::stored(value?)),
            "priority" => Bulk::Priority(Priority::stored(value?)),
            "assign" => Bulk::Assign(value.and_then(|id| id.parse().ok())),
            "category" => Bulk::Category(self.value.clone()),
            _ => return None,
        })
    }
}

/// The change as the row names it; none for what has no way back.
fn word(change: &Bulk) -> Option<&'static str> {
    match change {
        Bulk::Status(_) => Some("status"),
        Bulk::Priority(_) => Some("priority"),
        Bulk::Assign(_) => Some("assign"),
        Bulk::Category(_) => Some("category"),
        _ => None,
    }
}

/// A change that can be taken back.
#[derive(Debug, Clone, Copy)]
pub struct Undoable {
    /// Row of `ticket_undos`.
    pub id: i64,
    /// Until then.
    pub expires_at: DateTime<Utc>,
}

/// Remembers what a person's change replaced.
pub async fn keep(by: &By, change: &Bulk, kept: &[Kept]) -> Result<Option<Undoable>> {
    let (Some(person), Some(what)) = (by.person(), word(change)) else { return Ok(None) };
    if kept.is_empty() {
        return Ok(None);
    }
    let mut tx = by.begin().await?;
    tx.housekeeping();
    let expires_at = tx.stamp().at + OPEN_FOR;
    let id = store::insert_undo(&mut tx, person.id(), what, &serde_json::to_string(kept)?, expires_at).await?;
    tx.commit().await?;
    Ok(Some(Undoable { id, expires_at }))
}

/// Brings back what the change replaced; says how many tickets, and how many had been changed again.
pub async fn undo(by: &By, id: i64) -> Result<(usize, usize)> {
    let (scope, doer) = (Scope::of(by), Doer::of(by));
    let mut tx = by.begin().await?;
    let found = store::take_undo(&mut tx, doer.id.unwrap_or_default(), id).await?;
    let Some((what, tickets)) = found else { return Err(too_late()) };
    let kept: Vec<Kept> = serde_json::from_str(&tickets)?;
    let mut restored = Vec::new();
    for step in kept.chunks(STEP) {
        restored.extend(restore(&mut tx, scope, &doer, &what, step).await?);
    }
    let left = kept.len() - restored.len();
    let line = Line::of_many("tickets.undo", "ticket");
    tx.audit(line.after(serde_json::json!({ "ids": restored, "what": what, "left": left })));
    tx.commit().await?;
    Ok((restored.len(), left))
}

fn too_late() -> Error {
    Error::conflict("It is too late to undo this. The tickets stay as they were changed.").code("too_late")
}

/// One statement for each former value, not for each ticket.
async fn restore(tx: &mut Tx, scope: Scope, doer: &Doer, what: &str, kept: &[Kept]) -> Result<Vec<i64>> {
    let ids: Vec<i64> = kept.iter().map(|kept| kept.id).collect();
    let found = store::lock_all(scope, tx, &ids).await?;
    let is_same = |ticket: &&Ticket| kept.iter().any(|k| k.id == ticket.id && k.version == ticket.version);
    let same: Vec<&Ticket> = found.iter().filter(is_same).collect();
    let mut groups: Vec<(Bulk, Vec<Ticket>)> = Vec::new();
    for ticket in &same {
        let Some(back) = kept.iter().find(|k| k.id == ticket.id).and_then(|k| k.back(what)) else { continue };
        match groups.iter_mut().find(|(known, _)| *known == back) {
            Some((_, tickets)) => tickets.push((*ticket).clone()),
            None => groups.push((back, vec![(*ticket).clone()])),
        }
    }
    for (back, tickets) in &groups {
        save(tx, doer, tickets, back).await?;
    }
    let restored: Vec<i64> = same.iter().map(|ticket| ticket.id).collect();
    if what == "status" {
        let closed: Vec<(i64, DateTime<Utc>)> =
            kept.iter().filter(|k| restored.contains(&k.id)).filter_map(|k| Some((k.id, k.closed_at?))).collect();
        store::restore_closed(tx, &closed).await?;
    }
    Ok(restored)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(value: Option<&str>) -> Kept {
        Kept { id: 1, version: 2, value: value.map(str::to_owned), closed_at: None }
    }

    #[test]
    fn each_change_leads_back_to_what_it_replaced() {
        assert_eq!(kept(Some("pending")).back("status"), Some(Bulk::Status(Status::Pending)));
        assert_eq!(kept(Some("high")).back("priority"), Some(Bulk::Priority(Priority::High)));
        assert_eq!(kept(Some("7")).back("assign"), Some(Bulk::Assign(Some(7))));
        assert_eq!(kept(None).back("assign"), Some(Bulk::Assign(None)));
        assert_eq!(kept(None).back("category"), Some(Bulk::Category(None)));
        assert_eq!(kept(None).back("status"), None);
        assert_eq!(kept(Some("x")).back("delete"), None);
    }

    #[test]
    fn deleting_has_no_way_back() {
        assert_eq!(word(&Bulk::Delete), None);
        assert_eq!(word(&Bulk::Status(Status::Open)), Some("status"));
    }
}
