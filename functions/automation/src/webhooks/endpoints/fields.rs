//! What is typed into the form of an endpoint, and the rules for it.

use serde::Deserialize;
use shared::accounts::users::parse_email;
use shared::config::Config;
use shared::error::Invalid;
use shared::events::names;
use url::Url;

/// Events that an endpoint may ask for, with their names for people.
pub const OFFERED: [(&str, &str); 7] = [
    (names::TICKET_CREATED, "A ticket was raised"),
    (names::TICKET_REPLIED, "A ticket got a reply"),
    (names::TICKET_UPDATED, "A field of a ticket changed"),
    (names::TICKET_ASSIGNED, "A ticket was assigned"),
    (names::TICKET_STATUS_CHANGED, "A ticket's status changed"),
    (names::TICKET_CLOSED, "A ticket was resolved or closed"),
    (names::TICKET_REOPENED, "A ticket was opened again"),
];

/// Refuses a name that no event has; the form offers none.
pub fn check_events(chosen: &[String]) -> Result<(), Invalid> {
    match chosen.iter().find(|name| OFFERED.iter().all(|(known, _)| known != name)) {
        Some(name) => Err(Invalid::field("events", format!("There is no event {name} to ask for"))),
        None => Ok(()),
    }
}

/// What is typed into the form.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// For people.
    pub name: String,
    /// Where webhooks go.
    pub target_url: String,
    /// Whose it is; blank for the whole portal.
    pub company_id: String,
    /// Who is written to when it is switched off.
    pub contact_email: String,
}

/// An endpoint as it may be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub(super) name: String,
    pub(super) target_url: String,
    pub(super) company_id: Option<i64>,
    pub(super) contact_email: Option<String>,
    pub(super) events: Vec<String>,
}

fn parse_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_good = (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if is_good { Ok(text.to_owned()) } else { Err("Enter a name of at most 100 characters".to_owned()) }
}

fn parse_url(text: &str, config: &Config) -> Result<String, String> {
    let wrong = || "Enter an address that begins with https://".to_owned();
    let url = Url::parse(text.trim()).ok().filter(Url::has_host).ok_or_else(wrong)?;
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && config.outbound_exceptions.name(&url));
    if !is_safe {
        return Err(wrong());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("Leave out the user name and password".to_owned());
    }
    let text = url.to_string();
    if text.len() > 500 { Err("Use at most 500 characters".to_owned()) } else { Ok(text) }
}

fn parse_events(chosen: &[String]) -> Result<Vec<String>, String> {
    let known: Vec<String> =
        OFFERED.iter().map(|(name, _)| (*name).to_owned()).filter(|name| chosen.contains(name)).collect();
    if known.is_empty() { Err("Choose at least one event".to_owned()) } else { Ok(known) }
}

fn parse_company(text: &str) -> Result<Option<i64>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| "Choose a company".to_owned())
}

fn parse_contact(text: &str) -> Result<Option<String>, String> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { parse_email(text).map(Some).map_err(str::to_owned) }
}

impl Fields {
    /// Checks everything but whether the company exists.
    pub fn parse(&self, events: &[String], config: &Config) -> Result<Wanted, Invalid> {
        let mut bad = Invalid::none();
        let name = bad.check("name", parse_name(&self.name));
        let target_url = bad.check("target_url", parse_url(&self.target_url, config));
        let company_id = bad.check("company_id", parse_company(&self.company_id));
        let contact_email = bad.check("contact_email", parse_contact(&self.contact_email));
        let events = bad.check("events", parse_events(events));
        bad.finish()?;
        Ok(Wanted {
            name: name.unwrap_or_default(),
            target_url: target_url.unwrap_or_default(),
            company_id: company_id.flatten(),
            contact_email: contact_email.flatten(),
            events: events.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_needs_a_name_a_safe_address_and_an_event() {
        let config = shared::config::Config::from_source(|name| {
            (name == "OUTBOUND_ALLOW_PRIVATE_HOSTS").then(|| "hooks.lan".to_owned())
        })
        .unwrap();
        let fields =
            |name: &str, url: &str| Fields { name: name.to_owned(), target_url: url.to_owned(), ..Fields::default() };
        let events = || vec!["tickets.created".to_owned(), "nonsense".to_owned()];
        let good = fields("Acme", "https://hooks.example.com/in?k=1").parse(&events(), &config).unwrap();
        assert_eq!(good.events, ["tickets.created"]);
        assert!(fields("Acme", "http://hooks.lan/in").parse(&events(), &config).is_ok());
        for bad in [
            fields("", "https://hooks.example.com/"),
            fields("Acme", "http://hooks.example.com/"),
            fields("Acme", "https://user:pass@hooks.example.com/"),
            fields("Acme", "hooks.example.com"),
            Fields { contact_email: "nobody".to_owned(), ..fields("Acme", "https://hooks.example.com/") },
            Fields { company_id: "x".to_owned(), ..fields("Acme", "https://hooks.example.com/") },
        ] {
            assert!(bad.parse(&events(), &config).is_err(), "{bad:?}");
        }
        assert!(fields("Acme", "https://hooks.example.com/").parse(&[], &config).is_err());
    }
}
