//! When a failed delivery is tried again.

use chrono::TimeDelta;

use crate::tokens;

/// How the waits grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// The producer's first wait, doubling up to an hour, a tenth up or down.
    Producer,
    /// Ten tries over about 75 hours, a fifth up or down (decisions 5).
    Standard,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;

/// After the first try, the second, and so on.
const WAITS: [i64; 9] = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

impl Schedule {
    /// Tries of the standard schedule.
    pub const STANDARD_TRIES: i64 = 10;

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Producer => "producer",
            Self::Standard => "standard",
        }
    }

    pub(super) fn parse(name: &str) -> Self {
        if name == "standard" { Self::Standard } else { Self::Producer }
    }

    /// The wait after a failed try, counted from 1. What the other side asks for wins when it is longer, up
    /// to an hour for producers and a day for endpoints.
    pub(super) fn wait(self, attempt: i64, backoff: i64, asked: Option<i64>) -> TimeDelta {
        let index = usize::try_from(attempt - 1).unwrap_or(0);
        let (seconds, percent, most) = match self {
            Self::Producer => ((backoff << attempt.clamp(1, 12)) / 2, 10, HOUR),
            Self::Standard => (WAITS.get(index).copied().unwrap_or(24 * HOUR), 20, 24 * HOUR),
        };
        let own = jittered(seconds.min(most), percent);
        own.max(TimeDelta::seconds(asked.unwrap_or(0).clamp(0, most)))
    }
}

/// So many percent up or down, so that what failed together does not come back together.
fn jittered(seconds: i64, percent: i64) -> TimeDelta {
    let random = i64::from_str_radix(&tokens::random_hex(3), 16).unwrap_or(0) % 2001 - 1000;
    TimeDelta::milliseconds(seconds * 1000 + seconds * percent * random / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(wait: TimeDelta, seconds: i64, percent: i64) -> bool {
        let (ms, around) = (wait.num_milliseconds(), seconds * 1000);
        (ms - around).abs() <= around * percent / 100
    }

    #[test]
    fn producers_double_up_to_an_hour() {
        for (attempt, backoff, seconds) in
            [(1, 300, 300), (2, 300, 600), (3, 300, 1200), (3, 3000, 3600), (20, 1, 2048)]
        {
            for _ in 0..50 {
                let wait = Schedule::Producer.wait(attempt, backoff, None);
                assert!(within(wait, seconds, 10), "{attempt}, {backoff}: {wait}");
            }
        }
    }

    #[test]
    fn endpoints_get_ten_tries_over_three_days() {
        let total: i64 = (1..10).map(|n| Schedule::Standard.wait(n, 300, None).num_seconds()).sum();
        assert!((60 * HOUR..=91 * HOUR).contains(&total), "{total}");
        for (attempt, seconds) in [(1, 5), (2, 300), (9, 86_400)] {
            assert!(within(Schedule::Standard.wait(attempt, 300, None), seconds, 20));
        }
    }

    #[test]
    fn what_the_other_side_asks_for_is_heeded_within_reason() {
        assert_eq!(Schedule::Producer.wait(1, 10, Some(900)), TimeDelta::seconds(900));
        assert_eq!(Schedule::Producer.wait(1, 10, Some(90_000)), TimeDelta::seconds(3600));
        assert_eq!(Schedule::Standard.wait(1, 10, Some(90_000)), TimeDelta::seconds(86_400));
        assert!(within(Schedule::Producer.wait(1, 300, Some(1)), 300, 10));
        assert!(within(Schedule::Producer.wait(1, 300, Some(-5)), 300, 10));
    }
}
