//! The launcher that executes runs of Python code by Dagster's own worker, `dagster api execute_run`, as a process of this
//! machine.
//!
//! The worker reports the events of its run by itself. It goes on if this process ends.

mod args;
mod child;
mod record;

use std::process::ExitStatus;
use std::sync::Arc;

use async_trait::async_trait;
use instance_core::error::BoxError;
use instance_core::event::{EngineEventData, ReportEngineEvent};
use instance_core::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, LaunchDeadline, LaunchRunContext, LaunchState,
    LaunchStateContext, LaunchTimeOver, ResumeRunContext, RunLauncher, RunWorkerDebugInfoContext,
    TerminateRunContext,
};
use instance_core::ops::{EventReporterExt, LauncherOps};
use instance_core::run::DagsterRun;

use crate::process::identity::ProcessIdentity;
use crate::process::recorded::no_record;
use crate::read::{engine_events, existing_run};
use args::Call;
use child::{WorkerLogs, start_worker};

pub(crate) use record::{has_worker, terminate_worker, worker_health, worker_of};

/// A launcher that starts Dagster's own worker for each run, as a process of this machine.
///
/// The run has to say where its code is, by `job_code_origin`, and the instance has to have a reference by which the worker
/// can open it: an instance of a directory has one. No code server is needed. An event of the run names the process, so
/// that other processes of the host can look at it and stop it.
#[derive(Debug, Clone, Copy, Default)]
pub struct DagsterWorkerLauncher;

impl DagsterWorkerLauncher {
    /// Makes a launcher.
    pub const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl RunLauncher for DagsterWorkerLauncher {
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError> {
        let LaunchRunContext { dagster_run: run, instance, deadline, .. } = context;
        start(Call::Execute, &run, instance, 0, deadline).await
    }

    /// The worker is recorded after it was started. So one that is not recorded may be there all the same.
    async fn launch_state(&self, context: LaunchStateContext) -> Result<LaunchState, BoxError> {
        let is_there = has_worker(&*context.instance, &context.dagster_run.run_id).await?;
        Ok(if is_there { LaunchState::Launched } else { LaunchState::Unknown })
    }

    fn supports_resume_run(&self) -> bool {
        true
    }

    async fn resume_run(&self, context: ResumeRunContext) -> Result<(), BoxError> {
        let attempt = context.resume_attempt_number.unwrap_or(1);
        start(Call::Resume, &context.dagster_run, context.instance, attempt, None).await
    }

    async fn terminate(&self, context: TerminateRunContext) -> Result<bool, BoxError> {
        let TerminateRunContext { dagster_run: run, instance, .. } = context;
        match worker_of(&engine_events(&*instance, &run.run_id).await?) {
            Some(worker) => terminate_worker(&*instance, &run, &worker).await,
            None => Ok(false),
        }
    }

    fn supports_check_run_worker_health(&self) -> bool {
        true
    }

    async fn check_run_worker_health(
        &self,
        context: CheckRunHealthContext,
    ) -> Result<CheckRunHealthResult, BoxError> {
        let entries = engine_events(&*context.instance, &context.dagster_run.run_id).await?;
        Ok(worker_of(&entries).as_ref().map_or_else(no_record, worker_health))
    }

    /// The end of what the newest worker of the run printed.
    async fn get_run_worker_debug_info(
        &self,
        context: RunWorkerDebugInfoContext,
    ) -> Result<Option<String>, BoxError> {
        if !context.include_container_logs {
            return Ok(None);
        }
        let home = &context.instance.settings().home;
        Ok(WorkerLogs::newest_of(home, &context.dagster_run.run_id).and_then(|logs| logs.end()))
    }
}

/// Starts a worker, and reports its process.
async fn start(
    call: Call,
    run: &DagsterRun,
    instance: Arc<dyn LauncherOps>,
    attempt: u32,
    deadline: Option<LaunchDeadline>,
) -> Result<(), BoxError> {
    let runtime = tokio::runtime::Handle::try_current()?;
    let args = args::worker_args(call, run, instance.settings())?;
    if deadline.is_some_and(|deadline| deadline.left(instance.clock()).is_none()) {
        return Err(LaunchTimeOver.into());
    }
    let mut child = start_worker(&args, run, &instance.settings().home, attempt)?;
    let process = ProcessIdentity::of(child.id().unwrap_or_default());
    let data = EngineEventData::new(record::metadata(&process));
    let message =
        format!("[DagsterWorkerLauncher] Launching run in a process (pid: {})", process.pid);
    let report = ReportEngineEvent::new(run, message).with_data(data);
    if let Err(error) = instance.report_engine_event(report).await {
        // Nobody would find it.
        child.start_kill()?;
        return Err(error.into());
    }
    let run = run.clone();
    runtime.spawn(async move {
        let ended = child.wait().await;
        if let Err(error) = end_if_unfinished(&*instance, &run, ended).await {
            tracing::error!(run_id = %run.run_id, %error, "the end of a worker is not reported");
        }
    });
    Ok(())
}

/// Reports the failure of a run whose worker has ended without a word about the end of the run.
async fn end_if_unfinished(
    instance: &dyn LauncherOps,
    run: &DagsterRun,
    ended: std::io::Result<ExitStatus>,
) -> Result<(), BoxError> {
    let run = existing_run(instance, &run.run_id).await?;
    if run.status.is_finished() {
        return Ok(());
    }
    let message = record::ended_message(&run.run_id, ended?);
    instance.report_engine_event(ReportEngineEvent::new(&run, message)).await?;
    instance.report_run_failed(&run, None, None).await?;
    Ok(())
}
