//! What happens around every handler, in order: the client's address, the coarse guard, who asks, the
//! `general` bucket, CSRF, idempotency, the handler under a time limit; then the error in the shape the
//! asker reads, the cookies, the headers and one log line.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::FutureExt as _;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::Limited;
use tracing::Instrument as _;

use super::headers::EndCookies;
use super::{csrf, headers, idempotency};
use crate::app::App;
use crate::caller::{Actor, session};
use crate::client_ip::client_ip;
use crate::context::{By, Htmx, Request, encode_component, header_text};
use crate::error::{Cause, Error, Problem, Result};
use crate::routes::BODY_LIMIT;
use crate::{page, tokens};

/// A request may take this long, where its route is not a declared stream.
const TIME_LIMIT: Duration = Duration::from_secs(25);

/// The same where files are sent, over whatever line.
const UPLOAD_TIME_LIMIT: Duration = Duration::from_mins(5);

/// How long this request may take.
pub(super) fn time_limit(by: &By) -> Duration {
    let is_upload = by.request().facts.as_ref().is_some_and(|f| f.body_limit > BODY_LIMIT);
    if is_upload { UPLOAD_TIME_LIMIT } else { TIME_LIMIT }
}

/// The layer around all routes of a process.
pub(crate) async fn run(State(app): State<App>, request: axum::extract::Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let facts = describe(&app, &mut parts);
    let started = std::time::Instant::now();
    let span = tracing::info_span!(
        "request",
        request.id = %facts.id,
        http.method = %facts.method,
        http.route = facts.facts.as_ref().map_or("-", |f| f.path.as_str()),
    );
    let method = facts.method.clone();
    let is_change = !method.is_safe();
    let work = async move {
        let response = answer(app, parts, body, facts, next).await;
        let status = response.status().as_u16();
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(Cause(cause)) = response.extensions().get::<Cause>() {
            tracing::error!(http.status = status, duration_ms, error = ?cause, "request failed");
        } else {
            tracing::info!(http.status = status, duration_ms, %method, "request");
        }
        response
    };
    let work = work.instrument(span);
    if is_change { to_the_end(work).await } else { work.await }
}

/// A change that was begun is finished, whoever hangs up: the second click of a double click ends the
/// connection of the first, and is answered with what the first one did.
async fn to_the_end(work: impl Future<Output = Response> + Send + 'static) -> Response {
    match tokio::spawn(work).await {
        Ok(response) => response,
        Err(error) => Error::Internal(error.into()).into_response(),
    }
}

async fn answer(app: App, mut parts: Parts, body: Body, facts: Request, next: Next) -> Response {
    let sent_session = matches!(credentials(&app, &parts, &facts), Credentials::Session(_));
    let (actor, refused) = match identify(&app, &parts, &facts).await {
        Ok(actor) => (actor, None),
        Err(error) => (Actor::Nobody, Some(error)),
    };
    // Only a session that was looked for and not found has ended: a fault of ours signs nobody out.
    let is_stale = sent_session && refused.is_none() && matches!(actor, Actor::Nobody);
    let by = By::new(app, facts, actor);
    parts.extensions.insert(by.clone());
    let response = match refused {
        Some(error) => error.into_response(),
        None => guarded(&by, parts, body, next).await.unwrap_or_else(IntoResponse::into_response),
    };
    let response = finish_error(&by, response).await;
    headers::complete(&by, response, is_stale)
}

/// Everything between knowing who asks and the handler's answer.
async fn guarded(by: &By, parts: Parts, body: Body, next: Next) -> Result<Response> {
    if parts.method == Method::OPTIONS
        && let Some(answer) = headers::preflight(by)
    {
        return Ok(answer);
    }
    let limit = by.request().facts.as_ref().map_or(BODY_LIMIT, |f| f.body_limit);
    let announced = header_text(&parts.headers, "content-length").and_then(|v| v.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(if limit < BODY_LIMIT { larger_than(limit) } else { too_large() });
    }
    let body = Body::new(Limited::new(body, limit));
    let (body, once) = csrf::check(by, &parts, body).await?;
    let request = http::Request::from_parts(parts, body);
    idempotency::around(by, request, once, async |request| timed(by, request, next).await).await
}

async fn timed(by: &By, request: axum::extract::Request, next: Next) -> Result<Response> {
    let streams = by.request().facts.as_ref().is_some_and(|f| f.streams);
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    let handled = if streams {
        handled.await
    } else {
        let limit = time_limit(by);
        match tokio::time::timeout(limit, handled).await {
            Ok(handled) => handled,
            Err(_) => return Err(Error::Internal(anyhow::anyhow!("the handler took longer than {limit:?}"))),
        }
    };
    handled.map_err(|_| Error::Internal(anyhow::anyhow!("the handler panicked")))
}

/// 413, as body readers and the pipeline say it.
pub(crate) fn too_large() -> Error {
    Error::refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        "The request is too large. A file may have 15 MB, anything else 1 MB.",
    )
}

/// 413 where a route takes less than most.
pub(crate) fn larger_than(limit: usize) -> Error {
    let text = format!("The request is too large. Send at most {} KB.", limit / 1024);
    Error::refused(StatusCode::PAYLOAD_TOO_LARGE, text)
}

fn describe(app: &App, parts: &mut Parts) -> Request {
    let path = parts.extensions.get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let facts = path.as_ref().and_then(|path| app.table().find(&parts.method, path)).cloned();
    let headers = &parts.headers;
    let text = |name: &str| header_text(headers, name).unwrap_or_default();
    let target = parts.extensions.get::<axum::extract::OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
    let target = target.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
    let content_type = text("content-type").to_ascii_lowercase();
    let accept = text("accept").to_ascii_lowercase();
    let from_lambda = parts.extensions.get::<LambdaAddress>().and_then(|a| a.0.parse().ok());
    let peer = from_lambda.or_else(|| parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()));
    let forwarded_https = peer.is_some_and(|ip| app.config().trusted_proxies.contains(ip))
        && text("x-forwarded-proto").eq_ignore_ascii_case("https");
    Request {
        id: tokens::random_hex(8),
        ip: client_ip(peer, headers, &app.config().trusted_proxies),
        user_agent: text("user-agent").chars().filter(|c| !c.is_control()).take(255).collect(),
        method: parts.method.clone(),
        referer: referer_path(text("referer")),
        origin: header_text(headers, "origin").map(str::to_owned),
        fetch_site: header_text(headers, "sec-fetch-site").map(str::to_owned),
        is_https: forwarded_https || parts.extensions.get::<LambdaAddress>().is_some(),
        host: text("host").to_owned(),
        htmx: htmx(headers),
        is_form: content_type.starts_with("application/x-www-form-urlencoded")
            || content_type.starts_with("multipart/form-data"),
        accepts_html: accept.contains("text/html"),
        accepts_json: accept.contains("application/json"),
        nonce: tokens::random_hex(16),
        notice: headers::cookie(headers, headers::NOTICE_COOKIE),
        target,
        facts,
    }
}

/// The client's address as the gateway knows it, set by the function's adapter.
#[derive(Debug, Clone)]
pub(crate) struct LambdaAddress(pub(crate) String);

fn referer_path(referer: &str) -> Option<String> {
    let url = url::Url::parse(referer).ok()?;
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    crate::context::safe_path(&path).map(str::to_owned)
}

fn htmx(headers: &http::HeaderMap) -> Option<Htmx> {
    (header_text(headers, "hx-request") == Some("true")).then(|| {
        let target = header_text(headers, "hx-target").unwrap_or_default();
        Htmx {
            target: target.rsplit('#').next().unwrap_or_default().to_owned(),
            full: header_text(headers, "hx-request-type") == Some("full")
                || headers.contains_key("hx-history-restore-request"),
        }
    })
}

async fn identify(app: &App, parts: &Parts, facts: &Request) -> Result<Actor> {
    let now = app.now();
    app.general().coarse(&facts.ip, now)?;
    let actor = match credentials(app, parts, facts) {
        Credentials::None => Actor::Nobody,
        Credentials::Key(token) => {
            let key = crate::caller::authenticate_key(app, &token, &facts.ip).await?;
            // Sign-in and everything beside it is for people, also where anyone may call (identity 16.2).
            if facts.target.starts_with("/auth/") {
                return Err(Error::forbidden("API keys cannot be used here"));
            }
            Actor::Key(key)
        }
        Credentials::Session(token) => session::authenticate(app, &token).await?.map_or(Actor::Nobody, Actor::Person),
    };
    if !is_exempt(facts) {
        match &actor {
            Actor::Nobody => app.general().anonymous(&facts.ip, now)?,
            Actor::Person(person) => app.general().signed_in(&format!("u{}", person.id()), now)?,
            Actor::Key(key) => app.general().signed_in(&format!("k{}", key.id), now)?,
        }
    }
    Ok(actor)
}

enum Credentials {
    None,
    Session(String),
    Key(String),
}

/// A key or bearer header means that the cookie is ignored (identity 7); pages never read a key. Where a
/// machine shows a secret of its own, nothing else counts.
fn credentials(app: &App, parts: &Parts, facts: &Request) -> Credentials {
    if facts.wants_secret() {
        return Credentials::None;
    }
    let is_page = facts.facts.as_ref().is_none_or(|f| f.is_page);
    if let Some(key) = header_text(&parts.headers, "x-api-key") {
        return if is_page { Credentials::None } else { Credentials::Key(key.trim().to_owned()) };
    }
    if parts.headers.contains_key(header::AUTHORIZATION) {
        return Credentials::None;
    }
    headers::session_cookie(app, &parts.headers).map_or(Credentials::None, Credentials::Session)
}

fn is_exempt(facts: &Request) -> bool {
    let path = facts.target.split('?').next().unwrap_or_default();
    facts.wants_secret()
        || path.starts_with("/static/")
        || path.starts_with("/health")
        || path.starts_with("/docs")
        || path == "/internal/openapi.json"
}

/// Gives an error the shape its asker reads: a page, a redirect, a partial, or the document.
async fn finish_error(by: &By, mut response: Response) -> Response {
    let Some(mut problem) = response.extensions_mut().remove::<Problem>() else { return response };
    problem.members.insert("request_id".to_owned(), by.request().id().into());
    let cause = response.extensions_mut().remove::<Cause>();
    let retry_after = response.headers().get(header::RETRY_AFTER).cloned();
    let allow = response.headers().get(header::ALLOW).cloned();
    let ends_cookies = response.extensions_mut().remove::<EndCookies>();
    let mut finished =
        if by.request().wants_page() { as_page(by, problem).await } else { crate::error::problem_response(problem) };
    if let Some(cause) = cause {
        finished.extensions_mut().insert(cause);
    }
    if let Some(ends_cookies) = ends_cookies {
        finished.extensions_mut().insert(ends_cookies);
    }
    if let Some(wait) = retry_after {
        finished.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    if let Some(allow) = allow {
        finished.headers_mut().insert(header::ALLOW, allow);
    }
    finished
}

async fn as_page(by: &By, problem: Problem) -> Response {
    let is_signed_out = problem.status == 401 && by.person().is_none() && by.request().facts.is_some();
    if by.request().htmx.is_some() {
        return page::problem_partial(by, &problem);
    }
    if is_signed_out && problem.code().is_none() {
        return Redirect::to(&sign_in_address(by)).into_response();
    }
    if let Some(to) = &problem.to {
        return match page::notice_for(&problem) {
            Some(flash) => by.see(to, flash).await.unwrap_or_else(IntoResponse::into_response),
            None => by.go(to),
        };
    }
    page::problem_page(by, &problem).await
}

fn sign_in_address(by: &By) -> String {
    let back = match *by.request().method() {
        Method::GET | Method::HEAD => Some(by.request().target().to_owned()),
        _ => by.request().referer.clone(),
    };
    match back.filter(|path| path != "/") {
        Some(path) => format!("/login?next={}", encode_component(&path)),
        None => "/login".to_owned(),
    }
}

/// Answers for paths that no route knows. `SWAGGER_UI_URL` may name one that leads to the API reference.
pub(crate) async fn not_found(by: crate::caller::Anyone) -> Result<Redirect> {
    let path = by.request().target().split('?').next().unwrap_or_default();
    if path == by.app().config().docs_path && path != "/docs" {
        return Ok(Redirect::permanent("/docs"));
    }
    Err(Error::not_found("There is nothing at this address."))
}

/// Answers for methods that a path does not take.
pub(crate) async fn wrong_method() -> Error {
    Error::refused(StatusCode::METHOD_NOT_ALLOWED, "This address does not take that method.")
}

/// Strips one trailing slash, so that `/api/tickets/` is `/api/tickets` without a redirect.
pub(crate) fn strip_slash<B>(mut request: http::Request<B>) -> http::Request<B> {
    let path = request.uri().path();
    if path.len() > 1 && path.ends_with('/') && !path.ends_with("//") {
        let bare = path.trim_end_matches('/').to_owned();
        let target = match request.uri().query() {
            Some(query) => format!("{bare}?{query}"),
            None => bare,
        };
        let mut uri = request.uri().clone().into_parts();
        if let Ok(target) = target.parse() {
            uri.path_and_query = Some(target);
            if let Ok(uri) = http::Uri::from_parts(uri) {
                *request.uri_mut() = uri;
            }
        }
    }
    request
}

/// A header value from text that we made.
pub(crate) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
