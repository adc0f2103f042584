//! `POST /api/mcp/chatgpt`: one JSON object in, one out, never a stream and never a session.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::caller::Secret;
use shared::error::{Error, Result};
use shared::web::{Json, Raw};
use utoipa::ToSchema;

use crate::answer::{Answer, answer};
use crate::calls::{self, Call, Ended};
use crate::guard::{self, Mcp};
use crate::rpc::{self, Dialect, Message, RpcError, Said};
use crate::settings::{self, Settings};
use crate::tools::Desk;

/// A message of the protocol.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(example = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
    "params": {"name": "getTicket", "arguments": {"ticket_id": 42}}}))]
pub struct RpcMessage {
    /// `2.0`.
    pub jsonrpc: Option<String>,
    /// A text or a number; messages without one get no answer.
    #[schema(value_type = Object)]
    pub id: Option<Value>,
    /// `initialize`, `ping`, `server/discover`, `tools/list`, `tools/call`, or `listTools` and `callTool`.
    pub method: String,
    /// What the method takes.
    #[schema(value_type = Object)]
    pub params: Option<Value>,
}

/// Speak the Model Context Protocol
///
/// Revisions 2026-07-28, 2025-11-25, 2025-06-18 and 2025-03-26 of the protocol, and the portal's own method
/// names `initialize`, `listTools` and `callTool`. Send the shared secret of the ChatGPT MCP module as a bearer
/// token. 60 messages a minute.
#[utoipa::path(post, path = "/api/mcp/chatgpt", request_body = RpcMessage, responses(
    (status = 200, description = "The answer, or an error object", body = RpcMessage),
    (status = 202, description = "A notification was taken"),
    (status = 400, description = "Not a message, or not as its revision wants it"),
    (status = 404, description = "No such method, or no such ticket"),
    (status = 406, description = "Answers are application/json"),
    (status = 415, description = "Send application/json"),
    (status = 503, description = "The module is off or has no secret")))]
pub async fn call_mcp(by: Secret<Mcp>, headers: HeaderMap, body: Raw) -> Result<Response> {
    media(&headers)?;
    let module = settings::module(&by).await?;
    let settings = Settings::of(&module)?;
    let desk = Desk { by: &by, settings: &settings };
    let said = said(&headers);
    let Ok(value) = serde_json::from_slice::<Value>(&body.0) else {
        guard::count(&by, &headers).await?;
        let error = RpcError::new(rpc::PARSE_ERROR, "The body is not valid JSON");
        calls::record(&by, &[Call::new("").ended(Ended::ProtocolError, &error.message)]).await?;
        return Ok(message(error.status(Dialect::Handshake), error.body(&Value::Null)));
    };
    match value {
        Value::Array(batch) => many(desk, &headers, batch, &said).await,
        one => single(desk, &headers, &one, &said).await,
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// JSON in, JSON out.
fn media(headers: &HeaderMap) -> Result<()> {
    let kind = text(headers, "content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Error::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json"));
    }
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<String> = accepts.flat_map(|value| value.split(',')).map(str::to_ascii_lowercase).collect();
    let admits = |range: &String| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let is_off = parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)));
        matches!(kind, "application/json" | "application/*" | "*/*") && !is_off
    };
    if ranges.is_empty() || ranges.iter().any(admits) {
        return Ok(());
    }
    Err(Error::refused(StatusCode::NOT_ACCEPTABLE, "Answers are application/json: accept it"))
}

fn said(headers: &HeaderMap) -> Said {
    Said {
        version: text(headers, "mcp-protocol-version").map(str::to_owned),
        method: text(headers, "mcp-method").map(str::to_owned),
        name: text(headers, "mcp-name").map(rpc::decoded),
    }
}

async fn timed(desk: Desk<'_>, value: &Value, said: &Said) -> (Answer, Call) {
    let started = std::time::Instant::now();
    let (answer, call) = answer(desk, value, said).await;
    let duration_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    (answer, Call { duration_ms, ..call })
}

async fn single(desk: Desk<'_>, headers: &HeaderMap, value: &Value, said: &Said) -> Result<Response> {
    guard::count(desk.by, headers).await?;
    let (answer, call) = timed(desk, value, said).await;
    calls::record(desk.by, &[call]).await?;
    match answer {
        Answer::Message(status, body) => Ok(message(status, body)),
        Answer::Nothing => Ok(StatusCode::ACCEPTED.into_response()),
        Answer::Refused(error) => Err(error),
    }
}

/// Several messages at once, as one old revision has them. Each counts.
async fn many(desk: Desk<'_>, headers: &HeaderMap, batch: Vec<Value>, said: &Said) -> Result<Response> {
    let knows_batches = said.version.as_deref().is_none_or(|version| version == rpc::BATCHES);
    if !knows_batches || batch.is_empty() || batch.len() > rpc::LONGEST_BATCH {
        let error = RpcError::new(rpc::INVALID_REQUEST, "Send one message at a time");
        calls::record(desk.by, &[Call::new("").ended(Ended::ProtocolError, &error.message)]).await?;
        return Ok(message(error.status(Dialect::Handshake), error.body(&Value::Null)));
    }
    for _ in &batch {
        guard::count(desk.by, headers).await?;
    }
    let (mut answers, mut notes) = (Vec::new(), Vec::new());
    for value in &batch {
        let (answer, call) = match alone(value) {
            Some(error) => {
                let call = Call::new("").ended(Ended::ProtocolError, &error.message);
                (Answer::Message(StatusCode::OK, error.body(&rpc::id_of(value))), call)
            }
            None => timed(desk, value, said).await,
        };
        notes.push(call);
        match answer {
            Answer::Message(_, body) => answers.push(body),
            Answer::Nothing => {}
            Answer::Refused(error) => {
                let error = RpcError::new(rpc::INVALID_PARAMS, error.detail());
                answers.push(error.body(&rpc::id_of(value)));
            }
        }
    }
    calls::record(desk.by, &notes).await?;
    if answers.is_empty() {
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    Ok(message(StatusCode::OK, Value::Array(answers)))
}

/// What may not come in a batch: the handshake, and messages of the revision without batches.
fn alone(value: &Value) -> Option<RpcError> {
    let message = Message::parse(value).ok()?;
    let is_alone = message.method == "initialize" || message.meta(rpc::META_VERSION).is_some();
    is_alone.then(|| RpcError::new(rpc::INVALID_REQUEST, "Send this message by itself"))
}

fn message(status: StatusCode, body: Value) -> Response {
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(pairs: &[(&'static str, &str)]) -> Option<u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        media(&headers).err().map(|error| error.status().as_u16())
    }

    #[test]
    fn bodies_are_json_both_ways() {
        let json = ("content-type", "application/json; charset=utf-8");
        assert_eq!(status(&[]), Some(415));
        assert_eq!(status(&[("content-type", "text/plain")]), Some(415));
        assert_eq!(status(&[json]), None);
        for good in ["application/json, text/event-stream", "*/*", "text/html, application/*;q=0.5"] {
            assert_eq!(status(&[json, ("accept", good)]), None, "{good}");
        }
        for bad in ["text/event-stream", "application/json;q=0", "text/html"] {
            assert_eq!(status(&[json, ("accept", bad)]), Some(406), "{bad}");
        }
    }

    #[test]
    fn the_example_is_a_message() {
        assert!(Message::parse(&json!({"jsonrpc": "2.0", "id": 2, "method": "ping"})).is_ok());
    }
}
