//! HTML forms: what was typed, kept for showing again.

use std::collections::BTreeMap;

use axum::extract::FromRequest;
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::pipeline::too_large;
use super::query::from_pairs;
use crate::app::App;
use crate::context::header_text;
use crate::error::{Error, Invalid, Result};

/// A url-encoded form. Its type has text fields with defaults; meaning is given by the model's `parse`.
#[derive(Debug, Clone)]
pub struct Form<T> {
    /// The fields.
    pub value: T,
    pairs: Vec<(String, String)>,
}

impl<T> std::ops::Deref for Form<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Form<T> {
    /// Every value of a repeated field, as check boxes give.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.pairs.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone()).collect()
    }

    /// True when the field was sent at all, as ticked boxes are.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(n, _)| n == name)
    }

    /// The form again with what is wrong.
    pub fn refused(&self, invalid: &Invalid) -> FormState {
        FormState::of(self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))).refused(invalid)
    }

    /// The fields as they came.
    pub(super) fn into_pairs(self) -> Vec<(String, String)> {
        self.pairs
    }

    /// What was typed, with nothing wrong.
    pub fn state(&self) -> FormState {
        self.refused(&Invalid::none())
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: axum::extract::Request, _: &App) -> Result<Self> {
        let kind = header_text(request.headers(), "content-type").unwrap_or_default().to_ascii_lowercase();
        let bytes = request.into_body().collect().await.map_err(|_| too_large())?.to_bytes();
        if !bytes.is_empty() && !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(Error::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the body as a form"));
        }
        let pairs = pairs(&bytes)?;
        Ok(Self { value: from_pairs(&pairs)?, pairs })
    }
}

/// Decodes a form; text that no database keeps is refused at its field.
fn pairs(bytes: &[u8]) -> Result<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for (name, value) in url::form_urlencoded::parse(bytes) {
        if value.contains('\0') || value.contains('\u{fffd}') || name.contains('\0') {
            return Err(Error::field(&name, "Remove the character that cannot be shown"));
        }
        if name != "_csrf" && name != "_once" {
            // Browsers send CR LF in text areas; we keep LF.
            pairs.push((name.into_owned(), value.replace("\r\n", "\n")));
        }
    }
    Ok(pairs)
}

/// A body that may come as JSON or as a form; chosen by its content type.
#[derive(Debug, Clone)]
pub struct Input<T> {
    /// The fields.
    pub value: T,
    /// Set when it came as a form.
    pub form: Option<FormState>,
}

impl<T> std::ops::Deref for Input<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Input<T> {
    type Rejection = Error;

    async fn from_request(request: axum::extract::Request, app: &App) -> Result<Self> {
        let kind = header_text(request.headers(), "content-type").unwrap_or_default().to_ascii_lowercase();
        if kind.starts_with("application/x-www-form-urlencoded") {
            let form = Form::<T>::from_request(request, app).await?;
            let state = form.state();
            return Ok(Self { value: form.value, form: Some(state) });
        }
        let json = super::Json::<T>::from_request(request, app).await?;
        Ok(Self { value: json.0, form: None })
    }
}

/// One field as a template draws it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FieldState {
    /// What was typed; empty for secrets.
    pub value: String,
    /// What is wrong with it.
    pub errors: Vec<String>,
}

/// One line of the error summary.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorLine {
    /// The field it leads to; empty for the form as a whole.
    pub field: String,
    /// What to do.
    pub text: String,
}

/// A form as a template draws it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FormState {
    /// By name.
    pub fields: BTreeMap<String, FieldState>,
    /// The summary, in order.
    pub errors: Vec<ErrorLine>,
}

impl FormState {
    /// An empty form.
    pub fn blank() -> Self {
        Self::default()
    }

    /// A form filled with values.
    pub fn of<N: Into<String>, V: Into<String>>(values: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut fields = BTreeMap::new();
        for (name, value) in values {
            let name = name.into();
            let value = if is_secret(&name) { String::new() } else { value.into() };
            fields.entry(name).or_insert(FieldState { value, errors: Vec::new() });
        }
        Self { fields, errors: Vec::new() }
    }

    /// The same form with what is wrong.
    #[must_use]
    pub fn refused(mut self, invalid: &Invalid) -> Self {
        for (field, text) in invalid.iter() {
            self.fields.entry(field.to_owned()).or_default().errors.push(text.to_owned());
            self.errors.push(ErrorLine { field: field.to_owned(), text: text.to_owned() });
        }
        self
    }

    /// The same form with a message about the whole of it.
    #[must_use]
    pub fn complain(mut self, text: impl Into<String>) -> Self {
        self.errors.push(ErrorLine { field: String::new(), text: text.into() });
        self
    }

    /// What was typed into a field.
    pub fn value(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |field| field.value.as_str())
    }
}

/// Passwords and codes are never shown again.
fn is_secret(name: &str) -> bool {
    name.ends_with("password") || matches!(name, "code" | "totp_code" | "recovery_code" | "setup_token")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_comes_back_except_secrets() {
        let state = FormState::of([("email", "a@example.com"), ("new_password", "secret")])
            .refused(&Invalid::field("email", "Enter another address"));
        assert_eq!(state.value("email"), "a@example.com");
        assert_eq!(state.value("new_password"), "");
        assert_eq!(state.fields["email"].errors, ["Enter another address"]);
    }

    #[test]
    fn unshowable_characters_are_refused_at_their_field() {
        for body in ["name=a%00b", "name=%ff%fe"] {
            let Err(Error::Invalid(invalid)) = pairs(body.as_bytes()) else { panic!("{body} was taken") };
            assert_eq!(invalid.iter().next().unwrap().0, "name");
        }
    }
}
