//! Rows of `ticket_attachments`: a file is visible as its reply is, or as its ticket is.

use chrono::{DateTime, Utc};
use shared::db::{At, Tx, is_unique_violation, sql};
use shared::error::{Error, Result};
use shared::files;

use crate::model::AttachmentOut;
use crate::scope::Scope;

/// A file of a ticket.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Attachment {
    pub id: i64,
    pub ticket_id: i64,
    pub reply_id: Option<i64>,
    pub file_id: i64,
    pub storage_key: String,
    pub name: String,
    pub content_type: String,
    pub size: i64,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub is_ready: bool,
    pub uploaded_by: Option<i64>,
    pub created_at: DateTime<Utc>,
}

const COLUMNS: &str = "SELECT b.id, b.ticket_id, b.reply_id, b.file_id, f.storage_key, f.display_name AS name, f.content_type, \
    f.size_bytes AS size, f.width, f.height, \
    f.state = 'ready' AND f.scan_status IN ('not_scanned', 'clean') AS is_ready, f.uploaded_by, b.created_at \
    FROM ticket_attachments b JOIN tickets t ON t.id = b.ticket_id \
    JOIN files f ON f.id = b.file_id AND f.deleted_at IS NULL LEFT JOIN ticket_replies r ON r.id = b.reply_id";

const PUBLIC_ONLY: &str = " AND (b.reply_id IS NULL OR r.is_internal = FALSE)";

impl Attachment {
    /// Where people find it.
    pub fn url(&self) -> String {
        format!("/tickets/{}/attachments/{}", self.ticket_id, self.id)
    }

    /// True when pages show it as a picture.
    pub fn is_picture(&self) -> bool {
        self.width.is_some() && self.is_ready
    }
}

impl From<Attachment> for AttachmentOut {
    fn from(row: Attachment) -> Self {
        Self {
            url: row.url(),
            is_picture: row.is_picture(),
            id: row.id,
            ticket_id: row.ticket_id,
            reply_id: row.reply_id,
            name: row.name,
            content_type: row.content_type,
            size: row.size,
            created_at: row.created_at,
        }
    }
}

/// All files of a ticket that the caller may see, oldest first.
pub async fn attachments(scope: Scope, at: impl Into<At<'_>>, ticket_id: i64) -> Result<Vec<Attachment>> {
    let query = sql(COLUMNS)
        .push(" WHERE b.ticket_id = ?")
        .bind(ticket_id)
        .append(scope.reading())
        .push(if scope.sees_desk() { "" } else { PUBLIC_ONLY })
        .push(" ORDER BY b.id LIMIT 1000");
    Ok(query.fetch_all(at).await?)
}

/// One file of a ticket that the caller may see.
pub async fn attachment(scope: Scope, at: impl Into<At<'_>>, ticket_id: i64, id: i64) -> Result<Option<Attachment>> {
    let query = sql(COLUMNS)
        .push(" WHERE b.id = ?")
        .bind(id)
        .push(" AND b.ticket_id = ?")
        .bind(ticket_id)
        .append(scope.reading())
        .push(if scope.sees_desk() { "" } else { PUBLIC_ONLY });
    Ok(query.fetch_optional(at).await?)
}

/// How many files the ticket itself, or one of its replies, has.
pub async fn count_of_entry(tx: &mut Tx, ticket_id: i64, reply_id: Option<i64>) -> Result<i64> {
    let query = sql("SELECT COUNT(*) FROM ticket_attachments WHERE ticket_id = ?").bind(ticket_id);
    let query = match reply_id {
        Some(id) => query.push(" AND reply_id = ?").bind(id),
        None => query.push(" AND reply_id IS NULL"),
    };
    Ok(query.fetch_value(tx).await?)
}

/// The attachment that an upload became.
pub async fn attachment_of(
    scope: Scope,
    at: impl Into<At<'_>>,
    ticket_id: i64,
    file_id: i64,
) -> Result<Option<Attachment>> {
    let query = sql(COLUMNS)
        .push(" WHERE b.file_id = ?")
        .bind(file_id)
        .push(" AND b.ticket_id = ?")
        .bind(ticket_id)
        .append(scope.reading())
        .push(if scope.sees_desk() { "" } else { PUBLIC_ONLY });
    Ok(query.fetch_optional(at).await?)
}

/// Makes files that have arrived part of a ticket or reply.
pub async fn attach(tx: &mut Tx, ticket_id: i64, reply_id: Option<i64>, file_ids: &[i64]) -> Result<()> {
    for file_id in file_ids {
        attach_one(tx, ticket_id, reply_id, *file_id).await?;
    }
    Ok(())
}

/// Makes a file that has arrived part of a ticket or reply; returns the attachment's id.
pub async fn attach_one(tx: &mut Tx, ticket_id: i64, reply_id: Option<i64>, file_id: i64) -> Result<i64> {
    let now = tx.stamp().at;
    let insert = sql("INSERT INTO ticket_attachments (ticket_id, reply_id, file_id, created_at) VALUES (?, ?, ?, ?)");
    let id = insert.bind(ticket_id).bind(reply_id).bind(file_id).bind(now).insert(&mut *tx).await.map_err(|error| {
        if is_unique_violation(&error, "ticket_attachments_file", "ticket_attachments.file_id") {
            Error::conflict("This file is already attached").code("already_attached")
        } else {
            error.into()
        }
    })?;
    files::attach(tx, file_id, id).await?;
    Ok(id)
}

/// Takes a file off a ticket; its objects are removed by a job.
pub async fn forget(tx: &mut Tx, attachment: &Attachment) -> Result<()> {
    sql("DELETE FROM ticket_attachments WHERE id = ?").bind(attachment.id).execute(&mut *tx).await?;
    files::remove(tx, attachment.file_id).await
}
