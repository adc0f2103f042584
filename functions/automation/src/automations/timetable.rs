//! When a scheduled automation runs (automation 3.2): a cron expression, or a cadence that keeps the
//! minute, time, weekday or day on which it was switched on. Nothing drifts, because each time is reckoned
//! from the planned one.

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;

use crate::scheduler::cron::Cron;

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cadence {
    /// The same minute of every hour.
    Hourly,
    /// The same time of every day.
    Daily,
    /// The same weekday and time.
    Weekly,
    /// The same day of the month, the last one where it is shorter.
    Monthly,
}

impl Cadence {
    /// By its stored name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "hourly" => Self::Hourly,
            "daily" => Self::Daily,
            "weekly" => Self::Weekly,
            "monthly" => Self::Monthly,
            _ => return None,
        })
    }

    /// `Every day at 09:12`.
    pub fn words(self, anchor: DateTime<Utc>, zone: Tz) -> String {
        let at = anchor.with_timezone(&zone);
        match self {
            Self::Hourly => format!("Every hour at minute {}", at.minute()),
            Self::Daily => format!("Every day at {}", at.format("%H:%M")),
            Self::Weekly => format!("Every {} at {}", at.format("%A"), at.format("%H:%M")),
            Self::Monthly => format!("On day {} of every month at {}", at.day(), at.format("%H:%M")),
        }
    }
}

/// The times of an automation.
#[derive(Debug, Clone)]
pub enum Timetable {
    /// By an expression.
    Cron(Cron, Tz),
    /// By a cadence from an instant on.
    Cadence(Cadence, DateTime<Utc>, Tz),
}

impl Timetable {
    /// The first time later than `after`.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Cron(cron, zone) => cron.next_after(after, *zone),
            Self::Cadence(Cadence::Hourly, anchor, _) => Some(hourly(*anchor, after) + TimeDelta::hours(1)),
            Self::Cadence(Cadence::Monthly, anchor, zone) => {
                let start = after.with_timezone(zone).date_naive();
                (-1..=13).filter_map(|n| in_month(*anchor, *zone, start, n)).find(|at| *at > after)
            }
            Self::Cadence(cadence, anchor, zone) => as_cron(*cadence, *anchor, *zone)?.next_after(after, *zone),
        }
    }

    /// The last time not later than `until`.
    pub fn last_until(&self, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Cron(cron, zone) => cron.last_until(until, *zone),
            Self::Cadence(Cadence::Hourly, anchor, _) => Some(hourly(*anchor, until)),
            Self::Cadence(Cadence::Monthly, anchor, zone) => {
                let start = until.with_timezone(zone).date_naive();
                (-13..=1).rev().filter_map(|n| in_month(*anchor, *zone, start, n)).find(|at| *at <= until)
            }
            Self::Cadence(cadence, anchor, zone) => as_cron(*cadence, *anchor, *zone)?.last_until(until, *zone),
        }
    }
}

/// The last full hour since the anchor's minute.
fn hourly(anchor: DateTime<Utc>, until: DateTime<Utc>) -> DateTime<Utc> {
    let anchor = anchor
        - TimeDelta::nanoseconds(i64::from(anchor.nanosecond()))
        - TimeDelta::seconds(i64::from(anchor.second()));
    anchor + TimeDelta::hours((until - anchor).num_seconds().div_euclid(3600))
}

fn as_cron(cadence: Cadence, anchor: DateTime<Utc>, zone: Tz) -> Option<Cron> {
    let at = anchor.with_timezone(&zone);
    let weekday = match cadence {
        Cadence::Weekly => at.weekday().num_days_from_sunday().to_string(),
        _ => "*".to_owned(),
    };
    Cron::parse(&format!("{} {} * * {weekday}", at.minute(), at.hour())).ok()
}

/// The time in the month `offset` months from `start`.
fn in_month(anchor: DateTime<Utc>, zone: Tz, start: NaiveDate, offset: i32) -> Option<DateTime<Utc>> {
    let month = start.year() * 12 + i32::try_from(start.month0()).ok()? + offset;
    let first = NaiveDate::from_ymd_opt(month.div_euclid(12), u32::try_from(month.rem_euclid(12)).ok()? + 1, 1)?;
    let at = anchor.with_timezone(&zone);
    let date = (28..=at.day().max(28)).rev().find_map(|day| first.with_day(day.min(at.day())))?;
    as_cron(Cadence::Daily, anchor, zone)?.first_on(date, zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cadence: Cadence, anchor: &str, zone: Tz, count: usize) -> Vec<String> {
        let anchor: DateTime<Utc> = anchor.parse().unwrap();
        let timetable = Timetable::Cadence(cadence, anchor, zone);
        let mut after = anchor;
        let mut all = Vec::new();
        for _ in 0..count {
            let next = timetable.next_after(after).unwrap();
            assert_eq!(timetable.last_until(next), Some(next));
            assert_eq!(timetable.last_until(next - TimeDelta::seconds(1)).map(|at| at < next), Some(true));
            after = next;
            all.push(next.with_timezone(&zone).format("%m-%d %H:%M").to_string());
        }
        all
    }

    #[test]
    fn a_month_is_a_calendar_month() {
        let found = times(Cadence::Monthly, "2027-01-31T09:00:20Z", Tz::UTC, 4);
        assert_eq!(found, ["02-28 09:00", "03-31 09:00", "04-30 09:00", "05-31 09:00"]);
        assert_eq!(times(Cadence::Monthly, "2028-01-31T09:00:00Z", Tz::UTC, 2), ["02-29 09:00", "03-31 09:00"]);
        assert_eq!(times(Cadence::Monthly, "2026-11-05T09:00:00Z", Tz::UTC, 2), ["12-05 09:00", "01-05 09:00"]);
    }

    #[test]
    fn cadences_keep_the_local_time() {
        let berlin = Tz::Europe__Berlin;
        let found = times(Cadence::Daily, "2027-03-26T08:30:00Z", berlin, 3);
        assert_eq!(found, ["03-27 09:30", "03-28 09:30", "03-29 09:30"]);
        assert_eq!(times(Cadence::Weekly, "2026-11-23T08:30:00Z", berlin, 2), ["11-30 09:30", "12-07 09:30"]);
        assert_eq!(times(Cadence::Hourly, "2026-11-23T08:30:59Z", berlin, 2), ["11-23 10:30", "11-23 11:30"]);
    }
}
