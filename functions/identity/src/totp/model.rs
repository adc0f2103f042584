//! What an authenticator is: the secret, its address for the app, the picture of it, and its codes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use qrcode::QrCode;
use qrcode::render::svg;
use shared::context::encode_component;
use shared::error::{Error, Result};
use totp_rs::{Builder, Secret, Totp};

/// Seconds that a code is shown.
const STEP: i64 = 30;

/// The longest name of a device.
const LONGEST_NAME: usize = 100;

/// The name of a device to which nobody gave one.
const UNNAMED: &str = "Authenticator";

/// What a person needs to add the portal to an authenticator app.
#[derive(Debug, Clone)]
pub struct Setup {
    /// 32 base32 characters, for typing.
    pub secret: String,
    /// The address that authenticator apps open.
    pub otpauth_url: String,
    /// The address as a picture, an `svg` element ready to stand in a page.
    pub qr_svg: String,
}

impl Setup {
    /// A setup with a new random secret.
    pub(super) fn new(issuer: &str, email: &str) -> Result<Self> {
        Self::of(Secret::generate().to_base32(), issuer, email)
    }

    /// The setup of a secret that exists.
    pub(super) fn of(secret: String, issuer: &str, email: &str) -> Result<Self> {
        let otpauth_url = otpauth_url(&secret, issuer, email);
        let qr_svg = picture(&otpauth_url)?;
        Ok(Self { secret, otpauth_url, qr_svg })
    }

    /// The picture for templates: text that is not escaped again.
    pub fn picture(&self) -> minijinja::Value {
        minijinja::Value::from_safe_string(self.qr_svg.clone())
    }

    /// The picture as an address of its own, for programs.
    pub fn data_uri(&self) -> String {
        format!("data:image/svg+xml;base64,{}", STANDARD.encode(&self.qr_svg))
    }
}

fn otpauth_url(secret: &str, issuer: &str, email: &str) -> String {
    // A colon separates issuer and account, so neither may have one.
    let issuer = encode_component(&issuer.replace(':', " "));
    format!("otpauth://totp/{issuer}:{}?secret={secret}&issuer={issuer}", encode_component(email))
}

fn picture(text: &str) -> Result<String> {
    let code = QrCode::new(text).map_err(|error| Error::Internal(error.into()))?;
    let svg = code.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
    // The first tag declares a document; inside a page only the element itself is wanted.
    let start = svg.find("<svg").unwrap_or_default();
    Ok(svg[start..].to_owned())
}

/// The step of a moment.
pub(super) fn step_of(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(STEP)
}

/// The step whose code this is: now, the one before or the one after; the newest that was not used.
pub(super) fn matching_step(secret: &str, code: &str, now: DateTime<Utc>, last_used: Option<i64>) -> Option<i64> {
    let totp = totp(secret)?;
    let current = step_of(now);
    (current - 1..=current + 1).rev().filter(|step| last_used.is_none_or(|used| *step > used)).find(|step| {
        let time = u64::try_from(step * STEP).unwrap_or_default();
        shared::tokens::constant_time_eq(&totp.generate(time).to_string(), code)
    })
}

fn totp(secret: &str) -> Option<Totp> {
    let secret = Secret::try_from_base32(secret).ok()?;
    Some(Builder::new().with_secret(secret).with_skew(0).build_noncompliant())
}

#[cfg(test)]
fn code_at(secret: &str, at: DateTime<Utc>) -> Option<String> {
    Some(totp(secret)?.generate(u64::try_from(at.timestamp()).ok()?).to_string())
}

/// A code as typed: white space is ignored, blank is none, anything but digits is refused.
pub fn parse_code(text: &str) -> Result<Option<String>, &'static str> {
    let code: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if code.is_empty() {
        return Ok(None);
    }
    if code.bytes().all(|b| b.is_ascii_digit()) && code.len() <= 16 {
        Ok(Some(code))
    } else {
        Err("TOTP code must contain only digits")
    }
}

/// The name of a device; a blank one gets the usual name.
pub fn parse_device_name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    if name.is_empty() {
        return Ok(UNNAMED.to_owned());
    }
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err("Use at most 100 characters for the device name");
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// The secret of RFC 6238, appendix B, whose codes are published.
    const PUBLISHED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(code_at(PUBLISHED, at(seconds)).unwrap(), code);
        }
    }

    #[test]
    fn one_step_before_and_after_are_taken_and_no_step_twice() {
        let now = at(1_800_000_000);
        for (shift, taken) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            let code = code_at(PUBLISHED, now + chrono::TimeDelta::seconds(shift)).unwrap();
            assert_eq!(matching_step(PUBLISHED, &code, now, None).is_some(), taken, "{shift}");
        }
        let code = code_at(PUBLISHED, now).unwrap();
        let step = matching_step(PUBLISHED, &code, now, None).unwrap();
        assert_eq!(step, step_of(now));
        assert_eq!(matching_step(PUBLISHED, &code, now, Some(step)), None);
        assert_eq!(matching_step(PUBLISHED, &code, now, Some(step - 1)), Some(step));
        assert_eq!(matching_step(PUBLISHED, "", now, None), None);
        assert_eq!(matching_step("not base32!", &code, now, None), None);
    }

    #[test]
    fn the_address_names_portal_and_person() {
        let setup = Setup::new("My: Portal", "ana+x@example.com").unwrap();
        assert_eq!(setup.secret.len(), 32);
        assert!(setup.secret.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7')));
        assert_eq!(
            setup.otpauth_url,
            format!(
                "otpauth://totp/My%20%20Portal:ana%2Bx%40example.com?secret={}&issuer=My%20%20Portal",
                setup.secret
            )
        );
        assert!(setup.qr_svg.starts_with("<svg") && !setup.qr_svg.contains("style="));
        assert!(setup.data_uri().starts_with("data:image/svg+xml;base64,"));
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        assert_eq!(parse_code(" 123 456 ").unwrap().unwrap(), "123456");
        assert_eq!(parse_code("  ").unwrap(), None);
        for bad in ["12ab34", "１２３４５６", "-12345", "12345678901234567"] {
            assert!(parse_code(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn devices_have_a_name() {
        assert_eq!(parse_device_name(" ").unwrap(), "Authenticator");
        assert_eq!(parse_device_name(" Phone ").unwrap(), "Phone");
        assert!(parse_device_name(&"x".repeat(101)).is_err());
    }
}
