//! HTML pages: typed contexts, the shell around them, and the rendering.

mod assets;
mod filters;
mod problem;
mod shell;
mod templates;
mod text;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use crate::context::By;
use crate::error::{Error, Result};

pub use assets::{Asset, assets};
pub use problem::ProblemPage;
pub(crate) use problem::{notice_for, problem_page, problem_partial};
pub use templates::Templates;
pub use text::{escape, lines};

/// The context of one template.
pub trait Page: Serialize {
    /// The template, as a path below `templates/`.
    const TEMPLATE: &'static str;
    /// Regions that can be sent alone: element id and template.
    const REGIONS: &'static [(&'static str, &'static str)] = &[];

    /// Believable contexts, for the test that renders every template.
    fn samples() -> Vec<Self>
    where
        Self: Sized;
}

/// Renders a page inside its shell.
pub async fn render<P: Page>(by: &By, page: &P, template: &str) -> Result<String> {
    let shell = Value::from(Serde(shell::shell(by, template == P::TEMPLATE).await?));
    let fields = Value::from(Serde(page));
    by.app().templates().render(template, context! { shell, ..fields })
}

pub(crate) async fn respond<P: Page>(by: &By, page: &P, status: StatusCode) -> Result<Response> {
    let region = by
        .request()
        .htmx
        .as_ref()
        .filter(|htmx| !htmx.full)
        .and_then(|htmx| P::REGIONS.iter().find(|(id, _)| *id == htmx.target));
    let template = region.map_or(P::TEMPLATE, |(_, template)| *template);
    Ok(html(status, render(by, page, template).await?))
}

fn html(status: StatusCode, body: String) -> Response {
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

/// 404 with the words of an area, for pages and programs alike.
pub fn nothing_here() -> Error {
    Error::not_found("There is nothing at this address.")
}

/// For the test that renders every sample: a shell as a person sees it, or a visitor.
pub fn render_sample<P: Page>(templates: &Templates, page: &P, template: &str, signed_in: bool) -> Result<String> {
    let shell = shell::sample(signed_in);
    let fields = Value::from(Serde(page));
    templates.render(template, context! { shell => Value::from(Serde(shell)), ..fields })
}
