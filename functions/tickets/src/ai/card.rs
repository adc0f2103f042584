//! What the page of a ticket shows of it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::store::Ticket;

/// Summary and tags as the desk reads them.
#[derive(Debug, Clone, Serialize)]
pub struct AiCard {
    summary: Option<String>,
    is_resolved: bool,
    tags: Vec<String>,
    model: Option<String>,
    at: Option<DateTime<Utc>>,
    /// `pending`, `succeeded`, `skipped` or `error`.
    status: String,
    /// The ticket changed after it was summarised.
    is_stale: bool,
}

impl AiCard {
    /// None while nobody has asked a model about the ticket and none is set up.
    pub fn of(ticket: &Ticket) -> Option<Self> {
        let status = ticket.ai_summary_status.clone()?;
        let is_bare = ticket.ai_summary.is_none() && ticket.ai_tags.is_none();
        if status == "skipped" && is_bare {
            return None;
        }
        let tags_failed = ticket.ai_tags_status.as_deref() == Some("error");
        Some(Self {
            summary: ticket.ai_summary.clone(),
            is_resolved: ticket.ai_resolution_state.as_deref() == Some("likely_resolved"),
            tags: ticket.ai_tags.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
            model: ticket.ai_summary_model.clone(),
            at: ticket.ai_summary_updated_at,
            status: if tags_failed { "error".to_owned() } else { status },
            is_stale: ticket.ai_summary_updated_at.is_some_and(|at| ticket.updated_at > at),
        })
    }
}
