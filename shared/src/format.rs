//! Dates, numbers and names as people read them (interface 8).

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// "240 KB", with a thin space.
pub fn file_size(bytes: i64) -> String {
    const STEPS: [(&str, i64); 3] = [("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)];
    for (unit, size) in STEPS {
        if bytes >= size {
            let tenths = bytes.saturating_mul(10) / size;
            let text = if tenths >= 100 || tenths % 10 == 0 { (tenths / 10).to_string() } else { tenths_text(tenths) };
            return format!("{text}\u{2009}{unit}");
        }
    }
    format!("{bytes}\u{2009}bytes")
}

fn tenths_text(tenths: i64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The zone of a name; UTC when it is unknown.
pub fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}

/// "23 Nov 2026, 09:12".
pub fn date_time(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%-d %b %Y, %H:%M").to_string()
}

/// "23 Nov 2026".
pub fn day(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%-d %b %Y").to_string()
}

/// "2 h ago" within 7 days, the day after that.
pub fn ago(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let age = now - at;
    if age >= TimeDelta::days(7) || age <= TimeDelta::days(-7) {
        return day(at, zone);
    }
    let (size, is_past) = (age.abs(), age >= TimeDelta::zero());
    let words = if size < TimeDelta::minutes(1) {
        return "just now".to_owned();
    } else if size < TimeDelta::hours(1) {
        format!("{}\u{2009}min", size.num_minutes())
    } else if size < TimeDelta::days(1) {
        format!("{}\u{2009}h", size.num_hours())
    } else {
        plural(size.num_days(), "day")
    };
    if is_past { format!("{words} ago") } else { format!("in {words}") }
}

/// "1 ticket", "3 tickets".
pub fn plural(count: i64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(count))
}

/// "12,345".
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if number < 0 { format!("-{out}") } else { out }
}

/// A waiting time in words: "40 seconds", "3 minutes".
pub fn wait(seconds: i64) -> String {
    if seconds < 90 { plural(seconds.max(1), "second") } else { plural((seconds + 59) / 60, "minute") }
}

/// At most two letters of a name.
pub fn initials(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    let first = words.first().and_then(|w| w.chars().next());
    let last = if words.len() > 1 { words.last().and_then(|w| w.chars().next()) } else { None };
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_numbers_read_well() {
        assert_eq!(file_size(512), "512\u{2009}bytes");
        assert_eq!(file_size(1536), "1.5\u{2009}KB");
        assert_eq!(file_size(245_760), "240\u{2009}KB");
        assert_eq!(file_size(15_728_640), "15\u{2009}MB");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(plural(1, "ticket"), "1 ticket");
        assert_eq!(initials("Ana de la Ruiz"), "AR");
    }

    #[test]
    fn ages_turn_into_days_after_a_week() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        assert_eq!(ago(now - TimeDelta::seconds(20), now, Tz::UTC), "just now");
        assert_eq!(ago(now - TimeDelta::hours(2), now, Tz::UTC), "2\u{2009}h ago");
        assert_eq!(ago(now + TimeDelta::minutes(4), now, Tz::UTC), "in 4\u{2009}min");
        assert_eq!(ago(now - TimeDelta::days(8), now, Tz::UTC), "7 Jan 2027");
    }
}
