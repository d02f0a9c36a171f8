//! The steps by which entries are stored: log, index, run, tag for a retry, listeners.
//!
//! Not here: which entries wait in a batch before; see `batch.rs`.

use instance_core::error::StorageError;
use instance_core::event::{DagsterEventType, EventLogEntry};
use instance_core::ops::EventOps;
use instance_core::storage::{GuardedEvents, GuardedOutcome, StoredEvents};

use crate::retry::mark_for_retry;

/// Stores entries of one run, all of them or none, and then their effects. [`of_one_run`] splits entries by run.
///
/// An error means that no entry is stored. If an effect cannot be stored, [`StoredEvents::incomplete`] says so, and
/// the steps after it are still done.
pub(crate) async fn store_and_follow(
    ops: &dyn EventOps,
    entries: &[EventLogEntry],
) -> Result<StoredEvents, StorageError> {
    // Steps 1 to 3: the log of the run, the index across runs, the run itself. They are one transaction if one
    // database holds all three, else they come in this order. The store knows which.
    let stored = ops.run_event_store().store_run_events(entries).await?;
    // Step 4: the tag that tells Dagster's daemon whether to retry a run that failed.
    let stored = stored.and(mark_failures(ops, entries).await);
    // Step 5: listeners, which are notified only of entries that can be read.
    ops.event_listeners().notify_all(entries, &stored.ids);
    Ok(stored)
}

/// Stores entries of one run on conditions, and then what follows from them, as [`store_and_follow`] does.
///
/// An error means that nothing is stored.
pub(crate) async fn store_and_follow_if(
    ops: &dyn EventOps,
    change: &GuardedEvents,
) -> Result<GuardedOutcome, StorageError> {
    let stored = match ops.run_event_store().store_run_events_if(change).await? {
        GuardedOutcome::Stored(stored) => stored,
        refused => return Ok(refused),
    };
    // The run may have failed although its entry is not stored.
    let stored = stored.and(mark_failures(ops, &change.entries).await);
    ops.event_listeners().notify_all(&change.entries, &stored.ids);
    Ok(GuardedOutcome::Stored(stored))
}

/// Splits entries into the longest parts that are of one run each, in their order.
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
