//! Handling entries: storing them, changing their runs, telling the listeners.

use instance_core::clock::datetime_of;
use instance_core::error::InstanceError;
use instance_core::event::{DagsterEventType, EventLogEntry, EventLogRecord};
use instance_core::ids::RunId;
use instance_core::ops::{EventListener, EventOps};
use instance_core::run::DagsterRunStatus;
use instance_core::serdes::UnknownFields;

/// Stores an entry, changes the run if the event demands it, and tells the run's listeners.
///
/// The entry is stored first: a reader that sees a run's new status also sees its event.
pub async fn handle_new_event(
    ops: &dyn EventOps,
    entry: EventLogEntry,
) -> Result<(), InstanceError> {
    handle_new_events(ops, vec![entry]).await
}

/// Stores entries in their order, those of one run all or none, and then does for each what
/// [`handle_new_event`] does.
pub async fn handle_new_events(
    ops: &dyn EventOps,
    entries: Vec<EventLogEntry>,
) -> Result<(), InstanceError> {
    let storage_ids = ops.event_store().store_event_batch(&entries).await?;
    for (event_log_entry, storage_id) in entries.into_iter().zip(storage_ids) {
        let new_status = change_run(ops, &event_log_entry).await?;
        let run_id = event_log_entry.run_id.clone();
        let record =
            EventLogRecord { event_log_entry, storage_id, unknown: UnknownFields::default() };
        for listener in ops.listeners(&run_id) {
            listener(&record);
        }
        if new_status.is_some_and(DagsterRunStatus::is_finished) {
            ops.remove_listeners(&run_id);
        }
    }
    Ok(())
}

/// Calls `listener` with each entry of a run that this process stores from now on, until the run has
/// ended.
///
/// Calls come in the order of the entries, on the task that stored them: a listener should be quick.
pub fn add_event_listener(ops: &dyn EventOps, run_id: &RunId, listener: EventListener) {
    ops.add_listener(run_id, listener);
}

/// Gives a run the status that follows from an entry, and returns it.
async fn change_run(
    ops: &dyn EventOps,
    entry: &EventLogEntry,
) -> Result<Option<DagsterRunStatus>, InstanceError> {
    let Some(event) = entry.dagster_event.as_ref() else {
        return Ok(None);
    };
    let Some(status) = event.event_type().and_then(DagsterEventType::run_status) else {
        return Ok(None);
    };
    let at = datetime_of(entry.timestamp).unwrap_or_else(|| ops.clock().now());
    ops.run_store().handle_run_event(&entry.run_id, event, at).await?;
    Ok(Some(status))
}
