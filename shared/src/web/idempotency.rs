//! The same POST twice does its work once (decisions 3, 11.22).
//!
//! The token is the `Idempotency-Key` header or the hidden `_once` field of a form. Stored answers are
//! sealed, never hold cookies, and live 24 hours.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, StatusCode, header};
use http_body_util::BodyExt as _;

use super::pipeline::value;
use crate::audit::Stamp;
use crate::caller::Actor;
use crate::context::{By, header_text};
use crate::db::{is_unique_violation, sql};
use crate::error::{Error, Result};
use crate::tokens;

const KEPT: TimeDelta = TimeDelta::hours(24);

/// A first try that has not answered by then is taken for lost.
const LOST_AFTER: TimeDelta = TimeDelta::seconds(60);

/// Answers longer than this are not kept; a repeat is told so.
const MAX_BODY: usize = 256 * 1024;

/// Paths whose answers hold secrets: a repeat is refused instead of replayed.
const NOT_REPLAYED: [&str; 2] = ["/auth/", "/api-keys"];

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

/// Runs the handler, or answers as the first try did.
pub(crate) async fn around(
    by: &By,
    request: Request,
    once: Option<String>,
    run: impl AsyncFnOnce(Request) -> Result<Response>,
) -> Result<Response> {
    let Some((actor, key)) = token(by, &request, once)? else { return run(request).await };
    let (request, request_hash) = fingerprint(request).await?;
    let key_hash = tokens::sha256_hex(key.as_bytes());
    let claim = match claim(by, &actor, &key_hash, &request_hash).await? {
        Claim::Ours(id) => id,
        Claim::Answered(response) => return Ok(*response),
    };
    match run(request).await {
        Ok(response) if !response.status().is_server_error() => keep(by, claim, response).await,
        other => {
            release(by, claim).await?;
            other
        }
    }
}

fn token(by: &By, request: &Request, once: Option<String>) -> Result<Option<(String, String)>> {
    if *request.method() != Method::POST {
        return Ok(None);
    }
    let actor = match by.actor() {
        Actor::Nobody => return Ok(None),
        Actor::Person(person) => format!("u{}", person.id()),
        Actor::Key(key) => format!("k{}", key.id),
    };
    let key =
        header_text(request.headers(), "idempotency-key").map(str::to_owned).or(once.map(|o| format!("form:{o}")));
    let Some(key) = key.filter(|key| !key.trim().is_empty()) else { return Ok(None) };
    if key.chars().count() > 260 {
        return Err(Error::field("Idempotency-Key", "Use at most 255 characters"));
    }
    Ok(Some((actor, key)))
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
    Ours(i64),
    Answered(Box<Response>),
}

async fn claim(by: &By, actor: &str, key_hash: &str, request_hash: &str) -> Result<Claim> {
    let now = by.now();
    for _ in 0..3 {
        let mut tx = by.db().begin(Stamp::system(now)).await?;
        tx.housekeeping();
        let row: Option<Row> = sql("SELECT id, request_hash, state, response_status, response_type, \
             response_location, response_body, locked_until, expires_at FROM idempotency_keys \
             WHERE actor = ? AND key_hash = ?")
        .bind(actor)
        .bind(key_hash)
        .fetch_optional(&mut tx)
        .await?;
        if let Some(row) = row {
            let is_over = row.expires_at <= now || (row.state == "running" && row.locked_until <= now);
            if !is_over {
                return replay(by, row, request_hash).map(|r| Claim::Answered(Box::new(r)));
            }
            sql("DELETE FROM idempotency_keys WHERE id = ? AND locked_until = ?")
                .bind(row.id)
                .bind(row.locked_until)
                .execute(&mut tx)
                .await?;
        }
        let inserted = sql("INSERT INTO idempotency_keys (actor, key_hash, request_hash, state, created_at, \
             locked_until, expires_at) VALUES (?, ?, ?, 'running', ?, ?, ?)")
        .bind(actor)
        .bind(key_hash)
        .bind(request_hash)
        .bind(now)
        .bind(now + LOST_AFTER)
        .bind(now + KEPT)
        .insert(&mut tx)
        .await;
        match inserted {
            Ok(id) => {
                tx.commit().await?;
                return Ok(Claim::Ours(id));
            }
            // The twin came between our look and our write: look again.
            Err(error) if is_unique_violation(&error, "idempotency_keys_once", "idempotency_keys.actor") => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(in_flight())
}

fn in_flight() -> Error {
    Error::conflict("The same request is still being worked on. Wait a moment.").code("in_flight")
}

fn replay(by: &By, row: Row, request_hash: &str) -> Result<Response> {
    if row.request_hash != request_hash {
        return Err(Error::refused(
            StatusCode::UNPROCESSABLE_ENTITY,
            "This Idempotency-Key was used for another request",
        )
        .code("idempotency_mismatch"));
    }
    if row.state == "running" {
        return Err(in_flight());
    }
    let path = by.request().target();
    let Some(sealed) = row.response_body.filter(|_| !NOT_REPLAYED.iter().any(|p| path.starts_with(p))) else {
        return Err(Error::conflict("This was already done").code("already_done"));
    };
    let opened = by.app().keyring().open("idempotency_keys.response_body", &sealed);
    let body = opened.ok().and_then(|b| STANDARD.decode(b).ok()).unwrap_or_default();
    let status = row.response_status.and_then(|s| u16::try_from(s).ok()).and_then(|s| StatusCode::from_u16(s).ok());
    let mut response = (status.unwrap_or(StatusCode::OK), body).into_response();
    if let Some(kind) = row.response_type {
        response.headers_mut().insert(header::CONTENT_TYPE, value(&kind));
    }
    if let Some(to) = row.response_location {
        response.headers_mut().insert(header::LOCATION, value(&to));
    }
    response.headers_mut().insert("idempotent-replay", value("true"));
    Ok(response)
}

async fn keep(by: &By, id: i64, response: Response) -> Result<Response> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map_err(|error| Error::Internal(error.into()))?.to_bytes();
    let text = |name| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let sealed = (bytes.len() <= MAX_BODY)
        .then(|| by.app().keyring().seal("idempotency_keys.response_body", STANDARD.encode(&bytes).as_bytes()))
        .transpose()
        .map_err(|error| Error::Internal(error.into()))?;
    let mut tx = by.db().begin(Stamp::system(by.now())).await?;
    tx.housekeeping();
    sql("UPDATE idempotency_keys SET state = 'done', response_status = ?, response_type = ?, \
         response_location = ?, response_body = ? WHERE id = ?")
    .bind(i64::from(parts.status.as_u16()))
    .bind(text(header::CONTENT_TYPE))
    .bind(text(header::LOCATION))
    .bind(sealed)
    .bind(id)
    .execute(&mut tx)
    .await?;
    tx.commit().await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// A failed try may be repeated.
async fn release(by: &By, id: i64) -> Result<()> {
    let mut tx = by.db().begin(Stamp::system(by.now())).await?;
    tx.housekeeping();
    sql("DELETE FROM idempotency_keys WHERE id = ?").bind(id).execute(&mut tx).await?;
    tx.commit().await
}
