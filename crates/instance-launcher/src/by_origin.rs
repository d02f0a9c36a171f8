//! Launchers of two: real code by a code server or in a cluster, as the settings say, and commands as processes.
//!
//! A run of real code may have been launched without a code server, by `DagsterWorkerLauncher`. Whoever has launched it, an
//! event of the run names its worker then, and it is looked at, stopped and resumed by that.

use async_trait::async_trait;
use instance_core::command::CommandSpec;
use instance_core::error::BoxError;
use instance_core::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, LaunchRunContext, LaunchState, LaunchStateContext,
    ResumeRunContext, RunLauncher, RunWorkerDebugInfoContext, TerminateRunContext,
};
#[cfg(feature = "process")]
use instance_core::ops::LauncherOps;
use instance_core::run::DagsterRun;

#[cfg(feature = "grpc")]
use crate::code_server::CodeServerRunLauncher;
#[cfg(all(feature = "grpc", feature = "process"))]
use crate::code_server::GRPC_INFO;
#[cfg(feature = "process")]
use crate::dagster_worker::{self, DagsterWorkerLauncher};
#[cfg(feature = "process")]
use crate::process::identity::ProcessIdentity;
#[cfg(feature = "process")]
use crate::read::engine_events;

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
        if is_of_code(run) { &*self.code } else { &self.commands }
    }
}

/// Whether a run is one of real code. A run of `exec` has no origin. One that has neither is told that it has no command.
fn is_of_code(run: &DagsterRun) -> bool {
    let has_origin = run.remote_job_origin.is_some() || run.job_code_origin.is_some();
    has_origin && CommandSpec::from_run(run).is_err()
}

/// The worker of a run of real code that was launched without a code server. The events of a run are read for it only if
/// no tag says which server has it.
#[cfg(feature = "process")]
async fn worker_without_server(
    instance: &dyn LauncherOps,
    run: &DagsterRun,
) -> Result<Option<ProcessIdentity>, BoxError> {
    #[cfg(feature = "grpc")]
    let is_served = run.tags.contains_key(GRPC_INFO);
    #[cfg(not(feature = "grpc"))]
    let is_served = false;
    if !is_of_code(run) || is_served {
        return Ok(None);
    }
    Ok(dagster_worker::worker_of(&engine_events(instance, &run.run_id).await?))
}

#[async_trait]
impl RunLauncher for ByOrigin {
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError> {
        self.of(&context.dagster_run).launch_run(context).await
    }

    async fn launch_state(&self, context: LaunchStateContext) -> Result<LaunchState, BoxError> {
        #[cfg(feature = "process")]
        if worker_without_server(&*context.instance, &context.dagster_run).await?.is_some() {
            return Ok(LaunchState::Launched);
        }
        self.of(&context.dagster_run).launch_state(context).await
    }

    async fn terminate(&self, context: TerminateRunContext) -> Result<bool, BoxError> {
        #[cfg(feature = "process")]
        if let Some(worker) =
            worker_without_server(&*context.instance, &context.dagster_run).await?
        {
            let (instance, run) = (&*context.instance, &context.dagster_run);
            return dagster_worker::terminate_worker(instance, run, &worker).await;
        }
        self.of(&context.dagster_run).terminate(context).await
    }

    async fn resume_run(&self, context: ResumeRunContext) -> Result<(), BoxError> {
        #[cfg(feature = "process")]
        if worker_without_server(&*context.instance, &context.dagster_run).await?.is_some() {
            return DagsterWorkerLauncher::new().resume_run(context).await;
        }
        self.of(&context.dagster_run).resume_run(context).await
    }

    fn supports_resume_run(&self) -> bool {
        self.code.supports_resume_run()
    }

    fn supports_resume_of(&self, run: &DagsterRun) -> bool {
        self.of(run).supports_resume_run()
    }

    fn supports_check_run_worker_health(&self) -> bool {
        true
    }

    async fn check_run_worker_health(
        &self,
        context: CheckRunHealthContext,
    ) -> Result<CheckRunHealthResult, BoxError> {
        #[cfg(feature = "process")]
        if let Some(worker) =
            worker_without_server(&*context.instance, &context.dagster_run).await?
        {
            return Ok(dagster_worker::worker_health(&worker));
        }
        let launcher = self.of(&context.dagster_run);
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
        #[cfg(feature = "process")]
        if worker_without_server(&*context.instance, &context.dagster_run).await?.is_some() {
            return DagsterWorkerLauncher::new().get_run_worker_debug_info(context).await;
        }
        self.of(&context.dagster_run).get_run_worker_debug_info(context).await
    }

    async fn join(&self, timeout: std::time::Duration) -> Result<(), BoxError> {
        self.commands.join(timeout).await
    }

    async fn dispose(&self) {
        self.commands.dispose().await;
    }
}
