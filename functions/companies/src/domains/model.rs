//! A domain as callers write and read it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::companies::model::Flag;

/// A domain of a company.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, ToSchema)]
#[schema(as = EmailDomain, example = json!({"id": 2, "company_id": 4, "domain": "dental.example.com",
    "auto_join": false, "created_by": 1, "created_at": "2026-11-02T08:00:00Z", "updated_at": "2026-11-02T08:00:00Z"}))]
pub struct Domain {
    /// Number of the domain.
    pub id: i64,
    /// The company.
    pub company_id: i64,
    /// Lower case, in punycode.
    pub domain: String,
    /// A proven address there makes a plain member at once.
    pub auto_join: bool,
    /// Who added it.
    pub created_by: Option<i64>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A new domain.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = EmailDomainCreate, example = json!({"domain": "dental.example.com", "auto_join": true}))]
pub struct DomainCreate {
    /// A host name with a dot; a leading `@` is taken off.
    pub domain: String,
    /// A proven address there makes a plain member at once.
    pub auto_join: Option<Flag>,
}

/// A change of a domain.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = EmailDomainUpdate, example = json!({"auto_join": false}))]
pub struct DomainUpdate {
    /// A proven address there makes a plain member at once.
    pub auto_join: Option<Flag>,
}

/// Hosts of mail for everybody: an address there says nothing about where somebody works.
const PUBLIC: [&str; 42] = [
    "gmail.com",
    "googlemail.com",
    "msn.com",
    "passport.com",
    "ymail.com",
    "rocketmail.com",
    "icloud.com",
    "me.com",
    "mac.com",
    "proton.me",
    "protonmail.com",
    "pm.me",
    "aol.com",
    "aim.com",
    "mail.com",
    "email.com",
    "zoho.com",
    "zohomail.com",
    "fastmail.com",
    "fastmail.fm",
    "hey.com",
    "tuta.com",
    "tutanota.com",
    "mail.ru",
    "inbox.ru",
    "list.ru",
    "bk.ru",
    "web.de",
    "t-online.de",
    "freenet.de",
    "orange.fr",
    "free.fr",
    "laposte.net",
    "wanadoo.fr",
    "btinternet.com",
    "sky.com",
    "virginmedia.com",
    "talktalk.net",
    "comcast.net",
    "qq.com",
    "163.com",
    "126.com",
];

/// The same under every ending.
const PUBLIC_ANYWHERE: [&str; 6] = ["yahoo", "hotmail", "outlook", "live", "gmx", "yandex"];

fn is_public(domain: &str) -> bool {
    let (first, rest) = domain.split_once('.').unwrap_or((domain, ""));
    // yahoo.com and yahoo.co.uk, but not yahoo.example.com
    let is_ending = rest.split('.').count() <= 2 && rest.split('.').all(|part| part.len() <= 3);
    PUBLIC.contains(&domain) || (PUBLIC_ANYWHERE.contains(&first) && is_ending)
}

/// Lower case, punycode, without the leading `@`.
pub fn parse(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "Enter a domain such as example.com";
    let text = text.trim().trim_start_matches('@').trim_end_matches('.');
    let Ok(url::Host::Domain(domain)) = url::Host::parse(text) else { return Err(WRONG) };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if domain.len() > 253 || !domain.contains('.') || !domain.split('.').all(is_label) {
        return Err(WRONG);
    }
    if is_public(&domain) {
        return Err("Public e-mail domains cannot be assigned to a company");
    }
    Ok(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_normalised() {
        assert_eq!(parse(" @Dental.Example.COM. ").unwrap(), "dental.example.com");
        assert_eq!(parse("müller.example").unwrap(), "xn--mller-kva.example");
        assert_eq!(parse("yahoo.example.com").unwrap(), "yahoo.example.com");
        for bad in ["", "localhost", "a b.example", "-x.example", "192.0.2.7", "[::1]", "a..example", "x_y.example"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn mail_for_everybody_belongs_to_nobody() {
        for public in ["gmail.com", "Yahoo.co.uk", "hotmail.fr", "@gmx.net", "live.com", "proton.me"] {
            assert_eq!(parse(public), Err("Public e-mail domains cannot be assigned to a company"), "{public}");
        }
    }
}
