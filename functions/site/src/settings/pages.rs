//! The settings for people: general and branding, one card a form.

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::branding::{Measured, Theme};
use shared::caller::SuperAdmin;
use shared::error::{Error, Invalid, Result};
use shared::flash::Flash;
use shared::page::Page;
use shared::web::{Form, FormState, Multipart, Path};

use super::logos::{self, Logos, Slot};
use super::model::{self, MODES, Settings, Zone, zones};
use super::store;

const GENERAL: &str = "/admin/site-settings";
const BRANDING: &str = "/admin/site-settings/branding";

/// A choice with its explanation.
#[derive(Debug, Clone, Serialize)]
pub struct Mode {
    value: &'static str,
    label: &'static str,
    help: &'static str,
}

/// Name, support, sign-in text, registration, time zone.
#[derive(Debug, Serialize)]
pub struct General {
    form: FormState,
    modes: Vec<Mode>,
    zones: Vec<Zone>,
    /// `APP_NAME`, which stands in for an empty name.
    fallback: String,
}

impl General {
    fn of(form: FormState, fallback: &str) -> Self {
        let mode = |(value, label, help): (&'static str, &'static str, &'static str)| Mode { value, label, help };
        Self { form, modes: MODES.into_iter().map(mode).collect(), zones: zones(), fallback: fallback.to_owned() }
    }
}

fn state(settings: &Settings) -> FormState {
    let or_blank = |text: &Option<String>| text.clone().unwrap_or_default();
    FormState::of([
        ("company_name", or_blank(&settings.company_name)),
        ("support_email", or_blank(&settings.support_email)),
        ("support_phone", or_blank(&settings.support_phone)),
        ("login_message", or_blank(&settings.login_message)),
        ("registration_mode", settings.registration_mode.clone()),
        ("default_timezone", settings.default_timezone.clone()),
    ])
}

impl Page for General {
    const TEMPLATE: &'static str = "site/settings/general.html";

    fn samples() -> Vec<Self> {
        let settings = Settings {
            company_name: Some("Northstar IT".to_owned()),
            registration_mode: "open".to_owned(),
            default_timezone: "Europe/London".to_owned(),
            ..Settings::default()
        };
        let wrong = Invalid::field("support_email", "Enter an email address such as ana@example.com");
        vec![Self::of(state(&settings), "MyPortal"), Self::of(state(&settings).refused(&wrong), "MyPortal")]
    }
}

/// The page.
pub async fn general(by: SuperAdmin) -> Result<Response> {
    let settings = store::find(by.db()).await?;
    by.page(&General::of(state(&settings), &by.app().config().app_name)).await
}

/// What the form sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GeneralForm {
    company_name: String,
    support_email: String,
    support_phone: String,
    login_message: String,
    registration_mode: String,
    default_timezone: String,
}

/// Stores what was typed, or shows it again with what is wrong. The accent has a form of its own.
pub async fn save_general(by: SuperAdmin, form: Form<GeneralForm>) -> Result<Response> {
    let typed = Settings {
        company_name: Some(form.company_name.clone()),
        support_email: Some(form.support_email.clone()),
        support_phone: Some(form.support_phone.clone()),
        login_message: Some(form.login_message.clone()),
        registration_mode: form.registration_mode.clone(),
        default_timezone: form.default_timezone.clone(),
        accent: None,
    };
    match typed.parse() {
        Ok(new) => {
            store::change(&by, |before| Settings { accent: before.accent, ..new }).await?;
            by.see(GENERAL, Flash::done("Settings saved")).await
        }
        Err(invalid) => by.page_again(&General::of(form.refused(&invalid), &by.app().config().app_name)).await,
    }
}

/// A logo on the page.
#[derive(Debug, Clone, Serialize)]
pub struct LogoCard {
    slot: Slot,
    title: &'static str,
    help: &'static str,
    /// Where it is shown; none when nothing was uploaded.
    src: Option<String>,
    form: FormState,
}

fn card(slot: Slot, logos: Logos) -> LogoCard {
    let (title, help) = match slot {
        Slot::Sidebar => ("Logo", "Beside the name in the bar, 28 px high."),
        Slot::Login => ("Sign-in logo", "Above the sign-in form, 40 px high."),
        Slot::Favicon => ("Favicon", "In the tab of the browser. A square picture works best."),
    };
    let src = logos.of(slot).map(|id| format!("/branding/{}?v={id}", slot.name()));
    LogoCard { slot, title, help, src, form: FormState::of([("file", "")]) }
}

/// Accent and logos.
#[derive(Debug, Serialize)]
pub struct Branding {
    form: FormState,
    logos: Vec<LogoCard>,
    measured: Vec<Measured>,
    /// The accent in force; none for the product's own.
    accent: Option<String>,
}

impl Branding {
    async fn load(by: &SuperAdmin, form: Option<FormState>) -> Result<Self> {
        let settings = store::find(by.db()).await?;
        let logos = Logos::find(by.db()).await?;
        Ok(Self::of(settings.accent, logos, form))
    }

    fn of(accent: Option<String>, logos: Logos, form: Option<FormState>) -> Self {
        let theme = accent.as_deref().and_then(|accent| Theme::parse(accent).ok());
        Self {
            form: form.unwrap_or_else(|| FormState::of([("accent", accent.clone().unwrap_or_default())])),
            logos: [Slot::Sidebar, Slot::Login, Slot::Favicon].map(|slot| card(slot, logos)).to_vec(),
            measured: theme.map(|theme| theme.measured()).unwrap_or_default(),
            accent,
        }
    }
}

impl Page for Branding {
    const TEMPLATE: &'static str = "site/settings/branding.html";

    fn samples() -> Vec<Self> {
        let wrong =
            FormState::of([("accent", "blue")]).refused(&Invalid::field("accent", "Enter a colour such as #2563eb"));
        let mut with_logo = Self::of(Some("#2563eb".to_owned()), Logos::default(), None);
        if let Some(card) = with_logo.logos.first_mut() {
            card.src = Some("/branding/sidebar?v=7".to_owned());
        }
        vec![Self::of(None, Logos::default(), None), with_logo, Self::of(None, Logos::default(), Some(wrong))]
    }
}

/// The page.
pub async fn branding(by: SuperAdmin) -> Result<Response> {
    by.page(&Branding::load(&by, None).await?).await
}

/// What the form sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AccentForm {
    accent: String,
    /// Any text: back to the product's own.
    reset: String,
}

/// Stores the accent, or says why it cannot be.
pub async fn save_accent(by: SuperAdmin, form: Form<AccentForm>) -> Result<Response> {
    let wanted = if form.reset.is_empty() { Some(form.accent.clone()) } else { None };
    match model::accent(wanted.as_ref()) {
        Ok(accent) => {
            let text = if accent.is_some() { "Colour saved" } else { "Colour set back" };
            store::change(&by, |before| Settings { accent, ..before }).await?;
            by.see(BRANDING, Flash::done(text)).await
        }
        Err(text) => {
            let typed = form.refused(&Invalid::field("accent", text));
            by.page_again(&Branding::load(&by, Some(typed)).await?).await
        }
    }
}

/// Stores a logo, or says at its field why it cannot be.
pub async fn save_logo(by: SuperAdmin, Path(slot): Path<String>, form: Multipart) -> Result<Response> {
    let slot = Slot::parse(&slot)?;
    let stored = match form.files.into_iter().next() {
        Some(file) => logos::set(&by, slot, file).await,
        None => Err(Error::field("file", "Choose a picture")),
    };
    let (status, text) = match stored {
        Ok(()) => return by.see(BRANDING, Flash::done("Picture saved")).await,
        Err(Error::Invalid(invalid)) => {
            let text = invalid.iter().next().map(|(_, text)| text.to_owned()).unwrap_or_default();
            (StatusCode::UNPROCESSABLE_ENTITY, text)
        }
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            (StatusCode::PAYLOAD_TOO_LARGE, error.detail().into_owned())
        }
        Err(error) => return Err(error),
    };
    let mut page = Branding::load(&by, None).await?;
    for card in page.logos.iter_mut().filter(|card| card.slot == slot) {
        card.form = FormState::of([("file", "")]).refused(&Invalid::field("file", text.clone()));
    }
    by.page_with(status, &page).await
}

/// Takes a logo away.
pub async fn remove_logo(by: SuperAdmin, Path(slot): Path<String>) -> Result<Response> {
    logos::clear(&by, Slot::parse(&slot)?).await?;
    by.see(BRANDING, Flash::done("Picture removed")).await
}
