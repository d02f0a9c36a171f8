//! Storing, changing and deleting runs that exist already.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use instance_core::error::InstanceError;
use instance_core::event::DagsterEvent;
use instance_core::ids::RunId;
use instance_core::ops::RunOps;
use instance_core::run::DagsterRun;

/// Stores a run exactly as it is given, and returns it.
///
/// No event is stored, and no listener is notified. The run and the rows of its tags are stored in one transaction.
/// [`create_run`](crate::create_run) makes a new run with its snapshots and its planned events.
///
/// # Errors
///
/// [`InstanceError::Storage`]: a run of this id is stored already, the job snapshot that the run names is not stored,
/// the run is queued and does not say where its job is, or the storage fails. Nothing is written then.
#[tracing::instrument(level = "debug", skip_all, fields(run_id = %run.run_id))]
pub async fn add_run(ops: &dyn RunOps, run: DagsterRun) -> Result<DagsterRun, InstanceError> {
    ops.run_store().add_run(&run, ops.clock().now()).await?;
    Ok(run)
}

/// Changes a run as an event about it demands, and does not store the event.
///
/// The event may change the status, the time of start or end, and the tag with the reason of a failure. They change
/// in one transaction. `update_timestamp` is the time of the change; `None` means now. Nothing happens if the event
/// changes no status, or if there is no such run.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the run would be queued and does not say where its job is, or if the storage fails.
/// The run is not changed then.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn handle_run_event(
    ops: &dyn RunOps,
    run_id: &RunId,
    event: &DagsterEvent,
    update_timestamp: Option<DateTime<Utc>>,
) -> Result<(), InstanceError> {
    let at = update_timestamp.unwrap_or_else(|| ops.clock().now());
    Ok(ops.run_store().handle_run_event(run_id, event, at).await?)
}

/// Adds tags to a run. A tag whose key the run has already gets the new value.
///
/// All tags are written in one transaction.
///
/// # Errors
///
/// [`InstanceError::RunNotFound`] if there is no such run; [`InstanceError::Storage`] if the storage fails. Nothing
/// is written then.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn add_run_tags(
    ops: &dyn RunOps,
    run_id: &RunId,
    new_tags: &BTreeMap<String, String>,
) -> Result<(), InstanceError> {
    Ok(ops.run_store().add_run_tags(run_id, new_tags, ops.clock().now()).await?)
}

/// Deletes a run with its tags, its events and its claims of pools. Nothing happens if there is no such run.
///
/// Captured output stays, and so do snapshots that no run refers to any more. One transaction deletes everything if
/// one database holds runs and events. Otherwise the run is deleted last, so that an interrupted call can be
/// repeated.
///
/// Events of the run that still wait in a batch are stored when their time comes (see
/// [`EventBatching`](instance_core::settings::EventBatching)). Flush them before you delete the run.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails. The run is still there then, perhaps without its events; call
/// again.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn delete_run(ops: &dyn RunOps, run_id: &RunId) -> Result<(), InstanceError> {
    Ok(ops.run_event_store().delete_run_with_events(run_id).await?)
}

/// Returns how many bytes the stored body of a run may have. `None` means any number.
pub fn get_run_size_limit_bytes(ops: &dyn RunOps) -> Option<u64> {
    ops.run_size_limit_bytes()
}
