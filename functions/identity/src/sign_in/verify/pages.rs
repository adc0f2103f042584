//! The page where an address is confirmed, also without script and in another browser.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::caller::Anyone;
use shared::context::By;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{FormState, Query};

use crate::sign_in::again::Again;
use crate::sign_in::views::without_referrer;

/// The page.
#[derive(Debug, Serialize)]
pub struct VerifyPage {
    form: FormState,
    /// Where the mail went, for people who are signed in and must confirm.
    email: Option<String>,
}

impl Page for VerifyPage {
    const TEMPLATE: &'static str = "identity/verify_email.html";

    fn samples() -> Vec<Self> {
        let wrong = FormState::blank().refused(&Invalid::field("token", "This link was used or is too old"));
        vec![
            Self { form: FormState::blank(), email: Some("ana@example.com".to_owned()) },
            Self { form: wrong, email: None },
        ]
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TokenQuery {
    token: String,
}

fn unconfirmed(by: &By) -> Option<String> {
    by.person().filter(|p| p.user.email_verified_at.is_none()).map(|p| p.user.email.clone())
}

/// `GET /verify-email`.
pub async fn show(by: Anyone, query: Query<TokenQuery>) -> Result<Response> {
    if crate::sign_in::is_token(&query.token) {
        return Ok(without_referrer(by.go(&format!("/verify-email#token={}", query.token))));
    }
    let page = VerifyPage { form: FormState::blank(), email: unconfirmed(&by) };
    by.page(&page).await.map(without_referrer)
}

/// The page again, for people whose link does not work.
pub(super) async fn again(by: &By, form: FormState, error: Error) -> Result<Response> {
    let text = "This link was used or is too old. Sign in to get a new one.";
    let (form, shown) = Again::of(form, error, |_| Some(Invalid::field("token", text)))?.split();
    shown.page(by, &VerifyPage { form, email: unconfirmed(by) }).await.map(without_referrer)
}
