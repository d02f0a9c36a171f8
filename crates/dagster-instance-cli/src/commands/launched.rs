//! What becomes of a run of real code after it was created: it is submitted, named, and followed if that is wanted.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use dagster_instance::code_location::Workspace;
use dagster_instance::daemon::{DaemonStatusQuery, DaemonType};
use dagster_instance::run::{DagsterRun, DagsterRunStatus};
use dagster_instance::{DagsterInstance, GrpcCodeLocation, Only, RunId, tags};

use super::run_events;
use crate::{FAILURE, INTERRUPTED, Result, json, print, report, text};

/// What is done after the run was submitted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct After {
    /// Whether what is printed is JSON.
    pub(crate) as_json: bool,
    /// Whether the events of the run are shown until it ends.
    pub(crate) follow: bool,
    /// Whether Ctrl-C cancels the run that is followed.
    pub(crate) cancel_on_interrupt: bool,
}

/// Says which code location was opened.
pub(crate) fn describe(location: &GrpcCodeLocation) {
    let repositories = location.repository_names().count();
    let plural = if repositories == 1 { "repository" } else { "repositories" };
    let version = location.dagster_version().unwrap_or("of an unknown version");
    let name = location.name();
    report::say(&text::lines(&format!(
        "Code location {name}: {repositories} {plural}, Dagster {version}"
    )));
}

/// Submits a run, and prints its id. `None` means that it is to be followed; else the exit code is that of the command.
pub(crate) async fn submit(
    instance: &DagsterInstance,
    run: DagsterRun,
    workspace: Arc<dyn Workspace>,
    after: &After,
) -> Result<Option<ExitCode>> {
    let run_id = run.run_id.clone();
    // Whoever follows sees what comes of it, and this program ends as the run does.
    let submitted = match instance.submit_run_with_workspace(&run_id, workspace).await {
        Ok(submitted) => submitted,
        Err(error) => {
            let failed = instance.get_run_by_id(&run_id).await?.unwrap_or(run);
            print_run(&failed, after.as_json)?;
            report::error(&error);
            return Ok(Some(ExitCode::from(FAILURE)));
        }
    };
    let is_queued = submitted.status == DagsterRunStatus::Queued;
    let how = if is_queued { "is queued; a daemon launches it" } else { "is launched" };
    report::say(&format!("Run {run_id} of job {} {how}", text::value(&submitted.job_name)));
    if is_queued {
        warn_without_daemon(instance).await;
    }
    if after.follow {
        return Ok(None);
    }
    print_run(&submitted, after.as_json)?;
    Ok(Some(ExitCode::SUCCESS))
}

/// Says that nobody takes runs out of the queue, if that is so. That it cannot be found out is no reason to fail: the run
/// is queued.
async fn warn_without_daemon(instance: &DagsterInstance) {
    let daemon = DaemonType::from(DaemonType::QUEUED_RUN_COORDINATOR);
    let query = DaemonStatusQuery::new().with_daemon_types(Only::one(daemon));
    let Ok(statuses) = instance.get_daemon_statuses(&query).await else { return };
    let Some(status) = statuses.first().filter(|status| status.healthy != Some(true)) else {
        return;
    };
    let beat = status.last_heartbeat.as_ref().map(|heartbeat| heartbeat.timestamp.as_f64());
    let when = match beat {
        None => "no daemon has ever launched queued runs of this instance".to_owned(),
        Some(time) => format!(
            "the daemon that launches queued runs has not been heard of since {}",
            print::time(Some(time))
        ),
    };
    report::say(&format!(
        "dagster-instance: {when}: start `dagster-daemon run`, or launch beside the queue with `--now`"
    ));
}

/// Shows the events of the run until it ends, or until Ctrl-C.
pub(crate) async fn follow(
    instance: &DagsterInstance,
    run_id: &RunId,
    after: &After,
) -> Result<ExitCode> {
    let ended = run_events::follow_to_its_end(instance, run_id, after.as_json);
    tokio::pin!(ended);
    tokio::select! {
        code = &mut ended => return code,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    if !after.cancel_on_interrupt {
        report::say(&format!(
            "Run {run_id} goes on; `dagster-instance run tail {run_id}` shows the rest, and `run cancel` stops it."
        ));
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if !instance.cancel_run(run_id).await? {
        report::failure(&format!("run {run_id} could not be canceled"));
    }
    tokio::select! {
        code = &mut ended => code,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            report::say(&format!("Run {run_id} was asked to stop, and has not ended yet."));
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

fn print_run(run: &DagsterRun, as_json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let location = run.tags.get(tags::CODE_LOCATION).map(String::as_str);
        let partition = run.tags.get(tags::PARTITION).map(String::as_str);
        writeln!(out, "{}", json::launched_run(run, location, partition))?;
    } else {
        writeln!(out, "{}", run.run_id)?;
    }
    out.flush()?;
    Ok(())
}
