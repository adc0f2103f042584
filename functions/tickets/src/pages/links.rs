//! Tickets that belong to a ticket: the card beside the conversation, and its form.

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::Technician;
use shared::error::{Error, Result};
use shared::web::{Form, Path, Query};
use shared::{Flash, Tone};

use super::choose::Opt;
use super::filter::{ListQuery, suffix};
use crate::actions;
use crate::model::{Relation, Status};
use crate::store::{Choices, Related, Ticket};

/// What the card shows.
#[derive(Debug, Default, Serialize)]
pub(super) struct LinkCard {
    links: Vec<Link>,
    /// Tickets that became part of this one.
    merged: Vec<Link>,
    relations: Vec<Opt>,
}

/// A ticket that belongs to this one.
#[derive(Debug, Serialize)]
pub(super) struct Link {
    id: i64,
    subject: String,
    status: String,
    status_label: &'static str,
    relation: &'static str,
    relation_label: &'static str,
}

impl From<&Related> for Link {
    fn from(row: &Related) -> Self {
        Self {
            id: row.id,
            subject: row.subject.clone(),
            status: row.status.clone(),
            status_label: Status::stored(&row.status).label(),
            relation: row.relation.as_str(),
            relation_label: row.relation.label(),
        }
    }
}

impl LinkCard {
    /// The card of the desk.
    pub(super) fn of(choices: &Choices) -> Self {
        Self {
            links: links(&choices.related),
            merged: links(&choices.merged),
            relations: Relation::ALL.iter().map(|r| Opt::new(r.as_str(), r.label())).collect(),
        }
    }
}

/// Links as pages show them.
pub(super) fn links(related: &[Related]) -> Vec<Link> {
    related.iter().map(Into::into).collect()
}

/// Where the conversation of a ticket went.
pub(super) fn pointer(ticket: &Ticket) -> Option<i64> {
    ticket.merged_into_id
}

/// The form as it is sent: `add` or `remove` names the other ticket.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    add: String,
    remove: String,
    relation: String,
}

/// Links a ticket with another, or takes a link away.
pub async fn change(
    by: Technician,
    Path(id): Path<i64>,
    query: Query<ListQuery>,
    form: Form<Fields>,
) -> Result<Response> {
    let to = format!("/tickets/{id}{}", suffix(&query));
    let number = |text: &str| text.trim().trim_start_matches('#').parse::<i64>().ok().filter(|id| *id >= 1);
    let relation = Relation::parse(&form.relation);
    let (done, text) = match (number(&form.add), number(&form.remove), relation) {
        (Some(other), _, Ok(relation)) => (actions::link(&by, id, other, relation).await, "Link added"),
        (None, Some(other), Ok(relation)) => (actions::unlink(&by, id, other, relation).await, "Link removed"),
        (.., Err(_)) => (Err(Error::bad_request("Choose how the tickets belong together")), ""),
        _ => (Err(Error::bad_request("Enter the number of a ticket, such as 10432")), ""),
    };
    match done {
        Ok(()) => by.see(to, Flash::done(text)).await,
        Err(error) if matches!(error.status(), StatusCode::BAD_REQUEST | StatusCode::CONFLICT) => {
            by.see(to, Flash::new(Tone::Error, error.detail())).await
        }
        Err(error) => Err(error),
    }
}
