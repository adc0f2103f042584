//! Making a reply into a ticket of its own, on a page.

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::Technician;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Path};
use shared::{Flash, Tone};

use crate::actions;
use crate::model;
use crate::scope::Scope;

/// Asks what the new ticket is called.
#[derive(Debug, Serialize)]
pub struct TicketSplit {
    id: i64,
    reply_id: i64,
    author: String,
    body: String,
    form: FormState,
}

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    subject: String,
}

/// Shows the reply and a subject to begin with.
pub async fn ask(by: Technician, Path((id, reply_id)): Path<(i64, i64)>) -> Result<Response> {
    let (_, reply) = match actions::splittable(Scope::of(&by), &by, id, reply_id).await {
        Ok(found) => found,
        Err(error) => return told(&by, id, error).await,
    };
    let form = FormState::of([("subject", actions::first_line(&reply.body))]);
    by.page(&TicketSplit { id, reply_id, author: reply.author_name, body: reply.body, form }).await
}

/// Makes the ticket.
pub async fn split(by: Technician, Path((id, reply_id)): Path<(i64, i64)>, form: Form<Fields>) -> Result<Response> {
    let (_, reply) = match actions::splittable(Scope::of(&by), &by, id, reply_id).await {
        Ok(found) => found,
        Err(error) => return told(&by, id, error).await,
    };
    match model::subject(&form.subject) {
        Ok(subject) => {
            let new = actions::split(&by, id, reply_id, subject).await?;
            by.see(format!("/tickets/{new}"), Flash::done(format!("Ticket #{new} created from #{id}"))).await
        }
        Err(text) => {
            let form = form.refused(&Invalid::field("subject", text));
            by.page_again(&TicketSplit { id, reply_id, author: reply.author_name, body: reply.body, form }).await
        }
    }
}

async fn told(by: &Technician, id: i64, error: Error) -> Result<Response> {
    if error.status() == StatusCode::CONFLICT {
        return by.see(format!("/tickets/{id}"), Flash::new(Tone::Error, error.detail())).await;
    }
    Err(error)
}

impl Page for TicketSplit {
    const TEMPLATE: &'static str = "tickets/split.html";

    fn samples() -> Vec<Self> {
        let page = |form| Self {
            id: 10432,
            reply_id: 77,
            author: "Ana Ruiz".to_owned(),
            body: "The scanner is broken as well.\nIt says E4.".to_owned(),
            form,
        };
        let wrong = FormState::of([("subject", "")]).refused(&Invalid::field("subject", "Enter a subject"));
        vec![page(FormState::of([("subject", "The scanner is broken as well.")])), page(wrong)]
    }
}
