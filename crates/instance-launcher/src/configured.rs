//! The launcher and the coordinator that the settings of an instance name.

use std::sync::Arc;

use instance_core::launcher::{RunCoordinator, RunLauncher};
use instance_core::settings::{GrpcLimits, RunCoordinatorSettings, RunLauncherSettings};

use crate::coordinator::{DefaultRunCoordinator, QueuedRunCoordinator};
use crate::unserved::{UnservedRunCoordinator, UnservedRunLauncher};
use crate::variables::LauncherVariables;

/// What the configured launcher needs beside the settings.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LauncherContext {
    /// The limits of calls to code servers, or why they cannot be used.
    pub grpc_limits: Result<GrpcLimits, String>,
    /// The environment variables of this process, to which the configuration of Jobs may refer; by default none is set.
    pub variables: LauncherVariables,
}

impl LauncherContext {
    /// With these limits.
    pub fn new(grpc_limits: Result<GrpcLimits, String>) -> Self {
        Self { grpc_limits, variables: LauncherVariables::default() }
    }

    /// The same with the environment variables of this process.
    #[must_use]
    pub fn with_variables(mut self, variables: LauncherVariables) -> Self {
        self.variables = variables;
        self
    }
}

/// Dagster's limits where no variable says others.
impl Default for LauncherContext {
    fn default() -> Self {
        Self::new(Ok(GrpcLimits::default()))
    }
}

/// The launcher that settings name. For Dagster's own, a run of real code is launched by its code server, with the
/// feature `grpc`; and a command is executed as a process of this machine, with the feature `process`. For Dagster's
/// `K8sRunLauncher`, a run of real code is a Job of Kubernetes, with the feature `kube`.
///
/// If this version does not have the launcher, or if its configuration is wrong, launching a run is an error that says
/// so.
pub fn configured_run_launcher(
    settings: &RunLauncherSettings,
    context: LauncherContext,
) -> Arc<dyn RunLauncher> {
    match settings {
        RunLauncherSettings::Default | RunLauncherSettings::SyncInMemory => {
            #[cfg(feature = "grpc")]
            let launcher = crate::by_origin::ByOrigin::code_servers(match context.grpc_limits {
                Ok(limits) => crate::code_server::CodeServerRunLauncher::new(limits),
                Err(problem) => crate::code_server::CodeServerRunLauncher::unusable(problem),
            });
            #[cfg(all(feature = "process", not(feature = "grpc")))]
            let launcher = crate::process::ProcessRunLauncher::new();
            #[cfg(not(any(feature = "process", feature = "grpc")))]
            let launcher = crate::absent::NoRunLauncher;
            #[cfg(not(feature = "grpc"))]
            drop(context);
            Arc::new(launcher)
        }
        #[cfg(feature = "kube")]
        RunLauncherSettings::Kubernetes(settings) => {
            let settings = (**settings).clone();
            let jobs = crate::kubernetes::KubernetesRunLauncher::new(settings, context.variables);
            Arc::new(crate::by_origin::ByOrigin::jobs(jobs))
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
