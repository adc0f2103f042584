//! Expressions read, refused and followed through the changes of the clock.

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn next(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let (cron, zone) = (Cron::parse(cron).unwrap(), parse_zone(zone).unwrap());
    let mut after = at(after);
    let mut all = Vec::new();
    for _ in 0..count {
        after = cron.next_after(after, zone).unwrap();
        assert_eq!(cron.last_until(after, zone), Some(after));
        assert_eq!(cron.last_until(after + TimeDelta::seconds(1), zone), Some(after));
        all.push(after.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string());
    }
    all
}

#[test]
fn fields_take_lists_ranges_steps_and_names() {
    let cron = Cron::parse("0,30 8-17/3 */10 jan-mar,DEC mon-fri").unwrap();
    assert_eq!(cron.minute.values().collect::<Vec<_>>(), [0, 30]);
    assert_eq!(cron.hour.values().collect::<Vec<_>>(), [8, 11, 14, 17]);
    assert_eq!(cron.day.values().collect::<Vec<_>>(), [1, 11, 21, 31]);
    assert_eq!(cron.month.values().collect::<Vec<_>>(), [1, 2, 3, 12]);
    assert_eq!(cron.weekday.values().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(Cron::parse("0 0 * * 7").unwrap(), Cron::parse("0 0 * * SUN").unwrap());
    assert_eq!(Cron::parse("@weekly").unwrap(), Cron::parse("0 0 * * 0").unwrap());
    assert_eq!(Cron::parse("50/5 * * * *").unwrap().minute.values().collect::<Vec<_>>(), [50, 55]);
}

#[test]
fn nonsense_is_refused() {
    for text in [
        "",
        "* * * *",
        "0 0 2 * * *",
        "61 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "5-1 * * * *",
        "a * * * *",
        "1, * * * *",
        "-1 * * * *",
        "1-2-3 * * * *",
        "1/2/3 * * * *",
        "+1 * * * *",
        "* * L * *",
        "@reboot",
    ] {
        assert!(Cron::parse(text).is_err(), "{text}");
    }
    let never = Cron::parse_firing("0 0 30 2 *", Tz::UTC, at("2026-11-23T09:00:00Z"));
    assert!(never.unwrap_err().contains("never"));
    assert!(Cron::parse_firing("0 0 29 2 *", Tz::UTC, at("2026-11-23T09:00:00Z")).is_ok());
}

#[test]
fn sunday_is_nought_everywhere() {
    let found = next("0 9 * * 0", "Australia/Brisbane", "2026-11-23T09:12:00Z", 2);
    assert_eq!(found, ["2026-11-29 09:00", "2026-12-06 09:00"]);
    assert_eq!(next("0 9 * * 1", "UTC", "2026-11-23T09:12:00Z", 1), ["2026-11-30 09:00"]);
}

#[test]
fn either_day_is_enough_when_both_are_restricted() {
    let found = next("0 0 13 * 5", "UTC", "2026-11-01T00:00:00Z", 4);
    assert_eq!(found, ["2026-11-06 00:00", "2026-11-13 00:00", "2026-11-20 00:00", "2026-11-27 00:00"]);
    assert_eq!(next("0 0 13 * *", "UTC", "2026-11-14T00:00:00Z", 1), ["2026-12-13 00:00"]);
}

#[test]
fn skipped_times_run_once_after_the_gap() {
    let found = next("30 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", 2);
    assert_eq!(found, ["2027-03-28 03:00", "2027-03-29 02:30"]);
    let found = next("0,30 2,3 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", 3);
    assert_eq!(found, ["2027-03-28 03:00", "2027-03-28 03:30", "2027-03-29 02:00"]);
    // Lord Howe Island moves by half an hour, Cairo at midnight.
    let found = next("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 1);
    assert_eq!(found, ["2026-10-04 02:30"]);
    let found = next("30 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", 2);
    assert_eq!(found, ["2026-04-24 01:00", "2026-04-25 00:30"]);
}

#[test]
fn repeated_times_run_once_at_the_first() {
    let zone = parse_zone("Europe/Berlin").unwrap();
    let cron = Cron::parse("30 2 * * *").unwrap();
    let first = cron.next_after(at("2026-10-24T12:00:00Z"), zone).unwrap();
    assert_eq!(first, at("2026-10-25T00:30:00Z"));
    assert_eq!(cron.next_after(first, zone).unwrap(), at("2026-10-26T01:30:00Z"));
}

#[test]
fn every_hour_counts_the_time_that_passes() {
    let zone = parse_zone("Europe/Berlin").unwrap();
    let cron = Cron::parse("*/30 * * * *").unwrap();
    for start in ["2026-10-24T22:00:00Z", "2027-03-27T22:00:00Z"] {
        let mut before = at(start);
        for _ in 0..20 {
            let next = cron.next_after(before, zone).unwrap();
            assert_eq!(next - before, TimeDelta::minutes(30));
            before = next;
        }
    }
}

#[test]
fn a_year_of_every_kind_never_goes_back() {
    for (text, zone) in [("*/7 1-3 * * *", "America/New_York"), ("0 0 31 * *", "Pacific/Apia"), ("1 * * * 1", "UTC")] {
        let (cron, zone) = (Cron::parse(text).unwrap(), parse_zone(zone).unwrap());
        let mut last = at("2026-01-01T00:00:00Z");
        for _ in 0..300 {
            let next = cron.next_after(last, zone).unwrap();
            assert!(next > last && cron.last_until(next, zone) == Some(next), "{text} {next}");
            last = next;
        }
    }
}
