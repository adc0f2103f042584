//! The link in a mail that ends mails of its kind: mail programs post to it (RFC 8058), people see a page
//! that asks first, because programs that look at links must not change anything.

use axum::response::Response;
use serde::Serialize;
use shared::audit::Change;
use shared::caller::Anyone;
use shared::error::{Error, Result};
use shared::notify::{self, Unsubscribe};
use shared::page::Page;
use shared::web::Query;

use super::store;

/// The question, or that it is done.
#[derive(Debug, Serialize)]
pub struct UnsubscribePage {
    label: String,
    action: String,
    is_done: bool,
}

impl Page for UnsubscribePage {
    const TEMPLATE: &'static str = "notifications/unsubscribe.html";

    fn samples() -> Vec<Self> {
        let page = |is_done| Self {
            label: "New reply on your ticket".to_owned(),
            action: "/notifications/unsubscribe?user=1".to_owned(),
            is_done,
        };
        vec![page(false), page(true)]
    }
}

fn checked(by: &Anyone, link: &Unsubscribe) -> Result<UnsubscribePage> {
    if !link.is_genuine(by.app()) {
        return Err(Error::not_found("This link no longer works. Sign in and open your notification settings."));
    }
    let label = notify::label(&link.event).to_owned();
    Ok(UnsubscribePage { label, action: by.request().target().to_owned(), is_done: false })
}

/// Asks.
pub async fn ask(by: Anyone, link: Query<Unsubscribe>) -> Result<Response> {
    let page = checked(&by, &link)?;
    by.page(&page).await
}

/// Switches mails of this kind off.
pub async fn confirm(by: Anyone, link: Query<Unsubscribe>) -> Result<Response> {
    let page = checked(&by, &link)?;
    let mut tx = by.begin().await?;
    store::end_mails(&mut tx, link.user, &link.event).await?;
    tx.audit(Change::new("notifications.unsubscribed", "user", link.user).meta("event_type", link.event.clone()));
    tx.commit().await?;
    by.page(&UnsubscribePage { is_done: true, ..page }).await
}
