//! The sign-in page and its code step.

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::Anyone;
use shared::context::{By, safe_path};
use shared::error::{Invalid, Result};
use shared::page::Page;
use shared::web::{FormState, Query};

use super::flow::Refused;
use super::model::LoginIn;
use crate::sign_in::again::Again;
use crate::sign_in::first_visit;

/// The sign-in page.
#[derive(Debug, Serialize)]
pub struct LoginPage {
    form: FormState,
    /// `password`, or `code` once the password was right.
    step: &'static str,
    email: String,
    ticket: String,
    next: String,
    recovery: bool,
}

impl Page for LoginPage {
    const TEMPLATE: &'static str = "identity/login.html";

    fn samples() -> Vec<Self> {
        let form = || FormState::of([("email", "ana@example.com")]);
        let page = |form, step, recovery| Self {
            form,
            step,
            email: "ana@example.com".to_owned(),
            ticket: "v1:sample".to_owned(),
            next: "/tickets".to_owned(),
            recovery,
        };
        vec![
            page(FormState::blank(), "password", false),
            page(form().complain("Email or password is not correct"), "password", false),
            page(form(), "code", false),
            page(form().refused(&Invalid::field("totp_code", "Enter the code")), "code", true),
        ]
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NextQuery {
    next: String,
}

/// `GET /login`.
pub async fn show(by: Anyone, query: Query<NextQuery>) -> Result<Response> {
    let next = safe_path(&query.next).unwrap_or("/").to_owned();
    if by.person().is_some() {
        return Ok(by.go(&next));
    }
    if first_visit(&by).await? {
        return Ok(by.go("/register"));
    }
    by.page(&LoginPage {
        form: FormState::blank(),
        step: "password",
        email: String::new(),
        ticket: String::new(),
        next,
        recovery: false,
    })
    .await
}

/// The page again, for people whose form was refused.
pub(super) async fn again(by: &By, form: FormState, body: &LoginIn, refused: Refused) -> Result<Response> {
    let recovery = body.recovery_code.as_deref().is_some_and(|code| !code.trim().is_empty());
    let sent = body.ticket.clone();
    let refuse = |form: FormState, text: &str| Again::with(form.complain(text), StatusCode::UNAUTHORIZED);
    let (ticket, again) = match refused {
        Refused::Credentials => (String::new(), refuse(form, "Email or password is not correct")),
        Refused::TicketExpired => (String::new(), refuse(form, "That took too long. Enter your password again.")),
        Refused::CodeRequired(ticket) => (ticket, Again::with(form, StatusCode::UNAUTHORIZED)),
        Refused::WrongCode(ticket) => {
            let text = "That code is not right. Enter the newest one that you have not used yet.";
            let field = if recovery { "recovery_code" } else { "totp_code" };
            (ticket, Again::with(form.refused(&Invalid::field(field, text)), StatusCode::UNAUTHORIZED))
        }
        Refused::Invalid(invalid) => (sent, Again::of(form, invalid.into(), |_| None)?),
        Refused::Error(error) => (sent, Again::of(form, error, |_| None)?),
    };
    let (form, shown) = again.split();
    let page = LoginPage {
        form,
        step: if ticket.is_empty() { "password" } else { "code" },
        email: body.email.trim().to_owned(),
        ticket,
        next: safe_path(&body.next).unwrap_or("/").to_owned(),
        recovery,
    };
    shown.page(by, &page).await
}
