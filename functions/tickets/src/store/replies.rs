//! Rows of `ticket_replies`, and the timeline that pages show.

use chrono::{DateTime, TimeDelta, Utc};
use shared::db::{At, Tx, sql};
use shared::error::Result;
use shared::{search, tokens};

use super::texts;
use crate::model::{NewReply, ReplyOut, person_name};
use crate::scope::{Doer, Scope};

/// A reply as stored, with its author's name.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Posted {
    id: i64,
    ticket_id: i64,
    author_id: Option<i64>,
    author_label: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    body: String,
    is_internal: bool,
    source: String,
    created_at: DateTime<Utc>,
    edited_at: Option<DateTime<Utc>>,
}

const POSTED: &str = "SELECT r.id, r.ticket_id, r.author_id, r.author_label, u.first_name, u.last_name, u.email, \
    r.body, r.is_internal, r.source, r.created_at, r.edited_at FROM ticket_replies r \
    JOIN tickets t ON t.id = r.ticket_id LEFT JOIN users u ON u.id = r.author_id";

const PUBLIC_ONLY: &str = " AND r.is_internal = FALSE";

/// A conversation shows this many replies, the newest.
const MOST: i64 = 500;

impl From<Posted> for ReplyOut {
    fn from(row: Posted) -> Self {
        let name = person_name(row.first_name.as_deref(), row.last_name.as_deref(), row.email.as_deref());
        Self {
            id: row.id,
            ticket_id: row.ticket_id,
            author_id: row.author_id,
            author_name: name.or(row.author_label).unwrap_or_else(|| "Former user".to_owned()),
            body: row.body,
            is_internal: row.is_internal,
            source: row.source,
            created_at: row.created_at,
            edited_at: row.edited_at,
        }
    }
}

/// The replies that the caller may read, oldest first.
pub async fn replies(scope: Scope, at: impl Into<At<'_>>, ticket_id: i64) -> Result<Vec<ReplyOut>> {
    let mut rows: Vec<Posted> = sql(POSTED)
        .push(" WHERE r.ticket_id = ?")
        .bind(ticket_id)
        .append(scope.reading())
        .push(if scope.sees_desk() { "" } else { PUBLIC_ONLY })
        .push(" ORDER BY r.created_at DESC, r.id DESC LIMIT ?")
        .bind(MOST)
        .fetch_all(at)
        .await?;
    rows.reverse();
    Ok(rows.into_iter().map(Into::into).collect())
}

/// One reply of a ticket that the caller may read.
pub async fn find_reply(scope: Scope, at: impl Into<At<'_>>, ticket_id: i64, id: i64) -> Result<Option<ReplyOut>> {
    let row: Option<Posted> = sql(POSTED)
        .push(" WHERE r.id = ?")
        .bind(id)
        .push(" AND r.ticket_id = ?")
        .bind(ticket_id)
        .append(scope.reading())
        .push(if scope.sees_desk() { "" } else { PUBLIC_ONLY })
        .fetch_optional(at)
        .await?;
    Ok(row.map(Into::into))
}

/// One line of the timeline: `reply`, `note` or `change`.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Entry {
    pub kind: String,
    pub id: i64,
    pub author_id: Option<i64>,
    pub label: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub text: String,
    pub topic: String,
    pub created_at: DateTime<Utc>,
}

impl Entry {
    /// Who wrote or changed.
    pub fn author(&self) -> String {
        person_name(self.first_name.as_deref(), self.last_name.as_deref(), self.email.as_deref())
            .or_else(|| self.label.clone())
            .unwrap_or_else(|| "Former user".to_owned())
    }
}

const REPLIES: &str = "SELECT * FROM (SELECT CASE WHEN r.is_internal = TRUE THEN 'note' ELSE 'reply' END AS kind, \
    r.id AS id, r.author_id AS author_id, r.author_label AS label, u.first_name AS first_name, \
    u.last_name AS last_name, u.email AS email, r.body AS text, '' AS topic, r.created_at AS created_at \
    FROM ticket_replies r JOIN tickets t ON t.id = r.ticket_id LEFT JOIN users u ON u.id = r.author_id \
    WHERE r.ticket_id = ?";

const CHANGES: &str = " UNION ALL SELECT * FROM (SELECT 'change', v.id, v.actor_id, v.actor_label, u.first_name, \
    u.last_name, u.email, v.changes, v.kind, v.created_at FROM ticket_activity v \
    LEFT JOIN users u ON u.id = v.actor_id WHERE v.ticket_id = ? AND v.kind <> 'created' \
    ORDER BY v.created_at DESC, v.id DESC LIMIT 500) s2";

const DRAFT: &str = " UNION ALL SELECT * FROM (SELECT 'draft' AS kind, 0 AS id, d.user_id AS author_id, \
    NULL AS label, NULL AS first_name, NULL AS last_name, NULL AS email, d.body AS text, \
    CASE WHEN d.is_internal = TRUE THEN 'note' ELSE 'reply' END AS topic, d.updated_at AS created_at \
    FROM ticket_drafts d WHERE d.ticket_id = ? AND d.user_id = ?) s3";

/// The timeline that the caller may read, oldest first: one statement for replies and changes. What `me`
/// has not sent yet comes with it, as an entry of kind `draft`.
pub async fn entries(scope: Scope, at: impl Into<At<'_>>, ticket_id: i64, me: Option<i64>) -> Result<Vec<Entry>> {
    let mut query = sql(REPLIES)
        .bind(ticket_id)
        .append(scope.reading())
        .push(if scope.sees_desk() { "" } else { PUBLIC_ONLY })
        .push(" ORDER BY r.created_at DESC, r.id DESC LIMIT 500) s1");
    if scope.sees_desk() {
        query = query.push(CHANGES).bind(ticket_id);
    }
    query = query.push(DRAFT).bind(ticket_id).bind(me);
    let mut rows: Vec<Entry> = query.fetch_all(at).await?;
    rows.sort_by_key(|row| (row.created_at, row.kind == "change", row.id));
    Ok(rows)
}

/// The same text by the same author within ten seconds is the same press of the button.
const SAME_PRESS: TimeDelta = TimeDelta::seconds(10);

/// The reply that this one repeats.
pub async fn repeated(tx: &mut Tx, ticket_id: i64, author_id: i64, new: &NewReply) -> Result<Option<i64>> {
    let since = tx.stamp().at - SAME_PRESS;
    let row: Option<(i64,)> = sql("SELECT id FROM ticket_replies WHERE ticket_id = ? AND author_id = ? \
         AND body_hash = ? AND is_internal = ? AND created_at >= ? ORDER BY id LIMIT 1")
    .bind(ticket_id)
    .bind(author_id)
    .bind(tokens::sha256_hex(new.body.as_bytes()))
    .bind(new.is_internal)
    .bind(since)
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|(id,)| id))
}

/// Adds a reply.
pub async fn insert_reply(tx: &mut Tx, doer: &Doer, ticket_id: i64, new: &NewReply) -> Result<i64> {
    let now = tx.stamp().at;
    let words = search::fold(&new.body);
    let id =
        sql("INSERT INTO ticket_replies (ticket_id, author_id, author_label, body, body_hash, is_internal, source, \
         search_text, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(ticket_id)
        .bind(doer.id)
        .bind(doer.label.chars().take(255).collect::<String>())
        .bind(&new.body)
        .bind(tokens::sha256_hex(new.body.as_bytes()))
        .bind(new.is_internal)
        .bind(doer.source)
        .bind(&words)
        .bind(now)
        .insert(&mut *tx)
        .await?;
    texts::append(tx, ticket_id, &words, new.is_internal).await?;
    Ok(id)
}
