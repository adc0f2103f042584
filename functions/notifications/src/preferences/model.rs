//! A person's choice for one type of event, and the rules of a whole set (notifications-forms 4.4).

use serde::{Deserialize, Serialize};
use shared::caller::Person;
use shared::error::Invalid;
use shared::notify::{self, KINDS};
use utoipa::ToSchema;

/// Choices in one set.
pub const MAX: usize = 200;

/// Types of one's own making.
const MAX_OWN: usize = 50;

/// Where and when somebody is told of one type of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channels {
    /// In the feed.
    pub in_app: bool,
    /// By mail.
    pub email: bool,
    /// By text message.
    pub sms: bool,
    /// Through ntfy.
    pub ntfy: bool,
    /// Mails wait for the digest.
    pub digest: bool,
}

impl Channels {
    /// What holds for people who have said nothing.
    pub fn usual(event_type: &str) -> Self {
        let usual = notify::defaults(event_type);
        Self { in_app: usual.in_app, email: usual.email, sms: false, ntfy: false, digest: false }
    }
}

/// A choice of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The type of event.
    pub event_type: String,
    /// Where and when.
    pub channels: Channels,
}

/// A choice as programs send it. Channels that are left out take the default of the type.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(example = json!({"event_type": "shop.shipping_status_updated", "channel_in_app": true, "channel_email": true, "channel_sms": false}))]
pub struct ChoiceIn {
    /// A type of the catalogue or one of your own.
    pub event_type: String,
    /// In the feed.
    pub channel_in_app: Option<bool>,
    /// By mail.
    pub channel_email: Option<bool>,
    /// By text message.
    pub channel_sms: Option<bool>,
    /// Through ntfy.
    pub channel_ntfy: Option<bool>,
    /// Mails of this type wait for the digest.
    pub email_digest: Option<bool>,
}

/// A choice as programs read it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"event_type": "shop.shipping_status_updated", "label": "Delivery update on your order",
    "description": "", "is_default": true, "channel_in_app": true, "channel_email": false, "channel_sms": false,
    "channel_ntfy": false, "email_digest": false}))]
pub struct ChoiceOut {
    /// The type of event.
    pub event_type: String,
    /// In plain words.
    pub label: String,
    /// One more sentence, where there is one.
    pub description: String,
    /// Part of the portal's own catalogue.
    pub is_default: bool,
    /// In the feed.
    pub channel_in_app: bool,
    /// By mail.
    pub channel_email: bool,
    /// By text message.
    pub channel_sms: bool,
    /// Through ntfy.
    pub channel_ntfy: bool,
    /// Mails of this type wait for the digest.
    pub email_digest: bool,
}

impl ChoiceOut {
    fn of(event_type: String, channels: Channels) -> Self {
        let known = notify::find(&event_type);
        Self {
            label: notify::label(&event_type).to_owned(),
            description: known.map_or("", |kind| kind.about).to_owned(),
            is_default: known.is_some(),
            event_type,
            channel_in_app: channels.in_app,
            channel_email: channels.email,
            channel_sms: channels.sms,
            channel_ntfy: channels.ntfy,
            email_digest: channels.digest,
        }
    }
}

/// A name as it is stored, or what is wrong with it.
pub fn parse_type(text: &str) -> Result<String, &'static str> {
    let name = text.trim().to_lowercase();
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let starts_well = name.chars().next().is_some_and(is_plain);
    let is_clean = name.chars().all(|c| is_plain(c) || matches!(c, '_' | '.' | ':' | '-'));
    match name.len() {
        1..=100 if starts_well && is_clean => Ok(name),
        _ => Err("Use 1 to 100 letters, digits, dots, dashes, colons or underscores, beginning with a letter or digit"),
    }
}

/// Reads a whole set.
pub fn parse(items: &[ChoiceIn]) -> Result<Vec<Choice>, Invalid> {
    let mut bad = Invalid::none();
    let mut choices: Vec<Choice> = Vec::with_capacity(items.len());
    if items.len() > MAX {
        bad.add("preferences", "Send at most 200 choices");
    }
    for (n, item) in items.iter().enumerate().take(MAX) {
        let field = format!("preferences[{n}].event_type");
        let Some(event_type) = bad.check(&field, parse_type(&item.event_type)) else { continue };
        if choices.iter().any(|known| known.event_type == event_type) {
            bad.add(&field, "This type stands in the set twice");
            continue;
        }
        let usual = Channels::usual(&event_type);
        let channels = Channels {
            in_app: item.channel_in_app.unwrap_or(usual.in_app),
            email: item.channel_email.unwrap_or(usual.email),
            sms: item.channel_sms.unwrap_or(false),
            ntfy: item.channel_ntfy.unwrap_or(false),
            digest: item.email_digest.unwrap_or(false),
        };
        choices.push(Choice { event_type, channels });
    }
    if choices.iter().filter(|choice| notify::find(&choice.event_type).is_none()).count() > MAX_OWN {
        bad.add("preferences", "At most 50 types may be your own");
    }
    if bad.is_empty() { Ok(choices) } else { Err(bad) }
}

/// The catalogue of a person with what they chose and further types, in order of the names.
pub fn merged(person: &Person, stored: &[Choice], further: Vec<String>) -> Vec<ChoiceOut> {
    let known = KINDS.iter().filter(|kind| kind.audience.admits(person)).map(|kind| kind.name.to_owned());
    let mut names: Vec<String> = known.chain(stored.iter().map(|c| c.event_type.clone())).chain(further).collect();
    names.sort();
    names.dedup();
    let channels = |name: &str| {
        stored.iter().find(|choice| choice.event_type == name).map_or_else(|| Channels::usual(name), |c| c.channels)
    };
    names
        .into_iter()
        .map(|name| {
            let channels = channels(&name);
            ChoiceOut::of(name, channels)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(event_type: &str) -> ChoiceIn {
        ChoiceIn {
            event_type: event_type.to_owned(),
            channel_in_app: None,
            channel_email: None,
            channel_sms: None,
            channel_ntfy: None,
            email_digest: None,
        }
    }

    #[test]
    fn names_are_plain() {
        assert_eq!(parse_type(" Own.Type:x-1_2 ").unwrap(), "own.type:x-1_2");
        for bad in ["", " ", ".x", "a b", "ä", "x/y", &"a".repeat(101)] {
            assert!(parse_type(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn channels_left_out_take_the_default_of_the_type() {
        let set = parse(&[item("tickets.created"), item("tickets.reply_added"), item("own")]).unwrap();
        let shown: Vec<(bool, bool)> = set.iter().map(|c| (c.channels.in_app, c.channels.email)).collect();
        assert_eq!(shown, [(false, false), (true, true), (true, false)]);
    }

    #[test]
    fn sets_are_checked_whole() {
        assert!(parse(&[item("a"), item(" A")]).is_err(), "twice the same");
        assert!(parse(&[item("not a name")]).is_err());
        let many: Vec<ChoiceIn> = (0..=MAX).map(|n| item(&format!("t{n}"))).collect();
        assert!(parse(&many).is_err());
        let own: Vec<ChoiceIn> = (0..51).map(|n| item(&format!("own.{n}"))).collect();
        assert!(parse(&own).is_err());
        assert_eq!(parse(&own[..50]).unwrap().len(), 50);
        assert!(parse(&[]).unwrap().is_empty());
    }
}
