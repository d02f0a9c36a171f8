//! What the events of a run say of its worker, and stopping it.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use instance_core::error::BoxError;
use instance_core::event::{EventSpecificData, MetadataEntry, MetadataValue};
use instance_core::ids::RunId;
use instance_core::launcher::{CheckRunHealthResult, WorkerStatus};
use instance_core::ops::{EventReporterExt, LauncherOps};
use instance_core::run::DagsterRun;
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::process::identity::{Presence, ProcessIdentity};
use crate::read::{engine_events, existing_run};

/// The label of the text that identifies the process of a worker.
const WORKER_LABEL: &str = "dagster_worker_process";

/// How long a worker may take to stop, until it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// How often it is looked whether it has stopped.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is recorded of a worker when it is started.
pub(super) fn metadata(process: &ProcessIdentity) -> Vec<MetadataEntry> {
    vec![
        MetadataEntry::text("pid", process.pid.to_string()),
        MetadataEntry::text("host", &process.host),
        MetadataEntry::text(WORKER_LABEL, process.to_text()),
    ]
}

/// The newest worker of a run; `None` if no launcher of this kind has started one.
async fn find(ops: &dyn LauncherOps, run_id: &RunId) -> Result<Option<ProcessIdentity>, BoxError> {
    let entries = engine_events(ops, run_id).await?;
    let of_entry = |data: &EventSpecificData| {
        let EventSpecificData::EngineEvent(data) = data else {
            return None;
        };
        let text = |label: &str| {
            let entry = data.metadata.iter().find(|entry| entry.label == label)?;
            match &entry.entry_data {
                MetadataValue::Text(value) => value.text.as_deref(),
                _ => None,
            }
        };
        ProcessIdentity::parse(text("pid")?, text("host")?, text(WORKER_LABEL)?)
    };
    let data = entries.iter().rev().filter_map(|entry| {
        entry.dagster_event.as_ref()?.event_specific_data.as_deref().and_then(of_entry)
    });
    Ok({ data }.next())
}

/// The health of the newest worker of a run, as far as this process can tell; `None` if there was none.
pub(crate) async fn worker_health(
    ops: &dyn LauncherOps,
    run_id: &RunId,
) -> Result<Option<CheckRunHealthResult>, BoxError> {
    Ok(find(ops, run_id).await?.map(|process| {
        let ProcessIdentity { pid, host, .. } = &process;
        let (status, what) = match process.presence() {
            Presence::Running => (WorkerStatus::Running, "runs".to_owned()),
            Presence::Gone => (WorkerStatus::NotFound, "is gone".to_owned()),
            Presence::Unknown(reason) => (WorkerStatus::Unknown, reason),
        };
        CheckRunHealthResult::new(status)
            .with_msg(format!("the worker (process {pid} of {host}) {what}"))
            .with_run_worker_id(format!("{host}:{pid}"))
    }))
}

/// What is said of a run without a record.
pub(super) fn no_record() -> CheckRunHealthResult {
    CheckRunHealthResult::new(WorkerStatus::Unknown)
        .with_msg("no event of the run says which process its worker is")
}

/// Stops the newest worker of a run and waits for its end; `None` if there was none, and `false` if it does not run here.
pub(crate) async fn terminate_worker(
    ops: &dyn LauncherOps,
    run: &DagsterRun,
) -> Result<Option<bool>, BoxError> {
    let Some(process) = find(ops, &run.run_id).await? else {
        return Ok(None);
    };
    if process.presence() != Presence::Running {
        return Ok(Some(false));
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
    Ok(Some(true))
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
