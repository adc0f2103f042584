//! The frame around every page: brand, viewer, companies, navigation, waiting messages.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::context::By;
use crate::db::sql;
use crate::error::Result;
use crate::flash::{self, Flash, Tone};
use crate::{format, nav};

/// What the templates know as `shell`.
#[derive(Serialize)]
pub(super) struct Shell {
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
pub(super) async fn shell(by: &By, is_whole: bool) -> Result<Shell> {
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

/// A shell as a person sees it, or a visitor, for the samples.
pub(super) fn sample(signed_in: bool) -> Shell {
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
