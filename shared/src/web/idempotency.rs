//! The same POST twice does its work once (decisions 3, 11.22).
//!
//! The token is the `Idempotency-Key` header or the hidden `_once` field of a form. Stored answers are
//! sealed, never hold cookies, and live 24 hours.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use http::response::Parts;
use http::{HeaderName, Method, StatusCode, header};
use http_body_util::BodyExt as _;

use super::pipeline::value;
use crate::audit::Stamp;
use crate::caller::Actor;
use crate::context::{By, header_text};
use crate::db::{is_unique_violation, sql};
use crate::error::{Error, Result};
use crate::tokens;

const KEPT: TimeDelta = TimeDelta::hours(24);

/// A first try that has not answered so long after its time limit is taken for lost.
const MARGIN: TimeDelta = TimeDelta::seconds(35);

const SEAL: &str = "idempotency_keys.response_body";

/// Answers longer than this are not kept; a repeat is told so.
const MAX_BODY: usize = 256 * 1024;

/// Paths whose answers hold secrets: they are not kept, and a repeat is refused.
const NOT_REPLAYED: [&str; 3] = ["/auth/", "/api-keys", "/scheduler/webhook-endpoints"];

/// How long the second click on a form waits for the answer to the first.
const PATIENCE: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// How often a claim is tried anew when another came between.
const TRIES: u32 = 5;

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    request_hash: String,
    state: String,
    response_status: Option<i64>,
    response_type: Option<String>,
    response_location: Option<String>,
    response_body: Option<String>,
    locked_until: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// What makes two requests the same, and who sends them.
struct Token {
    actor: String,
    key_hash: String,
    request_hash: String,
    is_form: bool,
}

/// Runs the handler, or answers as the first try did. Only what was done is remembered: a try that was
/// refused or failed may be repeated.
pub(crate) async fn around(
    by: &By,
    request: Request,
    once: Option<String>,
    run: impl AsyncFnOnce(Request) -> Result<Response>,
) -> Result<Response> {
    let Some((actor, key, is_form)) = key(by, &request, once)? else { return run(request).await };
    let (request, request_hash) = fingerprint(request).await?;
    let token = Token { actor, key_hash: tokens::sha256_hex(key.as_bytes()), request_hash, is_form };
    let claim = match claim(by, &token).await? {
        Claim::Answered(response) => return Ok(*response),
        Claim::Ours(id) => id,
        Claim::Running | Claim::Outrun => return Err(in_flight()),
    };
    by.works_under(claim);
    match run(request).await {
        Ok(response) if response.status().is_success() || response.status().is_redirection() => {
            keep(by, claim, response).await
        }
        other => {
            if let Err(error) = release(by, claim).await {
                tracing::warn!(?error, "a repeat has to wait until the claim runs out");
            }
            other
        }
    }
}

/// Actor and key, and whether the key is the one of a form.
fn key(by: &By, request: &Request, once: Option<String>) -> Result<Option<(String, String, bool)>> {
    if *request.method() != Method::POST {
        return Ok(None);
    }
    let actor = match by.actor() {
        Actor::Nobody => return Ok(None),
        Actor::Person(person) => format!("u{}", person.id()),
        Actor::Key(key) => format!("k{}", key.id),
    };
    let header = header_text(request.headers(), "idempotency-key").map(str::to_owned);
    let is_form = header.is_none();
    let Some(key) = header.or(once).filter(|key| !key.trim().is_empty()) else { return Ok(None) };
    if key.chars().count() > 255 {
        return Err(Error::field("Idempotency-Key", "Use at most 255 characters"));
    }
    let key = if is_form { format!("form:{key}") } else { key };
    Ok(Some((actor, key, is_form)))
}

/// Small bodies are part of the fingerprint; uploads are told apart by their address only.
async fn fingerprint(request: Request) -> Result<(Request, String)> {
    let (parts, body) = request.into_parts();
    let is_upload = header_text(&parts.headers, "content-type").is_some_and(|t| t.starts_with("multipart/"));
    let target = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
    if is_upload {
        return Ok((Request::from_parts(parts, body), tokens::sha256_hex(target.as_bytes())));
    }
    let bytes = body.collect().await.map_err(|_| super::pipeline::too_large())?.to_bytes();
    let mut all = target.into_bytes();
    all.push(0);
    all.extend_from_slice(&bytes);
    let hash = tokens::sha256_hex(&all);
    Ok((Request::from_parts(parts, Body::from(bytes)), hash))
}

enum Claim {
    /// The work is ours to do.
    Ours(i64),
    /// It was done.
    Answered(Box<Response>),
    /// Somebody is doing it.
    Running,
    /// Somebody came between our look and our write.
    Outrun,
}

async fn claim(by: &By, token: &Token) -> Result<Claim> {
    let (mut tries, mut pauses) = (0, 0);
    loop {
        match look(by, token).await {
            // A browser shows the answer to the second click, so that one waits.
            Ok(Claim::Running) if token.is_form && pauses < PATIENCE => {
                pauses += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Ok(Claim::Outrun) | Err(Error::Busy) if tries < TRIES => tries += 1,
            other => return other,
        }
    }
}

async fn look(by: &By, token: &Token) -> Result<Claim> {
    let row: Option<Row> = sql("SELECT id, request_hash, state, response_status, response_type, \
         response_location, response_body, locked_until, expires_at FROM idempotency_keys \
         WHERE actor = ? AND key_hash = ?")
    .bind(&token.actor)
    .bind(&token.key_hash)
    .fetch_optional(by.db())
    .await?;
    let now = by.now();
    match row {
        None => insert(by, token, None).await,
        Some(row) if row.expires_at <= now || (row.state == "running" && row.locked_until <= now) => {
            insert(by, token, Some(row)).await
        }
        Some(row) if row.request_hash != token.request_hash => Err(mismatch(token.is_form)),
        Some(row) if row.state == "running" => Ok(Claim::Running),
        // Done, and about to be answered. When that time is over, the process died in between, and all
        // that a repeat can be told is that the work was done.
        Some(row) if row.state == "committed" && row.locked_until > now => Ok(Claim::Running),
        Some(row) => replay(by, row).map(|response| Claim::Answered(Box::new(response))),
    }
}

async fn insert(by: &By, token: &Token, over: Option<Row>) -> Result<Claim> {
    let now = by.now();
    let mut tx = by.db().begin(Stamp::system(now)).await?;
    tx.housekeeping();
    if let Some(row) = over {
        sql("DELETE FROM idempotency_keys WHERE id = ? AND locked_until = ?")
            .bind(row.id)
            .bind(row.locked_until)
            .execute(&mut tx)
            .await?;
    }
    let lost_after = TimeDelta::from_std(super::pipeline::time_limit(by)).unwrap_or_default() + MARGIN;
    let inserted = sql("INSERT INTO idempotency_keys (actor, key_hash, request_hash, state, created_at, \
         locked_until, expires_at) VALUES (?, ?, ?, 'running', ?, ?, ?)")
    .bind(&token.actor)
    .bind(&token.key_hash)
    .bind(&token.request_hash)
    .bind(now)
    .bind(now + lost_after)
    .bind(now + KEPT)
    .insert(&mut tx)
    .await;
    match inserted {
        Ok(id) => tx.commit().await.map(|()| Claim::Ours(id)),
        Err(error) if is_unique_violation(&error, "idempotency_keys_once", "idempotency_keys.actor") => {
            Ok(Claim::Outrun)
        }
        Err(error) => Err(error.into()),
    }
}

fn in_flight() -> Error {
    Error::conflict("The same request is still being worked on. Wait a moment.").code("in_flight")
}

fn mismatch(is_form: bool) -> Error {
    let text = if is_form {
        "This form was sent already. Open its page again to send another."
    } else {
        "This Idempotency-Key was used for another request"
    };
    Error::refused(StatusCode::UNPROCESSABLE_ENTITY, text).code("idempotency_mismatch")
}

fn replay(by: &By, row: Row) -> Result<Response> {
    let opened = row.response_body.and_then(|sealed| by.app().keyring().open(SEAL, &sealed).ok());
    let Some(body) = opened.and_then(|body| STANDARD.decode(body).ok()) else {
        return Err(Error::conflict("This was already done").code("already_done"));
    };
    let status = row.response_status.and_then(|s| u16::try_from(s).ok()).and_then(|s| StatusCode::from_u16(s).ok());
    let status = status.unwrap_or(StatusCode::OK);
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    // A body of bytes brings a type of its own, which the first answer may not have had.
    headers.remove(header::CONTENT_TYPE);
    if let Some(kind) = row.response_type {
        headers.insert(header::CONTENT_TYPE, value(&kind));
    }
    if let Some(to) = row.response_location {
        headers.insert(location_header(status), value(&to));
    }
    headers.insert("idempotent-replay", value("true"));
    Ok(response)
}

/// Partial requests are sent on by a header of their own, with 204.
fn location_header(status: StatusCode) -> HeaderName {
    if status == StatusCode::NO_CONTENT { HeaderName::from_static("hx-redirect") } else { header::LOCATION }
}

/// Keeps the answer for repeats. Should that fail, the work is done all the same and is answered so.
async fn keep(by: &By, id: i64, response: Response) -> Result<Response> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map_err(|error| Error::Internal(error.into()))?.to_bytes();
    if let Err(error) = store(by, id, &parts, &bytes).await {
        tracing::error!(?error, "the answer could not be kept for repeats");
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

async fn store(by: &By, id: i64, parts: &Parts, bytes: &[u8]) -> Result<()> {
    let text = |name| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let is_secret = NOT_REPLAYED.iter().any(|path| by.request().target().starts_with(path));
    let sealed = (bytes.len() <= MAX_BODY && !is_secret)
        .then(|| by.app().keyring().seal(SEAL, STANDARD.encode(bytes).as_bytes()))
        .transpose()
        .map_err(|error| Error::Internal(error.into()))?;
    let mut tx = by.db().begin(Stamp::system(by.now())).await?;
    tx.housekeeping();
    sql("UPDATE idempotency_keys SET state = 'done', response_status = ?, response_type = ?, \
         response_location = ?, response_body = ? WHERE id = ?")
    .bind(i64::from(parts.status.as_u16()))
    .bind(text(header::CONTENT_TYPE))
    .bind(text(location_header(parts.status)))
    .bind(sealed)
    .bind(id)
    .execute(&mut tx)
    .await?;
    tx.commit().await
}

/// A failed try may be repeated.
async fn release(by: &By, id: i64) -> Result<()> {
    let mut tx = by.db().begin(Stamp::system(by.now())).await?;
    tx.housekeeping();
    sql("DELETE FROM idempotency_keys WHERE id = ?").bind(id).execute(&mut tx).await?;
    tx.commit().await
}
