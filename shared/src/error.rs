//! What can go wrong, and the one shape in which callers are told (RFC 9457).

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

/// The result of everything in an area.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was not carried out.
#[derive(Debug)]
pub enum Error {
    /// Nobody is signed in: 401, or the way to the sign-in page.
    Unauthenticated,
    /// The caller did something that cannot be: any 4xx with a sentence to act on.
    Refused(Box<Refusal>),
    /// Fields that must be corrected: 422.
    Invalid(Invalid),
    /// Too many tries: 429 with the seconds to wait.
    TooMany {
        /// What the person is told.
        detail: &'static str,
        /// Whole seconds, at least 1.
        retry_after: i64,
    },
    /// The database asks to try again: 503.
    Busy,
    /// Our fault: 500. The text is logged, never shown.
    Internal(anyhow::Error),
}

/// A refusal that a caller can act on.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: Option<&'static str>,
    detail: Cow<'static, str>,
    members: Map<String, Value>,
    to: Option<String>,
}

impl Error {
    /// A refusal with any status.
    pub fn refused(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused(Box::new(Refusal { status, code: None, detail: detail.into(), members: Map::new(), to: None }))
    }

    /// 400 with a literal text of the specification.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::refused(StatusCode::BAD_REQUEST, detail)
    }

    /// 403.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::refused(StatusCode::FORBIDDEN, detail)
    }

    /// 404, also for what the caller may not see.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::refused(StatusCode::NOT_FOUND, detail)
    }

    /// 409.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::refused(StatusCode::CONFLICT, detail)
    }

    /// 422 for one field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(Invalid::field(field, message))
    }

    /// Adds the machine-readable code on which clients branch.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.code = Some(code);
        }
        self
    }

    /// Adds a member to the problem document.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.members.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Where a browser goes instead of an error page; programs still get the problem document.
    #[must_use]
    pub fn or_see(mut self, path: impl Into<String>) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.to = Some(path.into());
        }
        self
    }

    /// The status that leaves the server.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Refused(refusal) => refusal.status,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What a person is told.
    pub fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::Unauthenticated => "Not authenticated".into(),
            Self::Refused(refusal) => refusal.detail.clone(),
            Self::Invalid(invalid) => invalid.summary().into(),
            Self::TooMany { detail, .. } => (*detail).into(),
            Self::Busy => "The portal is busy. Nothing was saved. Try again in a second.".into(),
            Self::Internal(_) => "Something went wrong on our side. Nothing was saved. Try again.".into(),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if crate::db::is_retryable(&error) { Self::Busy } else { Self::Internal(error.into()) }
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

macro_rules! internal_from {
    ($($error:ty),*) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::Internal(error.into())
            }
        }
    )*};
}

internal_from!(anyhow::Error, minijinja::Error, serde_json::Error, std::io::Error, std::fmt::Error);

/// Fields that must be corrected, in the order they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invalid(Vec<(String, String)>);

impl Invalid {
    /// Nothing wrong so far.
    pub fn none() -> Self {
        Self::default()
    }

    /// One wrong field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        let mut invalid = Self::none();
        invalid.add(field, message);
        invalid
    }

    /// Adds a wrong field.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push((field.to_owned(), message.into()));
    }

    /// Keeps a good value; notes the message of a bad one under `field`.
    pub fn check<T, M: Into<String>>(&mut self, field: &str, value: Result<T, M>) -> Option<T> {
        value.map_err(|message| self.add(field, message)).ok()
    }

    /// Fails when anything was noted.
    pub fn finish(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// True when nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Field and message, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, message)| (field.as_str(), message.as_str()))
    }

    fn summary(&self) -> String {
        self.0.first().map_or_else(|| "Check the fields.".to_owned(), |(_, message)| message.clone())
    }

    fn by_field(&self) -> Value {
        let mut fields = Map::new();
        for (field, message) in &self.0 {
            let list = fields.entry(field.clone()).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(message.clone().into());
            }
        }
        fields.into()
    }
}

/// The problem document, kept in the extensions of a response until the pipeline writes it.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// An address that names the kind of problem; `about:blank` says the status is all there is.
    pub r#type: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The status as a number.
    pub status: u16,
    /// A sentence to act on.
    pub detail: String,
    /// Further members: `code`, `errors`, `retry_after`, `request_id` and what a route documents.
    #[serde(flatten)]
    pub members: Map<String, Value>,
    #[serde(skip)]
    pub(crate) to: Option<String>,
}

impl Problem {
    fn new(error: &Error) -> Self {
        let status = error.status();
        let mut members = Map::new();
        let mut to = None;
        match error {
            Error::Refused(refusal) => {
                members = refusal.members.clone();
                to.clone_from(&refusal.to);
                if let Some(code) = refusal.code {
                    members.insert("code".to_owned(), code.into());
                }
            }
            Error::Invalid(invalid) => {
                members.insert("errors".to_owned(), invalid.by_field());
            }
            Error::TooMany { retry_after, .. } => {
                members.insert("retry_after".to_owned(), (*retry_after).into());
            }
            Error::Unauthenticated | Error::Busy | Error::Internal(_) => {}
        }
        Self {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: error.detail().into_owned(),
            members,
            to,
        }
    }

    /// The code on which clients branch, if the problem has one.
    pub fn code(&self) -> Option<&str> {
        self.members.get("code").and_then(Value::as_str)
    }
}

/// Why the server failed, for the one log line written where the request ends.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) std::sync::Arc<anyhow::Error>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = Problem::new(&self);
        let mut response = problem_response(problem);
        if let Some(wait) = self.wait() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.max(1)));
        }
        if let Self::Internal(error) = self {
            response.extensions_mut().insert(Cause(std::sync::Arc::new(error)));
        }
        response
    }
}

impl Error {
    fn wait(&self) -> Option<i64> {
        match self {
            Self::TooMany { retry_after, .. } => Some(*retry_after),
            Self::Busy => Some(1),
            _ => None,
        }
    }
}

/// The document as a response, with the problem kept for the error pages.
pub(crate) fn problem_response(problem: Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
    if problem.code() == Some("invalid_api_key") {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("ApiKey"));
    }
    if problem.code() == Some(BEARER_REQUIRED) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response.extensions_mut().insert(problem);
    response
}

/// The code of a 401 that asks for `Authorization: Bearer`.
const BEARER_REQUIRED: &str = "bearer_required";

impl Error {
    /// 401 for a machine: the header says how to come in.
    pub fn bearer_required(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::refused(StatusCode::UNAUTHORIZED, detail).code(BEARER_REQUIRED)
    }
}
