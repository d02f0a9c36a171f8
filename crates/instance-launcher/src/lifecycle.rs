//! Submitting, launching, resuming and cancelling runs.

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

/// The message by which Dagster counts how often a run was resumed.
const RESUME_RUN_LOG_MESSAGE: &str = "Launching a new run worker to resume run";

/// Gives a created run to the coordinator, which launches it now or later. Returns the run as it is
/// afterwards; a run that was submitted before is left alone.
///
/// # Errors
///
/// [`InstanceError::RunNotFound`]; or what kept the coordinator from taking the run in. The run is then
/// marked as failed, with the error among its events.
#[tracing::instrument(skip_all, fields(%run_id))]
pub async fn submit_run(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<DagsterRun, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    let context = SubmitRunContext::new(run.clone(), ops.owned_launcher_ops());
    let submitted = ops.run_coordinator().submit_run(context).await;
    match &submitted {
        // The launch has reported its failure itself.
        Ok(_) | Err(InstanceError::Launch { .. }) => {}
        Err(error) => report_launch_failure(ops, &run, error).await,
    }
    submitted
}

/// Gives a run to the launcher. Returns the run as it was when its worker was started.
///
/// # Errors
///
/// [`InstanceError::RunNotFound`]; or [`InstanceError::Launch`] for whatever kept the worker from being
/// started. The run is then marked as failed, with the error among its events.
#[tracing::instrument(skip_all, fields(%run_id))]
pub async fn launch_run(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<DagsterRun, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    let launched = async {
        let starting = DagsterEvent::new(DagsterEventType::RunStarting, &run.job_name);
        ops.report_dagster_event(ReportEvent::new(starting, run_id)).await?;
        let run = existing_run(ops, run_id).await?;
        let context = LaunchRunContext::new(run.clone(), ops.owned_launcher_ops());
        ops.run_launcher().launch_run(context).await?;
        Ok(run)
    };
    end_if_failed(ops, &run, launched.await).await
}

/// Has the launcher start another worker for a run whose worker is gone, as the attempt of this number; the
/// first is 1. Returns the run as it was before.
///
/// # Errors
///
/// [`InstanceError::RunNotFound`]; [`InstanceError::Invalid`] for a run that was not launched, or that has
/// ended; or [`InstanceError::Launch`] if no worker could be started, as by a launcher that does not resume
/// runs. The run is then marked as failed, with the error among its events.
#[tracing::instrument(skip_all, fields(%run_id, attempt_number))]
pub async fn resume_run(
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

/// How often a run was resumed, by whichever program; `0` for a run that is not stored.
///
/// # Errors
///
/// Those of the event log.
#[tracing::instrument(skip_all, fields(%run_id))]
pub async fn count_resume_run_attempts(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<usize, InstanceError> {
    let entries = engine_events(ops, run_id).await?;
    Ok(entries.iter().filter(|entry| entry.message() == RESUME_RUN_LOG_MESSAGE).count())
}

/// Asks the coordinator to cancel a run: a run in a queue is taken out of it, and the worker of a run that was
/// launched is asked to stop. `false` if the run has ended, or nothing that could be asked is reached; the run
/// is not changed then.
///
/// # Errors
///
/// [`InstanceError::RunNotFound`]; or what kept the coordinator or the launcher from asking.
#[tracing::instrument(skip_all, fields(%run_id))]
pub async fn cancel_run(ops: &dyn LauncherOps, run_id: &RunId) -> Result<bool, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    if run.status.is_finished() {
        return Ok(false);
    }
    let context = CancelRunContext::new(run, ops.owned_launcher_ops());
    ops.run_coordinator().cancel_run(context).await
}

/// Cancels a run and marks it as canceled at once, whatever its worker does, as Dagster's UI does when it is
/// told to force the termination. What the run has started may go on. Returns the run as it is afterwards; a
/// run that has ended is not changed.
///
/// # Errors
///
/// [`InstanceError::RunNotFound`]; or what kept the run from being marked. A worker that could not be asked is
/// no error; it is among the run's events.
#[tracing::instrument(skip_all, fields(%run_id))]
pub async fn force_cancel_run(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<DagsterRun, InstanceError> {
    if let Err(error) = cancel_run(ops, run_id).await {
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
    // The words by which Dagster's UI does it.
    let message = "This pipeline was forcibly marked as canceled from outside the execution context. The \
                   computational resources created by the run may not have been fully cleaned up.";
    ops.report_run_canceled(&run, Some(message.to_owned())).await?;
    existing_run(ops, run_id).await
}

/// Has the coordinator and the launcher let go of what they hold. Runs in a queue stay there, and the workers of
/// runs go on.
// facade: skip
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

/// Ends a run whose worker could not be started, whatever the reason.
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

/// Whether a run was launched and has not ended.
const fn is_in_progress(status: DagsterRunStatus) -> bool {
    matches!(
        status,
        DagsterRunStatus::Starting
            | DagsterRunStatus::Started
            | DagsterRunStatus::Canceling
            | DagsterRunStatus::Suspended
    )
}
