//! What narrows and orders the feed (notifications-forms 4.1), alike for people and programs.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use shared::error::{Error, Invalid, Result};
use shared::notify::hours;
use utoipa::IntoParams;

/// The filters as they come.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Asked {
    /// `all`, `unread` or `read`.
    #[param(default = "all")]
    pub read_state: Option<String>,
    /// The same as `read_state=unread`, where that says `all`. Kept for old clients.
    pub unread_only: Option<bool>,
    /// Types of event; may be repeated, at most 20.
    pub event_type: Option<String>,
    /// A part of the message or of the metadata, 1 to 200 characters.
    pub search: Option<String>,
    /// A time, or a day in `tz`; inclusive.
    pub created_from: Option<String>,
    /// A time, exclusive; or a day in `tz`, which is included whole.
    pub created_to: Option<String>,
    /// Name of a time zone, for days and for times without an offset.
    #[param(default = "UTC")]
    pub tz: Option<String>,
}

/// Whether somebody has read it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReadState {
    /// Either.
    #[default]
    All,
    /// Not yet.
    Unread,
    /// Yes.
    Read,
}

impl ReadState {
    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "all" | "" => Some(Self::All),
            "unread" => Some(Self::Unread),
            "read" => Some(Self::Read),
            _ => None,
        }
    }
}

/// The filters, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Read or not.
    pub read: ReadState,
    /// Types; none for all.
    pub events: Vec<String>,
    /// Part of the text, in small letters.
    pub search: Option<String>,
    /// From here on.
    pub from: Option<DateTime<Utc>>,
    /// Before this.
    pub until: Option<DateTime<Utc>>,
}

impl Filter {
    /// Reads the filters; what cannot be meant is named by field.
    pub fn read(asked: &Asked, events: Vec<String>, zone: &str) -> Result<Self, Invalid> {
        let mut bad = Invalid::none();
        let zone: Result<Tz, _> = asked.tz.as_deref().unwrap_or(zone).parse();
        let zone = bad.check("tz", zone.map_err(|_| "Name a time zone such as Europe/London"));
        let zone = zone.unwrap_or(Tz::UTC);
        let state = ReadState::parse(asked.read_state.as_deref().unwrap_or_default());
        let mut read = bad.check("read_state", state.ok_or("Use all, unread or read")).unwrap_or_default();
        if read == ReadState::All && asked.unread_only == Some(true) {
            read = ReadState::Unread;
        }
        if events.len() > 20 {
            bad.add("event_type", "Name at most 20 types");
        }
        let search = asked.search.as_deref().map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty());
        if search.as_ref().is_some_and(|text| text.chars().count() > 200) {
            bad.add("search", "Use at most 200 characters");
        }
        let mut when = |field: &str, text: &Option<String>, is_end: bool| {
            let text = text.as_deref()?;
            let moment = moment(text, zone, is_end);
            bad.check(field, moment.ok_or("Enter a day such as 2026-11-23 or a time such as 2026-11-23T09:00:00Z"))
        };
        let from = when("created_from", &asked.created_from, false);
        let until = when("created_to", &asked.created_to, true);
        let filter = Self { read, events, search, from, until };
        if bad.is_empty() { Ok(filter) } else { Err(bad) }
    }
}

/// A time, or the start of a day; as an end, the day is included whole.
fn moment(text: &str, zone: Tz, is_end: bool) -> Option<DateTime<Utc>> {
    // A plus in an address is a space.
    let text = text.trim().replace(' ', "+");
    if let Ok(at) = DateTime::parse_from_rfc3339(&text) {
        return Some(at.with_timezone(&Utc));
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        let day = if is_end { day.checked_add_days(Days::new(1))? } else { day };
        return hours::at_local(day, 0, zone);
    }
    let local = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|shape| NaiveDateTime::parse_from_str(&text, shape).ok())?;
    local.and_local_timezone(zone).earliest().map(|at| at.with_timezone(&Utc))
}

/// A column that orders the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// When it happened.
    #[default]
    CreatedAt,
    /// What happened.
    EventType,
    /// When it was read.
    ReadAt,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub by: Sort,
    /// The highest first.
    pub is_descending: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { by: Sort::CreatedAt, is_descending: true }
    }
}

impl Order {
    /// Reads column and direction.
    pub fn read(by: Option<&str>, order: Option<&str>) -> Result<Self> {
        let by = match by.unwrap_or("created_at") {
            "created_at" => Sort::CreatedAt,
            "event_type" => Sort::EventType,
            "read_at" => Sort::ReadAt,
            _ => return Err(Error::field("sort_by", "Use created_at, event_type or read_at")),
        };
        match order.unwrap_or("desc") {
            "desc" => Ok(Self { by, is_descending: true }),
            "asc" => Ok(Self { by, is_descending: false }),
            _ => Err(Error::field("sort_order", "Use asc or desc")),
        }
    }

    /// As table heads name it: the column, with a minus for the highest first.
    pub fn key(self) -> &'static str {
        match (self.by, self.is_descending) {
            (Sort::CreatedAt, true) => "-created_at",
            (Sort::CreatedAt, false) => "created_at",
            (Sort::EventType, true) => "-event_type",
            (Sort::EventType, false) => "event_type",
            (Sort::ReadAt, true) => "-read_at",
            (Sort::ReadAt, false) => "read_at",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_included_whole_and_a_time_is_not() {
        let sydney = Tz::Australia__Sydney;
        assert_eq!(moment("2025-03-01", sydney, true), Some(at("2025-03-01T13:00:00Z")));
        assert_eq!(moment("2025-03-01", sydney, false), Some(at("2025-02-28T13:00:00Z")));
        assert_eq!(moment("2025-03-01T00:00:00Z", sydney, true), Some(at("2025-03-01T00:00:00Z")));
        assert_eq!(moment("2025-03-01T09:30", Tz::Europe__London, true), Some(at("2025-03-01T09:30:00Z")));
        assert_eq!(moment("2025-03-01T09:30:00 01:00", Tz::UTC, true), Some(at("2025-03-01T08:30:00Z")));
        for bad in ["", "yesterday", "2025-02-30", "2025-03-01T25:00"] {
            assert_eq!(moment(bad, Tz::UTC, true), None, "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        let refused = |asked: Asked| {
            let bad = Filter::read(&asked, Vec::new(), "UTC").unwrap_err();
            bad.iter().map(|(field, _)| field.to_owned()).collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(refused(Asked { read_state: some("maybe"), ..Asked::default() }), ["read_state"]);
        assert_eq!(refused(Asked { tz: some("Mars/Base"), ..Asked::default() }), ["tz"]);
        assert_eq!(refused(Asked { created_to: some("soon"), ..Asked::default() }), ["created_to"]);
        assert_eq!(refused(Asked { search: Some("x".repeat(201)), ..Asked::default() }), ["search"]);
        let old = Asked { unread_only: Some(true), ..Asked::default() };
        assert_eq!(Filter::read(&old, Vec::new(), "UTC").unwrap().read, ReadState::Unread);
        let both = Asked { read_state: some("read"), ..old };
        assert_eq!(Filter::read(&both, Vec::new(), "UTC").unwrap().read, ReadState::Read);
    }

    #[test]
    fn orders_are_named() {
        assert_eq!(Order::read(None, None).unwrap().key(), "-created_at");
        assert_eq!(Order::read(Some("read_at"), Some("asc")).unwrap().key(), "read_at");
        assert!(Order::read(Some("message"), None).is_err());
        assert!(Order::read(None, Some("up")).is_err());
    }
}
