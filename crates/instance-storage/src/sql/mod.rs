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

#[cfg(test)]
mod tests;
