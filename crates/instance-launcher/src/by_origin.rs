//! The launcher that Dagster has by default, as this version serves it: code by its server, commands as processes.
//!
//! A run of real code may have been launched without a code server, by `DagsterWorkerLauncher`. Whoever has launched it, an
//! event of the run names its worker then, and it is looked at, stopped and resumed by that.

use async_trait::async_trait;
use instance_core::command::CommandSpec;
use instance_core::error::BoxError;
use instance_core::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, LaunchRunContext, ResumeRunContext, RunLauncher,
    TerminateRunContext,
};
use instance_core::ops::LauncherOps;
use instance_core::run::DagsterRun;

use crate::code_server::CodeServerRunLauncher;
#[cfg(feature = "process")]
use crate::code_server::GRPC_INFO;

#[cfg(not(feature = "process"))]
type Commands = crate::absent::NoRunLauncher;
#[cfg(feature = "process")]
type Commands = crate::process::ProcessRunLauncher;

/// A launcher of two: a run whose code is served is launched by its code server, and one with a command in its
/// configuration as a process of this machine.
#[derive(Debug)]
pub(crate) struct ByOrigin {
    commands: Commands,
    code: CodeServerRunLauncher,
}

impl ByOrigin {
    pub(crate) fn new(code: CodeServerRunLauncher) -> Self {
        Self { commands: Commands::default(), code }
    }

    fn of(&self, run: &DagsterRun) -> &dyn RunLauncher {
        // A run of `exec` has no origin. One that has neither is told that it has no command.
        if run.remote_job_origin.is_some() && CommandSpec::from_run(run).is_err() {
            &self.code
        } else {
            &self.commands
        }
    }

    /// The launcher that can reach the worker of a run that was launched.
    async fn of_worker(
        &self,
        instance: &dyn LauncherOps,
        run: &DagsterRun,
    ) -> Result<&dyn RunLauncher, BoxError> {
        #[cfg(feature = "process")]
        if !run.tags.contains_key(GRPC_INFO)
            && crate::dagster_worker::has_worker(instance, &run.run_id).await?
        {
            return Ok(&self.commands);
        }
        #[cfg(not(feature = "process"))]
        let _ = instance;
        Ok(self.of(run))
    }
}

#[async_trait]
impl RunLauncher for ByOrigin {
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError> {
        self.of(&context.dagster_run).launch_run(context).await
    }

    async fn terminate(&self, context: TerminateRunContext) -> Result<bool, BoxError> {
        let launcher = self.of_worker(&*context.instance, &context.dagster_run).await?;
        launcher.terminate(context).await
    }

    async fn resume_run(&self, context: ResumeRunContext) -> Result<(), BoxError> {
        let launcher = self.of_worker(&*context.instance, &context.dagster_run).await?;
        launcher.resume_run(context).await
    }

    fn supports_check_run_worker_health(&self) -> bool {
        true
    }

    async fn check_run_worker_health(
        &self,
        context: CheckRunHealthContext,
    ) -> Result<CheckRunHealthResult, BoxError> {
        let launcher = self.of_worker(&*context.instance, &context.dagster_run).await?;
        if launcher.supports_check_run_worker_health() {
            return launcher.check_run_worker_health(context).await;
        }
        Ok(CheckRunHealthResult::new(instance_core::launcher::WorkerStatus::Unknown)
            .with_msg("the launcher of this run does not check workers"))
    }

    async fn join(&self, timeout: std::time::Duration) -> Result<(), BoxError> {
        self.commands.join(timeout).await
    }

    async fn dispose(&self) {
        self.commands.dispose().await;
    }
}
