//! `launch`: a run of real code.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use dagster_instance::code_location::{CodeLocationError, PreparedRun};
use dagster_instance::run::{DagsterRun, DagsterRunStatus};
use dagster_instance::serdes::Opaque;
use dagster_instance::{
    CodeLocations, CreateRun, DagsterInstance, DagsterWorkerLauncher, DefaultRunCoordinator,
    GrpcCodeLocation, InstanceError, LaunchRequest, RunId, tags,
};

use super::run_events;
use crate::args::Launch;
use crate::open::InstancePlace;
use crate::server_output::ServerLines;
use crate::{FAILURE, INTERRUPTED, Result, json, open, report, text};

pub(crate) async fn run(place: &InstancePlace, args: Launch, is_verbose: bool) -> Result<ExitCode> {
    let request = request(&args)?;
    let workspace = args.code.workspace()?;
    open::must_be_there(place)?;
    let mut builder = open::builder(place);
    if args.now || args.worker_process {
        // The queue does not know by which launcher somebody wants the run.
        builder = builder.run_coordinator(DefaultRunCoordinator);
    }
    if args.worker_process {
        builder = builder.run_launcher(DagsterWorkerLauncher::new());
    }
    let instance = builder.open().await?;
    instance.create_storages().await?;
    let lines = ServerLines::new(is_verbose);
    let options = args.code.options(instance.code_location_options()?)?;
    let locations = CodeLocations::new(&workspace, options.with_output(lines.taker()));
    let command = Launching { instance: &instance, locations: &locations, args: &args, is_verbose };
    let code = command.run(request, &lines).await;
    lines.hide();
    command.close().await;
    // That the last events are not stored is the smaller error.
    let disposed = instance.dispose().await;
    let code = code?;
    disposed?;
    Ok(code)
}

/// A launch with all that it works with.
struct Launching<'a> {
    instance: &'a DagsterInstance,
    locations: &'a CodeLocations,
    args: &'a Launch,
    is_verbose: bool,
}

impl Launching<'_> {
    async fn run(&self, request: LaunchRequest, lines: &ServerLines) -> Result<ExitCode> {
        // A server that starts may take minutes. Afterwards a run may be there, and Ctrl-C waits for what comes of it.
        let prepared = tokio::select! {
            prepared = self.prepared(request) => prepared?,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                report::say("dagster-instance: interrupted; no run was made");
                return Ok(ExitCode::from(INTERRUPTED));
            }
        };
        let instance = self.instance;
        let run = instance.create_run(CreateRun::from(prepared)).await?;
        let run_id = run.run_id.clone();
        let workspace = Arc::new(self.locations.clone());
        // Whoever follows sees what comes of it, and this program ends as the run does.
        let submitted = match instance.submit_run_with_workspace(&run_id, workspace).await {
            Ok(submitted) => submitted,
            Err(error) => {
                let failed = instance.get_run_by_id(&run_id).await?.unwrap_or(run);
                print_run(&failed, self.args.output.json)?;
                report::error(&error);
                return Ok(ExitCode::from(FAILURE));
            }
        };
        let how = if submitted.status == DagsterRunStatus::Queued {
            "is queued; a daemon launches it"
        } else {
            "is launched"
        };
        report::say(&format!("Run {run_id} of job {} {how}", text::value(&submitted.job_name)));
        if !self.args.follow {
            print_run(&submitted, self.args.output.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        // What the worker says comes as events, too.
        lines.hide();
        if self.args.worker_process {
            self.close().await;
        }
        self.follow(&run_id).await
    }

    /// Asks the code for what the run needs.
    async fn prepared(&self, request: LaunchRequest) -> Result<PreparedRun> {
        let name = self.locations.choose(self.args.code.location.as_deref())?;
        let location = self.locations.location(name).await.map_err(of_location)?;
        if self.is_verbose {
            report::say(&text::lines(&described(&location)));
        }
        Ok(self.instance.prepare_run(&location, request).await?)
    }

    /// Ends the servers that were started, unless they have runs. Another Ctrl-C leaves that to the servers themselves.
    async fn close(&self) {
        tokio::select! {
            () = self.locations.close() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }

    /// Shows the events of the run until it ends, or until Ctrl-C.
    async fn follow(&self, run_id: &RunId) -> Result<ExitCode> {
        let instance = self.instance;
        let ended = run_events::follow_to_its_end(instance, run_id, self.args.output.json);
        tokio::pin!(ended);
        tokio::select! {
            code = &mut ended => return code,
            interrupted = tokio::signal::ctrl_c() => interrupted?,
        }
        if !self.args.cancel_on_interrupt {
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
}

/// The error of a location that could not be opened. Those that name the location say all that there is to say.
fn of_location(error: CodeLocationError) -> Box<dyn std::error::Error> {
    match error {
        CodeLocationError::NotServed { .. }
        | CodeLocationError::NotStarted { .. }
        | CodeLocationError::Unnamed { .. } => error.into(),
        error => {
            InstanceError::CodeLocation { action: "tell its repositories", source: error.into() }
                .into()
        }
    }
}

fn request(args: &Launch) -> Result<LaunchRequest> {
    let mut request = LaunchRequest::default();
    request.repository.clone_from(&args.repository);
    request.job.clone_from(&args.job);
    request.ops.clone_from(&args.ops);
    request.assets.clone_from(&args.assets);
    request.checks = (args.no_checks || !args.checks.is_empty()).then(|| args.checks.clone());
    request.partition = args.partition();
    request.run_config = match &args.config_json {
        Some(text) => Some(config_of(text)?),
        None if args.config.is_empty() => None,
        None => Some(dagster_instance::read_run_config(&args.config)?),
    };
    request.tags = args.tags.iter().cloned().collect();
    request.run_id.clone_from(&args.run_id);
    Ok(request)
}

/// The configuration that is written as JSON.
fn config_of(text: &str) -> Result<Opaque> {
    let value = Opaque::from_json_text(text)
        .map_err(|error| format!("--config-json is no JSON: {error}"))?;
    if value.as_str().starts_with('{') {
        return Ok(value);
    }
    Err("--config-json has to be an object, such as {\"ops\": {}}".into())
}

/// The location in a line.
fn described(location: &GrpcCodeLocation) -> String {
    let repositories = location.repository_names().count();
    let plural = if repositories == 1 { "repository" } else { "repositories" };
    let version = location.dagster_version().unwrap_or("of an unknown version");
    format!("Code location {}: {repositories} {plural}, Dagster {version}", location.name())
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
