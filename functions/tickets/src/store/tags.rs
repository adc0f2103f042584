//! Rows of `ticket_tags`, and of `ticket_tag_words` that says which tags are in use.

use shared::db::{At, Tx, sql, sql_by_engine};
use shared::error::Result;

/// Tags that are offered.
const OFFERED: i64 = 200;

/// The tags in use, those used last first.
pub async fn tags_in_use(at: impl Into<At<'_>>) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = sql("SELECT word FROM ticket_tag_words ORDER BY used_at DESC, word LIMIT ?")
        .bind(OFFERED)
        .fetch_all(at)
        .await?;
    Ok(rows.into_iter().map(|(word,)| word).collect())
}

/// Makes these the tags of a ticket that had others.
pub(super) async fn retag(tx: &mut Tx, ticket_id: i64, before: &[String], after: &[String]) -> Result<()> {
    let gone: Vec<String> = before.iter().filter(|tag| !after.contains(tag)).cloned().collect();
    if !gone.is_empty() {
        let query = sql("DELETE FROM ticket_tags WHERE ticket_id = ?").bind(ticket_id);
        query.push_in(" AND tag IN", &gone).execute(&mut *tx).await?;
        forget_unused(tx, &gone).await?;
    }
    let new: Vec<String> = after.iter().filter(|tag| !before.contains(tag)).cloned().collect();
    if new.is_empty() {
        return Ok(());
    }
    let (now, by) = (tx.stamp().at, tx.stamp().user_id);
    let mut query = sql("INSERT INTO ticket_tags (ticket_id, tag, added_by_id, created_at) VALUES");
    for (index, tag) in new.iter().enumerate() {
        query = query.push(if index == 0 { " (?, ?, ?, ?)" } else { ", (?, ?, ?, ?)" });
        query = query.bind(ticket_id).bind(tag).bind(by).bind(now);
    }
    query.execute(&mut *tx).await?;
    remember(tx, &new).await
}

/// Puts one tag on many tickets that do not have it.
pub(super) async fn tag_all(tx: &mut Tx, ids: &[i64], tag: &str) -> Result<()> {
    let (now, by) = (tx.stamp().at, tx.stamp().user_id);
    sql("INSERT INTO ticket_tags (ticket_id, tag, added_by_id, created_at) SELECT t.id, ?, ?, ? FROM tickets t \
         WHERE NOT EXISTS (SELECT 1 FROM ticket_tags g WHERE g.ticket_id = t.id AND g.tag = ?)")
    .bind(tag)
    .bind(by)
    .bind(now)
    .bind(tag)
    .push_in(" AND t.id IN", ids)
    .execute(&mut *tx)
    .await?;
    remember(tx, &[tag.to_owned()]).await
}

/// Takes one tag off many tickets.
pub(super) async fn untag_all(tx: &mut Tx, ids: &[i64], tag: &str) -> Result<()> {
    let query = sql("DELETE FROM ticket_tags WHERE tag = ?").bind(tag);
    query.push_in(" AND ticket_id IN", ids).execute(&mut *tx).await?;
    forget_unused(tx, &[tag.to_owned()]).await
}

async fn remember(tx: &mut Tx, tags: &[String]) -> Result<()> {
    let now = tx.stamp().at;
    let mut query = sql("INSERT INTO ticket_tag_words (word, used_at) VALUES");
    for (index, tag) in tags.iter().enumerate() {
        query = query.push(if index == 0 { " (?, ?)" } else { ", (?, ?)" }).bind(tag).bind(now);
    }
    let newer = sql_by_engine(
        " ON CONFLICT (word) DO UPDATE SET used_at = excluded.used_at",
        " ON DUPLICATE KEY UPDATE used_at = VALUES(used_at)",
    );
    query.append(newer).execute(tx).await?;
    Ok(())
}

async fn forget_unused(tx: &mut Tx, tags: &[String]) -> Result<()> {
    sql("DELETE FROM ticket_tag_words WHERE NOT EXISTS (SELECT 1 FROM ticket_tags g WHERE g.tag = ticket_tag_words.word)")
        .push_in(" AND word IN", tags)
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes the words of tags that went with deleted tickets.
pub async fn tidy_tags(tx: &mut Tx) -> Result<()> {
    sql("DELETE FROM ticket_tag_words WHERE NOT EXISTS (SELECT 1 FROM ticket_tags g WHERE g.tag = ticket_tag_words.word)")
        .execute(tx)
        .await?;
    Ok(())
}
