//! Files on their way out.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Redirect, Response};
use http::header;

use super::{File, not_found, unreachable_bucket};
use crate::blobs::Disposition;
use crate::context::By;
use crate::error::{Error, Result};

/// A signed address to get a file lives this long.
const GET_FOR: Duration = Duration::from_mins(1);

/// Sends a browser to a signed address that ends in a minute; the caller has checked the right to it.
pub async fn download(by: &By, file: &File) -> Result<Response> {
    let file = readable(file)?;
    let get = by.app().blobs().presigned_get(&file.storage_key, &file.display_name, GET_FOR, Disposition::Attachment);
    let url = get.await.map_err(unreachable_bucket)?.url;
    let mut response = Redirect::to(&url).into_response();
    *response.status_mut() = http::StatusCode::FOUND;
    Ok(response)
}

/// Streams the shown form of a picture through the portal; anything else is sent as a download.
pub async fn show(by: &By, file: &File) -> Result<Response> {
    let file = readable(file)?;
    if !file.is_picture() {
        return download(by, file).await;
    }
    let object = by.app().blobs().get(&file.shown_key()).await.map_err(unreachable_bucket)?;
    let kind = object.content_type.clone().unwrap_or_else(|| "image/jpeg".to_owned());
    let length = object.length;
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CACHE_CONTROL, "private, max-age=300".to_owned()),
        // Whoever signs in next at the same browser must not be shown it from there.
        (header::VARY, "Cookie".to_owned()),
        (header::CONTENT_DISPOSITION, "inline".to_owned()),
    ];
    Ok((headers, Body::from_stream(object.into_stream())).into_response())
}

fn readable(file: &File) -> Result<&File> {
    match (file.state.as_str(), file.scan_status.as_str()) {
        ("ready", "not_scanned" | "clean") => Ok(file),
        ("ready", "pending" | "error") => {
            Err(Error::conflict("The file is being checked for viruses. Try again in a minute.").code("scan_pending"))
        }
        ("quarantined", _) | (_, "infected") => {
            Err(Error::refused(http::StatusCode::GONE, "The file held a virus and was removed").code("infected"))
        }
        _ => Err(not_found()),
    }
}
