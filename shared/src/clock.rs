//! The only source of the current time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};

/// The current time, cut to microseconds, because MySQL keeps no more and equality must hold.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's time.
    #[default]
    Machine,
    /// A time that moves only when told to, in microseconds since 1970.
    Frozen(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn frozen(at: DateTime<Utc>) -> Self {
        Self::Frozen(Arc::new(AtomicI64::new(at.timestamp_micros())))
    }

    /// Moves a frozen clock.
    pub fn advance(&self, by: TimeDelta) {
        if let Self::Frozen(micros) = self {
            micros.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::SeqCst);
        }
    }

    /// Now, in UTC.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::Machine => {
                let now = Utc::now();
                now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
            }
            Self::Frozen(micros) => DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or_default(),
        }
    }
}
