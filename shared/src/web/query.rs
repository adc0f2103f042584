//! Query strings and path parameters, with our own refusals.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::context::By;
use crate::error::{Error, Result};

/// The query string. Blank values count as absent, the first of a repeated name wins, and
/// [`Query::all`] gives every value of a repeatable one.
#[derive(Debug, Clone)]
pub struct Query<T> {
    /// The parsed query.
    pub value: T,
    pairs: Vec<(String, String)>,
}

impl<T> Query<T> {
    /// Every value of a name, also when several stand in one, separated by commas.
    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self.pairs.iter().filter(|(n, _)| n == name).flat_map(|(_, v)| v.split(','));
        values.map(|v| v.trim().to_owned()).filter(|v| !v.is_empty()).collect()
    }

    /// The names and values as they came, blanks left out.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }
}

impl<T> std::ops::Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        let raw = parts.uri.query().unwrap_or_default();
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(raw.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.trim().to_owned()))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        if let Some((name, _)) = pairs.iter().find(|(_, value)| value.contains('\0')) {
            return Err(Error::field(name, "Remove the character that cannot be shown"));
        }
        Ok(Self { value: from_pairs(&pairs)?, pairs })
    }
}

/// Fills a type from names and values; the first value of a name wins.
pub(super) fn from_pairs<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T> {
    let mut first: Vec<(&str, &str)> = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        if !first.iter().any(|(n, _)| n == name) {
            first.push((name, value));
        }
    }
    let encoded = serde_urlencoded::to_string(&first).map_err(|e| Error::Internal(e.into()))?;
    let source = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(encoded.as_bytes()));
    serde_path_to_error::deserialize(source).map_err(|error| {
        let field = error.path().to_string();
        Error::field(if field == "." { "query" } else { &field }, explain(&error.into_inner().to_string()))
    })
}

/// A parser's complaint in words that a person can act on.
pub(super) fn explain(message: &str) -> String {
    if message.contains("digit") || message.contains("integer") || message.contains("i64") {
        "Enter a whole number".to_owned()
    } else if message.contains("bool") {
        "Enter true or false".to_owned()
    } else if let Some(rest) = message.strip_prefix("missing field ") {
        format!("{} is required", rest.trim_matches('`'))
    } else {
        let mut letters = message.chars();
        letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
    }
}

/// The parameters of the path: one id of 1 or more, or one text. Anything else is 404 on pages and 422
/// on JSON routes.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T: PathValue> FromRequestParts<App> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let raw = RawPathParams::from_request_parts(parts, app).await;
        let raw = raw.map_err(|_| Error::not_found("There is nothing at this address."))?;
        let values: Vec<(&str, &str)> = raw.iter().collect();
        match T::from_values(&values) {
            Ok(value) => Ok(Self(value)),
            Err(name) => {
                let is_page = parts.extensions.get::<By>().is_some_and(|by| by.request().wants_page());
                Err(if is_page {
                    Error::not_found("There is nothing at this address.")
                } else {
                    Error::field(&name, "Enter a whole number of 1 or more")
                })
            }
        }
    }
}

/// What a path may carry.
pub trait PathValue: Sized + Send {
    /// Reads the values by position; the error names the bad one.
    fn from_values(values: &[(&str, &str)]) -> Result<Self, String>;
}

fn id_at(values: &[(&str, &str)], at: usize) -> Result<i64, String> {
    let (name, text) = values.get(at).copied().unwrap_or_default();
    text.parse().ok().filter(|id| *id >= 1).ok_or_else(|| name.to_owned())
}

impl PathValue for i64 {
    fn from_values(values: &[(&str, &str)]) -> Result<Self, String> {
        id_at(values, 0)
    }
}

impl PathValue for (i64, i64) {
    fn from_values(values: &[(&str, &str)]) -> Result<Self, String> {
        Ok((id_at(values, 0)?, id_at(values, 1)?))
    }
}

impl PathValue for (i64, i64, i64) {
    fn from_values(values: &[(&str, &str)]) -> Result<Self, String> {
        Ok((id_at(values, 0)?, id_at(values, 1)?, id_at(values, 2)?))
    }
}

impl PathValue for String {
    fn from_values(values: &[(&str, &str)]) -> Result<Self, String> {
        Ok(values.first().map(|(_, text)| (*text).to_owned()).unwrap_or_default())
    }
}
