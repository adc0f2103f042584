//! Cron expressions (automation 2.3): five fields, one meaning of weekdays, and a plain rule for the days
//! on which clocks change. Written here because these rules are exact and short.

use chrono::{DateTime, Datelike as _, Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

/// An expression that does not fire within this many days never does.
const FIVE_YEARS: u64 = 5 * 366;

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// One field: the values it admits as bits, and whether it admits every day or hour by being `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Bit n is set when n fits.
    pub bits: u64,
    /// Written as `*`, or as `*/1`.
    pub is_any: bool,
    max: u32,
}

impl Field {
    /// A field that admits nothing.
    pub const fn nothing() -> Self {
        Self { bits: 0, is_any: false, max: 0 }
    }

    /// True when the value fits.
    pub fn has(self, value: u32) -> bool {
        self.bits & (1 << value) != 0
    }

    /// The values that fit, ascending.
    pub fn values(self) -> impl Iterator<Item = u32> {
        (0..=self.max).filter(move |value| self.has(*value))
    }
}

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    /// 0 to 59.
    pub minute: Field,
    /// 0 to 23.
    pub hour: Field,
    /// 1 to 31.
    pub day: Field,
    /// 1 to 12.
    pub month: Field,
    /// 0 to 6 from Sunday.
    pub weekday: Field,
}

/// What is wrong with an expression, as a sentence.
pub type Wrong = String;

struct Rule {
    what: &'static str,
    min: u32,
    max: u32,
    names: &'static [&'static str],
    /// Number of the first name.
    first: u32,
}

const RULES: [Rule; 5] = [
    Rule { what: "minute", min: 0, max: 59, names: &[], first: 0 },
    Rule { what: "hour", min: 0, max: 23, names: &[], first: 0 },
    Rule { what: "day of month", min: 1, max: 31, names: &[], first: 0 },
    Rule { what: "month", min: 1, max: 12, names: &MONTHS, first: 1 },
    Rule { what: "weekday", min: 0, max: 7, names: &WEEKDAYS, first: 0 },
];

impl Rule {
    fn wrong(&self, text: &str) -> Wrong {
        format!("“{text}” is not a {}: use {} to {}, lists, ranges or steps", self.what, self.min, self.max)
    }

    fn number(&self, text: &str) -> Result<u32, Wrong> {
        if let Some(index) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Ok(self.first + u32::try_from(index).unwrap_or(0));
        }
        let is_number = !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
        let value = text.parse().ok().filter(|value| is_number && (self.min..=self.max).contains(value));
        value.ok_or_else(|| self.wrong(text))
    }

    fn field(&self, text: &str) -> Result<Field, Wrong> {
        let (mut bits, mut is_any) = (0, false);
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, self.step(step, part)?),
                None => (part, 1),
            };
            let (from, to) = match range.split_once('-') {
                Some((from, to)) => (self.number(from)?, self.number(to)?),
                None if range == "*" => (self.min, self.max),
                None if part.contains('/') => (self.number(range)?, self.max),
                None => (self.number(range)?, self.number(range)?),
            };
            if from > to {
                return Err(self.wrong(part));
            }
            is_any |= range == "*" && step == 1;
            bits |= (from..=to).step_by(step).fold(0, |bits, value| bits | (1_u64 << value));
        }
        Ok(Field { bits, is_any, max: self.max })
    }

    fn step(&self, text: &str, part: &str) -> Result<usize, Wrong> {
        let is_number = !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|step| is_number && *step > 0).ok_or_else(|| self.wrong(part))
    }
}

/// The five fields behind a macro.
fn expand(text: &str) -> &str {
    match text.to_ascii_lowercase().as_str() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        _ => text,
    }
}

impl Cron {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let text = expand(text.trim());
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err("Write five fields: minute, hour, day of month, month, weekday".to_owned());
        };
        let mut weekday = RULES[4].field(weekday)?;
        if weekday.has(7) {
            weekday.bits |= 1;
        }
        weekday.bits &= 0x7f;
        weekday.max = 6;
        Ok(Self {
            minute: RULES[0].field(minute)?,
            hour: RULES[1].field(hour)?,
            day: RULES[2].field(day)?,
            month: RULES[3].field(month)?,
            weekday,
        })
    }

    /// Reads an expression that must fire within five years of `now`.
    pub fn parse_firing(text: &str, zone: Tz, now: DateTime<Utc>) -> Result<Self, Wrong> {
        let cron = Self::parse(text)?;
        match cron.next_after(now, zone) {
            Some(_) => Ok(cron),
            None => Err("This never happens: no such day within five years".to_owned()),
        }
    }

    /// Both days restricted: either is enough.
    fn fits(&self, date: NaiveDate) -> bool {
        let day = self.day.has(date.day());
        let weekday = self.weekday.has(date.weekday().num_days_from_sunday());
        let days = match (self.day.is_any, self.weekday.is_any) {
            (false, false) => day || weekday,
            _ => day && weekday,
        };
        days && self.month.has(date.month())
    }

    /// The instants that belong to a local day, ascending.
    ///
    /// Fixed hours: a time that the clocks skip becomes the first instant after the gap, and a time that
    /// they repeat counts once, at the first. Every hour: what counts is the time that passes, so skipped
    /// minutes fall away and repeated ones count twice.
    fn instants(&self, date: NaiveDate, zone: Tz) -> Vec<DateTime<Utc>> {
        if !self.fits(date) {
            return Vec::new();
        }
        let mut all = Vec::new();
        for hour in self.hour.values() {
            for minute in self.minute.values() {
                let Some(local) = date.and_hms_opt(hour, minute, 0) else { continue };
                match zone.from_local_datetime(&local) {
                    LocalResult::Single(at) => all.push(at.to_utc()),
                    LocalResult::Ambiguous(first, second) => {
                        all.push(first.to_utc());
                        if self.hour.is_any {
                            all.push(second.to_utc());
                        }
                    }
                    LocalResult::None if self.hour.is_any => {}
                    LocalResult::None => all.extend(after_gap(local, zone)),
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The first occurrence on a local day.
    pub fn first_on(&self, date: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
        self.instants(date, zone).into_iter().next()
    }

    /// The first occurrence later than `after`; none when there is none within five years.
    pub fn next_after(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        // A gap may carry a time into the next day.
        let start = after.with_timezone(&zone).date_naive().checked_sub_days(Days::new(1))?;
        let days = (0..=FIVE_YEARS + 1).map_while(|n| start.checked_add_days(Days::new(n)));
        days.flat_map(|day| self.instants(day, zone)).find(|at| *at > after)
    }

    /// The last occurrence not later than `until`; none when there is none within five years.
    pub fn last_until(&self, until: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let start = until.with_timezone(&zone).date_naive().checked_add_days(Days::new(1))?;
        let days = (0..=FIVE_YEARS + 1).map_while(|n| start.checked_sub_days(Days::new(n)));
        days.flat_map(|day| self.instants(day, zone).into_iter().rev()).find(|at| *at <= until)
    }
}

/// The first instant after the gap that `local` lies in. Gaps are whole quarters of an hour, up to a day.
fn after_gap(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let quarter = local.and_utc().timestamp().div_euclid(900) * 900;
    (1..=96).find_map(|n| {
        let later = DateTime::from_timestamp(quarter, 0)?.naive_utc() + TimeDelta::minutes(15 * n);
        zone.from_local_datetime(&later).earliest().map(|at| at.to_utc())
    })
}

/// A zone by its IANA name.
pub fn parse_zone(name: &str) -> Result<Tz, &'static str> {
    name.trim().parse().map_err(|_| "Choose a time zone such as Europe/London")
}

#[cfg(test)]
mod tests;
