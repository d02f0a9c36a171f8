//! How a run of real code is made and what becomes of it: it is submitted, named, and followed if that is wanted.

use std::io::Write;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;

use dagster_instance::code_location::CodeLocationError;
use dagster_instance::daemon::{DaemonStatusQuery, DaemonType};
use dagster_instance::run::{DagsterRun, DagsterRunStatus};
use dagster_instance::{
    CodeLocations, CreateRun, DagsterInstance, GrpcCodeLocation, InstanceError, Only, RunId, tags,
};

use super::run_events;
use crate::args::Submission;
use crate::server_output::ServerLines;
use crate::{FAILURE, INTERRUPTED, Result, json, print, report, text};

/// A command that makes a run of the code of a workspace.
pub(crate) struct Launching<'a> {
    pub(crate) instance: &'a DagsterInstance,
    pub(crate) locations: &'a CodeLocations,
    /// What servers that are started print.
    pub(crate) lines: &'a ServerLines,
    pub(crate) submission: &'a Submission,
    /// Whether the run needs no server once it is launched.
    pub(crate) is_without_server: bool,
}

impl Launching<'_> {
    /// Makes the run that is prepared, unless there is nothing to do, and ends what was started for it.
    pub(crate) async fn run(
        &self,
        prepared: impl Future<Output = Result<ControlFlow<ExitCode, CreateRun>>>,
    ) -> Result<ExitCode> {
        let code = self.made(prepared).await;
        self.lines.hide();
        self.close().await;
        // That the last events are not stored is the smaller error.
        let disposed = self.instance.dispose().await;
        let code = code?;
        disposed?;
        Ok(code)
    }

    async fn made(
        &self,
        prepared: impl Future<Output = Result<ControlFlow<ExitCode, CreateRun>>>,
    ) -> Result<ExitCode> {
        // A server that starts may take minutes. Afterwards a run may be there, and Ctrl-C waits for what comes of it.
        let prepared = tokio::select! {
            prepared = prepared => prepared?,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                report::say("dagster-instance: interrupted; no run was made");
                return Ok(ExitCode::from(INTERRUPTED));
            }
        };
        let run = match prepared {
            ControlFlow::Continue(run) => self.instance.create_run(run).await?,
            ControlFlow::Break(code) => return Ok(code),
        };
        let run_id = run.run_id.clone();
        if let Some(code) = self.submit(run).await? {
            return Ok(code);
        }
        // What the worker says comes as events, too.
        self.lines.hide();
        if self.is_without_server {
            self.close().await;
        }
        follow(self.instance, &run_id, self.submission).await
    }

    /// Ends the servers that were started, unless they have runs. Another Ctrl-C leaves that to the servers themselves.
    async fn close(&self) {
        tokio::select! {
            () = self.locations.close() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }

    /// Submits a run, and prints its id. `None` means that it is to be followed; else the exit code is that of the command.
    async fn submit(&self, run: DagsterRun) -> Result<Option<ExitCode>> {
        let instance = self.instance;
        let as_json = self.submission.output.json;
        let run_id = run.run_id.clone();
        let workspace = Arc::new(self.locations.clone());
        // Whoever follows sees what comes of it, and this program ends as the run does.
        let submitted = match instance.submit_run_with_workspace(&run_id, workspace).await {
            Ok(submitted) => submitted,
            Err(error) => {
                let failed = instance.get_run_by_id(&run_id).await?.unwrap_or(run);
                print_run(&failed, as_json)?;
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
        if self.submission.follow {
            return Ok(None);
        }
        print_run(&submitted, as_json)?;
        Ok(Some(ExitCode::SUCCESS))
    }
}

/// Opens a code location. Errors that name the location say all that there is to say.
pub(crate) async fn location(
    locations: &CodeLocations,
    name: &str,
    is_verbose: bool,
) -> Result<GrpcCodeLocation> {
    let location = locations.location(name).await.map_err(|error| match error {
        CodeLocationError::NotServed { .. }
        | CodeLocationError::NotStarted { .. }
        | CodeLocationError::Unnamed { .. } => Box::<dyn std::error::Error>::from(error),
        error => {
            InstanceError::CodeLocation { action: "tell its repositories", source: error.into() }
                .into()
        }
    })?;
    if is_verbose {
        describe(&location);
    }
    Ok(location)
}

/// Says which code location was opened.
fn describe(location: &GrpcCodeLocation) {
    let repositories = location.repository_names().count();
    let plural = if repositories == 1 { "repository" } else { "repositories" };
    let version = location.dagster_version().unwrap_or("of an unknown version");
    let name = location.name();
    report::say(&text::lines(&format!(
        "Code location {name}: {repositories} {plural}, Dagster {version}"
    )));
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
async fn follow(
    instance: &DagsterInstance,
    run_id: &RunId,
    submission: &Submission,
) -> Result<ExitCode> {
    let ended = run_events::follow_to_its_end(instance, run_id, submission.output.json);
    tokio::pin!(ended);
    tokio::select! {
        code = &mut ended => return code,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    if !submission.cancel_on_interrupt {
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
