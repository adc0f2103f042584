//! Watching a ticket, and who else does.

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use shared::caller::Technician;
use shared::error::{Error, Result};
use shared::web::{Form, Path, Query};
use shared::{Flash, Tone};

use super::filter::{ListQuery, suffix};
use crate::actions;

/// The form as it is sent: one person is added or taken off; `me` is whoever sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    add: String,
    remove: String,
}

/// Adds or takes off a watcher.
pub async fn change(
    by: Technician,
    Path(id): Path<i64>,
    query: Query<ListQuery>,
    form: Form<Fields>,
) -> Result<Response> {
    let me = by.me().id();
    let person = |text: &str| if text == "me" { Some(me) } else { text.trim().parse().ok() };
    let to = format!("/tickets/{id}{}", suffix(&query));
    let (done, text) = match (person(&form.add), person(&form.remove)) {
        (Some(user), _) => {
            let text = if user == me { "You are told of what happens here" } else { "Watcher added" };
            (actions::watch(&by, id, user).await, text)
        }
        (None, Some(user)) => {
            let text = if user == me { "You no longer watch this ticket" } else { "Watcher removed" };
            (actions::unwatch(&by, id, user).await, text)
        }
        (None, None) => (Err(Error::bad_request("Choose a person")), ""),
    };
    match done {
        Ok(()) => by.see(to, Flash::done(text)).await,
        Err(error) if error.status() == StatusCode::BAD_REQUEST => {
            by.see(to, Flash::new(Tone::Error, error.detail())).await
        }
        Err(error) => Err(error),
    }
}
