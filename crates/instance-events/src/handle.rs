//! Handling entries: storing them with the runs that they change, and telling the listeners.

use std::panic::{AssertUnwindSafe, catch_unwind};

use instance_core::error::{InstanceError, StorageError};
use instance_core::event::{DagsterEventType, EventBatchMetadata, EventLogEntry, EventLogRecord};
use instance_core::ids::{RunId, StorageId};
use instance_core::ops::{EventListener, EventOps};
use instance_core::run::DagsterRunStatus;
use instance_core::serdes::UnknownFields;

use crate::batch;
use crate::retry::mark_for_retry;

/// An entry that is to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The entry.
    pub entry: EventLogEntry,
    /// The batch that it is part of; `None` if it is reported alone.
    pub batch: Option<EventBatchMetadata>,
}

impl From<EventLogEntry> for NewEvent {
    fn from(entry: EventLogEntry) -> Self {
        Self { entry, batch: None }
    }
}

/// Whether an entry is kept at all: failures to materialise an asset are not, in open-source Dagster's stores,
/// and would confuse those who do not expect them.
// facade: method
pub fn should_store_event(entry: &EventLogEntry) -> bool {
    entry.event_type() != Some(DagsterEventType::AssetFailedToMaterialize)
}

/// Stores an entry, and nothing else: no run is changed, and nobody is told. One that is not to be kept (see
/// [`should_store_event`]) is left out.
pub async fn store_event(ops: &dyn EventOps, entry: &EventLogEntry) -> Result<(), InstanceError> {
    if should_store_event(entry) {
        ops.event_store().store_event(entry).await?;
    }
    Ok(())
}

/// Stores an entry, changes the run if the event demands it, and tells the run's listeners; one that is not to
/// be kept (see [`should_store_event`]) is left out.
///
/// The entry is stored first or together with the change: a reader that sees a run's new status also sees its
/// event. Where the instance is configured so ([`EventBatching`](instance_core::settings::EventBatching)), the
/// entry may wait for others; it is stored when its batch has ended, is as long as configured or has waited as
/// long as configured, or by [`flush_events`](crate::flush_events), and may be lost if the process dies before.
///
/// Errors: the entry is not stored, and is not kept; with [`InstanceError::EventsWaiting`] it is kept, and
/// waits for the next attempt. An error after the entry was stored (a run could not be changed) is told, too.
pub async fn handle_new_event(
    ops: &dyn EventOps,
    event: impl Into<NewEvent> + Send,
) -> Result<(), InstanceError> {
    let event = event.into();
    if !should_store_event(&event.entry) {
        return Ok(());
    }
    batch::handle(ops, event).await
}

/// Stores entries in their order, those of one run that follow one another all or none, and does for each what
/// [`handle_new_event`] does; they are a batch already, and wait for no others.
pub async fn handle_new_events(
    ops: &dyn EventOps,
    entries: Vec<EventLogEntry>,
) -> Result<(), InstanceError> {
    let entries: Vec<_> = entries.into_iter().filter(should_store_event).collect();
    let mut outcome = Ok(());
    for entries in of_one_run(&entries) {
        outcome = outcome.and(store_and_tell(ops, entries).await?);
    }
    outcome
}

/// The longest parts of entries that are of one run each, in their order.
pub(crate) fn of_one_run(entries: &[EventLogEntry]) -> impl Iterator<Item = &[EventLogEntry]> {
    entries.chunk_by(|one, next| one.run_id == next.run_id)
}

/// What became of what follows from entries that are stored.
type Followed = Result<(), InstanceError>;

/// Stores entries, all or none, and does what follows from them. An error of a storage means that none is
/// stored.
pub(crate) async fn store_and_tell(
    ops: &dyn EventOps,
    entries: &[EventLogEntry],
) -> Result<Followed, StorageError> {
    let stored = ops.run_event_store().store_run_events(entries).await?;
    let changed = stored.incomplete.map_or(Ok(()), |error: StorageError| Err(error.into()));
    let marked = mark_failures(ops, entries).await;
    for (entry, storage_id) in entries.iter().zip(stored.ids) {
        tell(ops, entry, storage_id);
    }
    Ok(changed.and(marked))
}

async fn mark_failures(ops: &dyn EventOps, entries: &[EventLogEntry]) -> Result<(), InstanceError> {
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

fn tell(ops: &dyn EventOps, entry: &EventLogEntry, storage_id: StorageId) {
    let listeners = ops.listeners(&entry.run_id);
    if !listeners.is_empty() {
        let record = EventLogRecord {
            event_log_entry: entry.clone(),
            storage_id,
            unknown: UnknownFields::default(),
        };
        for listener in &listeners {
            // The events behind this one are stored, and told, whatever a listener does.
            if catch_unwind(AssertUnwindSafe(|| listener(&record))).is_err() {
                tracing::error!(run_id = %entry.run_id, "a listener to events has panicked");
            }
        }
    }
    let status = entry.event_type().and_then(DagsterEventType::run_status);
    if status.is_some_and(DagsterRunStatus::is_finished) {
        ops.remove_listeners(&entry.run_id);
    }
}

/// Calls `listener` with each entry of a run that this process stores from now on, until the run has
/// ended.
///
/// Calls come in the order of the entries, on the task that stored them: a listener should be quick.
/// One that panics is told of in the program's log, and is called again with the next entry.
pub fn add_event_listener(ops: &dyn EventOps, run_id: &RunId, listener: EventListener) {
    ops.add_listener(run_id, listener);
}
