//! Handling entries: whether they are kept, and whether they are stored now or wait for others.

use instance_core::error::InstanceError;
use instance_core::event::{DagsterEventType, EventListener, EventLogEntry, NewEvent};
use instance_core::ids::RunId;
use instance_core::ops::EventOps;
use instance_core::storage::EventStoreExt;

use crate::batch;
use crate::pipeline::{of_one_run, store_and_follow};

/// Whether an entry is kept at all.
///
/// Failures to materialise an asset are not kept. Open-source Dagster's stores have none, and would confuse those
/// who do not expect them.
// facade: method
pub fn should_store_event(entry: &EventLogEntry) -> bool {
    entry.event_type() != Some(DagsterEventType::AssetFailedToMaterialize)
}

/// Stores an entry, and nothing else: no run is changed, and no listener is called.
///
/// An entry that is not kept (see [`should_store_event`]) is left out.
///
/// # Errors
///
/// The entry is not stored, or its row where events are found across runs is not.
pub async fn store_event(ops: &dyn EventOps, entry: &EventLogEntry) -> Result<(), InstanceError> {
    if should_store_event(entry) {
        ops.event_store().store_event(entry).await?;
    }
    Ok(())
}

/// Stores an entry, changes the run if the event demands it, and calls the run's listeners.
///
/// An entry that is not kept (see [`should_store_event`]) is left out. The entry is stored first or together with the
/// change: a reader that sees a run's new status also sees its event. Where the instance is configured so
/// ([`EventBatching`](instance_core::settings::EventBatching)), the entry may wait for others. It is stored when its
/// batch has ended, is as long as configured or has waited as long as configured, or by [`flush_events`]. It is lost
/// if the process dies before.
///
/// # Errors
///
/// The entry is not stored, and is not kept, but for two errors after which it must not be reported again. With
/// [`InstanceError::EventsWaiting`] it waits for the next attempt. With [`InstanceError::EventsIncomplete`] it is
/// stored, and what follows from it is not complete.
///
/// [`flush_events`]: crate::flush_events
pub async fn handle_new_event(
    ops: &dyn EventOps,
    event: impl Into<NewEvent> + Send,
) -> Result<(), InstanceError> {
    let event = event.into();
    if !should_store_event(&event.entry) {
        return Ok(());
    }
    batch::store_or_wait(ops, event).await
}

/// Stores entries in their order, and does for each what [`handle_new_event`] does. They are a batch already, and
/// wait for no others.
///
/// Entries of one run that follow one another are stored all or none.
///
/// # Errors
///
/// The entries of a run are not stored, and those behind them are not either; those before them are. With
/// [`InstanceError::EventsIncomplete`] all are stored, and what follows from one of them is not complete.
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

/// Calls `listener` with each entry of a run that this process stores from now on, until the run has ended.
///
/// Calls come in the order of the entries, on the task that stored them: a listener should be quick. A listener that
/// panics harms nobody. The program's log says so, and the listener is called again with the next entry.
pub fn add_event_listener(ops: &dyn EventOps, run_id: &RunId, listener: EventListener) {
    ops.event_listeners().add(run_id, listener);
}
