//! The health of workers: checking it, and ending runs whose worker is gone.

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, RunWorkerDebugInfoContext, WorkerStatus,
};
use instance_core::ops::{EventReporterExt, LauncherOps};
use instance_core::run::DagsterRun;

use crate::read::existing_run;

/// Asks the launcher for the health of the worker of a run, and returns its answer.
///
/// The answer is [`WorkerStatus::Unknown`] if the launcher cannot tell. A worker that is gone is no fault if the run
/// has ended.
///
/// # Errors
///
/// [`InstanceError::RunNotFound`] if there is no such run; [`InstanceError::Launch`] if the launcher could not find
/// out; [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn check_run_worker_health(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<CheckRunHealthResult, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    check(ops, run).await
}

/// Reports that a run has failed if it has not ended and its worker is known to be gone. Returns the health of that
/// worker.
///
/// `None` means that the run has ended, or that its worker is not known to be gone. The run is not changed then.
/// Dagster's monitoring of runs does the same.
///
/// # Errors
///
/// Those of [`check_run_worker_health`], and those of reporting the failure.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn fail_run_without_worker(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<Option<CheckRunHealthResult>, InstanceError> {
    let Some(health) = lost_worker(ops, run_id).await? else {
        return Ok(None);
    };
    let run = existing_run(ops, run_id).await?;
    let mut message =
        format!("Detected run worker status {health}. Marking run {run_id} as failed.");
    if health.status == WorkerStatus::Failed {
        let info = debug_info(ops, &run, false).await;
        message.extend(info.map(|info| format!("\n{info}")));
    }
    ops.report_run_failed(&run, Some(message), None).await?;
    Ok(Some(health))
}

/// What the launcher knows about the worker of a run and helps people; with or without what the worker printed. `None` if
/// it knows nothing, or could not find out, which is logged.
pub(crate) async fn debug_info(
    ops: &dyn LauncherOps,
    run: &DagsterRun,
    with_logs: bool,
) -> Option<String> {
    let context = RunWorkerDebugInfoContext::new(run.clone(), ops.owned_launcher_ops());
    let context = if with_logs { context } else { context.without_container_logs() };
    match ops.run_launcher().get_run_worker_debug_info(context).await {
        // Dagster leaves out an empty one.
        Ok(info) => info.filter(|info| !info.is_empty()),
        Err(error) => {
            tracing::warn!(run_id = %run.run_id, %error, "nothing is known about the worker");
            None
        }
    }
}

/// Returns the health of the worker of a run if the run has not ended and the worker is known to be gone.
///
/// `None` means that the run has ended, or that its worker is not known to be gone. The run is not changed in either
/// case.
///
/// # Errors
///
/// Those of [`check_run_worker_health`].
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn find_lost_worker(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<Option<CheckRunHealthResult>, InstanceError> {
    lost_worker(ops, run_id).await
}

/// What [`find_lost_worker`] returns, for functions that have a span of their own.
async fn lost_worker(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<Option<CheckRunHealthResult>, InstanceError> {
    let run = existing_run(ops, run_id).await?;
    if run.status.is_finished() {
        return Ok(None);
    }
    let health = check(ops, run).await?;
    // The run may have ended, with its worker, after it was read the first time.
    let is_lost = health.status.is_lost() && !existing_run(ops, run_id).await?.status.is_finished();
    Ok(is_lost.then_some(health))
}

/// What [`check_run_worker_health`] returns, for functions that have a span of their own.
pub(crate) async fn check(
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
