//! The registration page, in its two variants.

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use shared::caller::Anyone;
use shared::context::By;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::FormState;

use super::model::Mode;
use super::store;
use crate::sign_in::again::Again;

/// The registration page.
#[derive(Debug, Serialize)]
pub struct RegisterPage {
    form: FormState,
    /// The first account of the portal.
    is_first: bool,
    /// Whether the set-up token is asked for.
    wants_token: bool,
    /// Nobody may register by themselves.
    is_closed: bool,
}

impl Page for RegisterPage {
    const TEMPLATE: &'static str = "identity/register.html";

    fn samples() -> Vec<Self> {
        let page = |is_first, wants_token, is_closed, form| Self { form, is_first, wants_token, is_closed };
        let wrong = FormState::of([("email", "ana@example"), ("first_name", "Ana")])
            .refused(&Invalid::field("email", "Enter an email address such as ana@example.com"));
        vec![
            page(true, true, false, FormState::blank()),
            page(true, false, false, wrong.clone()),
            page(false, false, false, wrong.complain("Too many tries. Try again in 2 minutes.")),
            page(false, false, true, FormState::blank()),
        ]
    }
}

impl RegisterPage {
    fn of(by: &By, standing: store::Standing, form: FormState) -> Self {
        Self {
            form,
            is_first: standing.is_first,
            wants_token: standing.is_first && by.app().config().setup_token.is_some(),
            is_closed: !standing.is_first && standing.mode == Mode::Closed,
        }
    }
}

/// `GET /register`.
pub async fn show(by: Anyone) -> Result<Response> {
    if by.person().is_some() {
        return Ok(by.go("/"));
    }
    let page = RegisterPage::of(&by, store::standing(by.db()).await?, FormState::blank());
    let status = if page.is_closed { StatusCode::FORBIDDEN } else { StatusCode::OK };
    by.page_with(status, &page).await
}

/// The page again, for people whose form was refused.
pub(super) async fn again(by: &By, form: FormState, error: Error) -> Result<Response> {
    let (form, shown) = Again::of(form, error, explain)?.split();
    shown.page(by, &RegisterPage::of(by, store::standing(by.db()).await?, form)).await
}

fn explain(error: &Error) -> Option<Invalid> {
    let detail = error.detail();
    match error.status() {
        StatusCode::CONFLICT if detail.contains("Email") => {
            Some(Invalid::field("email", "Somebody has registered with this address. Sign in, or use another."))
        }
        StatusCode::CONFLICT => Some(Invalid::field("company_name", "Choose another company name")),
        StatusCode::FORBIDDEN if detail.contains("token") => {
            Some(Invalid::field("setup_token", "Enter the set-up token that was configured for this portal"))
        }
        _ => None,
    }
}
