//! Launchers of two: real code by a code server or in a cluster, as the settings say, and commands as processes.
//!
//! A run of real code may have been launched without a code server, by `DagsterWorkerLauncher`. Whoever has launched it, an
//! event of the run names its worker then, and it is looked at, stopped and resumed by that.

use async_trait::async_trait;
use instance_core::command::CommandSpec;
use instance_core::error::BoxError;
use instance_core::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, LaunchRunContext, ResumeRunContext, RunLauncher,
    RunWorkerDebugInfoContext, TerminateRunContext,
};
use instance_core::ops::LauncherOps;
use instance_core::run::DagsterRun;

#[cfg(feature = "grpc")]
use crate::code_server::CodeServerRunLauncher;
#[cfg(all(feature = "grpc", feature = "process"))]
use crate::code_server::GRPC_INFO;

#[cfg(not(feature = "process"))]
type Commands = crate::absent::NoRunLauncher;
#[cfg(feature = "process")]
type Commands = crate::process::ProcessRunLauncher;

/// A launcher of two: a run of real code is launched by the one that is configured, and one with a command in its
/// configuration as a process of this machine.
#[derive(Debug)]
pub(crate) struct ByOrigin {
    commands: Commands,
    code: Box<dyn RunLauncher>,
}

impl ByOrigin {
    /// Real code is executed by code servers.
    #[cfg(feature = "grpc")]
    pub(crate) fn code_servers(code: CodeServerRunLauncher) -> Self {
        Self { commands: Commands::default(), code: Box::new(code) }
    }

    /// Real code is executed in Jobs of Kubernetes.
    #[cfg(feature = "kube")]
    pub(crate) fn jobs(code: crate::kubernetes::KubernetesRunLauncher) -> Self {
        Self { commands: Commands::default(), code: Box::new(code) }
    }

    fn of(&self, run: &DagsterRun) -> &dyn RunLauncher {
        // A run of `exec` has no origin. One that has neither is told that it has no command.
        let is_code = run.remote_job_origin.is_some() || run.job_code_origin.is_some();
        if is_code && CommandSpec::from_run(run).is_err() { &*self.code } else { &self.commands }
    }

    /// The launcher that can reach the worker of a run that was launched.
    async fn of_worker(
        &self,
        instance: &dyn LauncherOps,
        run: &DagsterRun,
    ) -> Result<&dyn RunLauncher, BoxError> {
        #[cfg(all(feature = "grpc", feature = "process"))]
        let is_served = run.tags.contains_key(GRPC_INFO);
        #[cfg(all(feature = "process", not(feature = "grpc")))]
        let is_served = false;
        #[cfg(feature = "process")]
        if !is_served && crate::dagster_worker::has_worker(instance, &run.run_id).await? {
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

    fn supports_resume_run(&self) -> bool {
        self.code.supports_resume_run()
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

    async fn get_run_worker_debug_info(
        &self,
        context: RunWorkerDebugInfoContext,
    ) -> Result<Option<String>, BoxError> {
        let launcher = self.of_worker(&*context.instance, &context.dagster_run).await?;
        launcher.get_run_worker_debug_info(context).await
    }

    async fn join(&self, timeout: std::time::Duration) -> Result<(), BoxError> {
        self.commands.join(timeout).await
    }

    async fn dispose(&self) {
        self.commands.dispose().await;
    }
}
