//! Tickets as programs read them (tickets 4.3).

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A ticket. People who are not technicians get null in every `ai_` and `external_` field.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TicketOut {
    #[schema(example = 10432)]
    pub id: i64,
    #[schema(example = "Printer in room 4 jams")]
    pub subject: String,
    pub description: Option<String>,
    /// `open`, `in_progress`, `pending`, `resolved`, `closed`.
    #[schema(example = "open")]
    pub status: String,
    /// `urgent`, `high`, `normal`, `low`.
    #[schema(example = "normal")]
    pub priority: String,
    pub category: Option<String>,
    pub module_slug: Option<String>,
    pub company_id: Option<i64>,
    pub requester_id: Option<i64>,
    pub assigned_user_id: Option<i64>,
    pub external_reference: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    pub ai_summary: Option<String>,
    pub ai_summary_status: Option<String>,
    pub ai_summary_model: Option<String>,
    pub ai_resolution_state: Option<String>,
    pub ai_summary_updated_at: Option<DateTime<Utc>>,
    pub ai_tags: Option<Vec<String>>,
    pub ai_tags_status: Option<String>,
    pub ai_tags_model: Option<String>,
    pub ai_tags_updated_at: Option<DateTime<Utc>>,
    /// What the desk put on it, by alphabet. Null for people who are not technicians.
    pub tags: Option<Vec<String>>,
    /// The ticket that this one became part of. Null for people who are not technicians.
    pub merged_into_id: Option<i64>,
    /// `portal`, `api`, `syncro`, `mcp`, `automation`.
    #[schema(example = "portal")]
    pub source: String,
    pub external_source: Option<String>,
    pub external_number: Option<String>,
    pub first_response_at: Option<DateTime<Utc>>,
    pub last_reply_at: Option<DateTime<Utc>>,
    /// `requester` or `technician`.
    pub last_reply_side: Option<String>,
    /// Rises with every change of a field; send it back to notice changes by others.
    pub version: i64,
    pub company_name: Option<String>,
    pub requester_name: Option<String>,
    pub requester_email: Option<String>,
    pub assigned_name: Option<String>,
}

/// A reply or, for technicians, an internal note.
#[expect(missing_docs, reason = "the names of tickets 4.3")]
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReplyOut {
    #[schema(example = 77)]
    pub id: i64,
    #[schema(example = 10432)]
    pub ticket_id: i64,
    pub author_id: Option<i64>,
    #[schema(example = "Ben Carter")]
    pub author_name: String,
    #[schema(example = "Could you check whether tray 2 has the new paper?")]
    pub body: String,
    pub is_internal: bool,
    pub source: String,
    pub created_at: DateTime<Utc>,
    pub edited_at: Option<DateTime<Utc>>,
}

/// Somebody who is told of what happens on a ticket.
#[expect(missing_docs, reason = "the names of tickets 4.3")]
#[derive(Debug, Clone, Serialize, ToSchema, sqlx::FromRow)]
pub struct WatcherOut {
    pub id: i64,
    pub ticket_id: i64,
    pub user_id: i64,
    pub name: String,
    pub email: String,
    pub created_at: DateTime<Utc>,
}

/// A file on a ticket or on one of its replies.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttachmentOut {
    pub id: i64,
    pub ticket_id: i64,
    /// The reply it came with; none for files of the ticket itself.
    pub reply_id: Option<i64>,
    #[schema(example = "tray.jpg")]
    pub name: String,
    /// Told by content, not by name.
    #[schema(example = "image/jpeg")]
    pub content_type: String,
    pub size: i64,
    /// Shown as a picture at `url`; everything else is only ever downloaded.
    pub is_picture: bool,
    #[schema(example = "/tickets/10432/attachments/5")]
    pub url: String,
    pub created_at: DateTime<Utc>,
}

/// A change by a person, import or program.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ActivityOut {
    pub id: i64,
    pub ticket_id: i64,
    pub actor_id: Option<i64>,
    pub actor_name: String,
    #[schema(example = "updated")]
    pub kind: String,
    /// Old and new value by field.
    #[schema(value_type = Object, example = json!({"status": ["open", "resolved"]}))]
    pub changes: serde_json::Value,
    pub created_at: DateTime<Utc>,
}

/// A ticket with its conversation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TicketDetail {
    /// The ticket.
    #[serde(flatten)]
    pub ticket: TicketOut,
    /// Oldest first.
    pub replies: Vec<ReplyOut>,
    /// Empty for people who are not technicians.
    pub watchers: Vec<WatcherOut>,
    /// Files of the ticket and of the replies shown.
    pub attachments: Vec<AttachmentOut>,
}
