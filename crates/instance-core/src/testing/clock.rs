//! A clock that stands still and ids that count, for tests that name times and ids.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::{Clock, IdSource};

/// A clock that stands still until it is told to go on.
#[derive(Debug)]
pub struct ManualClock(Mutex<DateTime<Utc>>);

impl ManualClock {
    /// A clock that stands at a time.
    pub const fn at(time: DateTime<Utc>) -> Self {
        Self(Mutex::new(time))
    }

    /// Lets so much time pass; a negative one takes the clock back. At the end of the calendar it stands still.
    pub fn advance(&self, by: TimeDelta) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.checked_add_signed(by).unwrap_or(*now);
    }
}

impl Default for ManualClock {
    /// A clock that stands at 1,700,000,000.25 seconds since 1970, which is 2023-11-14 22:13:20.25. Code that loses
    /// fractions of seconds is found out, and floats have this time exactly.
    fn default() -> Self {
        Self::at(DateTime::from_timestamp(1_700_000_000, 250_000_000).unwrap_or_default())
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids that count: `00000000-0000-0000-0000-000000000001` and so on, in hexadecimal.
#[derive(Debug)]
pub struct SequentialIds(AtomicU64);

impl SequentialIds {
    /// Ids of which this number is the first.
    pub const fn from(first: u64) -> Self {
        Self(AtomicU64::new(first))
    }
}

impl Default for SequentialIds {
    /// Ids that count from one.
    fn default() -> Self {
        Self::from(1)
    }
}

impl IdSource for SequentialIds {
    fn uuid(&self) -> uuid::Uuid {
        uuid::Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::{ManualClock, SequentialIds};
    use crate::clock::{Clock, IdSource};

    #[test]
    fn a_clock_goes_on_when_it_is_told_to() {
        let clock = ManualClock::default();
        assert_eq!(clock.now(), clock.now());
        clock.advance(TimeDelta::milliseconds(1_500));
        assert_eq!(clock.now().to_string(), "2023-11-14 22:13:21.750 UTC");
        clock.advance(TimeDelta::MAX);
        clock.advance(TimeDelta::seconds(-1));
        assert_eq!(clock.now().to_string(), "2023-11-14 22:13:20.750 UTC");
    }

    #[test]
    fn ids_count() {
        let ids = SequentialIds::from(9);
        assert_eq!(ids.run_id().as_str(), "00000000-0000-0000-0000-000000000009");
        assert_eq!(ids.run_id().as_str(), "00000000-0000-0000-0000-00000000000a");
        assert_eq!(SequentialIds::default().uuid().as_u128(), 1);
    }
}
