//! The `ai_` columns of `tickets`. They change without moving `updated_at` or the version.

use chrono::{DateTime, Utc};
use shared::db::{At, Tx, sql};
use shared::error::Result;

use super::answer::Summary;
use super::prompt::REPLIES;
use crate::model::person_name;

/// A reply as the model is told.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Said {
    pub author_label: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub body: String,
    pub is_internal: bool,
    pub created_at: DateTime<Utc>,
}

impl Said {
    /// The name to tell; people without one go by their address, which is told only where that is wanted.
    pub fn author(&self, with_addresses: bool) -> String {
        let name = person_name(self.first_name.as_deref(), self.last_name.as_deref(), self.email.as_deref());
        let name = name.or_else(|| self.author_label.clone());
        name.filter(|name| with_addresses || !name.contains('@')).unwrap_or_else(|| "Somebody".to_owned())
    }
}

/// The newest replies and notes, oldest first.
pub async fn said(at: impl Into<At<'_>>, ticket_id: i64) -> Result<Vec<Said>> {
    let mut rows: Vec<Said> = sql("SELECT r.author_label, u.first_name, u.last_name, u.email, r.body, r.is_internal, \
         r.created_at FROM ticket_replies r LEFT JOIN users u ON u.id = r.author_id WHERE r.ticket_id = ? \
         ORDER BY r.created_at DESC, r.id DESC LIMIT ?")
    .bind(ticket_id)
    .bind(REPLIES)
    .fetch_all(at)
    .await?;
    rows.reverse();
    Ok(rows)
}

/// The hash of what the stored answers are about.
pub async fn hash(at: impl Into<At<'_>>, ticket_id: i64) -> Result<Option<String>> {
    let row: Option<(Option<String>,)> =
        sql("SELECT ai_input_hash FROM tickets WHERE id = ?").bind(ticket_id).fetch_optional(at).await?;
    Ok(row.and_then(|(hash,)| hash))
}

/// Says how both stand; what was stored stays.
pub async fn mark(tx: &mut Tx, ticket_id: i64, status: &str) -> Result<()> {
    sql("UPDATE tickets SET ai_summary_status = ?, ai_tags_status = ? WHERE id = ?")
        .bind(status)
        .bind(status)
        .bind(ticket_id)
        .execute(tx)
        .await?;
    Ok(())
}

/// What the model said, and which.
pub type Told<T> = Option<(T, String)>;

/// Keeps what the model said; without an answer what was stored stays and only the status says so.
pub async fn keep(
    tx: &mut Tx,
    ticket_id: i64,
    hash: &str,
    summary: Told<Summary>,
    tags: Told<Vec<String>>,
) -> Result<()> {
    let now = tx.stamp().at;
    let is_whole = summary.is_some() && tags.is_some();
    let mut query = sql("UPDATE tickets SET ai_input_hash = ?").bind(is_whole.then(|| hash.to_owned()));
    query = match summary {
        Some((summary, model)) => query
            .push(", ai_summary_status = 'succeeded', ai_summary = ?, ai_resolution_state = ?")
            .bind(summary.text)
            .bind(summary.state)
            .push(", ai_summary_model = ?, ai_summary_updated_at = ?")
            .bind(short(&model))
            .bind(now),
        None => query.push(", ai_summary_status = 'error'"),
    };
    query = match tags {
        Some((tags, model)) => query
            .push(", ai_tags_status = 'succeeded', ai_tags = ?, ai_tags_model = ?, ai_tags_updated_at = ?")
            .bind(serde_json::to_string(&tags)?)
            .bind(short(&model))
            .bind(now),
        None => query.push(", ai_tags_status = 'error'"),
    };
    query.push(" WHERE id = ?").bind(ticket_id).execute(tx).await?;
    Ok(())
}

fn short(model: &str) -> String {
    model.chars().filter(|c| !c.is_control()).take(128).collect()
}
