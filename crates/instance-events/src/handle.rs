//! Handling entries: whether an entry is kept, and whether it is stored now or waits in a batch.

use instance_core::error::InstanceError;
use instance_core::event::{DagsterEventType, EventListener, EventLogEntry, NewEvent};
use instance_core::ids::RunId;
use instance_core::ops::EventOps;
use instance_core::storage::{EventStoreExt, GuardedEvents, GuardedOutcome};
use tracing::Instrument;

use crate::batch;
use crate::pipeline::{of_one_run, store_and_follow, store_and_follow_if};

/// Returns whether an entry is kept.
///
/// Every entry is kept but one that says that an asset failed to materialise. The stores of open-source Dagster never
/// have such entries, and its readers do not expect them.
// facade: method
pub fn should_store_event(entry: &EventLogEntry) -> bool {
    entry.event_type() != Some(DagsterEventType::AssetFailedToMaterialize)
}

/// Stores an entry without any effect on its run, and without notifying listeners.
///
/// Nothing happens if the entry is not kept (see [`should_store_event`]). [`handle_new_event`] stores an entry with
/// its effects.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the entry is not stored, or if it is stored in the log of its run and missing in the
/// index across runs. The error does not say which of the two it is.
#[tracing::instrument(level = "debug", skip_all, fields(run_id = %entry.run_id))]
pub async fn store_event(ops: &dyn EventOps, entry: &EventLogEntry) -> Result<(), InstanceError> {
    if should_store_event(entry) {
        ops.event_store().store_event(entry).await?;
    }
    Ok(())
}

/// Stores an entry, changes its run if the event demands it, and notifies the listeners of the run.
///
/// Nothing happens if the entry is not kept (see [`should_store_event`]). The entry is stored before the run is
/// changed, or in the same transaction: whoever sees the new status of a run also finds the event.
///
/// If the instance is configured to batch events ([`EventBatching`](instance_core::settings::EventBatching)), the
/// entry may wait in a batch. A batch is flushed when it ends, when it has reached its size, when its first entry has
/// waited long enough, or by [`flush_events`]. An entry that waits is lost if the process dies.
///
/// # Errors
///
/// - [`InstanceError::EventsWaiting`] if the batch could not be stored now. The entry waits for the next attempt. Do
///   not report it again.
/// - [`InstanceError::EventsIncomplete`] if the entry is stored, but not all of its effects are. Do not report it
///   again.
/// - [`InstanceError::Storage`] if the entry is not stored, and does not wait either.
///
/// [`flush_events`]: crate::flush_events
pub async fn handle_new_event(
    ops: &dyn EventOps,
    event: impl Into<NewEvent> + Send,
) -> Result<(), InstanceError> {
    let event = event.into();
    // Made here: an attribute cannot look into `event`.
    let span = tracing::debug_span!("handle_new_event", run_id = %event.entry.run_id);
    handle(ops, event).instrument(span).await
}

/// What [`handle_new_event`] does, for functions that have a span of their own.
pub(crate) async fn handle(ops: &dyn EventOps, event: NewEvent) -> Result<(), InstanceError> {
    if !should_store_event(&event.entry) {
        return Ok(());
    }
    batch::store_or_wait(ops, event).await
}

/// Stores entries in their order, each with the effects that [`handle_new_event`] describes.
///
/// The entries do not wait in a batch. Consecutive entries of one run are stored in one transaction, all of them or
/// none.
///
/// # Errors
///
/// - [`InstanceError::Storage`] if the entries of a run are not stored. The entries before them are stored, the
///   entries after them are not.
/// - [`InstanceError::EventsIncomplete`] if all entries are stored, but not all effects of one of them.
#[tracing::instrument(level = "debug", skip_all, fields(entries = entries.len()))]
pub async fn handle_new_events(
    ops: &dyn EventOps,
    entries: Vec<EventLogEntry>,
) -> Result<(), InstanceError> {
    let entries: Vec<_> = entries.into_iter().filter(should_store_event).collect();
    let mut first = Ok(());
    for entries in of_one_run(&entries) {
        first = first.and(store_and_follow(ops, entries).await?.into_result(entries));
    }
    first
}

/// Stores entries of one run if the run has one of the statuses that are named, each with the effects that
/// [`handle_new_event`] describes. Of several callers who would change a run from the same status, one does.
///
/// The entries do not wait in a batch. Entries that are not kept (see [`should_store_event`]) are left out.
///
/// [`GuardedOutcome::Stored`] alone says that anything is written. Its `incomplete` says which effect is not stored. Its
/// `ids` are empty if runs and events are in different databases, the run is changed, and the entries are not stored.
///
/// # Errors
///
/// [`InstanceError::Storage`] if an entry is of another run, or cannot be stored. Nothing is stored then.
#[tracing::instrument(level = "debug", skip_all, fields(run_id = %change.run_id))]
pub async fn handle_events_if(
    ops: &dyn EventOps,
    mut change: GuardedEvents,
) -> Result<GuardedOutcome, InstanceError> {
    change.entries.retain(should_store_event);
    Ok(store_and_follow_if(ops, &change).await?)
}

/// Adds a listener, which is called with each entry of a run that this process stores from now on. The listener is
/// removed when the run has ended.
///
/// Calls come in the order of the entries, on the task that stored them, so a listener should return quickly. If a
/// listener panics, the other listeners are still called, the program's log gets an error, and the listener is called
/// again with the next entry. To follow a run that other processes write, use
/// [`watch_event_logs`](crate::watch_event_logs).
pub fn add_event_listener(ops: &dyn EventOps, run_id: &RunId, listener: EventListener) {
    ops.event_listeners().add(run_id, listener);
}
