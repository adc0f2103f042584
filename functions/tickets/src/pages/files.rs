//! Files of a ticket: pictures are shown as the portal drew them anew, everything else is downloaded.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::caller::User;
use shared::context::By;
use shared::error::{Error, Result};
use shared::files;
use shared::web::{Path, Query};

use crate::actions::{self, HOME};
use crate::scope::Scope;
use crate::store::{self, Attachment};

/// A file that a page has sent to the bucket before its form.
#[derive(Debug, Serialize)]
pub(super) struct SentAhead {
    id: i64,
    name: String,
    size: i64,
}

impl SentAhead {
    /// Those that have arrived, for a form that is shown again.
    pub(super) async fn of(by: &By, values: &[String]) -> Result<Vec<Self>> {
        let found = files::arrived_uploads(by, HOME, &actions::upload_ids(values)).await?;
        Ok(found.into_iter().map(|file| Self { id: file.id, name: file.display_name, size: file.size_bytes }).collect())
    }

    /// For sample pages.
    pub(super) fn samples() -> Vec<Self> {
        vec![Self { id: 12, name: "tray.jpg".to_owned(), size: 245_760 }]
    }
}

/// Every file of a ticket in one download.
#[derive(Debug, Serialize)]
pub(super) struct AllFiles {
    href: String,
    count: usize,
    size: i64,
}

impl AllFiles {
    /// Offered where there are several.
    pub(super) fn of(ticket_id: i64, files: &[Attachment]) -> Option<Self> {
        let ready: Vec<&Attachment> = files.iter().filter(|file| file.is_ready).collect();
        let size = ready.iter().map(|file| file.size).sum();
        (ready.len() > 1).then(|| Self {
            href: format!("/tickets/{ticket_id}/attachments.zip"),
            count: ready.len(),
            size,
        })
    }
}

/// Sends every file that the caller may see as one archive.
pub async fn open_all(by: User, Path(ticket_id): Path<i64>) -> Result<Response> {
    actions::archive(&by, ticket_id).await
}

/// How the file is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    download: Option<String>,
}

/// Opens a file of a ticket that the caller may see.
pub async fn open(by: User, Path((ticket_id, id)): Path<(i64, i64)>, wish: Query<Wish>) -> Result<Response> {
    let found = store::attachment(Scope::of(&by), by.db(), ticket_id, id).await?;
    let missing = || Error::not_found("File not found");
    let attachment = found.ok_or_else(missing)?;
    let file = files::find(by.db(), attachment.file_id).await?.ok_or_else(missing)?;
    if wish.download.is_some() { files::download(&by, &file).await } else { files::show(&by, &file).await }
}
