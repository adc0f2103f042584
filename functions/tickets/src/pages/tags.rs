//! The tags of a ticket as a card beside the conversation.

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::Technician;
use shared::context::encode_component;
use shared::error::{Error, Result};
use shared::web::{Form, Path, Query};
use shared::{Flash, Tone};

use super::filter::{ListQuery, suffix};
use crate::actions;
use crate::model::{self, Retag};
use crate::store::Ticket;

/// What the card shows.
#[derive(Debug, Serialize)]
pub(super) struct TagCard {
    tags: Vec<Tag>,
    /// What a model suggests and nobody has taken over.
    suggested: Vec<String>,
    /// What may be chosen while typing.
    known: Vec<String>,
}

/// A tag with the list of all that have it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Tag {
    pub(super) text: String,
    pub(super) href: String,
}

impl Tag {
    /// A tag that leads to its tickets.
    pub(super) fn of(text: String) -> Self {
        Self { href: format!("/tickets?tag={}", encode_component(&text)), text }
    }
}

impl TagCard {
    /// The card of a ticket.
    pub(super) fn of(ticket: &Ticket, in_use: &[String]) -> Self {
        let tags = ticket.tags();
        let is_new = |tag: &String| !tags.contains(tag);
        let suggested = ticket.suggested_tags().into_iter().filter(is_new).collect();
        let mut known: Vec<String> = in_use.iter().filter(|tag| is_new(tag)).cloned().collect();
        known.sort();
        Self { suggested, known, tags: tags.into_iter().map(Tag::of).collect() }
    }
}

/// The form as it is sent: what is typed or suggested goes on, or one tag comes off.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    add: String,
    remove: String,
    suggested: String,
}

/// Puts tags on or takes one off.
pub async fn change(
    by: Technician,
    Path(id): Path<i64>,
    query: Query<ListQuery>,
    form: Form<Fields>,
) -> Result<Response> {
    let to = format!("/tickets/{id}{}", suffix(&query));
    let read = model::typed_tags(&form.add).and_then(|add| model::typed_tags(&form.remove).map(|remove| (add, remove)));
    let (add, remove) = match read {
        Ok(read) => read,
        Err(text) => return by.see(to, Flash::new(Tone::Error, text)).await,
    };
    let change = Retag { add, remove, takes_suggested: form.suggested == "all" };
    if change == Retag::default() {
        return by.see(to, Flash::new(Tone::Error, "Enter a tag of letters and digits")).await;
    }
    let text = if change.remove.is_empty() { "Tags added" } else { "Tag removed" };
    match actions::retag(&by, id, &change).await {
        Ok(_) => by.see(to, Flash::done(text)).await,
        Err(Error::Invalid(_)) => by.see(to, Flash::new(Tone::Error, "Use at most 20 tags")).await,
        Err(error) if error.status() == StatusCode::CONFLICT => {
            by.see(to, Flash::new(Tone::Error, error.detail())).await
        }
        Err(error) => Err(error),
    }
}
