//! Handling entries: storing them, changing their runs, telling the listeners.

use instance_core::clock::datetime_of;
use instance_core::error::InstanceError;
use instance_core::event::{DagsterEventType, EventLogEntry, EventLogRecord};
use instance_core::ids::RunId;
use instance_core::ops::{EventListener, EventOps};
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
    let storage_ids = ops.event_log_storage().store_event_batch(&entries).await?;
    for (event_log_entry, storage_id) in entries.into_iter().zip(storage_ids) {
        change_run(ops, &event_log_entry).await?;
        let listeners = ops.listeners(&event_log_entry.run_id);
        if listeners.is_empty() {
            continue;
        }
        let record = EventLogRecord {
            event_log_entry,
            storage_id,
            unknown: UnknownFields::default(),
        };
        for listener in listeners {
            listener(&record);
        }
    }
    Ok(())
}

/// Calls `listener` with each entry of a run that this process stores from now on.
///
/// Calls come in the order of the entries, on the task that stored them: a listener should be quick.
pub fn add_event_listener(ops: &dyn EventOps, run_id: &RunId, listener: EventListener) {
    ops.add_listener(run_id, listener);
}

async fn change_run(ops: &dyn EventOps, entry: &EventLogEntry) -> Result<(), InstanceError> {
    let Some(event) = entry.dagster_event.as_ref() else {
        return Ok(());
    };
    if event
        .event_type()
        .and_then(DagsterEventType::run_status)
        .is_none()
    {
        return Ok(());
    }
    let at = datetime_of(entry.timestamp).unwrap_or_else(|| ops.clock().now());
    ops.run_storage()
        .handle_run_event(&entry.run_id, event, at)
        .await?;
    Ok(())
}
