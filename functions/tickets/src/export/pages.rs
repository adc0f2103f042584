//! Asking for an export on the page of the list, and taking the file.

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use shared::caller::User;
use shared::error::{Error, Result};
use shared::files;
use shared::web::{Form, Path};
use shared::{Flash, Tone};

use super::{order, store};
use crate::pages::list_of;

/// The form carries what narrows the list, under the names of its address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {}

/// Queues the file and goes back to the list.
pub async fn order(by: User, form: Form<Fields>) -> Result<Response> {
    let (filter, of_company, back) = list_of(&by, |name| form.all(name));
    match order::order(&by, &filter, of_company).await {
        Ok(_) => {
            let text = "The file is being written. You get a notification with a link when it is ready.";
            by.see(back, Flash::new(Tone::Info, text)).await
        }
        Err(error) if error.status() == StatusCode::CONFLICT => {
            by.see(back, Flash::new(Tone::Info, error.detail())).await
        }
        Err(error) => Err(error),
    }
}

/// Leads to the file, for the person who asked for it.
pub async fn open(by: User, Path(id): Path<i64>) -> Result<Response> {
    let missing = || Error::not_found("Export not found");
    let found = store::find(by.db(), id, by.now()).await?.filter(|export| export.user_id == by.me().id());
    let export = found.ok_or_else(missing)?;
    match (export.status.as_str(), export.file_id) {
        ("ready", Some(file)) => {
            let file = files::find(by.db(), file).await?.ok_or_else(missing)?;
            files::download(&by, &file).await
        }
        ("queued", _) => {
            let text = "The file is still being written. You get a notification when it is ready.";
            by.see("/tickets", Flash::new(Tone::Info, text)).await
        }
        _ => by.see("/tickets", Flash::new(Tone::Error, "The file could not be written. Export the list again.")).await,
    }
}
