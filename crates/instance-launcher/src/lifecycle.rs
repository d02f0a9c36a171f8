//! Submitting, launching, resuming and cancelling runs.

use std::sync::Arc;

use instance_core::code_location::Workspace;
use instance_core::error::{BoxError, InstanceError};
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EngineEventData, ReportEngineEvent, ReportEvent,
};
use instance_core::ids::RunId;
use instance_core::launcher::{
    CancelRunContext, LaunchRunContext, ResumeRunContext, SubmitRunContext, TerminateRunContext,
};
use instance_core::ops::{EventReporterExt, LauncherOps};
use instance_core::run::{DagsterRun, DagsterRunStatus};

use crate::read::{engine_events, existing_run};
use crate::report::report_launch_failure;

/// The message of an attempt to resume a run. Dagster counts attempts by it.
const RESUME_RUN_LOG_MESSAGE: &str = "Launching a new run worker to resume run";

/// Gives a run to the coordinator, which launches it now or later. Returns the run as it is afterwards.
///
/// A run that was submitted before is returned unchanged.
///
/// # Errors
///
/// - [`InstanceError::RunNotFound`] if there is no such run.
/// - [`InstanceError::Invalid`] if the coordinator takes only runs that say where their code is, and this run does not.
///   The run is not changed then.
/// - [`InstanceError::Launch`], or any other error of the coordinator, if it did not take the run. The run has then
///   failed, and the error is among its events. If the coordinator launches runs at once, both are there twice, as in
///   Dagster: [`launch_run`] has reported them before.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn submit_run(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<DagsterRun, InstanceError> {
    submit(ops, run_id, None).await
}

/// Gives a run to the coordinator, as [`submit_run`] does, together with the workspace. A run whose code location is a server
/// that is started for the workspace can be launched at once by it alone.
///
/// # Errors
///
/// Those of [`submit_run`].
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn submit_run_with_workspace(
    ops: &dyn LauncherOps,
    run_id: &RunId,
    workspace: Arc<dyn Workspace>,
) -> Result<DagsterRun, InstanceError> {
    submit(ops, run_id, Some(workspace)).await
}

pub(crate) async fn submit(
    ops: &dyn LauncherOps,
    run_id: &RunId,
    workspace: Option<Arc<dyn Workspace>>,
) -> Result<DagsterRun, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    if ops.run_coordinator().requires_origins() {
        require_origins(&run)?;
    }
    let context =
        SubmitRunContext::new(run.clone(), ops.owned_launcher_ops()).with_workspace(workspace);
    let submitted = ops.run_coordinator().submit_run(context).await;
    if let Err(error) = &submitted {
        report_launch_failure(ops, &run, error).await;
    }
    submitted
}

/// Gives a run to the launcher, which starts its worker. Returns the run as it was when the worker started.
///
/// # Errors
///
/// [`InstanceError::RunNotFound`] if there is no such run; [`InstanceError::Launch`] if no worker was started,
/// whatever the reason. The run has then failed, and the error is among its events.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn launch_run(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<DagsterRun, InstanceError> {
    launch(ops, run_id, None).await
}

/// Gives a run to the launcher, as [`launch_run`] does, together with the workspace, in which the launcher finds the run's code
/// location.
///
/// # Errors
///
/// Those of [`launch_run`].
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn launch_run_with_workspace(
    ops: &dyn LauncherOps,
    run_id: &RunId,
    workspace: Arc<dyn Workspace>,
) -> Result<DagsterRun, InstanceError> {
    launch(ops, run_id, Some(workspace)).await
}

pub(crate) async fn launch(
    ops: &dyn LauncherOps,
    run_id: &RunId,
    workspace: Option<Arc<dyn Workspace>>,
) -> Result<DagsterRun, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    let launched = async {
        let starting = DagsterEvent::new(DagsterEventType::RunStarting, &run.job_name);
        ops.report_dagster_event(ReportEvent::new(starting, run_id)).await?;
        let run = existing_run(ops, run_id).await?;
        let context =
            LaunchRunContext::new(run.clone(), ops.owned_launcher_ops()).with_workspace(workspace);
        ops.run_launcher().launch_run(context).await?;
        Ok(run)
    };
    end_if_failed(ops, &run, launched.await).await
}

/// Has the launcher start another worker for a run whose worker is gone. Returns the run as it was before.
///
/// `attempt_number` counts the attempts to resume this run; the first attempt is 1.
///
/// # Errors
///
/// - [`InstanceError::RunNotFound`] if there is no such run.
/// - [`InstanceError::Invalid`] if the run was not launched, or has ended. It is not changed then.
/// - [`InstanceError::Launch`] if no worker was started, for instance by a launcher that does not resume runs. The
///   run has then failed, and the error is among its events.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id, attempt_number))]
pub async fn resume_run(
    ops: &dyn LauncherOps,
    run_id: &RunId,
    attempt_number: u32,
) -> Result<DagsterRun, InstanceError> {
    resume(ops, run_id, attempt_number).await
}

/// What [`resume_run`] does, for functions that have a span of their own.
pub(crate) async fn resume(
    ops: &dyn LauncherOps,
    run_id: &RunId,
    attempt_number: u32,
) -> Result<DagsterRun, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    if !is_in_progress(run.status) {
        let reason = format!(
            "it is {} and cannot be resumed; only a run that was launched and has not ended can",
            run.status
        );
        return Err(InstanceError::invalid("run", run_id.as_str(), reason));
    }
    let resumed = async {
        ops.report_engine_event(ReportEngineEvent::new(&run, RESUME_RUN_LOG_MESSAGE)).await?;
        let context = ResumeRunContext::new(run.clone(), ops.owned_launcher_ops())
            .with_resume_attempt_number(attempt_number);
        ops.run_launcher().resume_run(context).await?;
        Ok(run.clone())
    };
    end_if_failed(ops, &run, resumed.await).await
}

/// Returns whether a run could be resumed if its worker is gone: the launcher resumes runs of its kind, or the newest worker
/// of this run was Dagster's own, as a process.
///
/// # Errors
///
/// [`InstanceError::RunNotFound`] if there is no such run. [`InstanceError::Launch`] if it could not be found out.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn can_resume_run(ops: &dyn LauncherOps, run_id: &RunId) -> Result<bool, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    if ops.run_launcher().supports_resume_of(&run) {
        return Ok(true);
    }
    #[cfg(feature = "process")]
    let found = crate::dagster_worker::has_worker(ops, run_id).await;
    #[cfg(not(feature = "process"))]
    let found = Ok(false);
    found.map_err(|source| InstanceError::Launch { run_id: run_id.clone(), source })
}

/// Returns whether the daemon that monitors runs resumes this run if its worker is lost: runs are monitored, and the
/// run was resumed less often than the settings allow.
///
/// A run that does not exist was never resumed.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn run_will_resume(ops: &dyn LauncherOps, run_id: &RunId) -> Result<bool, InstanceError> {
    let monitoring = ops.settings().run_monitoring;
    if !monitoring.enabled {
        return Ok(false);
    }
    let attempts = resume_run_attempts(ops, run_id).await?;
    Ok(i64::try_from(attempts).is_ok_and(|attempts| attempts < monitoring.max_resume_run_attempts))
}

/// Returns how often a run was resumed, by any process. A run that does not exist was resumed 0 times.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn count_resume_run_attempts(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<usize, InstanceError> {
    resume_run_attempts(ops, run_id).await
}

/// What [`count_resume_run_attempts`] returns, for functions that have a span of their own.
pub(crate) async fn resume_run_attempts(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<usize, InstanceError> {
    let entries = engine_events(ops, run_id).await?;
    Ok(entries.iter().filter(|entry| entry.message() == RESUME_RUN_LOG_MESSAGE).count())
}

/// Asks the coordinator to cancel a run, and returns whether the request reached anything.
///
/// The coordinator takes a run out of the queue, or asks the launcher to stop the worker of a run that was launched.
/// `false` means that the run has ended, or that nothing was there to be asked. The run is not changed then.
///
/// # Errors
///
/// [`InstanceError::RunNotFound`] if there is no such run; [`InstanceError::Launch`] if the launcher could not ask
/// the worker; otherwise what kept the coordinator from cancelling the run.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn cancel_run(ops: &dyn LauncherOps, run_id: &RunId) -> Result<bool, InstanceError> {
    cancel(ops, run_id).await
}

/// What [`cancel_run`] does, for functions that have a span of their own.
async fn cancel(ops: &dyn LauncherOps, run_id: &RunId) -> Result<bool, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    if run.status.is_finished() {
        return Ok(false);
    }
    let context = CancelRunContext::new(run, ops.owned_launcher_ops());
    ops.run_coordinator().cancel_run(context).await
}

/// Reports a run as canceled at once, whatever its worker does. Returns the run as it is afterwards.
///
/// A run that is queued or has started is asked to stop before, as [`cancel_run`] does it. Processes that the run has
/// started may go on. A run that has ended is not changed. Dagster's UI does the same when a user forces the
/// termination of a run.
///
/// # Errors
///
/// [`InstanceError::RunNotFound`] if there is no such run; otherwise what kept the report from being stored. A worker
/// that could not be asked to stop is no error of this function; that error is among the events of the run.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn force_cancel_run(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<DagsterRun, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    let can_be_asked = matches!(run.status, DagsterRunStatus::Started | DagsterRunStatus::Queued);
    if can_be_asked && let Err(error) = cancel(ops, run_id).await {
        let run = existing_run(ops, run_id).await?;
        let info = SerializableErrorInfo::from_error("CancelError", &error);
        let message = "Exception while attempting to force-terminate run. Run will still be marked as \
                       canceled.";
        let data = EngineEventData::engine_error(info);
        ops.report_engine_event(ReportEngineEvent::new(&run, message).with_data(data)).await?;
    }
    let run = existing_run(ops, run_id).await?;
    if run.status.is_finished() {
        return Ok(run);
    }
    // The words of Dagster's UI.
    let message = "This pipeline was forcibly marked as canceled from outside the execution context. The \
                   computational resources created by the run may not have been fully cleaned up.";
    ops.report_run_canceled(&run, Some(message.to_owned())).await?;
    existing_run(ops, run_id).await
}

/// Disposes of the coordinator and of the launcher: they release what they hold.
///
/// Runs in the queue stay there, and workers go on.
// facade: skip
#[tracing::instrument(level = "debug", skip_all)]
pub async fn dispose(ops: &dyn LauncherOps) {
    ops.run_coordinator().dispose().await;
    ops.run_launcher().dispose().await;
}

/// Asks the launcher to stop the worker of a run.
pub(crate) async fn terminate(
    ops: &dyn LauncherOps,
    run: DagsterRun,
) -> Result<bool, InstanceError> {
    let run_id = run.run_id.clone();
    let context = TerminateRunContext::new(run, ops.owned_launcher_ops());
    let terminated = ops.run_launcher().terminate(context).await;
    terminated.map_err(|source| InstanceError::Launch { run_id, source })
}

/// Reports the failure of a run whose worker could not be started, whatever the reason.
async fn end_if_failed(
    ops: &dyn LauncherOps,
    run: &DagsterRun,
    started: Result<DagsterRun, BoxError>,
) -> Result<DagsterRun, InstanceError> {
    match started {
        Ok(run) => Ok(run),
        Err(source) => {
            let error = InstanceError::Launch { run_id: run.run_id.clone(), source };
            report_launch_failure(ops, run, &error).await;
            Err(error)
        }
    }
}

/// Refuses a run that nobody else could launch, as it does not say where its code is.
fn require_origins(run: &DagsterRun) -> Result<(), InstanceError> {
    let missing = match (&run.remote_job_origin, &run.job_code_origin) {
        (None, _) => "remote_job_origin",
        (_, None) => "job_code_origin",
        _ => return Ok(()),
    };
    let reason = format!(
        "it has no {missing}, so it does not say where its code is, and whoever takes it from the queue could not launch \
         it; a coordinator that launches runs at once, such as `DefaultRunCoordinator`, takes it"
    );
    Err(InstanceError::invalid("run", run.run_id.as_str(), reason))
}

/// Whether a run was launched and has not ended.
pub(crate) const fn is_in_progress(status: DagsterRunStatus) -> bool {
    matches!(
        status,
        DagsterRunStatus::Starting
            | DagsterRunStatus::Started
            | DagsterRunStatus::Canceling
            | DagsterRunStatus::Suspended
    )
}
