//! The states of schedules and sensors.

use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::{InstigatorState, InstigatorType};
use instance_core::storage::InstigatorFilter;

/// Returns the states of schedules and sensors, oldest first.
///
/// `None` means both; a type means only schedules, or only sensors. A schedule or sensor that was never started,
/// stopped or evaluated may have no state and is left out.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if a state cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn all_instigator_state(
    ops: &dyn SchedulingOps,
    instigator_type: Option<InstigatorType>,
) -> Result<Vec<InstigatorState>, InstanceError> {
    let filter = InstigatorFilter::new().with_instigator_type(instigator_type);
    Ok(ops.instigator_store().all_instigator_state(&filter).await?)
}
