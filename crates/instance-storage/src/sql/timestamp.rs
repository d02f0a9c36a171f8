//! Timestamps as text. SQLite compares them as text, so the format is exactly Dagster's.

use std::sync::LazyLock;

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, Utc};

/// Naive UTC with six digits of a second, always.
static WRITTEN: LazyLock<Vec<Item<'static>>> = LazyLock::new(|| items("%Y-%m-%d %H:%M:%S%.6f"));

/// With or without a fraction, as the database's own defaults have none.
static READ: LazyLock<Vec<Item<'static>>> = LazyLock::new(|| items("%Y-%m-%d %H:%M:%S%.f"));

/// A format taken apart once: that takes longer than to write or read a time by it.
fn items(format: &'static str) -> Vec<Item<'static>> {
    StrftimeItems::new(format).collect()
}

/// The text of a time.
pub(crate) fn to_text(time: DateTime<Utc>) -> String {
    time.naive_utc().format_with_items(WRITTEN.iter()).to_string()
}

/// The time of a text.
pub(crate) fn from_text(text: &str) -> Option<DateTime<Utc>> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, READ.iter()).ok()?;
    parsed.to_naive_datetime_with_offset(0).ok().map(|time| time.and_utc())
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
