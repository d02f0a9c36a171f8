//! The contracts of the stores, on which the domains rely.
//!
//! There are three stores, as Dagster has them. Each is the sum of smaller traits, one for each kind of thing that
//! is kept. These rules hold for every method:
//!
//! * When a method that writes returns, it has written all that it was asked to, durably, or nothing.
//! * What is not there is `Ok(None)` or empty, never an error.
//! * Methods may be called from any number of tasks at once.

mod check;
mod compute_logs;
mod event_log;
mod guarded;
mod narrow;
mod only;
mod run_events;
mod runs;
mod schedules;
mod schema;
mod stores;
mod upgrade;

pub use check::{CheckedDatabase, SchemaFinding, SchemaMend, SchemaProblem, SchemaSeverity};
pub use compute_logs::{
    CapturedLogContext, CapturedLogData, CapturedLogMetadata, ComputeIoType, ComputeLogCapture,
    ComputeLogCursor, ComputeLogCursorError, ComputeLogKey, ComputeLogManager,
    ComputeLogManagerExt, ComputeLogPrefix, LogsToDelete, PolledLogs,
};
pub use event_log::*;
pub use guarded::{Fence, GuardedChange, GuardedEvents, GuardedOutcome, Note};
pub use narrow::NarrowTable;
pub use only::Only;
pub use run_events::{
    NewRun, RunEventStore, SeparateStores, StoredEvents, change_then_store, changes_run,
    store_then_change, time_of_change,
};
pub use runs::{
    BackfillStore, BackfillsPage, DaemonStore, RunChange, RunStorage, RunStore, RunTagsQuery,
    RunTimes, RunsOrderBy, RunsPage, SnapshotStore, apply_run_event, require_readable,
};
pub use schedules::{
    AutomationStore, EvaluationsPage, InstigatorFilter, InstigatorStore, ScheduleStorage,
    TickStore, TicksQuery,
};
pub use schema::{
    DataMigrationStep, EVENT_DATA_MIGRATIONS, RUN_DATA_MIGRATIONS, SCHEDULE_DATA_MIGRATIONS,
    SchemaStore, WebserverConnections,
};
pub use stores::Stores;
pub use upgrade::{
    DatabasePlace, DatabaseRole, DatabaseSchema, HeldLock, SchemaChange, SchemaImpact, SchemaLock,
    SchemaProgress, SchemaState, SchemaUpgrade, SchemaUpgraded, UpgradeStop,
};

use chrono::{DateTime, Utc};

use crate::clock::datetime_of;
use crate::error::StorageError;

/// In which direction rows are returned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    #[default]
    Descending,
}

/// The time of seconds since 1970, as a store keeps it beside a body. `what` names the value in the error.
///
/// # Errors
///
/// [`StorageError::Invalid`] for a time that is in no calendar.
pub fn storable_time(what: &'static str, timestamp: f64) -> Result<DateTime<Utc>, StorageError> {
    datetime_of(timestamp).ok_or_else(|| StorageError::Invalid {
        what,
        value: timestamp.to_string(),
        reason: "expected seconds since 1970 that a calendar has".to_owned(),
    })
}
