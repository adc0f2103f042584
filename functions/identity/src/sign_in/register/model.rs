//! What a person sends to register, and what it means.

use serde::Deserialize;
use shared::accounts::users::{parse_email, parse_mobile, parse_name};
use shared::config::Config;
use shared::error::Invalid;
use shared::passwords;
use utoipa::ToSchema;

/// A registration.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"email": "ana@example.com", "password": "correct horse battery", "first_name": "Ana",
    "last_name": "Ruiz", "mobile_phone": "+44 20 7946 0000"}))]
pub struct RegisterIn {
    /// Kept in lower case.
    pub email: String,
    /// 12 to 128 characters.
    pub password: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// In E.164 form; spaces, hyphens and brackets are removed.
    pub mobile_phone: Option<String>,
    /// First account only: the home company.
    pub company_id: Option<i64>,
    /// First account only: makes the provider's own company.
    pub company_name: Option<String>,
    /// First account only, where `REGISTRATION_SETUP_TOKEN` is set.
    pub setup_token: Option<String>,
}

/// A registration that can be tried.
#[derive(Debug)]
pub(super) struct Registration {
    pub(super) email: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) mobile_phone: Option<String>,
    pub(super) company_id: Option<i64>,
    pub(super) company_name: Option<String>,
}

impl RegisterIn {
    /// Reads the fields. What only the first account may say is ignored in later ones.
    pub(super) fn parse(&self, config: &Config, is_first: bool) -> Result<Registration, Invalid> {
        let mut bad = Invalid::none();
        let first_name = bad.check("first_name", parse_name(&self.first_name, "Enter your first name"));
        let last_name = bad.check("last_name", parse_name(&self.last_name, "Enter your last name"));
        let email = bad.check("email", parse_email(&self.email));
        let weakness = passwords::check(&self.password, email.as_deref().unwrap_or_default(), &config.app_name);
        bad.check("password", weakness.map_err(passwords::Weakness::message));
        let mobile = bad.check("mobile_phone", parse_mobile(self.mobile_phone.as_deref().unwrap_or_default()));
        let (company_id, company_name) = if is_first { self.company(&mut bad) } else { (None, None) };
        bad.finish()?;
        Ok(Registration {
            email: email.unwrap_or_default(),
            first_name: first_name.unwrap_or_default(),
            last_name: last_name.unwrap_or_default(),
            mobile_phone: mobile.flatten(),
            company_id,
            company_name,
        })
    }

    fn company(&self, bad: &mut Invalid) -> (Option<i64>, Option<String>) {
        let name = self.company_name.as_deref().unwrap_or_default().trim();
        if name.chars().count() > 255 {
            bad.add("company_name", "Use at most 255 characters");
        }
        let name = (!name.is_empty()).then(|| name.to_owned());
        if name.is_some() && self.company_id.is_some() {
            bad.add("company_id", "Name a new company or choose one, not both");
        }
        (self.company_id, name)
    }
}

/// Who may register by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Everybody.
    Open,
    /// People with an address at a listed domain.
    EmailDomain,
    /// Nobody.
    Closed,
}

impl Mode {
    /// As the site settings keep it; what is not known is closed.
    pub(super) fn parse(text: &str) -> Self {
        match text {
            "open" => Self::Open,
            "email_domain" => Self::EmailDomain,
            _ => Self::Closed,
        }
    }
}

/// The part of an address after its @.
pub(crate) fn domain_of(email: &str) -> &str {
    email.rsplit_once('@').map_or("", |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> RegisterIn {
        RegisterIn {
            email: "Ana@Example.com".to_owned(),
            password: "correct horse battery".to_owned(),
            first_name: " Ana ".to_owned(),
            last_name: "Ruiz".to_owned(),
            company_id: Some(1),
            ..RegisterIn::default()
        }
    }

    fn config() -> Config {
        Config::from_source(|_| None).unwrap()
    }

    #[test]
    fn only_the_first_account_brings_a_company() {
        assert_eq!(body().parse(&config(), true).unwrap().company_id, Some(1));
        let later = body().parse(&config(), false).unwrap();
        assert_eq!((later.company_id, later.email.as_str()), (None, "ana@example.com"));
        let both = RegisterIn { company_name: Some("Northstar".to_owned()), ..body() };
        assert!(both.parse(&config(), true).is_err() && both.parse(&config(), false).is_ok());
    }

    #[test]
    fn every_missing_field_is_named() {
        let invalid = RegisterIn::default().parse(&config(), false).unwrap_err();
        let fields: Vec<&str> = invalid.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["first_name", "last_name", "email", "password"]);
    }

    #[test]
    fn unknown_modes_are_closed() {
        assert_eq!(Mode::parse("open"), Mode::Open);
        assert_eq!(Mode::parse("email_domain"), Mode::EmailDomain);
        assert_eq!(Mode::parse("?"), Mode::Closed);
    }
}
