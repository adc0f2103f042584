//! JSON bodies and answers.

use axum::extract::FromRequest;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::pipeline::too_large;
use super::query::explain;
use crate::app::App;
use crate::context::header_text;
use crate::error::{Error, Result};

/// A JSON body, or a JSON answer.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T> std::ops::Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: axum::extract::Request, _: &App) -> Result<Self> {
        let kind = header_text(request.headers(), "content-type").unwrap_or_default().to_ascii_lowercase();
        if !kind.is_empty() && !kind.contains("json") {
            return Err(Error::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json"));
        }
        let bytes = request.into_body().collect().await.map_err(|_| too_large())?.to_bytes();
        from_bytes(&bytes).map(Self)
    }
}

/// Reads JSON; names the wrong field.
pub(super) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    let value: Value =
        serde_json::from_slice(bytes).map_err(|_| Error::bad_request("The body is not valid JSON").code("bad_json"))?;
    if let Some(path) = path_of_nul(&value, String::new()) {
        return Err(Error::field(&path, "Remove the character that cannot be shown"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let message = error.into_inner().to_string();
        let field = match message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
            Some(missing) => missing.to_owned(),
            None if path == "." => "body".to_owned(),
            None => path,
        };
        Error::field(&field, explain(&message))
    })
}

/// MySQL and SQLite disagree on NUL bytes in text, so none gets in.
fn path_of_nul(value: &Value, path: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(|| if path.is_empty() { "body".to_owned() } else { path }),
        Value::Array(list) => list.iter().enumerate().find_map(|(i, v)| path_of_nul(v, format!("{path}[{i}]"))),
        Value::Object(map) => map.iter().find_map(|(name, v)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if name.contains('\0') { Some(path) } else { path_of_nul(v, path) }
        }),
        _ => None,
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Error::from(error).into_response(),
        }
    }
}

/// A field of a partial update: absent, null and a value are three things.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Leave it.
    #[default]
    Absent,
    /// Clear it.
    Null,
    /// Set it.
    Value(T),
}

impl<T> Patch<T> {
    /// The new value, or none to leave it; clearing is `Some(None)`.
    pub fn change(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }

    /// True when nothing was said.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug)]
    struct Body {
        #[serde(default)]
        name: Patch<String>,
        #[serde(default)]
        count: i64,
    }

    #[test]
    fn absent_null_and_value_differ() {
        let read = |text: &str| from_bytes::<Body>(text.as_bytes()).unwrap().name;
        assert_eq!(read("{}"), Patch::Absent);
        assert_eq!(read(r#"{"name": null}"#), Patch::Null);
        assert_eq!(read(r#"{"name": "x"}"#), Patch::Value("x".to_owned()));
    }

    #[test]
    fn faults_name_their_field() {
        for (text, field) in [(r#"{"count": "x"}"#, "count"), ("{\"name\": \"a\\u0000\"}", "name")] {
            let Err(Error::Invalid(invalid)) = from_bytes::<Body>(text.as_bytes()) else { panic!("{text} was taken") };
            assert_eq!(invalid.iter().next().unwrap().0, field);
        }
        assert_eq!(from_bytes::<Body>(b"{").unwrap_err().status(), StatusCode::BAD_REQUEST);
        assert_eq!(from_bytes::<Body>(b"[1]").unwrap_err().status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(from_bytes::<Body>(b"{\"count\": 3}").unwrap().count, 3);
    }
}
