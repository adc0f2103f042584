//! Status, close and reopen as forms of one button.

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use shared::caller::{Technician, User};
use shared::context::safe_path;
use shared::error::{Error, Result};
use shared::web::{Form, Path};
use shared::{Flash, Tone};

use crate::actions::{self, Outcome};
use crate::model::{Change, Status};

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    status: String,
    version: Option<i64>,
    #[serde(alias = "returnUrl")]
    return_url: String,
}

/// Where a form of the desk leads back to: a page of tickets, else the ticket.
pub(super) fn back(wish: &str, id: i64) -> String {
    let is_ours = |path: &&str| {
        ["/tickets", "/admin/tickets"].iter().any(|ours| {
            path.strip_prefix(ours).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
        })
    };
    safe_path(wish).filter(is_ours).map_or_else(|| format!("/tickets/{id}"), str::to_owned)
}

/// Sets the status.
pub async fn set(by: Technician, Path(id): Path<i64>, form: Form<Fields>) -> Result<Response> {
    let status = Status::parse(&form.status).map_err(|message| Error::field("status", message))?;
    let change = Change { version: form.version, ..Change::to(status) };
    let done = match actions::update(&by, id, change).await {
        Err(error) if error.status() == StatusCode::CONFLICT => {
            return by.see(format!("/tickets/{id}"), Flash::new(Tone::Error, error.detail())).await;
        }
        done => done?,
    };
    match done {
        Outcome::Saved(_) => {
            let text = format!("#{id} is now {}", status.label().to_lowercase());
            by.see(back(&form.return_url, id), Flash::done(text)).await
        }
        Outcome::Conflict(_) => {
            let text = "Ticket was changed by someone else. Look at it again.";
            by.see(format!("/tickets/{id}"), Flash::new(Tone::Error, text)).await
        }
    }
}

/// Closes a ticket that the caller may see.
pub async fn close(by: User, Path(id): Path<i64>) -> Result<Response> {
    let done = actions::close(&by, id).await.map(|_| ());
    answer(&by, id, done, "Ticket closed").await
}

/// Opens a ticket again that the caller may see.
pub async fn reopen(by: User, Path(id): Path<i64>) -> Result<Response> {
    let done = actions::reopen(&by, id).await.map(|_| ());
    answer(&by, id, done, "Ticket reopened").await
}

async fn answer(by: &User, id: i64, done: Result<()>, text: &str) -> Result<Response> {
    let to = format!("/tickets/{id}");
    match done {
        Ok(()) => by.see(to, Flash::done(text)).await,
        Err(error) if error.status() == StatusCode::CONFLICT => {
            by.see(to, Flash::new(Tone::Error, error.detail())).await
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::back;

    #[test]
    fn forms_lead_back_to_tickets_only() {
        assert_eq!(back("/tickets?status=open&page=2", 7), "/tickets?status=open&page=2");
        assert_eq!(back("/admin/tickets", 7), "/admin/tickets");
        for bad in ["", "//evil.example", "https://evil.example/tickets", "/ticketsevil", "/profile", "/tickets/\\x"] {
            assert_eq!(back(bad, 7), "/tickets/7", "{bad}");
        }
    }
}
