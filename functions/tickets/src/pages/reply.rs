//! Replying on a page.

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use shared::Flash;
use shared::caller::User;
use shared::error::{Error, Invalid, Result};
use shared::rate_limit;
use shared::web::{FormState, Multipart, Path, Query};

use super::files::SentAhead;
use super::filter::{ListQuery, suffix};
use super::show::TicketShow;
use crate::actions::{self, Sent};
use crate::model::NewReply;
use crate::scope::{Doer, Scope};
use crate::store;

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    body: String,
    #[serde(alias = "isInternal")]
    is_internal: String,
    status: String,
}

/// Adds a reply or note with its files, or shows the text again with what is wrong.
pub async fn reply(by: User, Path(id): Path<i64>, query: Query<ListQuery>, form: Multipart) -> Result<Response> {
    let fields: Fields = form.fields()?;
    let is_note = matches!(fields.is_internal.as_str(), "true" | "on" | "1") && Doer::of(&by).is_desk;
    let typed = form.refused(&Invalid::none());
    let ahead = form.all("upload_ids");
    match send(&by, id, &fields, is_note, form).await {
        Ok(sent) => {
            let done = Flash::done(if is_note { "Note added" } else { "Reply sent" });
            by.see(format!("/tickets/{}{}#reply-{}", sent.ticket_id, suffix(&query), sent.reply_id), done).await
        }
        Err(Error::Invalid(invalid)) => {
            again(&by, id, &query, (typed.refused(&invalid), &ahead), StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(error) if error.status() == StatusCode::CONFLICT => {
            again(&by, id, &query, (typed.complain(error.detail()), &ahead), StatusCode::CONFLICT).await
        }
        Err(error) => Err(error),
    }
}

async fn send(by: &User, id: i64, fields: &Fields, is_note: bool, form: Multipart) -> Result<Sent> {
    let doer = Doer::of(by);
    store::find(Scope::of(by), by.db(), id).await?;
    let new = NewReply::parse(&fields.body, is_note, Some(&fields.status), doer.is_desk)?;
    if !doer.is_desk {
        rate_limit::hit(by.app(), &rate_limit::TICKET_REPLY, &by.me().id().to_string()).await?;
    }
    let uploads = actions::upload_ids(&form.all("upload_ids"));
    let files = actions::gathered(by, form.files, &uploads).await?;
    actions::reply(by, &doer, id, new, &files).await
}

async fn again(
    by: &User,
    id: i64,
    query: &Query<ListQuery>,
    (reply, ahead): (FormState, &[String]),
    status: StatusCode,
) -> Result<Response> {
    let mut page = TicketShow::load(by, id, query).await?;
    page.reply = reply;
    page.uploads = SentAhead::of(by, ahead).await?;
    page.has_errors = true;
    by.page_with(status, &page).await
}
