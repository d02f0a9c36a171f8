//! What the scheduling domain needs of an instance.

use crate::storage::InstigatorStore;

/// What the scheduling domain needs of an instance.
pub trait SchedulingOps: Send + Sync {
    /// The states of schedules and sensors.
    fn instigator_store(&self) -> &dyn InstigatorStore;
}
