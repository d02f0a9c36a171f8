//! The states of schedules and sensors.

use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::{InstigatorState, InstigatorType};
use instance_core::storage::InstigatorFilter;

/// The states of all schedules and sensors that have one, or of those of one type.
#[tracing::instrument(skip_all)]
pub async fn all_instigator_state(
    ops: &dyn SchedulingOps,
    instigator_type: Option<InstigatorType>,
) -> Result<Vec<InstigatorState>, InstanceError> {
    let filter = InstigatorFilter::new().with_instigator_type(instigator_type);
    Ok(ops.instigator_store().all_instigator_state(&filter).await?)
}
