//! An expression in plain words: "Every day at 02:00".

use super::cron::{Cron, Field};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Times a day that are still listed one by one.
const LISTED: usize = 4;

/// The expression as a sentence without a full stop.
pub fn describe(cron: &Cron) -> String {
    let mut text = times(cron);
    let days = days(cron);
    let every_day = days.is_empty() && cron.month.is_any;
    if text.starts_with("at ") {
        let lead = if days.is_empty() { "every day".to_owned() } else { days };
        text = format!("{lead} {text}");
    } else if !every_day && !days.is_empty() {
        text = format!("{text}, {days}");
    }
    if !cron.month.is_any {
        text = format!("{text} in {}", listed(&names(cron.month, &MONTHS, 1)));
    }
    capital(&text)
}

/// `at 02:00 and 14:00`, `every 15 minutes`, `every hour at minute 5`, `every 10 minutes from 08:00 to 17:59`.
fn times(cron: &Cron) -> String {
    let minutes: Vec<u32> = cron.minute.values().collect();
    let hours: Vec<u32> = cron.hour.values().collect();
    if minutes.len() * hours.len() <= LISTED {
        let all: Vec<String> =
            hours.iter().flat_map(|h| minutes.iter().map(move |m| format!("{h:02}:{m:02}"))).collect();
        return format!("at {}", listed(&all));
    }
    let within = if cron.hour.is_any { String::new() } else { format!(" {}", spans(&hours)) };
    match (minutes.as_slice(), every(&minutes, 60)) {
        (_, Some(1)) => format!("every minute{within}"),
        (_, Some(step)) => format!("every {step} minutes{within}"),
        ([minute], None) => hourly(*minute, cron.hour, &hours),
        _ => {
            let minutes: Vec<String> = minutes.iter().map(ToString::to_string).collect();
            format!("minutes {} of {}", listed(&minutes), hours_or_each(cron.hour, &hours))
        }
    }
}

fn hourly(minute: u32, hour: Field, hours: &[u32]) -> String {
    let past = if minute == 0 { String::new() } else { format!(" at minute {minute}") };
    match every(hours, 24) {
        Some(1) if hour.is_any => format!("every hour{past}"),
        Some(step) => format!("every {step} hours{past}"),
        None => format!("every hour{past} {}", spans(hours)),
    }
}

fn hours_or_each(hour: Field, hours: &[u32]) -> String {
    if hour.is_any { "every hour".to_owned() } else { format!("the hours {}", spans(hours)) }
}

/// The step, if the values are all multiples of it from nought and it divides the whole.
fn every(values: &[u32], whole: u32) -> Option<u32> {
    let step = whole.checked_div(u32::try_from(values.len()).ok()?)?;
    let fits = whole.is_multiple_of(step)
        && values.iter().zip((0..whole).step_by(usize::try_from(step).ok()?)).all(|(a, b)| *a == b);
    (fits && values.len() > 1).then_some(step)
}

/// `from 08:00 to 17:59`, or the hours one by one.
fn spans(hours: &[u32]) -> String {
    match (hours.first(), hours.last()) {
        (Some(first), Some(last)) if usize::try_from(last - first).is_ok_and(|n| n + 1 == hours.len()) => {
            format!("from {first:02}:00 to {last:02}:59")
        }
        _ => {
            let all: Vec<String> = hours.iter().map(|hour| format!("{hour:02}")).collect();
            format!("in the hours {}", listed(&all))
        }
    }
}

fn days(cron: &Cron) -> String {
    let weekdays = || match cron.weekday.bits {
        0b011_1110 => "Monday to Friday".to_owned(),
        0b100_0001 => "Saturday and Sunday".to_owned(),
        _ => listed(&names(cron.weekday, &WEEKDAYS, 0)),
    };
    let days = || {
        let all: Vec<String> = cron.day.values().map(|day| day.to_string()).collect();
        format!("on day {} of the month", listed(&all))
    };
    match (cron.day.is_any, cron.weekday.is_any) {
        (true, true) => String::new(),
        (true, false) => weekdays(),
        (false, true) => days(),
        (false, false) => format!("{} and {}", days(), weekdays()),
    }
}

fn names(field: Field, names: &[&str], first: u32) -> Vec<String> {
    let name = |value: u32| names.get(usize::try_from(value - first).unwrap_or(0)).copied().unwrap_or_default();
    field.values().filter(|value| *value >= first).map(|value| name(value).to_owned()).collect()
}

/// `a, b and c`.
fn listed(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_read_like_sentences() {
        for (cron, words) in [
            ("0 2 * * *", "Every day at 02:00"),
            ("30 3 * * *", "Every day at 03:30"),
            ("0 9,17 * * 1-5", "Monday to Friday at 09:00 and 17:00"),
            ("0 9 * * 0", "Sunday at 09:00"),
            ("*/15 * * * *", "Every 15 minutes"),
            ("* * * * *", "Every minute"),
            ("0 * * * *", "Every hour"),
            ("5 * * * *", "Every hour at minute 5"),
            ("0 */6 * * *", "Every day at 00:00, 06:00, 12:00 and 18:00"),
            ("0 */2 * * *", "Every 2 hours"),
            ("*/10 8-17 * * 1-5", "Every 10 minutes from 08:00 to 17:59, Monday to Friday"),
            ("0 8-17 * * *", "Every hour from 08:00 to 17:59"),
            ("0 0 1 * *", "On day 1 of the month at 00:00"),
            ("0 0 1 1 *", "On day 1 of the month at 00:00 in January"),
            ("0 0 13 * 5", "On day 13 of the month and Friday at 00:00"),
            ("5,20,50 * * * *", "Minutes 5, 20 and 50 of every hour"),
        ] {
            assert_eq!(describe(&Cron::parse(cron).unwrap()), words, "{cron}");
        }
    }
}
