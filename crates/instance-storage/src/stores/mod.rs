//! The stores over a database of either kind. Each implements traits of `instance_core::storage`, in files of the
//! traits' names.

mod check;
mod databases;
mod event_log;
mod run_events;
mod runs;
mod schedules;
mod schema;
mod upgrade;

pub(crate) use event_log::SqlEventLogStorage;
pub(crate) use run_events::{RunsAndEvents, SqlRunEventStore};
pub(crate) use runs::SqlRunStorage;
pub(crate) use schedules::SqlScheduleStorage;

use chrono::{DateTime, Utc};
use instance_core::error::StorageError;
use instance_core::storage::storable_time;

/// The time of seconds since 1970, for a column; refused if no calendar has it.
fn column_time(what: &'static str, timestamp: f64) -> Result<DateTime<Utc>, StorageError> {
    storable_time(what, timestamp)
}
