//! When and where a person wants to be reached: digest, quiet hours, pause, ntfy topic.

use axum::response::Response;
use chrono::{DateTime, NaiveDate, NaiveTime, Timelike as _, Utc};
use serde::Deserialize;
use shared::Flash;
use shared::caller::User;
use shared::error::{Invalid, Result};
use shared::format;
use shared::notify::hours;
use shared::web::{Form, FormState};

use super::{pages, store};

/// What a person has chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Times {
    /// The digest comes once a week instead of once a day.
    pub is_weekly: bool,
    /// Its hour.
    pub digest_hour: i64,
    /// Its day, 1 for Monday.
    pub digest_weekday: i64,
    /// From and until, in minutes after midnight.
    pub quiet: Option<(i64, i64)>,
    /// Nothing but urgent messages until then.
    pub paused_until: Option<DateTime<Utc>>,
    /// Where pushes go.
    pub ntfy_topic: Option<String>,
}

/// The form as sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TimesForm {
    digest: String,
    digest_hour: String,
    digest_weekday: String,
    quiet_from: String,
    quiet_until: String,
    paused_until: String,
    ntfy_topic: String,
}

fn minutes(text: &str) -> Option<i64> {
    let time =
        NaiveTime::parse_from_str(text, "%H:%M").or_else(|_| NaiveTime::parse_from_str(text, "%H:%M:%S")).ok()?;
    Some(i64::from(time.hour() * 60 + time.minute()))
}

impl Times {
    /// Reads the form; days and times are those of the person's zone.
    pub fn parse(form: &TimesForm, zone: &str, now: DateTime<Utc>) -> Result<Self, Invalid> {
        let mut bad = Invalid::none();
        let number = |text: &str, range: std::ops::RangeInclusive<i64>| {
            text.parse::<i64>().ok().filter(|n| range.contains(n)).ok_or("Choose from the list")
        };
        let digest_hour = bad.check("digest_hour", number(&form.digest_hour, 0..=23)).unwrap_or(8);
        let digest_weekday = bad.check("digest_weekday", number(&form.digest_weekday, 1..=7)).unwrap_or(1);
        let quiet = match (form.quiet_from.trim(), form.quiet_until.trim()) {
            ("", "") => None,
            (from, until) => {
                let from = bad.check("quiet_from", minutes(from).ok_or("Enter a time such as 22:00"));
                let until = bad.check("quiet_until", minutes(until).ok_or("Enter a time such as 07:00"));
                if from.is_some() && from == until {
                    bad.add("quiet_until", "Enter another time than the beginning");
                }
                from.zip(until)
            }
        };
        let paused_until = match form.paused_until.trim() {
            "" => None,
            text => {
                let day = text.parse::<NaiveDate>().ok();
                let at = day.and_then(|day| hours::at_local(day, 0, format::zone(zone))).filter(|at| *at > now);
                bad.check("paused_until", at.ok_or("Enter a day after today"))
            }
        };
        let topic = form.ntfy_topic.trim();
        let is_topic =
            topic.len() <= 64 && topic.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !is_topic {
            bad.add("ntfy_topic", "Use at most 64 letters, digits, dashes and underscores");
        }
        bad.finish()?;
        let ntfy_topic = (!topic.is_empty()).then(|| topic.to_owned());
        let is_weekly = form.digest == "weekly";
        Ok(Self { is_weekly, digest_hour, digest_weekday, quiet, paused_until, ntfy_topic })
    }

    /// As the form shows it.
    pub fn form(&self, zone: &str) -> FormState {
        let clock = |minutes: Option<i64>| minutes.map_or_else(String::new, |m| format!("{:02}:{:02}", m / 60, m % 60));
        let day = |at: DateTime<Utc>| at.with_timezone(&format::zone(zone)).format("%Y-%m-%d").to_string();
        FormState::of([
            ("digest", if self.is_weekly { "weekly" } else { "daily" }.to_owned()),
            ("digest_hour", self.digest_hour.to_string()),
            ("digest_weekday", self.digest_weekday.to_string()),
            ("quiet_from", clock(self.quiet.map(|(from, _)| from))),
            ("quiet_until", clock(self.quiet.map(|(_, until)| until))),
            ("paused_until", self.paused_until.map(day).unwrap_or_default()),
            ("ntfy_topic", self.ntfy_topic.clone().unwrap_or_default()),
        ])
    }
}

/// Saves the form.
pub async fn save(by: User, form: Form<TimesForm>) -> Result<Response> {
    let stored = store::stored(by.db(), by.me().id()).await?;
    let times = match Times::parse(&form, &stored.zone, by.now()) {
        Ok(times) => times,
        Err(invalid) => {
            let state = form.refused(&invalid);
            return by.page_again(&pages::page(&by, stored, None, Some(state), "").await?).await;
        }
    };
    let mut tx = by.begin().await?;
    tx.housekeeping();
    store::save_times(&mut tx, by.me().id(), &times).await?;
    tx.commit().await?;
    by.see("/notifications/settings", Flash::done("Times saved")).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> TimesForm {
        let some = str::to_owned;
        TimesForm { digest: some("weekly"), digest_hour: some("17"), digest_weekday: some("5"), ..TimesForm::default() }
    }

    #[test]
    fn the_form_comes_back_as_it_was_saved() {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        let sent = TimesForm {
            quiet_from: "22:00".to_owned(),
            quiet_until: "07:30".to_owned(),
            paused_until: "2026-12-24".to_owned(),
            ntfy_topic: " ana_1 ".to_owned(),
            ..form()
        };
        let times = Times::parse(&sent, "Europe/Berlin", now).unwrap();
        assert_eq!(times.quiet, Some((1320, 450)));
        assert_eq!(times.paused_until, Some("2026-12-23T23:00:00Z".parse().unwrap()));
        let shown = times.form("Europe/Berlin");
        let value = |name: &str| shown.value(name).to_owned();
        assert_eq!((value("quiet_until"), value("paused_until")), ("07:30".to_owned(), "2026-12-24".to_owned()));
        assert_eq!((value("digest"), value("ntfy_topic")), ("weekly".to_owned(), "ana_1".to_owned()));
    }

    #[test]
    fn what_cannot_be_is_named() {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        let refused = |form: TimesForm| {
            let bad = Times::parse(&form, "UTC", now).unwrap_err();
            bad.iter().map(|(field, _)| field.to_owned()).collect::<Vec<_>>()
        };
        let some = str::to_owned;
        assert_eq!(refused(TimesForm { quiet_from: some("22:00"), ..form() }), ["quiet_until"]);
        assert_eq!(
            refused(TimesForm { quiet_from: some("22:00"), quiet_until: some("22:00"), ..form() }),
            ["quiet_until"]
        );
        assert_eq!(refused(TimesForm { paused_until: some("2026-11-23"), ..form() }), ["paused_until"]);
        assert_eq!(refused(TimesForm { digest_hour: some("24"), ..form() }), ["digest_hour"]);
        assert_eq!(refused(TimesForm { ntfy_topic: some("a b"), ..form() }), ["ntfy_topic"]);
    }
}
