//! What the launcher domain needs of an instance, and what the worker of a run needs.

use crate::launcher::{RunCoordinator, RunLauncher};
use crate::ops::{
    AssetStoreAccess, ComputeLogAccess, DaemonStoreAccess, DynamicPartitionStoreAccess,
    EventReporter, EventStoreAccess, IdAccess, OwnedLauncherOps, PoolStoreAccess,
    RunEventStoreAccess, RunQueueStoreAccess, RunStoreAccess, SettingsAccess, SnapshotStoreAccess,
};

/// What the launcher domain needs of an instance, and what coordinators and launchers get of it.
pub trait LauncherOps:
    RunWorkerOps
    + DynamicPartitionStoreAccess
    + DaemonStoreAccess
    + EventStoreAccess
    + PoolStoreAccess
    + RunEventStoreAccess
    + RunQueueStoreAccess
    + SettingsAccess
    + OwnedLauncherOps
{
    /// The coordinator.
    fn run_coordinator(&self) -> &dyn RunCoordinator;

    /// The launcher.
    fn run_launcher(&self) -> &dyn RunLauncher;
}

/// What the worker of a run needs of an instance: it reads the plan and what was materialised, captures output and
/// reports.
pub trait RunWorkerOps:
    RunStoreAccess
    + SnapshotStoreAccess
    + AssetStoreAccess
    + EventReporter
    + ComputeLogAccess
    + IdAccess
{
}
