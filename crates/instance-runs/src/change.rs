//! Storing, changing and deleting runs that are already made.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use instance_core::error::InstanceError;
use instance_core::event::DagsterEvent;
use instance_core::ids::RunId;
use instance_core::ops::RunOps;
use instance_core::run::DagsterRun;

/// Stores a run as it is; returns it.
///
/// Errors: a run of its id is stored, or the job snapshot that it names is not.
pub async fn add_run(ops: &dyn RunOps, run: DagsterRun) -> Result<DagsterRun, InstanceError> {
    ops.run_store().add_run(&run, ops.clock().now()).await?;
    Ok(run)
}

/// Changes a run as an event about it demands, without storing the event; `None` for the time means now.
///
/// An event that changes no status, or is about an unknown run, does nothing.
pub async fn handle_run_event(
    ops: &dyn RunOps,
    run_id: &RunId,
    event: &DagsterEvent,
    update_timestamp: Option<DateTime<Utc>>,
) -> Result<(), InstanceError> {
    let at = update_timestamp.unwrap_or_else(|| ops.clock().now());
    Ok(ops.run_store().handle_run_event(run_id, event, at).await?)
}

/// Adds tags to a run and replaces the values of those that it has.
///
/// Errors: there is no such run.
pub async fn add_run_tags(
    ops: &dyn RunOps,
    run_id: &RunId,
    new_tags: &BTreeMap<String, String>,
) -> Result<(), InstanceError> {
    Ok(ops.run_store().add_run_tags(run_id, new_tags, ops.clock().now()).await?)
}

/// Deletes a run with its tags, its events and its claims of pools; an unknown run is no error.
///
/// Captured logs, and snapshots that no run refers to any more, stay. Where runs and events are in several
/// databases, the run goes last: what is interrupted can be done again. Events of the run that still wait for others
/// (see [`EventBatching`](instance_core::settings::EventBatching)) are stored when their time comes; flush them
/// before.
pub async fn delete_run(ops: &dyn RunOps, run_id: &RunId) -> Result<(), InstanceError> {
    Ok(ops.run_event_store().delete_run_with_events(run_id).await?)
}

/// How many bytes the body of a run may have; `None` means any number.
pub fn get_run_size_limit_bytes(ops: &dyn RunOps) -> Option<u64> {
    ops.run_size_limit_bytes()
}
