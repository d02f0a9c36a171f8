//! What happens to entries, step by step: log, index, run, mark of a retry, listeners.
//!
//! Not here: which entries wait for others before they come here; see `batch.rs`.

use instance_core::error::StorageError;
use instance_core::event::{DagsterEventType, EventLogEntry};
use instance_core::ops::EventOps;
use instance_core::storage::StoredEvents;

use crate::retry::mark_for_retry;

/// Stores entries, all or none, and does what follows from them. Entries have to be of one run; see [`of_one_run`].
///
/// An error means that none is stored. What does not follow from entries that are stored is
/// [`StoredEvents::incomplete`]; the steps behind it are done all the same.
pub(crate) async fn store_and_follow(
    ops: &dyn EventOps,
    entries: &[EventLogEntry],
) -> Result<StoredEvents, StorageError> {
    // 1. The log of the run, 2. the index across runs, 3. the run itself: in one transaction where one database
    // holds them, else in this order. The store knows which.
    let stored = ops.run_event_store().store_run_events(entries).await?;
    // 4. The tag by which Dagster's daemon knows whether it retries a run that failed.
    let stored = stored.and(mark_failures(ops, entries).await);
    // 5. Who listens hears of what can be read.
    ops.event_listeners().notify_all(entries, &stored.ids);
    Ok(stored)
}

/// The longest parts of entries that are of one run each, in their order.
pub(crate) fn of_one_run(entries: &[EventLogEntry]) -> impl Iterator<Item = &[EventLogEntry]> {
    entries.chunk_by(|one, next| one.run_id == next.run_id)
}

async fn mark_failures(ops: &dyn EventOps, entries: &[EventLogEntry]) -> Result<(), StorageError> {
    if !ops.run_retries().enabled {
        return Ok(());
    }
    let mut outcome = Ok(());
    for entry in entries {
        if entry.event_type() == Some(DagsterEventType::RunFailure) {
            outcome = outcome.and(mark_for_retry(ops, &entry.run_id).await);
        }
    }
    outcome
}
