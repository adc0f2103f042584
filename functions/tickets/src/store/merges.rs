//! Rows of `ticket_merges`, and moving a conversation from one ticket to another and back.

use shared::db::{At, Tx, sql};
use shared::error::Result;
use shared::{search, tokens};

use super::texts;
use super::tickets::Ticket;

/// That a ticket became part of another.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Merge {
    /// Where the conversation is.
    pub target_id: i64,
    /// The reply that the description became.
    pub copy_reply_id: Option<i64>,
    /// Where the ticket stood before.
    pub status_before: String,
}

/// Whether, and how, a ticket became part of another.
pub async fn merge_of(at: impl Into<At<'_>>, ticket_id: i64) -> Result<Option<Merge>> {
    let query = sql("SELECT target_id, copy_reply_id, status_before FROM ticket_merges WHERE ticket_id = ?");
    Ok(query.bind(ticket_id).fetch_optional(at).await?)
}

/// Moves replies, notes, files and watchers; what asked there is told of what happens here.
pub async fn merge(tx: &mut Tx, from: &Ticket, into: &Ticket) -> Result<()> {
    let (now, by) = (tx.stamp().at, tx.stamp().user_id);
    sql("UPDATE ticket_replies SET merged_from_id = COALESCE(merged_from_id, ?), ticket_id = ? WHERE ticket_id = ?")
        .bind(from.id)
        .bind(into.id)
        .bind(from.id)
        .execute(&mut *tx)
        .await?;
    let copy = insert_copy(&mut *tx, from, into.id).await?;
    sql("UPDATE ticket_attachments SET ticket_id = ?, reply_id = COALESCE(reply_id, ?) WHERE ticket_id = ?")
        .bind(into.id)
        .bind(copy)
        .bind(from.id)
        .execute(&mut *tx)
        .await?;
    // What had become part of this ticket goes along.
    let query = sql("UPDATE ticket_merges SET target_id = ? WHERE target_id = ?");
    query.bind(into.id).bind(from.id).execute(&mut *tx).await?;
    sql("INSERT INTO ticket_merges (ticket_id, target_id, copy_reply_id, status_before, merged_by_id, created_at) \
         VALUES (?, ?, ?, ?, ?, ?)")
    .bind(from.id)
    .bind(into.id)
    .bind(copy)
    .bind(&from.status)
    .bind(by)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    carry_people(&mut *tx, from, into).await?;
    settle(&mut *tx, from, "closed").await?;
    carry_times(&mut *tx, from, into).await?;
    texts::renew(&mut *tx, from.id).await?;
    texts::renew(tx, into.id).await
}

/// The description as the first of the replies that move.
async fn insert_copy(tx: &mut Tx, from: &Ticket, into: i64) -> Result<i64> {
    let description = from.description.as_deref().unwrap_or_default();
    let body = format!("#{}: {}\n\n{description}", from.id, from.subject);
    let body = body.trim_end();
    let name = from.requester_name().unwrap_or_else(|| "Nobody".to_owned());
    let insert =
        sql("INSERT INTO ticket_replies (ticket_id, author_id, author_label, body, body_hash, is_internal, source, \
         search_text, merged_from_id, created_at) VALUES (?, ?, ?, ?, ?, FALSE, ?, ?, ?, ?)");
    let insert = insert.bind(into).bind(from.requester_id).bind(name.chars().take(255).collect::<String>());
    let insert = insert.bind(body).bind(tokens::sha256_hex(body.as_bytes())).bind(&from.source);
    Ok(insert.bind(search::fold(body)).bind(from.id).bind(from.created_at).insert(tx).await?)
}

/// Watchers, and who asked and worked there, watch here.
async fn carry_people(tx: &mut Tx, from: &Ticket, into: &Ticket) -> Result<()> {
    let now = tx.stamp().at;
    let by = tx.stamp().user_id;
    sql("INSERT INTO ticket_watchers (ticket_id, user_id, added_by_id, created_at) SELECT ?, u.id, ?, ? FROM users u \
         WHERE u.is_active = TRUE AND (u.id = ? OR u.id = ? \
           OR u.id IN (SELECT w.user_id FROM ticket_watchers w WHERE w.ticket_id = ?)) \
         AND u.id <> ? AND u.id NOT IN (SELECT k.user_id FROM ticket_watchers k WHERE k.ticket_id = ?)")
    .bind(into.id)
    .bind(by)
    .bind(now)
    .bind(from.requester_id)
    .bind(from.assigned_user_id)
    .bind(from.id)
    .bind(into.requester_id.unwrap_or(0))
    .bind(into.id)
    .execute(tx)
    .await?;
    Ok(())
}

async fn settle(tx: &mut Tx, ticket: &Ticket, status: &str) -> Result<()> {
    let now = tx.stamp().at;
    let is_done = matches!(status, "resolved" | "closed");
    let closed_at = is_done.then(|| ticket.closed_at.unwrap_or(now));
    sql("UPDATE tickets SET status = ?, closed_at = ?, version = version + 1, updated_at = ? WHERE id = ?")
        .bind(status)
        .bind(closed_at)
        .bind(now)
        .bind(ticket.id)
        .execute(tx)
        .await?;
    Ok(())
}

/// The last word on either is the last word on what they became.
async fn carry_times(tx: &mut Tx, from: &Ticket, into: &Ticket) -> Result<()> {
    let now = tx.stamp().at;
    let newer = if from.last_reply_at > into.last_reply_at { from } else { into };
    sql(
        "UPDATE tickets SET last_reply_at = ?, last_reply_side = ?, version = version + 1, updated_at = ? WHERE id = ?",
    )
    .bind(newer.last_reply_at)
    .bind(newer.last_reply_side.clone())
    .bind(now)
    .bind(into.id)
    .execute(tx)
    .await?;
    Ok(())
}

/// Moves back what came from a ticket; what was written since stays where it is.
pub async fn unmerge(tx: &mut Tx, ticket: &Ticket, merge: &Merge) -> Result<()> {
    if let Some(copy) = merge.copy_reply_id {
        let query = sql("UPDATE ticket_attachments SET ticket_id = ?, reply_id = NULL WHERE reply_id = ?");
        query.bind(ticket.id).bind(copy).execute(&mut *tx).await?;
        sql("DELETE FROM ticket_replies WHERE id = ?").bind(copy).execute(&mut *tx).await?;
    }
    sql("UPDATE ticket_attachments SET ticket_id = ? WHERE ticket_id = ? \
         AND reply_id IN (SELECT r.id FROM ticket_replies r WHERE r.merged_from_id = ?)")
    .bind(ticket.id)
    .bind(merge.target_id)
    .bind(ticket.id)
    .execute(&mut *tx)
    .await?;
    sql("UPDATE ticket_replies SET ticket_id = ?, merged_from_id = NULL WHERE merged_from_id = ? AND ticket_id = ?")
        .bind(ticket.id)
        .bind(ticket.id)
        .bind(merge.target_id)
        .execute(&mut *tx)
        .await?;
    sql("DELETE FROM ticket_merges WHERE ticket_id = ?").bind(ticket.id).execute(&mut *tx).await?;
    settle(&mut *tx, ticket, &merge.status_before).await?;
    texts::renew(&mut *tx, ticket.id).await?;
    texts::renew(tx, merge.target_id).await
}

/// Gives a reply's files to a ticket of their own, and takes the reply away.
pub async fn take_reply(tx: &mut Tx, ticket_id: i64, reply_id: i64, new_ticket: i64) -> Result<()> {
    let query = sql("UPDATE ticket_attachments SET ticket_id = ?, reply_id = NULL WHERE reply_id = ?");
    query.bind(new_ticket).bind(reply_id).execute(&mut *tx).await?;
    sql("DELETE FROM ticket_replies WHERE id = ?").bind(reply_id).execute(&mut *tx).await?;
    let now = tx.stamp().at;
    let query = sql("UPDATE tickets SET version = version + 1, updated_at = ? WHERE id = ?");
    query.bind(now).bind(ticket_id).execute(&mut *tx).await?;
    texts::renew(tx, ticket_id).await
}
