//! Submitting, launching and cancelling runs.

use instance_core::error::{BoxError, InstanceError};
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EngineEventData, ReportEngineEvent, ReportEvent,
};
use instance_core::ids::RunId;
use instance_core::launcher::LaunchRunContext;
use instance_core::ops::{EventReporterExt, LauncherOps};
use instance_core::run::DagsterRun;

/// Gives a created run to the coordinator, which launches it now or later.
///
/// If the coordinator fails, the run is marked as failed, with the error among its events.
#[tracing::instrument(skip_all, fields(%run_id))]
pub async fn submit_run(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<DagsterRun, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    match ops.run_coordinator().submit_run(run, ops).await {
        // The launch has reported its failure itself.
        Err(error @ InstanceError::Launch { .. }) => Err(error),
        Err(error) => {
            let run = existing_run(ops, run_id).await?;
            report_failure(ops, &run, &error).await?;
            Err(error)
        }
        Ok(run) => Ok(run),
    }
}

/// Gives a run to the launcher; returns the run as it is once its worker was started.
///
/// If the launcher fails, the run is marked as failed, with the error among its events.
#[tracing::instrument(skip_all, fields(%run_id))]
pub async fn launch_run(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<DagsterRun, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    let starting = DagsterEvent::new(DagsterEventType::RunStarting, &run.job_name);
    ops.report_dagster_event(ReportEvent::new(starting, run_id)).await?;
    let run = existing_run(ops, run_id).await?;
    let context =
        LaunchRunContext { dagster_run: run.clone(), instance: ops.owned_run_worker_ops() };
    if let Err(source) = ops.run_launcher().launch_run(context).await {
        let error = InstanceError::Launch { run_id: run_id.clone(), source };
        report_failure(ops, &run, &error).await?;
        return Err(error);
    }
    Ok(run)
}

/// Asks the worker of a run to stop. `false` if the run has ended, or has no worker that this
/// launcher could reach; a run that has ended is not changed.
#[tracing::instrument(skip_all, fields(%run_id))]
pub async fn cancel_run(ops: &dyn LauncherOps, run_id: &RunId) -> Result<bool, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    if run.status.is_finished() {
        return Ok(false);
    }
    let terminated = ops.run_launcher().terminate(run_id).await;
    terminated.map_err(|source: BoxError| InstanceError::Launch { run_id: run_id.clone(), source })
}

async fn existing_run(ops: &dyn LauncherOps, run_id: &RunId) -> Result<DagsterRun, InstanceError> {
    let record = ops.run_store().get_run_record(run_id).await?;
    record.map(|record| record.dagster_run).ok_or_else(|| InstanceError::run_not_found(run_id))
}

async fn report_failure(
    ops: &dyn LauncherOps,
    run: &DagsterRun,
    error: &InstanceError,
) -> Result<(), InstanceError> {
    let info = SerializableErrorInfo::from_error("LaunchError", error);
    let report = ReportEngineEvent::new(run, error.to_string())
        .with_data(EngineEventData::engine_error(info));
    ops.report_engine_event(report).await?;
    ops.report_run_failed(run, None, None).await.map(drop)
}
