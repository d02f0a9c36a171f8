//! What the scheduling domain needs of an instance.

use crate::storage::ScheduleStorage;

/// What the scheduling domain needs of an instance.
pub trait SchedulingOps: Send + Sync {
    /// The store of schedules and sensors.
    fn schedule_storage(&self) -> &dyn ScheduleStorage;
}
