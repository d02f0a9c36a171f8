//! What the events of a run say of its worker, and stopping it.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use instance_core::error::BoxError;
use instance_core::event::{EventLogEntry, MetadataEntry};
use instance_core::ids::RunId;
use instance_core::launcher::CheckRunHealthResult;
use instance_core::ops::{EventReporterExt, LauncherOps};
use instance_core::run::DagsterRun;
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::process::identity::{Presence, ProcessIdentity};
use crate::process::recorded::{engine_data, health, process, process_metadata};
use crate::read::{engine_events, existing_run};

/// The label of the text that identifies the process of a worker.
const WORKER_LABEL: &str = "dagster_worker_process";

/// How long a worker may take to stop, until it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// How often it is looked whether it has stopped.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is recorded of a worker when it is started.
pub(super) fn metadata(process: &ProcessIdentity) -> Vec<MetadataEntry> {
    process_metadata(process, WORKER_LABEL)
}

/// The newest worker that the engine events of a run name; `None` if no launcher of this kind has started one.
pub(crate) fn worker_of(entries: &[EventLogEntry]) -> Option<ProcessIdentity> {
    let workers = entries.iter().rev().filter_map(engine_data);
    { workers }.find_map(|data| process(data, WORKER_LABEL))
}

/// Whether a launcher of this kind has started a worker for a run.
pub(crate) async fn has_worker(ops: &dyn LauncherOps, run_id: &RunId) -> Result<bool, BoxError> {
    Ok(worker_of(&engine_events(ops, run_id).await?).is_some())
}

/// The health of a worker, as far as this process can tell.
pub(crate) fn worker_health(worker: &ProcessIdentity) -> CheckRunHealthResult {
    health(worker, "")
}

/// Stops the worker of a run and waits for its end; `false` if it does not run here.
pub(crate) async fn terminate_worker(
    ops: &dyn LauncherOps,
    run: &DagsterRun,
    process: &ProcessIdentity,
) -> Result<bool, BoxError> {
    if process.presence() != Presence::Running {
        return Ok(false);
    }
    // Before the signal: without it, the worker reports a failure.
    ops.report_run_canceling(run, None).await?;
    process.signal(Signal::SIGTERM, true)?;
    let until = Instant::now() + STOP_TIMEOUT;
    while process.presence() == Presence::Running && Instant::now() < until {
        sleep(LOOK_EVERY).await;
    }
    process.signal(Signal::SIGKILL, true)?;
    let run = existing_run(ops, &run.run_id).await?;
    if !run.status.is_finished() {
        ops.report_run_canceled(&run, None).await?;
    }
    Ok(true)
}

/// Dagster's words for a worker that ended before its run.
pub(super) fn ended_message(run_id: &RunId, status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (None, Some(number)) => {
            let name = Signal::try_from(number).map_or("unknown", Signal::as_str);
            let advice = if number == Signal::SIGKILL as i32 {
                " This usually indicates that the process was killed by the operating system due to running out \
                 of memory. Possible solutions include increasing the amount of memory available to the run, \
                 reducing the amount of memory used by the ops in the run, or configuring the executor to run \
                 fewer ops concurrently."
            } else {
                ""
            };
            format!(
                "Run execution process for {run_id} was terminated by signal {number} ({name}).{advice}"
            )
        }
        (code, _) => format!(
            "Run execution process for {run_id} unexpectedly exited with code {}.",
            code.unwrap_or_default()
        ),
    }
}
