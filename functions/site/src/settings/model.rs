//! The settings of the portal and what makes them valid.

use chrono_tz::{TZ_VARIANTS, Tz};
use serde::{Deserialize, Serialize};
use shared::accounts::users::parse_email;
use shared::branding::Theme;
use shared::error::Invalid;
use utoipa::ToSchema;

/// The row of settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow, ToSchema)]
#[serde(default)]
#[schema(example = json!({"company_name": "Northstar IT", "support_email": "help@northstar.example",
    "support_phone": "+44 20 7946 0000", "login_message": "Welcome", "registration_mode": "open",
    "default_timezone": "Europe/London", "accent": "#2563eb"}))]
pub struct Settings {
    /// Name of the portal; without one `APP_NAME`.
    pub company_name: Option<String>,
    /// Where people write for help.
    pub support_email: Option<String>,
    /// Where people ring for help.
    pub support_phone: Option<String>,
    /// Plain text above the sign-in form, at most 2,000 characters.
    pub login_message: Option<String>,
    /// `open`, `email_domain` or `closed`.
    pub registration_mode: String,
    /// For people who have chosen none.
    pub default_timezone: String,
    /// Colour of buttons and links; without one the product's blue.
    pub accent: Option<String>,
}

/// The ways to let people register.
pub const MODES: [(&str, &str, &str); 3] = [
    ("open", "Anyone", "Everybody with an email address may create an account and ask for help."),
    ("email_domain", "Known domains", "Only addresses at the email domains of a company."),
    ("closed", "Nobody", "People come by invitation only."),
];

fn optional(text: Option<&String>, most: usize) -> Result<Option<String>, String> {
    let text = text.map(|text| text.trim()).filter(|text| !text.is_empty());
    match text {
        Some(text) if text.chars().count() > most => Err(format!("Use at most {most} characters")),
        text => Ok(text.map(str::to_owned)),
    }
}

impl Settings {
    /// Trims and checks everything.
    pub fn parse(self) -> Result<Self, Invalid> {
        let mut bad = Invalid::none();
        let company_name = bad.check("company_name", optional(self.company_name.as_ref(), 255)).flatten();
        let email = bad.check("support_email", optional(self.support_email.as_ref(), 255)).flatten();
        let support_email = email.and_then(|email| bad.check("support_email", parse_email(&email)));
        let support_phone = bad.check("support_phone", optional(self.support_phone.as_ref(), 64)).flatten();
        let login_message = bad.check("login_message", optional(self.login_message.as_ref(), 2000)).flatten();
        if !MODES.iter().any(|(mode, ..)| *mode == self.registration_mode) {
            bad.add("registration_mode", "Choose who may register");
        }
        if self.default_timezone.parse::<Tz>().is_err() {
            bad.add("default_timezone", "Choose a time zone from the list");
        }
        let accent = bad.check("accent", accent(self.accent.as_ref())).flatten();
        bad.finish()?;
        Ok(Self { company_name, support_email, support_phone, login_message, accent, ..self })
    }
}

/// A colour in lower case, from which a readable theme was derived.
pub fn accent(text: Option<&String>) -> Result<Option<String>, String> {
    let text = text.map(|text| text.trim()).filter(|text| !text.is_empty());
    text.map(|text| Theme::parse(text).map(|theme| theme.accent.to_string())).transpose()
}

/// A time zone to choose.
#[derive(Debug, Clone, Serialize)]
pub struct Zone {
    value: &'static str,
    label: String,
}

/// Zones by place; abbreviations and names kept for old systems are left out.
pub fn zones() -> Vec<Zone> {
    const REGIONS: [&str; 10] =
        ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];
    let is_place = |name: &str| name.split_once('/').is_some_and(|(region, _)| REGIONS.contains(&region));
    let places = TZ_VARIANTS.iter().map(|zone| zone.name()).filter(|name| *name == "UTC" || is_place(name));
    places.map(|value| Zone { value, label: value.replace('_', " ").replace('/', " / ") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Settings {
        Settings {
            company_name: Some(" Northstar ".to_owned()),
            support_email: Some(" Help@Example.com ".to_owned()),
            support_phone: Some(" ".to_owned()),
            registration_mode: "open".to_owned(),
            default_timezone: "Europe/London".to_owned(),
            accent: Some("2563EB".to_owned()),
            ..Settings::default()
        }
    }

    #[test]
    fn settings_are_trimmed() {
        let settings = good().parse().unwrap();
        assert_eq!(settings.company_name.as_deref(), Some("Northstar"));
        assert_eq!(settings.support_email.as_deref(), Some("help@example.com"));
        assert_eq!((settings.support_phone, settings.accent.as_deref()), (None, Some("#2563eb")));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let bad = Settings {
            company_name: Some("x".repeat(256)),
            support_email: Some("nobody".to_owned()),
            support_phone: Some("1".repeat(65)),
            login_message: Some("x".repeat(2001)),
            registration_mode: "maybe".to_owned(),
            default_timezone: "Mars/Base".to_owned(),
            accent: Some("blue".to_owned()),
        };
        assert_eq!(bad.parse().unwrap_err().iter().count(), 7);
    }
}
