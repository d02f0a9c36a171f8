//! Times as Dagster stores them: seconds since 1970, in a float.
//!
//! Not here: where the time comes from.

use chrono::{DateTime, TimeZone, Utc};

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
    use super::{datetime_of, timestamp_of};

    #[test]
    fn timestamps_round_as_python_does() {
        let time = datetime_of(1_795_305_541.063_141_8).map(|time| time.to_string());
        assert_eq!(time.as_deref(), Some("2026-11-21 23:59:01.063142 UTC"));
        assert_eq!(datetime_of(1.5).map(timestamp_of), Some(1.5));
        assert_eq!(datetime_of(f64::NAN), None);
        assert_eq!(datetime_of(1e300), None);
    }
}
