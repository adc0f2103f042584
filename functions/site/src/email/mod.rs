//! `/admin/email`: outgoing mail, what became of it, and another try.

mod store;

use axum::response::Response;
use serde::Serialize;
use shared::audit::Change;
use shared::caller::SuperAdmin;
use shared::error::{Error, Result};
use shared::jobs::NewJob;
use shared::page::Page;
use shared::routes::Routes;
use shared::web::{Path, Query};
use shared::{Flash, Tone, mail};

use crate::keyset::{self, Cursor, Feed, Walk};
use store::{Filter, Mail, Row};

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .page("/admin/email", list)
        .form("/admin/email/resend-failed", resend_failed)
        .page("/admin/email/{id}", show)
        .form("/admin/email/{id}/resend", resend)
}

/// Mails of a list.
#[derive(Debug, Serialize)]
pub struct MailList {
    feed: Feed<Row>,
    status: String,
    q: String,
}

impl Page for MailList {
    const TEMPLATE: &'static str = "site/email/list.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("email-list", "site/email/_list.html")];

    fn samples() -> Vec<Self> {
        let row = |id, status: &str, error: Option<&str>| Row {
            id,
            to: "ana@example.com".to_owned(),
            kind: "user_invitation".to_owned(),
            subject: "You are invited to Northwind Dental".to_owned(),
            status: status.to_owned(),
            attempts: 1,
            last_error: error.map(str::to_owned),
            is_sensitive: true,
            has_body: error.is_none(),
            created_at: chrono::DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default(),
            sent_at: None,
        };
        let rows = vec![
            row(9, "queued", None),
            row(8, "failed", Some("550 mailbox unavailable")),
            row(7, "skipped", None),
            row(6, "sent", None),
            row(5, "sending", None),
        ];
        let feed = |items, older: Option<&str>| Feed { items, newer: None, older: older.map(str::to_owned) };
        let page = |feed, status: &str| Self { feed, status: status.to_owned(), q: String::new() };
        vec![
            page(feed(rows, Some("/admin/email?before=1-5")), ""),
            page(feed(Vec::new(), None), "failed"),
            page(feed(Vec::new(), None), ""),
        ]
    }
}

/// The list.
pub async fn list(by: SuperAdmin, filter: Query<Filter>, walk: Query<Walk>) -> Result<Response> {
    let filter = filter.value.known();
    let rows = store::list(&by, &filter, &walk).await?;
    let url = keyset::address("/admin/email", &[("status", &filter.status), ("q", &filter.q)]);
    let feed = walk.page(rows, &url, |row| Cursor::at(row.created_at, row.id));
    by.page(&MailList { feed, status: filter.status, q: filter.q }).await
}

/// One mail.
#[derive(Debug, Serialize)]
pub struct MailShow {
    mail: Mail,
}

impl Page for MailShow {
    const TEMPLATE: &'static str = "site/email/show.html";

    fn samples() -> Vec<Self> {
        MailList::samples()
            .into_iter()
            .flat_map(|page| page.feed.items)
            .map(|row| {
                let text = (row.status == "sent").then(|| "Hello Ana".to_owned());
                let message_id = "<8f2c@portal.example.com>".to_owned();
                Self { mail: Mail { row, reply_to: Some("ben@example.com".to_owned()), message_id, text } }
            })
            .collect()
    }
}

/// The page. What a sensitive mail says is never shown.
pub async fn show(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let mail = store::find(&by, id).await?.ok_or_else(|| Error::not_found("Mail not found"))?;
    by.page(&MailShow { mail }).await
}

/// Sends every failed mail once more, in the background.
pub async fn resend_failed(by: SuperAdmin) -> Result<Response> {
    let mut tx = by.begin().await?;
    let job = NewJob::new("email.resend_failed", serde_json::json!({})).dedupe("email.resend_failed");
    job.queue(&mut tx).await?;
    tx.audit(Change::new("email.failed_resent", "email", 0));
    tx.commit().await?;
    by.see("/admin/email", Flash::done("Failed mails are sent again, up to 500 at a time")).await
}

/// Sends a mail that was not sent once more.
pub async fn resend(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let known = store::find(&by, id).await?.ok_or_else(|| Error::not_found("Mail not found"))?;
    let mut tx = by.begin().await?;
    if !mail::resend(&mut tx, id).await? {
        // The message waits for the only writer, so this transaction must be over.
        drop(tx);
        let text = "That mail cannot be sent again: it is on its way, or its text has been erased.";
        return by.see(format!("/admin/email/{id}"), Flash::new(Tone::Error, text)).await;
    }
    tx.audit(Change::new("email.resent", "email", id).label(&known.row.subject).meta("to", known.row.to.clone()));
    tx.commit().await?;
    by.see(format!("/admin/email/{id}"), Flash::done("Mail queued")).await
}
