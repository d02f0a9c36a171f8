//! Reading events back.

use instance_core::error::InstanceError;
use instance_core::event::{DagsterEventType, EventLogConnection, EventLogEntry};
use instance_core::ids::RunId;
use instance_core::ops::EventOps;
use instance_core::storage::RecordsForRun;

/// A page of the log of a run.
pub async fn get_records_for_run(
    ops: &dyn EventOps,
    query: &RecordsForRun,
) -> Result<EventLogConnection, InstanceError> {
    Ok(ops.event_store().get_records_for_run(query).await?)
}

/// The whole log of a run, oldest entry first, or its events of the given types.
///
/// Everything is held in memory; for long logs, page with [`get_records_for_run`].
pub async fn all_logs(
    ops: &dyn EventOps,
    run_id: &RunId,
    of_types: &[DagsterEventType],
) -> Result<Vec<EventLogEntry>, InstanceError> {
    let query = RecordsForRun { of_types: of_types.to_vec(), ..RecordsForRun::all(run_id.clone()) };
    let connection = ops.event_store().get_records_for_run(&query).await?;
    Ok(connection.records.into_iter().map(|record| record.event_log_entry).collect())
}
