//! Deleting all that is stored of schedules and sensors.

use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;

/// Deletes the states of all schedules and sensors, all ticks, and all evaluations of automation conditions, in one
/// transaction.
///
/// Backfills and the cursors of daemons stay.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails; nothing is deleted then.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn wipe_all_schedules(ops: &dyn SchedulingOps) -> Result<(), InstanceError> {
    Ok(ops.schedule_storage().wipe().await?)
}
