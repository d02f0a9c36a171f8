//! The launcher and the coordinator that the settings of an instance name.

use std::sync::Arc;

use instance_core::launcher::{RunCoordinator, RunLauncher};
use instance_core::settings::{RunCoordinatorSettings, RunLauncherSettings};

use crate::coordinator::{DefaultRunCoordinator, QueuedRunCoordinator};
use crate::unserved::{UnservedRunCoordinator, UnservedRunLauncher};

/// The launcher that settings name. For Dagster's own, commands are executed as processes of this machine; without the
/// feature `process` there is no launcher then.
///
/// If this version does not have the launcher, or if its configuration is wrong, launching a run is an error that says
/// so.
pub fn configured_run_launcher(settings: &RunLauncherSettings) -> Arc<dyn RunLauncher> {
    match settings {
        RunLauncherSettings::Default | RunLauncherSettings::SyncInMemory => {
            #[cfg(feature = "process")]
            let launcher = crate::process::ProcessRunLauncher::new();
            #[cfg(not(feature = "process"))]
            let launcher = crate::absent::NoRunLauncher;
            Arc::new(launcher)
        }
        other => Arc::new(UnservedRunLauncher::new(other)),
    }
}

/// The coordinator that settings name: the queue, or the one that launches every run at once.
///
/// If this version does not have the coordinator, or if its configuration is wrong, submitting a run is an error that
/// says so.
pub fn configured_run_coordinator(settings: &RunCoordinatorSettings) -> Arc<dyn RunCoordinator> {
    match settings {
        // The limits of the queue are for the daemon, which takes runs from it.
        RunCoordinatorSettings::Queued(_) => Arc::new(QueuedRunCoordinator),
        RunCoordinatorSettings::Default => Arc::new(DefaultRunCoordinator),
        other => Arc::new(UnservedRunCoordinator::new(other)),
    }
}
