//! What this domain reads of a run.

use instance_core::error::InstanceError;
use instance_core::event::{DagsterEventType, EventLogEntry};
use instance_core::ids::RunId;
use instance_core::ops::LauncherOps;
use instance_core::run::DagsterRun;
use instance_core::storage::{Only, RecordsForRun};

/// Reads a run. A run that does not exist is an error.
pub(crate) async fn existing_run(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<DagsterRun, InstanceError> {
    let record = ops.run_store().get_run_record(run_id).await?;
    record.map(|record| record.dagster_run).ok_or_else(|| InstanceError::run_not_found(run_id))
}

/// Reads the engine events of a run, oldest first: those that the machinery around it has reported.
pub(crate) async fn engine_events(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<Vec<EventLogEntry>, InstanceError> {
    let query =
        RecordsForRun::new(run_id.clone()).with_of_types(Only::one(DagsterEventType::EngineEvent));
    let found = ops.event_store().get_records_for_run(&query).await?;
    Ok(found.records.into_iter().map(|record| record.event_log_entry).collect())
}
