//! Files of a ticket: pictures are shown as the portal drew them anew, everything else is downloaded.

use axum::response::Response;
use serde::Deserialize;
use shared::caller::User;
use shared::error::{Error, Result};
use shared::files;
use shared::web::{Path, Query};

use crate::scope::Scope;
use crate::store;

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
