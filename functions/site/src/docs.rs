//! The API reference: Swagger UI from files in the binary, under a policy of its own (identity 22).

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use shared::caller::User;
use shared::error::{Error, Result};
use shared::page::{Page, nothing_here};
use shared::routes::Routes;
use shared::tokens;
use shared::web::{OwnPolicy, Path};

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes.page("/docs", reference).page("/docs/{file}", file).no_scope().api(shared::api!(document))
}

/// The document of all areas, written by `myportal openapi`; a function knows its own routes only.
static DOCUMENT: &str = include_str!("../openapi.json");

/// Starts the viewer and adds the session's CSRF token to what people try out.
static START: &str = include_str!("docs.js");

/// The files of the viewer that the page uses.
const FILES: [&str; 4] =
    ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "favicon-32x32.png"];

/// The page around the viewer.
#[derive(Debug, Serialize)]
pub struct Reference {
    script_nonce: String,
}

impl Page for Reference {
    const TEMPLATE: &'static str = "site/docs.html";

    fn samples() -> Vec<Self> {
        vec![Self { script_nonce: "sample".to_owned() }]
    }
}

/// The page. The viewer sets style attributes and draws data images, which the portal's policy forbids.
pub async fn reference(by: User) -> Result<Response> {
    let nonce = tokens::random_hex(16);
    let mut response = by.page(&Reference { script_nonce: nonce.clone() }).await?;
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         font-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    let policy = HeaderValue::from_str(&policy).map_err(|error| Error::Internal(error.into()))?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response.headers_mut().insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response.extensions_mut().insert(OwnPolicy);
    Ok(response)
}

/// One file of the viewer.
pub async fn file(_by: User, Path(name): Path<String>, headers: HeaderMap) -> Result<Response> {
    if name == "start.js" {
        return Ok(sent("text/javascript; charset=utf-8", START.as_bytes().to_vec(), false));
    }
    let known = FILES.iter().find(|known| **known == name).ok_or_else(nothing_here)?;
    let config = Arc::new(utoipa_swagger_ui::Config::new(["/internal/openapi.json"]));
    let file = utoipa_swagger_ui::serve(known, config).map_err(|error| std::io::Error::other(error.to_string()))?;
    let file = file.ok_or_else(nothing_here)?;
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if file.gzpipped && !crate::static_files::accepts(accepted, "gzip") {
        return Err(Error::refused(StatusCode::NOT_ACCEPTABLE, "This file is sent compressed with gzip only"));
    }
    Ok(sent(&file.content_type, file.bytes.into_owned(), file.gzpipped))
}

fn sent(kind: &str, body: Vec<u8>, is_gzip: bool) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding, Cookie"));
    if is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Gives the OpenAPI document of the whole portal.
#[utoipa::path(get, path = "/internal/openapi.json",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub async fn document(_by: User) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}
