//! Time and fresh ids, handed in so that tests can hold them still.

use chrono::{DateTime, TimeZone, Utc};

use crate::ids::RunId;

/// Where the time comes from.
pub trait Clock: std::fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> DateTime<Utc>;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that all others take the time from"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// Where fresh ids come from.
pub trait IdSource: std::fmt::Debug + Send + Sync + 'static {
    /// An id that was never given before.
    fn uuid(&self) -> uuid::Uuid;

    /// The id of a new run.
    fn run_id(&self) -> RunId {
        RunId::from(self.uuid().to_string())
    }

    /// The last part of the key of a process's captured output: eight lower-case letters, as
    /// Dagster makes them.
    fn log_file_key(&self) -> String {
        let bytes = self.uuid().into_bytes();
        // The first and last bytes of a random UUID are random; the middle holds its version.
        bytes[..4].iter().chain(&bytes[12..]).map(|byte| char::from(b'a' + byte % 26)).collect()
    }
}

/// Random ids.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the source that all others take ids from"
    )]
    fn uuid(&self) -> uuid::Uuid {
        uuid::Uuid::new_v4()
    }
}

/// Seconds since 1970 with microseconds, as events carry their time.
pub fn timestamp_of(time: DateTime<Utc>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of today need 51 of the 52 bits")]
    let micros = time.timestamp_micros() as f64;
    micros / 1e6
}

/// The time of seconds since 1970, rounded to microseconds as Python rounds it; `None` if it is
/// outside of the calendar.
pub fn datetime_of(timestamp: f64) -> Option<DateTime<Utc>> {
    if !timestamp.is_finite() {
        return None;
    }
    let whole = timestamp.floor();
    let micros = ((timestamp - whole) * 1e6).round_ties_even();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the cast saturates, and the calendar refuses what it cannot hold"
    )]
    let (whole, micros) = (whole as i64, micros as i64);
    Utc.timestamp_micros(whole.checked_mul(1_000_000)?.checked_add(micros)?).single()
}

#[cfg(test)]
mod tests {
    use super::{IdSource, datetime_of, timestamp_of};

    #[test]
    fn timestamps_round_as_python_does() {
        let time = datetime_of(1_795_305_541.063_141_8).map(|time| time.to_string());
        assert_eq!(time.as_deref(), Some("2026-11-21 23:59:01.063142 UTC"));
        assert_eq!(datetime_of(1.5).map(timestamp_of), Some(1.5));
        assert_eq!(datetime_of(f64::NAN), None);
        assert_eq!(datetime_of(1e300), None);
    }

    #[test]
    fn file_keys_are_eight_letters() {
        #[derive(Debug)]
        struct Fixed;
        impl IdSource for Fixed {
            fn uuid(&self) -> uuid::Uuid {
                uuid::Uuid::from_u128(0x0102_0304_0000_4000_8000_0000_1a1b_1c1d)
            }
        }
        assert_eq!(Fixed.log_file_key(), "bcdeabcd");
    }
}
