//! The rules of an announcement (notifications-forms 4.2), alike for programs and the form.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use shared::context::safe_path;
use shared::error::Invalid;
use shared::notify::{Announcement, To};
use utoipa::ToSchema;

use crate::preferences::model::parse_type;

/// Bytes of the metadata as JSON.
const METADATA: usize = 16 * 1024;

/// An announcement as programs send it.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"event_type": "general", "message": "The portal is read-only on Sunday from 06:00 to 07:00.",
    "metadata": {"window": "1 h"}, "link": "/help"}))]
pub struct NewNotification {
    /// A type of the catalogue, or any other name.
    pub event_type: String,
    /// 1 to 2,000 characters.
    pub message: String,
    /// One person; not together with a company. Without either everybody is told.
    pub user_id: Option<i64>,
    /// The active members of a company.
    pub company_id: Option<i64>,
    /// An object of names and values, at most 16 KB and 5 levels.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Value>,
    /// A path of the portal, such as `/tickets/7`.
    pub link: Option<String>,
    /// When it leaves the feeds; for a company or everybody after 90 days unless stated.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether people who switched this type off in their feed are spared; true unless stated.
    pub respect_preferences: Option<bool>,
    /// Breaks through quiet hours and digests; false unless stated.
    pub urgent: bool,
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn metadata(value: &Value) -> Result<(), &'static str> {
    if !value.is_object() {
        return Err("Send an object of names and values");
    }
    if depth(value) > 5 {
        return Err("Use at most 5 levels");
    }
    if value.to_string().len() > METADATA { Err("Send at most 16 KB") } else { Ok(()) }
}

/// A path of the portal.
pub fn parse_link(text: &str) -> Result<String, &'static str> {
    let path = safe_path(text.trim()).filter(|path| path.chars().count() <= 500);
    path.map(str::to_owned).ok_or("Enter a path of this portal such as /tickets/7")
}

impl NewNotification {
    /// Checks everything but whether person and company exist.
    pub fn parse(&self, now: DateTime<Utc>) -> Result<Announcement, Invalid> {
        let mut bad = Invalid::none();
        let event_type = bad.check("event_type", parse_type(&self.event_type)).unwrap_or_default();
        let message = self.message.trim();
        if !(1..=2000).contains(&message.chars().count()) {
            bad.add("message", "Enter 1 to 2,000 characters");
        }
        let to = match (self.user_id, self.company_id) {
            (Some(_), Some(_)) => {
                bad.add("company_id", "Name a person or a company, not both");
                To::Everyone
            }
            (Some(id), None) => To::Person(id),
            (None, Some(id)) => To::Company(id),
            (None, None) => To::Everyone,
        };
        let given = self.metadata.as_ref().filter(|value| !value.is_null());
        if let Some(value) = given {
            bad.check("metadata", metadata(value));
        }
        let link = self.link.as_deref().filter(|text| !text.trim().is_empty());
        let link = link.and_then(|text| bad.check("link", parse_link(text)));
        if self.expires_at.is_some_and(|at| at <= now) {
            bad.add("expires_at", "Enter a time to come");
        }
        bad.finish()?;
        Ok(Announcement {
            to,
            event_type,
            message: message.to_owned(),
            metadata: given.cloned(),
            link,
            expires_at: self.expires_at,
            respects_preferences: self.respect_preferences.unwrap_or(true),
            is_urgent: self.urgent,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> NewNotification {
        NewNotification {
            event_type: "General".to_owned(),
            message: " Hello ".to_owned(),
            ..NewNotification::default()
        }
    }

    fn refused(new: &NewNotification) -> Vec<String> {
        let bad = new.parse("2026-11-23T12:00:00Z".parse().unwrap()).unwrap_err();
        bad.iter().map(|(field, _)| field.to_owned()).collect()
    }

    #[test]
    fn an_announcement_is_trimmed_and_goes_to_everybody() {
        let parsed = good().parse("2026-11-23T12:00:00Z".parse().unwrap()).unwrap();
        assert_eq!((parsed.event_type.as_str(), parsed.message.as_str()), ("general", "Hello"));
        assert_eq!((parsed.to, parsed.respects_preferences), (To::Everyone, true));
    }

    #[test]
    fn limits_hold() {
        let nested = json!({"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}});
        for (new, field) in [
            (NewNotification { message: " ".to_owned(), ..good() }, "message"),
            (NewNotification { message: "x".repeat(2001), ..good() }, "message"),
            (NewNotification { event_type: "a b".to_owned(), ..good() }, "event_type"),
            (NewNotification { user_id: Some(1), company_id: Some(1), ..good() }, "company_id"),
            (NewNotification { metadata: Some(json!([1])), ..good() }, "metadata"),
            (NewNotification { metadata: Some(nested), ..good() }, "metadata"),
            (NewNotification { metadata: Some(json!({"a": "x".repeat(17_000)})), ..good() }, "metadata"),
            (NewNotification { link: Some("//evil.example".to_owned()), ..good() }, "link"),
            (NewNotification { link: Some("https://evil.example".to_owned()), ..good() }, "link"),
            (NewNotification { link: Some(format!("/{}", "a".repeat(500))), ..good() }, "link"),
            (NewNotification { expires_at: Some("2026-11-23T12:00:00Z".parse().unwrap()), ..good() }, "expires_at"),
        ] {
            assert_eq!(refused(&new), [field]);
        }
    }
}
