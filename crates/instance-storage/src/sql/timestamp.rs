//! Timestamps as text: SQLite compares them as such, so the format is exactly Dagster's.

use chrono::{DateTime, NaiveDateTime, Utc};

const FORMAT: &str = "%Y-%m-%d %H:%M:%S%.6f";

/// The text of a time: naive UTC with six digits of a second, always.
pub(crate) fn to_text(time: DateTime<Utc>) -> String {
    time.naive_utc().format(FORMAT).to_string()
}

/// The time of a text; with or without a fraction, as the database's own defaults have none.
pub(crate) fn from_text(text: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok().map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::{from_text, to_text};

    #[test]
    fn texts_of_dagster_and_of_sqlite_are_read() {
        for (text, again) in [
            ("2026-11-21 23:59:00.970100", "2026-11-21 23:59:00.970100"),
            ("2026-11-21 23:59:00", "2026-11-21 23:59:00.000000"),
        ] {
            assert_eq!(from_text(text).map(to_text).as_deref(), Some(again));
        }
        assert_eq!(from_text("yesterday"), None);
    }
}
