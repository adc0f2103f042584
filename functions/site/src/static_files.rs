//! `/static/dist/…`: the built front end from the binary, ready-made copies for browsers that take them.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use shared::caller::Anyone;
use shared::error::Result;
use shared::page::nothing_here;
use shared::routes::Routes;
use shared::web::Path;

/// Adds the route.
pub fn add(routes: Routes) -> Routes {
    routes.page("/static/dist/{file}", file)
}

struct Embedded {
    path: &'static str,
    kind: &'static str,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
    br: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/dist.rs"));

/// One file. Its name carries a digest of its content, so that it may be kept for ever.
pub async fn file(_by: Anyone, Path(name): Path<String>, headers: HeaderMap) -> Result<Response> {
    let file = FILES.iter().find(|file| file.path == name).ok_or_else(nothing_here)?;
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (encoding, body) = choose(file, accepted);
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Ok(response)
}

/// Brotli before gzip before the plain file.
fn choose(file: &Embedded, accepted: &str) -> (Option<&'static str>, &'static [u8]) {
    if let Some(br) = file.br.filter(|_| accepts(accepted, "br")) {
        return (Some("br"), br);
    }
    match file.gzip.filter(|_| accepts(accepted, "gzip")) {
        Some(gzip) => (Some("gzip"), gzip),
        None => (None, file.plain),
    }
}

/// True when an `Accept-Encoding` takes the coding: named, or by `*`, and not with weight nought.
pub(crate) fn accepts(header: &str, coding: &str) -> bool {
    let weight = |wanted: &str| {
        header.split(',').find_map(|part| {
            let mut parts = part.split(';').map(str::trim);
            let named = parts.next()?.eq_ignore_ascii_case(wanted);
            let weight = parts.find_map(|p| p.strip_prefix("q=")).and_then(|q| q.trim().parse::<f32>().ok());
            named.then(|| weight.unwrap_or(1.0))
        })
    };
    weight(coding).or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_negotiated() {
        for good in ["br", "gzip, deflate, br", "gzip;q=0.5, BR;q=0.1", "*"] {
            assert!(accepts(good, "br"), "{good}");
        }
        for bad in ["", "gzip", "br;q=0", "*, br;q=0", "brotli"] {
            assert!(!accepts(bad, "br"), "{bad}");
        }
    }

    #[test]
    fn every_asset_that_pages_name_is_embedded() {
        for (name, asset) in shared::page::assets().unwrap() {
            assert!(FILES.iter().any(|file| file.path == asset.path), "{name}");
        }
    }
}
