//! When somebody wants to be reached: quiet hours, pauses and the hour of the digest, in their own zone.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;

/// A local time of day as an instant. Where clocks are put forward over it, the hour after it counts.
pub fn at_local(day: NaiveDate, minutes: i64, zone: Tz) -> Option<DateTime<Utc>> {
    let minutes = u32::try_from(minutes).ok()?;
    let time = NaiveTime::from_hms_opt(minutes / 60, minutes % 60, 0)?;
    let local = day.and_time(time);
    let found = local.and_local_timezone(zone);
    let found = found.earliest().or_else(|| (local + TimeDelta::hours(1)).and_local_timezone(zone).earliest());
    found.map(|at| at.with_timezone(&Utc))
}

/// The end of the quiet hours that hold now; none outside them.
pub fn quiet_until(now: DateTime<Utc>, zone: Tz, from: i64, until: i64) -> Option<DateTime<Utc>> {
    let local = now.with_timezone(&zone);
    let minute = i64::from(local.hour() * 60 + local.minute());
    let (today, tomorrow) = (local.date_naive(), local.date_naive().checked_add_days(Days::new(1))?);
    if from == until {
        return None;
    }
    if from < until {
        return if (from..until).contains(&minute) { at_local(today, until, zone) } else { None };
    }
    // Over midnight.
    if minute >= from {
        at_local(tomorrow, until, zone)
    } else if minute < until {
        at_local(today, until, zone)
    } else {
        None
    }
}

/// The next time that a digest of this hour is due; weekly ones on this day, 1 for Monday.
pub fn next_digest(now: DateTime<Utc>, zone: Tz, hour: i64, weekday: Option<i64>) -> Option<DateTime<Utc>> {
    let today = now.with_timezone(&zone).date_naive();
    (0..=8).find_map(|days| {
        let day = today.checked_add_days(Days::new(days))?;
        if weekday.is_some_and(|wanted| i64::from(day.weekday().number_from_monday()) != wanted) {
            return None;
        }
        at_local(day, hour.clamp(0, 23) * 60, zone).filter(|at| *at > now)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    const LONDON: Tz = Tz::Europe__London;

    #[test]
    fn quiet_hours_end_at_their_end_also_over_midnight() {
        let night = |now: &str| quiet_until(at(now), LONDON, 22 * 60, 7 * 60);
        assert_eq!(night("2026-11-23T21:59:00Z"), None);
        assert_eq!(night("2026-11-23T22:00:00Z"), Some(at("2026-11-24T07:00:00Z")));
        assert_eq!(night("2026-11-24T06:59:00Z"), Some(at("2026-11-24T07:00:00Z")));
        assert_eq!(night("2026-11-24T07:00:00Z"), None);
        // British summer time.
        assert_eq!(night("2026-07-01T21:30:00Z"), Some(at("2026-07-02T06:00:00Z")));
        let lunch = |now: &str| quiet_until(at(now), LONDON, 12 * 60, 13 * 60 + 30);
        assert_eq!(lunch("2026-11-23T12:10:00Z"), Some(at("2026-11-23T13:30:00Z")));
        assert_eq!(lunch("2026-11-23T13:30:00Z"), None);
        assert_eq!(quiet_until(at("2026-11-23T12:10:00Z"), LONDON, 60, 60), None);
    }

    #[test]
    fn the_hour_that_clocks_skip_becomes_the_next() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 29).unwrap();
        assert_eq!(at_local(day, 90, LONDON), Some(at("2026-03-29T01:30:00Z")));
    }

    #[test]
    fn digests_come_at_the_chosen_hour_and_day() {
        let next = |now: &str, day| next_digest(at(now), LONDON, 8, day);
        assert_eq!(next("2026-11-23T07:59:00Z", None), Some(at("2026-11-23T08:00:00Z")));
        assert_eq!(next("2026-11-23T08:00:00Z", None), Some(at("2026-11-24T08:00:00Z")));
        // The 23rd is a Monday.
        assert_eq!(next("2026-11-23T08:00:00Z", Some(1)), Some(at("2026-11-30T08:00:00Z")));
        assert_eq!(next("2026-11-23T08:00:00Z", Some(3)), Some(at("2026-11-25T08:00:00Z")));
        assert_eq!(next("2026-07-01T06:00:00Z", None), Some(at("2026-07-01T07:00:00Z")));
    }
}
