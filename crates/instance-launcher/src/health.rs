//! The health of workers: looking at it, and ending runs whose worker is gone.

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, RunWorkerDebugInfoContext, WorkerStatus,
};
use instance_core::ops::{EventReporterExt, LauncherOps};
use instance_core::run::DagsterRun;

use crate::read::existing_run;

/// Asks the launcher how the worker of a run is. [`WorkerStatus::Unknown`] if the launcher cannot tell.
///
/// The run itself may have ended: a worker that is gone is right then.
///
/// # Errors
///
/// [`InstanceError::RunNotFound`]; or [`InstanceError::Launch`] if the launcher could not look.
#[tracing::instrument(skip_all, fields(%run_id))]
pub async fn check_run_worker_health(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<CheckRunHealthResult, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    check(ops, run).await
}

/// Marks a run as failed if its worker is known to be gone, as Dagster's monitoring of runs does. Returns what
/// is wrong with the worker; `None` if the run has ended, or its worker is not known to be gone. The run is not
/// changed then.
///
/// # Errors
///
/// Those of [`check_run_worker_health`]; or what kept the run from being marked.
#[tracing::instrument(skip_all, fields(%run_id))]
pub async fn fail_run_without_worker(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<Option<CheckRunHealthResult>, InstanceError> {
    let Some(health) = find_lost_worker(ops, run_id).await? else {
        return Ok(None);
    };
    let run = existing_run(ops, run_id).await?;
    let mut message =
        format!("Detected run worker status {health}. Marking run {run_id} as failed.");
    if health.status == WorkerStatus::Failed {
        let context = RunWorkerDebugInfoContext::new(run.clone(), ops.owned_launcher_ops())
            .without_container_logs();
        match ops.run_launcher().get_run_worker_debug_info(context).await {
            Ok(info) => message.extend(info.map(|info| format!("\n{info}"))),
            Err(error) => tracing::warn!(%error, "nothing is known of the failed worker"),
        }
    }
    ops.report_run_failed(&run, Some(message), None).await?;
    Ok(Some(health))
}

/// What is wrong with the worker of a run that has not ended; `None` if the run has ended, or its worker is not
/// known to be gone.
///
/// # Errors
///
/// Those of [`check_run_worker_health`].
#[tracing::instrument(skip_all, fields(%run_id))]
pub async fn find_lost_worker(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<Option<CheckRunHealthResult>, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    if run.status.is_finished() {
        return Ok(None);
    }
    let health = check(ops, run).await?;
    // A worker that has ended in order may have done so between the two readings.
    let is_lost = health.status.is_lost() && !existing_run(ops, run_id).await?.status.is_finished();
    Ok(is_lost.then_some(health))
}

async fn check(
    ops: &dyn LauncherOps,
    run: DagsterRun,
) -> Result<CheckRunHealthResult, InstanceError> {
    let launcher = ops.run_launcher();
    if !launcher.supports_check_run_worker_health() {
        return Ok(CheckRunHealthResult::new(WorkerStatus::Unknown)
            .with_msg("the launcher of this instance does not check workers"));
    }
    let run_id = run.run_id.clone();
    let context = CheckRunHealthContext::new(run, ops.owned_launcher_ops());
    let health = launcher.check_run_worker_health(context).await;
    health.map_err(|source| InstanceError::Launch { run_id, source })
}
