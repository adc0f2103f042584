//! The addresses that the desk's pages had before (decisions 11.16).

use axum::response::{IntoResponse, Redirect, Response};
use shared::caller::Anyone;
use shared::error::Result;

/// The same below `/tickets`, with method, form and query kept.
pub async fn moved(by: Anyone) -> Result<Response> {
    let target = by.request().target();
    Ok(Redirect::permanent(target.strip_prefix("/admin").unwrap_or("/tickets")).into_response())
}
