//! All SQL: the schema as Dagster creates it, the names in it, and one function for each statement.
//!
//! Statements are built for any dialect and rendered by the backend that runs them.

pub(crate) mod event_log;
pub(crate) mod runs;
pub(crate) mod schedules;
pub(crate) mod schema;
pub(crate) mod snapshots;
pub(crate) mod tables;
pub(crate) mod timestamp;

/// A count as databases take it: no table has more rows than the greatest signed integer.
fn countable(count: u64) -> u64 {
    count.min(i64::MAX.unsigned_abs())
}

#[cfg(test)]
mod tests;
