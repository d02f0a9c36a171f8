//! What the storage domain needs of an instance.

use crate::settings::InstanceSettings;
use crate::storage::{EventLogStorage, RunStorage, ScheduleStorage};

/// What the storage domain needs of an instance.
pub trait StorageOps: Send + Sync {
    /// The store of runs.
    fn run_storage(&self) -> &dyn RunStorage;

    /// The store of events.
    fn event_log_storage(&self) -> &dyn EventLogStorage;

    /// The store of schedules and sensors.
    fn schedule_storage(&self) -> &dyn ScheduleStorage;

    /// The settings, which name the directories.
    fn settings(&self) -> &InstanceSettings;
}
