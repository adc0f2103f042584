//! What other areas do with tickets (README: `mcp -> tickets`, `automation -> tickets`): the same rules,
//! events and records as for people, with somebody else behind it.

use shared::db::{At, Db, Tx};
use shared::error::Result;

pub use crate::actions::{Outcome, Sent};
pub use crate::model::{
    Assigned, Change, NewReply, Priority, ReplyOut, Status, TicketFilter, WatcherOut, category, module,
    read_reply_address,
};
pub use crate::scope::{Doer, Scope};
pub use crate::store::{Stamp, Ticket};
use crate::{actions, store};

/// Tickets that a filter finds, and how many there are in all, at most 10,001.
pub async fn list(scope: Scope, db: &Db, filter: &TicketFilter, limit: i64, offset: i64) -> Result<(Vec<Ticket>, i64)> {
    let store::Search { plan, found } = store::search(scope, db, filter).await?;
    Ok((store::full_page(scope, db, filter, plan, (limit, offset)).await?, found.counted))
}

/// A ticket in reach.
pub async fn find(scope: Scope, at: impl Into<At<'_>>, id: i64) -> Result<Ticket> {
    store::find(scope, at, id).await
}

/// How far the tickets in reach have come, for pages that are open.
pub async fn stamps(scope: Scope, db: &Db, ids: &[i64]) -> Result<Vec<Stamp>> {
    store::stamps(scope, db, ids).await
}

/// The replies in reach, oldest first.
pub async fn replies(scope: Scope, at: impl Into<At<'_>>, ticket_id: i64) -> Result<Vec<ReplyOut>> {
    store::replies(scope, at, ticket_id).await
}

/// One reply in reach.
pub async fn find_reply(scope: Scope, at: impl Into<At<'_>>, ticket_id: i64, id: i64) -> Result<Option<ReplyOut>> {
    store::find_reply(scope, at, ticket_id, id).await
}

/// Who watches a ticket; nobody for a scope that does not see the desk.
pub async fn watchers(scope: Scope, at: impl Into<At<'_>>, ticket_id: i64) -> Result<Vec<WatcherOut>> {
    store::watchers(scope, at, ticket_id).await
}

/// Adds a reply or note.
pub async fn reply(tx: Tx, scope: Scope, doer: &Doer, ticket_id: i64, new: NewReply) -> Result<Sent> {
    actions::reply_in(tx, scope, doer, ticket_id, new, &[]).await
}

/// Changes fields.
pub async fn update(tx: Tx, scope: Scope, doer: &Doer, id: i64, change: Change) -> Result<Outcome> {
    actions::update_in(tx, scope, doer, id, change).await
}

/// The name of an active person.
pub async fn person(at: impl Into<At<'_>>, id: i64) -> Result<Option<String>> {
    store::active_person(at, id).await
}

/// True for an active person of the desk.
pub async fn works_at_desk(at: impl Into<At<'_>>, id: i64) -> Result<bool> {
    store::is_assignable(at, id).await
}
