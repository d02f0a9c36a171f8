//! The launcher that Dagster has by default, as this version serves it: code by its server, commands as processes.

use async_trait::async_trait;
use instance_core::command::CommandSpec;
use instance_core::error::BoxError;
use instance_core::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, LaunchRunContext, RunLauncher, TerminateRunContext,
};
use instance_core::run::DagsterRun;

use crate::code_server::CodeServerRunLauncher;

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
}

#[async_trait]
impl RunLauncher for ByOrigin {
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError> {
        self.of(&context.dagster_run).launch_run(context).await
    }

    async fn terminate(&self, context: TerminateRunContext) -> Result<bool, BoxError> {
        self.of(&context.dagster_run).terminate(context).await
    }

    fn supports_check_run_worker_health(&self) -> bool {
        true
    }

    async fn check_run_worker_health(
        &self,
        context: CheckRunHealthContext,
    ) -> Result<CheckRunHealthResult, BoxError> {
        let launcher = self.of(&context.dagster_run);
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
