//! HTML pages: typed contexts, the shell around them, and the rendering.

use std::collections::BTreeMap;
use std::fmt;

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::{HeaderValue, StatusCode, header};
use minijinja::value::{Kwargs, Serde, ValueKind};
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value, context};
use serde::{Deserialize, Serialize};

use crate::context::By;
use crate::db::sql;
use crate::error::{Error, Problem, Result};
use crate::flash::{self, Flash, Tone};
use crate::format;
use crate::nav;

include!(concat!(env!("OUT_DIR"), "/templates.rs"));
include!(concat!(env!("OUT_DIR"), "/manifest.rs"));

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

/// One file of the built front end.
#[derive(Debug, Clone, Deserialize)]
pub struct Asset {
    /// Hashed name below `/static/dist/`.
    pub path: String,
    /// Content type.
    pub r#type: String,
    /// A gzip copy exists.
    #[serde(default)]
    pub gzip: bool,
    /// A brotli copy exists.
    #[serde(default)]
    pub br: bool,
}

#[derive(Deserialize)]
struct Manifest {
    files: BTreeMap<String, Asset>,
}

/// The built front end by plain name.
pub fn assets() -> Result<BTreeMap<String, Asset>> {
    Ok(serde_json::from_str::<Manifest>(MANIFEST)?.files)
}

/// The templates of the product.
pub struct Templates {
    environment: Environment<'static>,
    folder: Option<std::path::PathBuf>,
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Templates {
    /// The embedded templates, or those of a folder, read again on each use.
    pub fn new(folder: Option<&str>) -> Self {
        let folder = folder.map(std::path::PathBuf::from);
        Self { environment: environment(folder.as_deref()), folder }
    }

    /// Renders a template.
    pub fn render(&self, name: &str, context: Value) -> Result<String> {
        if self.folder.is_some() {
            return Ok(environment(self.folder.as_deref()).get_template(name)?.render(context)?);
        }
        Ok(self.environment.get_template(name)?.render(context)?)
    }

    /// Renders text that a person has written, such as a mail template.
    pub fn render_text(&self, text: &str, context: Value) -> Result<String> {
        Ok(self.environment.render_named_str("text.txt", text, context)?)
    }

    /// The text of a template that the product was built with.
    pub fn source(name: &str) -> Option<&'static str> {
        TEMPLATES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// Names of all templates.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TEMPLATES.iter().map(|(name, _)| *name)
    }
}

fn environment(folder: Option<&std::path::Path>) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| {
        if std::path::Path::new(name).extension().is_some_and(|e| e == "txt") {
            AutoEscape::None
        } else {
            AutoEscape::Html
        }
    });
    match folder {
        Some(folder) => environment.set_loader(minijinja::path_loader(folder)),
        None => {
            for (name, text) in TEMPLATES {
                if let Err(error) = environment.add_template(name, text) {
                    tracing::error!(template = name, %error, "template cannot be read");
                }
            }
        }
    }
    let assets = assets().unwrap_or_default();
    environment.add_function("asset", move |name: &str| -> Result<String, minijinja::Error> {
        let asset = assets.get(name).ok_or_else(|| unknown(&format!("no built file {name}")))?;
        Ok(format!("/static/dist/{}", asset.path))
    });
    add_filters(&mut environment);
    environment
}

fn unknown(text: &str) -> minijinja::Error {
    minijinja::Error::new(ErrorKind::InvalidOperation, text.to_owned())
}

fn add_filters(environment: &mut Environment<'static>) {
    environment.add_filter("attrs", attrs);
    environment.add_filter("iso", |at: &str| at.to_owned());
    environment.add_filter("when", |at: &str, zone: &str| time(at).map(|t| format::date_time(t, format::zone(zone))));
    environment.add_filter("day", |at: &str, zone: &str| time(at).map(|t| format::day(t, format::zone(zone))));
    environment.add_filter("ago", |at: &str, now: &str, kwargs: Kwargs| {
        let zone: Option<&str> = kwargs.get("zone")?;
        Ok::<_, minijinja::Error>(format::ago(time(at)?, time(now)?, format::zone(zone.unwrap_or("UTC"))))
    });
    environment.add_filter("filesize", format::file_size);
    environment.add_filter("lines", |text: &str| Value::from_safe_string(lines(text)));
    environment.add_filter("initials", format::initials);
    environment.add_filter("hue", |id: i64| id.rem_euclid(7));
    environment.add_filter("plural", |count: i64, noun: &str| format::plural(count, noun));
    environment.add_filter("grouped", format::grouped);
    environment.add_filter("urlquote", crate::context::encode_component);
}

fn time(text: &str) -> Result<DateTime<Utc>, minijinja::Error> {
    text.parse().map_err(|_| unknown(&format!("not a time: {text}")))
}

/// A map as HTML attributes: true stands bare, none and false are left out. Names that could run
/// script or carry style are refused (interface 5).
fn attrs(map: &Value) -> Result<Value, minijinja::Error> {
    let mut out = String::new();
    if map.kind() != ValueKind::Map {
        return Ok(Value::from_safe_string(out));
    }
    for name in map.try_iter()? {
        let (value, name) = (map.get_item(&name)?, name.to_string());
        let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '_'));
        if name.starts_with("on") || name == "style" || !is_plain {
            return Err(unknown(&format!("attribute {name} is refused")));
        }
        if value.is_none() || value.is_undefined() || value == Value::from(false) {
            continue;
        }
        out.push(' ');
        out.push_str(&name);
        if value != Value::from(true) {
            out.push_str("=\"");
            out.push_str(&escape(&value.to_string()));
            out.push('"');
        }
    }
    Ok(Value::from_safe_string(out))
}

/// For HTML text and quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Plain text as HTML: escaped, line breaks kept, addresses linked.
pub fn lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            out.push_str("<br>\n");
        }
        for (n, word) in line.split(' ').enumerate() {
            if n > 0 {
                out.push(' ');
            }
            push_word(&mut out, word);
        }
    }
    out
}

fn push_word(out: &mut String, word: &str) {
    let bare = word.trim_end_matches(['.', ',', ')', ';', ':', '!', '?']);
    let is_link = (bare.starts_with("https://") || bare.starts_with("http://"))
        && !bare.contains(['"', '\'', '<', '>'])
        && url::Url::parse(bare).is_ok_and(|url| url.has_host());
    if is_link {
        let shown = escape(bare);
        out.push_str("<a href=\"");
        out.push_str(&shown);
        out.push_str("\" rel=\"noopener noreferrer nofollow\">");
        out.push_str(&shown);
        out.push_str("</a>");
        out.push_str(&escape(&word[bare.len()..]));
    } else {
        out.push_str(&escape(word));
    }
}

#[derive(Serialize)]
struct Shell {
    brand: Brand,
    nonce: String,
    csrf: String,
    csrf_cookie: String,
    path: String,
    viewer: Option<Viewer>,
    company: Option<CompanyItem>,
    companies: Vec<CompanyItem>,
    companies_more: bool,
    nav: nav::Nav,
    unread: i64,
    flash: Vec<Flash>,
    production: bool,
    live: &'static str,
    now: DateTime<Utc>,
    registration_open: bool,
    once: String,
}

#[derive(Serialize)]
struct Brand {
    name: String,
    /// In the bar.
    logo: Option<String>,
    /// On the sign-in pages.
    login_logo: Option<String>,
    favicon: Option<String>,
    /// The sheet with the brand's accent.
    theme: Option<String>,
    support_email: Option<String>,
    support_phone: Option<String>,
    login_message: Option<String>,
}

#[derive(Serialize)]
struct Viewer {
    id: i64,
    name: String,
    initials: String,
    email: String,
    is_super_admin: bool,
    is_technician: bool,
    is_requester: bool,
    single_keys: bool,
    density: String,
    theme: String,
    zone: String,
}

#[derive(Serialize)]
struct CompanyItem {
    id: i64,
    name: String,
    current: bool,
}

#[derive(sqlx::FromRow)]
struct Settings {
    company_name: Option<String>,
    login_logo: Option<i64>,
    sidebar_logo: Option<i64>,
    favicon: Option<i64>,
    accent: Option<String>,
    support_email: Option<String>,
    support_phone: Option<String>,
    login_message: Option<String>,
    registration_mode: String,
    default_timezone: String,
    density: Option<String>,
    theme: Option<String>,
    zone: Option<String>,
    single_keys: Option<String>,
}

/// The settings row with the viewer's four display preferences, in one statement.
async fn settings(by: &By) -> Result<Settings> {
    let id = by.person().map(|p| p.id());
    Ok(sql("SELECT s.company_name, s.login_logo, s.sidebar_logo, s.favicon, s.accent, s.support_email, \
         s.support_phone, s.login_message, s.registration_mode, s.default_timezone, \
         (SELECT p.value FROM user_preferences p WHERE p.user_id = ? AND p.name = 'density') AS density, \
         (SELECT p.value FROM user_preferences p WHERE p.user_id = ? AND p.name = 'theme') AS theme, \
         (SELECT p.value FROM user_preferences p WHERE p.user_id = ? AND p.name = 'zone') AS zone, \
         (SELECT p.value FROM user_preferences p WHERE p.user_id = ? AND p.name = 'single_keys') AS single_keys \
         FROM site_settings s WHERE s.id = 1")
    .bind(id)
    .bind(id)
    .bind(id)
    .bind(id)
    .fetch_one(by.db())
    .await?)
}

/// The frame. Only a whole page takes the waiting messages: in a region nobody would see them.
async fn shell(by: &By, is_whole: bool) -> Result<Shell> {
    let settings = settings(by).await?;
    let flash = if is_whole { flash::take(by).await? } else { Vec::new() };
    let person = by.person();
    let current = person.and_then(|p| p.company.as_ref());
    let companies = person.map_or(&[][..], |p| &p.memberships);
    let path = by.request().target().to_owned();
    Ok(Shell {
        viewer: person.map(|p| viewer(p, &settings)),
        brand: brand(by, &settings),
        nonce: by.request().nonce.clone(),
        csrf: person.map(|p| p.csrf.clone()).unwrap_or_default(),
        csrf_cookie: format!("{}_csrf", by.app().config().session_cookie_name),
        company: current.map(|c| CompanyItem { id: c.id, name: c.name.clone(), current: true }),
        companies: companies
            .iter()
            .take(20)
            .map(|m| &m.company)
            .map(|c| CompanyItem { id: c.id, name: c.name.clone(), current: current.is_some_and(|now| now.id == c.id) })
            .collect(),
        companies_more: companies.len() > 20 || person.is_some_and(|p| p.user.is_super_admin),
        nav: nav::build(person.map(AsRef::as_ref), &path),
        unread: person.map_or(0, |p| p.unread),
        production: by.app().config().is_production(),
        live: if by.app().table().has(&http::Method::GET, "/events/stream") { "stream" } else { "none" },
        now: by.now(),
        registration_open: settings.registration_mode != "closed",
        once: crate::tokens::random_hex(16),
        flash,
        path,
    })
}

/// Name, pictures and colours of the portal; a file's id changes with every new picture.
fn brand(by: &By, settings: &Settings) -> Brand {
    let picture = |slot: &str, id: Option<i64>| id.map(|id| format!("/branding/{slot}?v={id}"));
    let sidebar = picture("sidebar", settings.sidebar_logo);
    Brand {
        name: settings.company_name.clone().unwrap_or_else(|| by.app().config().app_name.clone()),
        login_logo: picture("login", settings.login_logo).or_else(|| sidebar.clone()),
        logo: sidebar,
        favicon: picture("favicon", settings.favicon),
        theme: crate::branding::theme(settings.accent.as_deref()).map(|theme| format!("/branding/{}", theme.file())),
        support_email: settings.support_email.clone(),
        support_phone: settings.support_phone.clone(),
        login_message: settings.login_message.clone(),
    }
}

fn viewer(person: &crate::caller::Person, settings: &Settings) -> Viewer {
    let name = person.user.name();
    let works_at_desk = person.is_technician;
    let default_density = if works_at_desk { "compact" } else { "comfortable" };
    Viewer {
        id: person.id(),
        initials: format::initials(&name),
        name,
        email: person.user.email.clone(),
        is_super_admin: person.user.is_super_admin,
        is_technician: works_at_desk,
        is_requester: person.memberships.is_empty() && !person.user.is_super_admin,
        single_keys: settings.single_keys.as_deref().map_or(works_at_desk, |v| v == "true"),
        density: settings.density.clone().unwrap_or_else(|| default_density.to_owned()),
        theme: settings.theme.clone().unwrap_or_else(|| "auto".to_owned()),
        zone: settings.zone.clone().unwrap_or_else(|| settings.default_timezone.clone()),
    }
}

/// Renders a page inside its shell.
pub async fn render<P: Page>(by: &By, page: &P, template: &str) -> Result<String> {
    let shell = Value::from(Serde(shell(by, template == P::TEMPLATE).await?));
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

/// For the test that renders every sample: a shell as a person sees it, or a visitor.
pub fn render_sample<P: Page>(templates: &Templates, page: &P, template: &str, signed_in: bool) -> Result<String> {
    let shell = sample_shell(signed_in);
    let fields = Value::from(Serde(page));
    templates.render(template, context! { shell => Value::from(Serde(shell)), ..fields })
}

fn sample_shell(signed_in: bool) -> Shell {
    Shell {
        brand: Brand {
            name: "Northstar IT".to_owned(),
            logo: Some("/branding/sidebar?v=7".to_owned()),
            login_logo: Some("/branding/login?v=8".to_owned()),
            favicon: Some("/branding/favicon?v=9".to_owned()),
            theme: Some("/branding/theme-0123456789.css".to_owned()),
            support_email: Some("help@northstar.example".to_owned()),
            support_phone: None,
            login_message: None,
        },
        nonce: "sample".to_owned(),
        csrf: "sample".to_owned(),
        csrf_cookie: "myportal_session_csrf".to_owned(),
        path: "/".to_owned(),
        viewer: signed_in.then(|| Viewer {
            id: 1,
            name: "Ana Ruiz".to_owned(),
            initials: "AR".to_owned(),
            email: "ana@example.com".to_owned(),
            is_super_admin: true,
            is_technician: true,
            is_requester: false,
            single_keys: true,
            density: "compact".to_owned(),
            theme: "auto".to_owned(),
            zone: "Europe/London".to_owned(),
        }),
        company: signed_in.then(|| CompanyItem { id: 1, name: "Northwind Dental".to_owned(), current: true }),
        companies: Vec::new(),
        companies_more: false,
        nav: nav::build(None, "/"),
        unread: 0,
        flash: vec![Flash::new(Tone::Success, "Reply sent")],
        production: false,
        live: "none",
        now: DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default(),
        registration_open: true,
        once: "sample".to_owned(),
    }
}

/// 404 with the words of an area, for pages and programs alike.
pub fn nothing_here() -> Error {
    Error::not_found("There is nothing at this address.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_addresses_are_linked() {
        assert_eq!(lines("a <b>\nc"), "a &lt;b&gt;<br>\nc");
        assert_eq!(
            lines("see https://example.com/a?b=1&c=2."),
            "see <a href=\"https://example.com/a?b=1&amp;c=2\" rel=\"noopener noreferrer nofollow\">\
             https://example.com/a?b=1&amp;c=2</a>."
        );
        assert_eq!(lines("javascript:alert(1)"), "javascript:alert(1)");
        assert!(!lines("https://\"onx=1").contains("<a"));
    }

    #[test]
    fn attributes_that_run_script_are_refused() {
        let environment = environment(None);
        let render = |text: &str| environment.render_str(text, context! {});
        assert_eq!(render("{{ {'a': 'x\"y', 'b': true, 'c': none}|attrs }}").unwrap(), " a=\"x&quot;y\" b");
        assert!(render("{{ {'onclick': 'x'}|attrs }}").is_err());
        assert!(render("{{ {'style': 'x'}|attrs }}").is_err());
    }
}
