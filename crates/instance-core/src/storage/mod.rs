//! What the domains ask of a storage, as contracts: one trait for each store.
//!
//! Rules that hold for every method: a method that writes has either written all that it was asked
//! to, durably, or nothing, when it returns; what is not there is `Ok(None)` or empty, never an
//! error; and methods may be called from any number of tasks at once.

mod compute_logs;
mod event_log;
mod runs;
mod schedules;

pub use compute_logs::{ComputeIoType, ComputeLogCapture, ComputeLogKey, ComputeLogManager};
pub use event_log::{EventLogStorage, RecordsForRun};
pub use runs::{RunStorage, RunsPage};
pub use schedules::ScheduleStorage;

/// In which direction rows are returned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    #[default]
    Descending,
}
