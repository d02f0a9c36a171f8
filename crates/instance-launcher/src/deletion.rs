//! Deleting a run together with its worker: a run that executes is not pulled away from under its worker.

use std::time::Duration;

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::launcher::WorkerStatus;
use instance_core::ops::LauncherOps;
use instance_core::run::{DagsterRun, DagsterRunStatus};
use tokio::time::{Instant, sleep};

use crate::coordinator::take_out_of_queue;
use crate::health::check;
use crate::lifecycle::{is_in_progress, terminate};
use crate::read::existing_run;

/// How long a run may take to end after its worker was asked to stop.
const END_WITHIN: Duration = Duration::from_secs(30);

/// How often it is looked whether the run has ended.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunDeletion {
    /// A run that had no worker: it had ended or was not launched, or its worker is known to be gone.
    WithoutWorker,
    /// A run whose worker was stopped for that.
    WorkerStopped,
    /// A run whose worker could not be stopped, or did not stop in time. It may go on, and store events of a run that is
    /// not there any more.
    WorkerMayGoOn,
}

/// Deletes a run with its tags and its events, unless its worker may be at work. With `force`, such a worker is stopped
/// before.
///
/// A run that is queued is taken out of the queue first, so that no daemon launches it meanwhile. `force` asks the
/// worker to stop, waits up to 30 seconds for the end of the run, and then deletes the run, whatever the worker does.
/// `delete_run` of the run domain deletes a run without a question, as Dagster does.
///
/// # Errors
///
/// - [`InstanceError::RunNotFound`] if there is no such run.
/// - [`InstanceError::Invalid`] if the worker runs, or if nobody can tell whether it does, and `force` is `false`. The
///   run is not changed then.
/// - [`InstanceError::Launch`] if the launcher could not look at the worker, and `force` is `false`.
/// - [`InstanceError::Storage`] if the storage fails. The run is still there then; call again.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id, force))]
pub async fn delete_run_and_worker(
    ops: &dyn LauncherOps,
    run_id: &RunId,
    force: bool,
) -> Result<RunDeletion, InstanceError> {
    let mut run = existing_run(ops, run_id).await?;
    if run.status == DagsterRunStatus::Queued {
        take_out_of_queue(ops, &run).await?;
        // A daemon may have been faster.
        run = existing_run(ops, run_id).await?;
    }
    let deletion = if !is_in_progress(run.status) {
        RunDeletion::WithoutWorker
    } else if force {
        stop(ops, run).await?
    } else {
        refuse_worker(ops, run).await?;
        RunDeletion::WithoutWorker
    };
    ops.run_event_store().delete_run_with_events(run_id).await?;
    Ok(deletion)
}

/// Refuses a run whose worker is not known to be gone.
async fn refuse_worker(ops: &dyn LauncherOps, run: DagsterRun) -> Result<(), InstanceError> {
    let run_id = run.run_id.clone();
    let health = check(ops, run).await?;
    let state = match health.status {
        WorkerStatus::NotFound | WorkerStatus::Failed | WorkerStatus::Success => return Ok(()),
        WorkerStatus::Running => "its worker runs",
        _ => "whether its worker runs is not known",
    };
    let more = health.msg.map_or_else(String::new, |msg| format!(" ({msg})"));
    let reason = format!("{state}{more}; cancel it first, or use force");
    Err(InstanceError::invalid("run", run_id.as_str(), reason))
}

/// Asks the worker of a run to stop, and waits for the end of the run.
async fn stop(ops: &dyn LauncherOps, run: DagsterRun) -> Result<RunDeletion, InstanceError> {
    let run_id = run.run_id.clone();
    match terminate(ops, run.clone()).await {
        Ok(true) => {}
        asked => {
            if let Err(error) = asked {
                tracing::warn!(%run_id, %error, "the worker of a run that is deleted could not be asked to stop");
            }
            let is_gone = existing_run(ops, &run_id).await?.status.is_finished()
                || check(ops, run).await.is_ok_and(|health| health.status.is_lost());
            return Ok(if is_gone {
                RunDeletion::WithoutWorker
            } else {
                RunDeletion::WorkerMayGoOn
            });
        }
    }
    let until = Instant::now() + END_WITHIN;
    while Instant::now() < until {
        if existing_run(ops, &run_id).await?.status.is_finished() {
            return Ok(RunDeletion::WorkerStopped);
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(RunDeletion::WorkerMayGoOn)
}
