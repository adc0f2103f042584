//! Using a module: what is sent to the other system and what came of it, in the words of automation 5.4.
//! Everything here talks to the network and belongs into jobs.

mod mcp;
mod ntfy;
pub mod ollama;
mod sms;
mod smtp;
mod syncro;
mod tactical;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value, json};

use super::{Module, Slug, find};
use crate::app::App;
use crate::error::Result;
use crate::outbound::{Request, Response};

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It worked; what a step of an automation keeps of it.
    Succeeded(Value),
    /// Nothing was sent, and why.
    Skipped(String),
    /// It did not work, in one line.
    Failed(String),
}

impl Outcome {
    /// `succeeded`, `skipped` or `error`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "succeeded",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "error",
        }
    }

    /// As a step of an automation keeps it.
    pub fn result(&self) -> Value {
        match self {
            Self::Succeeded(Value::Object(found)) => {
                let mut found = found.clone();
                found.insert("status".to_owned(), self.word().into());
                Value::Object(found)
            }
            Self::Succeeded(found) => json!({ "status": self.word(), "response": found }),
            Self::Skipped(reason) => json!({ "status": self.word(), "reason": reason }),
            Self::Failed(error) => json!({ "status": self.word(), "error": error }),
        }
    }
}

/// What a test found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// One sentence.
    pub message: String,
    /// Figures and names.
    pub details: Value,
}

impl Found {
    fn new(message: impl Into<String>, details: Value) -> Self {
        Self { message: message.into(), details }
    }
}

/// One action of a module with a payload whose placeholders have been filled in.
/// The modules with an action are Ollama, SMTP Relay, Tactical RMM and ntfy.
pub async fn run(app: &App, slug: Slug, payload: &Map<String, Value>) -> Result<Outcome> {
    let module = find(app, app.db(), slug).await?;
    if !module.enabled {
        return Ok(Outcome::Skipped("The module is switched off".to_owned()));
    }
    let missing: Vec<&str> = module.missing(app)?.iter().map(|field| field.label).collect();
    if !missing.is_empty() {
        return Ok(Outcome::Skipped(format!("The module lacks: {}", missing.join(", "))));
    }
    match slug {
        Slug::Ollama => ollama::run(app, &module, payload).await,
        Slug::Smtp => smtp::run(app, &module, payload).await,
        Slug::TacticalRmm => tactical::run(app, &module, payload).await,
        Slug::Ntfy => ntfy::run(app, &module, payload).await,
        Slug::ChatGptMcp | Slug::Sms | Slug::Syncro => Ok(Outcome::Failed("This module has no action".to_owned())),
    }
}

/// Tries a module out; `tester` is the address of whoever asked. The error is one line for that person.
pub async fn test(app: &App, slug: Slug, tester: &str) -> Result<Result<Found, String>> {
    let module = find(app, app.db(), slug).await?;
    if !module.enabled && !module.entry().tests_when_off {
        return Ok(Err("Enable the module first".to_owned()));
    }
    if let Some(field) = module.missing(app)?.first() {
        return Ok(Err(format!("{} is not set", field.label)));
    }
    match slug {
        Slug::ChatGptMcp => mcp::test(app, &module).await,
        Slug::Ntfy => ntfy::test(app, &module).await,
        Slug::Ollama => ollama::test(app, &module).await,
        Slug::Sms => Ok(Ok(sms::test(&module)?)),
        Slug::Smtp => smtp::test(app, &module, tester).await,
        Slug::Syncro => syncro::test(app, &module).await,
        Slug::TacticalRmm => tactical::test(app, &module).await,
    }
}

/// A request of a module with its usual headers.
fn request(module: &Module, method: Method, url: String, bearer: Option<&str>) -> Request {
    let mut headers = HeaderMap::new();
    if let Some(value) = bearer.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok()) {
        headers.insert(http::header::AUTHORIZATION, value);
    }
    Request { headers, allow: module.allow(), ..Request::new(method, url) }
}

fn with_json(mut request: Request, body: &Value) -> Request {
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request.body = Bytes::from(body.to_string());
    request
}

/// Sends; whatever is no success is one line.
async fn exchange(app: &App, request: Request) -> std::result::Result<Response, String> {
    let answer = app.outbound().send(request).await.map_err(|error| error.to_string())?;
    if answer.status.is_success() { Ok(answer) } else { Err(refusal(&answer)) }
}

/// The same, read as JSON.
async fn exchange_json(app: &App, request: Request) -> std::result::Result<Value, String> {
    let answer = exchange(app, request).await?;
    serde_json::from_slice(&answer.body).map_err(|_| "The answer is not JSON. Check the address.".to_owned())
}

/// What the other side said instead of success.
fn refusal(answer: &Response) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let said = ["error", "detail", "message"].iter().find_map(|name| body.get(name)?.as_str());
    let plain = String::from_utf8_lossy(&answer.body);
    let said = one_line(said.unwrap_or(if plain.trim_start().starts_with('<') { "" } else { &plain }));
    match said.as_str() {
        "" => format!("The server answered {}", answer.status),
        said => format!("The server answered {}: {said}", answer.status.as_u16()),
    }
}

fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text under the first of these names that has one.
fn text<'p>(payload: &'p Map<String, Value>, names: &[&str]) -> Option<&'p str> {
    names.iter().find_map(|name| payload.get(*name)?.as_str()).map(str::trim).filter(|text| !text.is_empty())
}

/// A header that frames the message or carries the portal's own session cannot be chosen.
fn header(name: &str, value: &str) -> std::result::Result<(HeaderName, HeaderValue), String> {
    const NEVER: [&str; 6] = ["host", "content-length", "cookie", "transfer-encoding", "connection", "upgrade"];
    if NEVER.contains(&name.trim().to_ascii_lowercase().as_str()) {
        return Err(format!("The header {name} cannot be set"));
    }
    let wrong = || format!("The header {} cannot be sent", one_line(name));
    let value: String = value.chars().filter(|c| *c != '\r' && *c != '\n').collect();
    let name = HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
    Ok((name, HeaderValue::try_from(value).map_err(|_| wrong())?))
}
