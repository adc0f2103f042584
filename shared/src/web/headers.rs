//! Cookies in and out, and the headers that every answer carries.

use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::pipeline::value;
use crate::app::App;
use crate::context::{By, Request};

/// A message for the next page when nobody is signed in; a fixed code, never text.
pub(crate) const NOTICE_COOKIE: &str = "myportal_notice";

/// The value of a cookie.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, v)| v.to_owned())
}

/// The session cookie's value, if one was sent.
pub(crate) fn session_cookie(app: &App, headers: &HeaderMap) -> Option<String> {
    cookie(headers, &app.config().session_cookie_name).filter(|v| !v.is_empty())
}

/// The two cookies of a session: the session itself, and the CSRF token that scripts may read.
pub fn session_cookies(app: &App, request: &Request, token: &str, max_age: i64) -> [HeaderValue; 2] {
    let name = &app.config().session_cookie_name;
    let csrf = app.csrf_token(token);
    let secure = if request.wants_secure_cookies(app) { "; Secure" } else { "" };
    [
        value(&format!("{name}={token}; Path=/; SameSite=Lax; HttpOnly; Max-Age={max_age}{secure}")),
        value(&format!("{name}_csrf={csrf}; Path=/; SameSite=Lax; Max-Age={max_age}{secure}")),
    ]
}

fn ended_cookies(app: &App, request: &Request) -> [HeaderValue; 2] {
    let name = &app.config().session_cookie_name;
    let secure = if request.wants_secure_cookies(app) { "; Secure" } else { "" };
    [
        value(&format!("{name}=; Path=/; SameSite=Lax; HttpOnly; Max-Age=0{secure}")),
        value(&format!("{name}_csrf=; Path=/; SameSite=Lax; Max-Age=0{secure}")),
    ]
}

/// Asks the pipeline to delete both cookies; carried in the extensions of a response.
#[derive(Debug, Clone, Copy)]
pub struct EndCookies;

/// A response that carries its own content policy and framing rules, as the API reference does.
#[derive(Debug, Clone, Copy)]
pub struct OwnPolicy;

/// Adds what every answer carries.
pub(crate) fn complete(by: &By, mut response: Response, is_stale: bool) -> Response {
    let sets_session = response.headers().get_all(header::SET_COOKIE).iter().any(|cookie| {
        cookie.to_str().is_ok_and(|c| c.starts_with(&format!("{}=", by.app().config().session_cookie_name)))
    });
    let ends = response.extensions().get::<EndCookies>().is_some();
    let headers = response.headers_mut();
    // What caches may keep for everybody never carries anybody's cookie.
    let is_shared = is_shared(headers);
    if !is_shared && (ends || (is_stale && !sets_session)) {
        for cookie in ended_cookies(by.app(), by.request()) {
            headers.append(header::SET_COOKIE, cookie);
        }
    } else if !is_shared
        && !sets_session
        && let Some(person) = by.person()
        && let Some(max_age) = person.slide
    {
        for cookie in session_cookies(by.app(), by.request(), &person.token, max_age) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
    let shows_notice = by.request().htmx.as_ref().is_none_or(|htmx| htmx.full);
    if by.request().notice.is_some() && shows_notice && is_html(headers) {
        headers
            .append(header::SET_COOKIE, value(&format!("{NOTICE_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")));
    }
    caching(by, headers);
    safety(by, &mut response);
    cors(by, &mut response);
    response
}

fn is_shared(headers: &HeaderMap) -> bool {
    headers.get(header::CACHE_CONTROL).is_some_and(|v| v.as_bytes().starts_with(b"public"))
}

fn is_html(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"text/html"))
}

fn caching(by: &By, headers: &mut HeaderMap) {
    if headers.contains_key(header::CACHE_CONTROL) {
        return;
    }
    let private = by.person().is_some() || by.request().htmx.is_some() || !is_html(headers);
    let rule = if private { "no-store" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(rule));
    if is_html(headers) {
        headers.append(header::VARY, HeaderValue::from_static("HX-Request, HX-Target, Cookie"));
    }
}

fn safety(by: &By, response: &mut Response) {
    let has_own_policy = response.extensions().get::<OwnPolicy>().is_some();
    let is_html = is_html(response.headers());
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.insert(HeaderName::from_static("x-request-id"), value(by.request().id()));
    if !has_own_policy {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        let policy = if is_html { page_policy(by) } else { "default-src 'none'; frame-ancestors 'none'".to_owned() };
        headers.insert(header::CONTENT_SECURITY_POLICY, value(&policy));
        headers.insert(
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        );
    }
    if by.app().config().is_production() {
        headers
            .insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000; includeSubDomains"));
    }
}

/// The policy of interface 1.2; the bucket's origin is reached by scripts only, for uploads.
fn page_policy(by: &By) -> String {
    let bucket = by.app().config().bucket.origin();
    let nonce = &by.request().nonce;
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; font-src 'self'; \
         connect-src 'self' {bucket}; manifest-src 'self'; form-action 'self'; frame-src 'none'; \
         frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types portal"
    )
}

/// Only listed origins, never `*` (identity 22).
fn cors(by: &By, response: &mut Response) {
    let origins = &by.app().config().allowed_origins;
    let Some(origin) = by.request().origin.as_ref().filter(|origin| origins.contains(origin)) else { return };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value(origin));
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("link, location, retry-after, x-request-id, x-total-count, x-total-count-capped"),
    );
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}

/// Answers a browser's question whether a listed origin may call.
pub(crate) fn preflight(by: &By) -> Option<Response> {
    let origins = &by.app().config().allowed_origins;
    by.request().origin.as_ref().filter(|origin| origins.contains(origin))?;
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = http::StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("content-type, x-api-key, x-csrf-token, idempotency-key, authorization"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Some(response)
}
