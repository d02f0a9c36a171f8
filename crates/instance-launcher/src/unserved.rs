//! The places of a launcher and of a coordinator that this version does not have. Runs can be read and canceled; what
//! only the launcher or the coordinator can do is an error that names it.

use async_trait::async_trait;
use instance_core::error::{BoxError, InstanceError};
use instance_core::launcher::{
    CancelRunContext, CheckRunHealthContext, CheckRunHealthResult, LaunchRunContext,
    ResumeRunContext, RunCoordinator, RunLauncher, SubmitRunContext, TerminateRunContext,
};
use instance_core::run::DagsterRun;
use instance_core::settings::{RunCoordinatorSettings, RunLauncherSettings};

use crate::lifecycle::terminate;

/// The place of a launcher that this version does not have, or whose configuration is wrong.
///
/// It launches no run. With the feature `process` it finds and stops the workers of commands on this machine, which no
/// other launcher has started.
#[derive(Debug)]
pub struct UnservedRunLauncher {
    problem: String,
    commands: Commands,
}

#[cfg(not(feature = "process"))]
type Commands = crate::absent::NoRunLauncher;
#[cfg(feature = "process")]
type Commands = crate::process::ProcessRunLauncher;

impl UnservedRunLauncher {
    /// The place of the launcher that settings name.
    pub fn new(settings: &RunLauncherSettings) -> Self {
        let problem = match settings {
            RunLauncherSettings::Unusable(problems) => problems.to_string(),
            RunLauncherSettings::Other(class) => format!(
                "run_launcher: {class} launches runs, and this version does not have that class; launch them by \
                 Dagster, or give the builder a launcher"
            ),
            RunLauncherSettings::Kubernetes(_) => {
                "run_launcher: this program was built without Kubernetes; build it with the feature `kube`, launch runs by \
                 Dagster, or give the builder a launcher"
                    .to_owned()
            }
            _ => "run_launcher: this version does not have it; give the builder a launcher"
                .to_owned(),
        };
        Self { problem, commands: Commands::default() }
    }
}

#[async_trait]
impl RunLauncher for UnservedRunLauncher {
    async fn launch_run(&self, _context: LaunchRunContext) -> Result<(), BoxError> {
        Err(self.problem.clone().into())
    }

    async fn terminate(&self, context: TerminateRunContext) -> Result<bool, BoxError> {
        self.commands.terminate(context).await
    }

    async fn resume_run(&self, _context: ResumeRunContext) -> Result<(), BoxError> {
        Err(self.problem.clone().into())
    }

    fn supports_check_run_worker_health(&self) -> bool {
        self.commands.supports_check_run_worker_health()
    }

    async fn check_run_worker_health(
        &self,
        context: CheckRunHealthContext,
    ) -> Result<CheckRunHealthResult, BoxError> {
        self.commands.check_run_worker_health(context).await
    }
}

/// The place of a coordinator that this version does not have, or whose configuration is wrong. It takes in no run.
#[derive(Debug)]
pub struct UnservedRunCoordinator {
    reason: String,
}

impl UnservedRunCoordinator {
    /// The place of the coordinator that settings name.
    pub fn new(settings: &RunCoordinatorSettings) -> Self {
        let reason = match settings {
            RunCoordinatorSettings::Unusable(problems) => problems.to_string(),
            RunCoordinatorSettings::Other(class) => format!(
                "{class} decides when a run is launched, and this version does not have that class; submit runs by \
                 Dagster, or give the builder a coordinator"
            ),
            _ => "this version does not have it; give the builder a coordinator".to_owned(),
        };
        Self { reason }
    }
}

#[async_trait]
impl RunCoordinator for UnservedRunCoordinator {
    async fn submit_run(&self, _context: SubmitRunContext) -> Result<DagsterRun, InstanceError> {
        Err(InstanceError::Config {
            place: "run_coordinator".to_owned(),
            reason: self.reason.clone(),
            source: None,
        })
    }

    async fn cancel_run(&self, context: CancelRunContext) -> Result<bool, InstanceError> {
        terminate(&*context.instance, context.dagster_run).await
    }
}
