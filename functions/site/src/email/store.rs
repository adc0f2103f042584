//! Rows of `email_outbox` as the page reads them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::context::By;
use shared::db::{Sql, sql};
use shared::error::Result;
use shared::search::escape_like;

use crate::keyset::Walk;

/// What narrows the list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// A state, or empty for all.
    pub status: String,
    /// A part of the recipient's address or of the subject.
    pub q: String,
}

const STATES: [&str; 5] = ["queued", "sending", "sent", "failed", "skipped"];

impl Filter {
    /// The same without a state that does not exist.
    pub fn known(&self) -> Self {
        let status = STATES.iter().find(|state| **state == self.status).copied().unwrap_or_default();
        Self { status: status.to_owned(), q: self.q.chars().take(200).collect() }
    }

    fn condition(&self) -> Sql {
        let status = Some(self.status.clone()).filter(|status| !status.is_empty());
        let condition = sql(" WHERE 1 = 1").push_if(" AND status = ?", status);
        if self.q.is_empty() {
            return condition;
        }
        let part = format!("%{}%", escape_like(&self.q.to_lowercase()));
        condition
            .push(" AND (LOWER(to_addresses) LIKE ? ESCAPE '!' OR LOWER(subject) LIKE ? ESCAPE '!')")
            .bind(part.clone())
            .bind(part)
    }
}

/// A mail in the list.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    #[sqlx(rename = "to_addresses")]
    pub to: String,
    pub kind: String,
    pub subject: String,
    pub status: String,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub is_sensitive: bool,
    pub has_body: bool,
    pub created_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
}

impl Row {
    /// The recipients are stored as a JSON list.
    fn readable(mut self) -> Self {
        let to: Vec<String> = serde_json::from_str(&self.to).unwrap_or_default();
        self.to = to.join(", ");
        self
    }
}

/// One mail; the text only where it holds no secret.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct Mail {
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub row: Row,
    pub reply_to: Option<String>,
    pub message_id: String,
    pub text: Option<String>,
}

const LIST: &str = "SELECT id, to_addresses, kind, subject, status, attempts, last_error, is_sensitive, \
    text_body IS NOT NULL AS has_body, created_at, sent_at FROM email_outbox";

const ONE: &str = "SELECT id, to_addresses, kind, subject, status, attempts, last_error, is_sensitive, \
    text_body IS NOT NULL AS has_body, created_at, sent_at, reply_to, message_id, \
    CASE WHEN is_sensitive = TRUE THEN NULL ELSE text_body END AS text FROM email_outbox WHERE id = ?";

/// Mails of one page, the newest first.
pub async fn list(by: &By, filter: &Filter, walk: &Walk) -> Result<Vec<Row>> {
    let rows: Vec<Row> = sql(LIST).append(filter.condition()).append(walk.tail()).fetch_all(by.db()).await?;
    Ok(rows.into_iter().map(Row::readable).collect())
}

/// One mail.
pub async fn find(by: &By, id: i64) -> Result<Option<Mail>> {
    let mail: Option<Mail> = sql(ONE).bind(id).fetch_optional(by.db()).await?;
    Ok(mail.map(|mail| Mail { row: mail.row.readable(), ..mail }))
}
