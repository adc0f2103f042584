//! Refuses requests that another site made a browser send (identity 7).

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http::request::Parts;
use http::{HeaderMap, Method};
use http_body_util::BodyExt as _;

use super::pipeline::too_large;
use crate::caller::Actor;
use crate::context::{By, header_text};
use crate::error::{Error, Result};
use crate::tokens;

/// Exempt from the token by exact path: nobody is signed in there. Their origin is checked all the same.
const EXEMPT: [&str; 5] =
    ["/auth/login", "/auth/register", "/auth/password/forgot", "/auth/password/reset", "/auth/verify-email"];

/// How much of a multipart body is read in search of `_csrf`, before the first file.
const MULTIPART_HEAD: usize = 64 * 1024;

/// Stands in the head of every file part.
const FILE_MARK: &[u8] = b"filename=";

/// The hidden fields that the pipeline reads.
#[derive(Default)]
struct Hidden {
    csrf: Option<String>,
    once: Option<String>,
}

/// Checks an unsafe request. Gives the body back whole, and the one-time token of its form.
pub(crate) async fn check(by: &By, parts: &Parts, body: Body) -> Result<(Body, Option<String>)> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS)
        || by.request().wants_secret()
        || is_machine(&parts.headers)
    {
        return Ok((body, None));
    }
    if !is_same_origin(by) {
        return Err(Error::forbidden("Cross-site request refused").code("csrf_origin"));
    }
    let (hidden, body) = hidden_fields(&parts.headers, body).await?;
    let path = by.request().target().split('?').next().unwrap_or_default();
    let Actor::Person(person) = by.actor() else { return Ok((body, None)) };
    if by.app().config().enable_csrf && !EXEMPT.contains(&path) {
        let given = from_header(&parts.headers).or(hidden.csrf);
        let given = given.ok_or_else(|| Error::forbidden("CSRF token missing").code("csrf_missing"))?;
        if !tokens::constant_time_eq(&given, &person.csrf) {
            return Err(Error::forbidden("CSRF token mismatch").code("csrf_mismatch"));
        }
    }
    Ok((body, hidden.once))
}

/// Programs send a key or bearer; no browser adds those by itself.
fn is_machine(headers: &HeaderMap) -> bool {
    headers.contains_key("x-api-key") || headers.contains_key(http::header::AUTHORIZATION)
}

fn from_header(headers: &HeaderMap) -> Option<String> {
    ["x-csrf-token", "x-csrftoken", "csrf-token"].iter().find_map(|name| header_text(headers, name)).map(str::to_owned)
}

fn is_same_origin(by: &By) -> bool {
    let request = by.request();
    let site = request.fetch_site.as_deref();
    match (request.origin.as_deref(), site) {
        // Under the referrer policy `no-referrer` a page hides its origin from its own site too; then only
        // the browser can say where the form stood.
        (Some("null"), site) => site == Some("same-origin"),
        (Some(origin), _) => is_ours(by, origin),
        (None, Some(site)) => matches!(site, "same-origin" | "none"),
        (None, None) => true,
    }
}

fn is_ours(by: &By, origin: &str) -> bool {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let portal = by.app().config().portal_url.as_ref().map(|url| url.origin().ascii_serialization());
    portal.as_deref() == Some(origin)
        || (portal.is_none() || !by.app().config().is_production()) && host == by.request().host
        || by.app().config().allowed_origins.iter().any(|allowed| allowed == origin)
}

async fn hidden_fields(headers: &HeaderMap, body: Body) -> Result<(Hidden, Body)> {
    let kind = header_text(headers, "content-type").unwrap_or_default().to_ascii_lowercase();
    if kind.starts_with("application/x-www-form-urlencoded") {
        let bytes = body.collect().await.map_err(|_| too_large())?.to_bytes();
        return Ok((from_pairs(&bytes), Body::from(bytes)));
    }
    if kind.starts_with("multipart/form-data") {
        return from_multipart(body).await;
    }
    Ok((Hidden::default(), body))
}

fn from_pairs(bytes: &[u8]) -> Hidden {
    let mut hidden = Hidden::default();
    for (name, value) in url::form_urlencoded::parse(bytes) {
        let slot = match &*name {
            "_csrf" => &mut hidden.csrf,
            "_once" => &mut hidden.once,
            _ => continue,
        };
        slot.get_or_insert(value.into_owned());
    }
    hidden
}

/// Reads up to the first file part, then puts what was read in front of the rest.
async fn from_multipart(body: Body) -> Result<(Hidden, Body)> {
    let mut chunks = body.into_data_stream();
    let mut head = BytesMut::new();
    let mut searched = 0;
    while head.len() < MULTIPART_HEAD && !contains(&head[searched..], FILE_MARK) {
        searched = head.len().saturating_sub(FILE_MARK.len() - 1);
        match chunks.next().await {
            Some(chunk) => head.extend_from_slice(&chunk.map_err(|_| too_large())?),
            None => break,
        }
    }
    let hidden = Hidden { csrf: text_part(&head, "_csrf"), once: text_part(&head, "_once") };
    let first = stream::once(std::future::ready(Ok::<Bytes, axum::Error>(head.freeze())));
    Ok((hidden, Body::from_stream(first.chain(chunks))))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    find(haystack, needle).is_some()
}

/// The value of a small text part, if it stands whole in what was read.
fn text_part(head: &[u8], name: &str) -> Option<String> {
    let at = find(head, format!("name=\"{name}\"\r\n").as_bytes())?;
    let rest = &head[at..];
    let start = find(rest, b"\r\n\r\n")? + 4;
    let end = find(&rest[start..], b"\r\n--")?;
    String::from_utf8(rest[start..start + end].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_multipart_body_stays_whole() {
        let text = "--x\r\nContent-Disposition: form-data; name=\"_csrf\"\r\n\r\nabc\r\n--x\r\n\
                    Content-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nDATA\r\n--x--\r\n";
        let (hidden, body) = from_multipart(Body::from(text)).await.unwrap();
        assert_eq!(hidden.csrf.as_deref(), Some("abc"));
        assert_eq!(body.collect().await.unwrap().to_bytes(), text.as_bytes());
    }

    #[test]
    fn a_field_inside_a_file_is_not_taken() {
        assert_eq!(text_part(b"name=\"other\"\r\n\r\nname=_csrf\r\n--x", "_csrf"), None);
        assert_eq!(from_pairs(b"a=1&_csrf=t%20x&_once=o").csrf.as_deref(), Some("t x"));
    }
}
