//! Password, authenticators and recovery codes at a glance.

use axum::response::Response;
use chrono::DateTime;
use http::header;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::Unsettled;
use shared::error::{Error, Invalid, Result};
use shared::format;
use shared::page::Page;
use shared::web::{Form, FormState};

use crate::sign_in::{self, password_is_settled};
use crate::totp::{self, Authenticator};

/// The page.
#[derive(Debug, Serialize)]
pub struct SecurityPage {
    form: FormState,
    email: String,
    authenticators: Vec<Authenticator>,
    codes_left: i64,
    most: i64,
}

impl Page for SecurityPage {
    const TEMPLATE: &'static str = "identity/profile_security.html";

    fn samples() -> Vec<Self> {
        let device = |id: i64, name: &str| Authenticator {
            id,
            name: name.to_owned(),
            created_at: DateTime::default(),
            last_used_at: (id == 1).then(DateTime::default),
        };
        let wrong = Invalid::field("current_password", "Enter your current password");
        let sample = |form: FormState, authenticators: Vec<Authenticator>, codes_left| Self {
            form,
            email: "ana@example.com".to_owned(),
            authenticators,
            codes_left,
            most: totp::MOST,
        };
        vec![
            sample(FormState::blank(), vec![device(1, "Phone"), device(2, "Tablet")], 8),
            sample(FormState::blank(), (1..=totp::MOST).map(|id| device(id, "Phone")).collect(), 0),
            sample(FormState::blank().refused(&wrong), Vec::new(), 0),
        ]
    }
}

/// The page.
pub(super) async fn show(by: Unsettled) -> Result<Response> {
    password_is_settled(&by)?;
    let page = page(&by, FormState::blank()).await?;
    by.page(&page).await
}

async fn page(by: &Unsettled, form: FormState) -> Result<SecurityPage> {
    let me = by.me();
    Ok(SecurityPage {
        form,
        email: me.user.email.clone(),
        authenticators: totp::list(by.db(), me.id()).await?,
        codes_left: totp::left(by.db(), me.id()).await?,
        most: totp::MOST,
    })
}

/// The old password, and the new one twice.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PasswordForm {
    current_password: String,
    new_password: String,
    confirm_password: String,
}

/// Changes the password; this browser stays signed in with new cookies.
pub(super) async fn change_password(by: Unsettled, form: Form<PasswordForm>) -> Result<Response> {
    password_is_settled(&by)?;
    let again = Some(form.confirm_password.as_str());
    match sign_in::change_password(&by, &form.current_password, &form.new_password, again).await {
        Ok(session) => {
            let done = Flash::done("Password changed. You were signed out everywhere else.");
            let mut response = by.see("/profile/security", done).await?;
            for cookie in session.cookies(&by) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            Ok(response)
        }
        Err(error) => {
            let page = page(&by, explained(FormState::blank(), error)?).await?;
            by.page_again(&page).await
        }
    }
}

/// The form with what is wrong; our own failures stay errors.
fn explained(form: FormState, error: Error) -> Result<FormState> {
    match &error {
        Error::Invalid(invalid) => Ok(form.refused(invalid)),
        Error::TooMany { retry_after, .. } => {
            Ok(form.complain(format!("Too many tries. Try again in {}.", format::wait(*retry_after))))
        }
        Error::Refused(_) => Ok(match sign_in::explain_password_change(&error) {
            Some(invalid) => form.refused(&invalid),
            None => form.complain(error.detail()),
        }),
        Error::Unauthenticated | Error::Busy | Error::Internal(_) => Err(error),
    }
}
