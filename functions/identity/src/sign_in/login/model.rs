//! What a person sends to sign in, and what it means.

use serde::Deserialize;
use shared::accounts::users::parse_email;
use shared::error::Invalid;
use utoipa::ToSchema;

use crate::totp::{Factor, parse_code};

/// The longest password that is looked at.
const LONGEST: usize = 8 * 1024;

/// A sign-in.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"email": "ana@example.com", "password": "correct horse battery", "totp_code": "123456"}))]
pub struct LoginIn {
    /// The address of the account.
    pub email: String,
    /// Its password.
    pub password: String,
    /// Six digits of an authenticator; also read as `totpCode` and `totp`. White space is ignored.
    #[serde(alias = "totpCode", alias = "totp")]
    pub totp_code: Option<String>,
    /// A recovery code in place of an authenticator's.
    pub recovery_code: Option<String>,
    /// Forms only: a path of the portal to go to.
    #[schema(ignore)]
    pub next: String,
    /// Forms only: stands for the password, which was right a moment ago.
    #[schema(ignore)]
    pub ticket: String,
}

/// What shows that it is the person.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Password(String),
    Ticket(String),
}

/// A sign-in that can be tried.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) email: String,
    pub(super) proof: Proof,
    pub(super) factor: Option<Factor>,
}

impl LoginIn {
    /// Reads the fields; `may_use_ticket` is for forms.
    pub(super) fn parse(&self, may_use_ticket: bool) -> Result<Attempt, Invalid> {
        let mut bad = Invalid::none();
        let email = bad.check("email", parse_email(&self.email));
        let has_ticket = may_use_ticket && !self.ticket.is_empty();
        if self.password.is_empty() && !has_ticket {
            bad.add("password", "Enter your password");
        }
        if self.password.len() > LONGEST {
            bad.add("password", "Enter a password of at most 128 characters");
        }
        let factor = self.factor(&mut bad);
        if has_ticket && factor.is_none() && bad.is_empty() {
            bad.add("totp_code", "Enter the code from your authenticator app");
        }
        bad.finish()?;
        let proof =
            if has_ticket { Proof::Ticket(self.ticket.clone()) } else { Proof::Password(self.password.clone()) };
        Ok(Attempt { email: email.unwrap_or_default(), proof, factor })
    }

    fn factor(&self, bad: &mut Invalid) -> Option<Factor> {
        read_factor(self.totp_code.as_deref(), self.recovery_code.as_deref(), bad)
    }
}

/// The second factor of a body; a code wins over a recovery code.
pub(crate) fn read_factor(code: Option<&str>, recovery: Option<&str>, bad: &mut Invalid) -> Option<Factor> {
    if let Some(code) = bad.check("totp_code", parse_code(code.unwrap_or_default())).flatten() {
        return Some(Factor::Code(code));
    }
    let recovery = recovery.unwrap_or_default().trim();
    if recovery.chars().count() > 64 {
        bad.add("recovery_code", "Enter one of your recovery codes");
    }
    (!recovery.is_empty()).then(|| Factor::Recovery(recovery.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: serde_json::Value) -> Result<Attempt, Invalid> {
        serde_json::from_value::<LoginIn>(json).unwrap().parse(false)
    }

    #[test]
    fn codes_come_under_three_names() {
        for name in ["totp_code", "totpCode", "totp"] {
            let attempt =
                read(serde_json::json!({"email": "A@example.com", "password": "x", name: "123 456"})).unwrap();
            assert_eq!(attempt.factor, Some(Factor::Code("123456".to_owned())));
            assert_eq!(attempt.email, "a@example.com");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let invalid = read(serde_json::json!({"totp_code": "12ab34"})).unwrap_err();
        let fields: Vec<&str> = invalid.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["email", "password", "totp_code"]);
    }

    #[test]
    fn a_ticket_counts_in_forms_only() {
        let body = LoginIn { email: "a@example.com".to_owned(), ticket: "t".to_owned(), ..LoginIn::default() };
        assert!(body.parse(false).is_err());
        let invalid = body.parse(true).unwrap_err();
        assert_eq!(invalid.iter().next().unwrap().0, "totp_code");
        let body = LoginIn { recovery_code: Some("abcde-fghij".to_owned()), ..body };
        assert_eq!(body.parse(true).unwrap().proof, Proof::Ticket("t".to_owned()));
    }
}
