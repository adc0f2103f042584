//! Refused requests, as pages, as messages and as answers to partial requests.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use minijinja::context;
use serde::Serialize;

use super::{Page, html, render};
use crate::context::By;
use crate::error::Problem;
use crate::flash::{Flash, Tone};
use crate::format;

/// A refused request as a page that says what to do next.
#[derive(Debug, Serialize)]
pub struct ProblemPage {
    status: u16,
    title: String,
    text: String,
    hint: Option<String>,
    reference: Option<String>,
    action: Option<Link>,
    retry: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Link {
    label: &'static str,
    href: String,
}

impl Page for ProblemPage {
    const TEMPLATE: &'static str = "errors/problem.html";

    fn samples() -> Vec<Self> {
        [400, 403, 404, 409, 413, 429, 500, 503]
            .into_iter()
            .map(|status| Self::new(status, "Ticket not found", "0192f3c1"))
            .collect()
    }
}

impl ProblemPage {
    fn new(status: u16, detail: &str, request_id: &str) -> Self {
        let title = match status {
            403 => "You do not have access to this",
            404 => "This page does not exist",
            405 => "This address does not take that",
            409 => "This was changed in the meantime",
            413 => "That is too large",
            415 => "That kind of content is not taken",
            422 => "Check what was entered",
            429 => "Too many tries",
            503 => "The portal is busy",
            500..=599 => "Something went wrong on our side",
            _ => "That did not work",
        };
        Self {
            status,
            title: title.to_owned(),
            text: sentence(detail),
            hint: (status == 404).then(|| "It may have been removed, or your account cannot see it.".to_owned()),
            reference: (status >= 500).then(|| request_id.to_owned()),
            action: None,
            retry: (status == 503).then_some(30),
        }
    }
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '?']) { text.to_owned() } else { format!("{text}.") }
}

fn status_of(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The problem as a page; plain text of last resort when even that cannot be drawn.
pub(crate) async fn problem_page(by: &By, problem: &Problem) -> Response {
    let mut page = ProblemPage::new(problem.status, &problem.detail, by.request().id());
    if problem.status == 429
        && let Some(wait) = problem.members.get("retry_after").and_then(serde_json::Value::as_i64)
    {
        page.text = format!("{} Try again in {}.", sentence(&problem.detail), format::wait(wait));
    }
    if problem.code() == Some("no_company") {
        page.title = "Choose a company".to_owned();
        page.text = "You do not work for a company here yet. Ask your provider to add you.".to_owned();
    }
    match render(by, &page, ProblemPage::TEMPLATE).await {
        Ok(body) => html(status_of(problem), body),
        Err(error) => {
            tracing::error!(%problem.status, ?error, "the error page cannot be drawn");
            let text = format!("{}\n\nReference {}\n", sentence(&problem.detail), by.request().id());
            (status_of(problem), [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
        }
    }
}

/// The message with which a browser is sent elsewhere.
pub(crate) fn notice_for(problem: &Problem) -> Option<Flash> {
    let explains_itself =
        matches!(problem.code(), Some("password_change_required" | "email_unverified" | "reauthentication_required"));
    if explains_itself {
        return None;
    }
    let text = match problem.members.get("section").and_then(serde_json::Value::as_str) {
        Some(section) => format!("You do not have access to {section}."),
        None => sentence(&problem.detail),
    };
    Some(Flash::new(Tone::Error, text))
}

/// For partial requests: a message beside the page, which stays as it is (interface 6.3).
pub(crate) fn problem_partial(by: &By, problem: &Problem) -> Response {
    let code = problem.code().unwrap_or_default();
    let text = match (problem.status, code) {
        (403, code) if code.starts_with("csrf") => {
            "This page is out of date. Reload to continue; your text is kept.".to_owned()
        }
        (401, _) => "You were signed out. Sign in again; your text is kept.".to_owned(),
        _ => sentence(&problem.detail),
    };
    let context = context! {
        text,
        status => problem.status,
        code,
        request_id => by.request().id(),
        retry_after => problem.members.get("retry_after").and_then(serde_json::Value::as_i64),
    };
    let body = by.app().templates().render("errors/_problem.html", context).unwrap_or_default();
    let mut response = html(status_of(problem), body);
    if let Ok(code) = HeaderValue::from_str(code) {
        response.headers_mut().insert("x-problem-code", code);
    }
    response
}
