//! `launch`: a run of real code.

use std::process::ExitCode;
use std::sync::Arc;

use dagster_instance::code_location::{CodeLocationError, PreparedRun};
use dagster_instance::serdes::Opaque;
use dagster_instance::{
    CodeLocations, CreateRun, DagsterInstance, DagsterWorkerLauncher, DefaultRunCoordinator,
    InstanceError, LaunchRequest,
};

use super::launched::{self, After};
use crate::args::Launch;
use crate::open::InstancePlace;
use crate::server_output::ServerLines;
use crate::{INTERRUPTED, Result, open, report};

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
        let after = After {
            as_json: self.args.output.json,
            follow: self.args.follow,
            cancel_on_interrupt: self.args.cancel_on_interrupt,
        };
        let workspace = Arc::new(self.locations.clone());
        if let Some(code) = launched::submit(instance, run, workspace, &after).await? {
            return Ok(code);
        }
        // What the worker says comes as events, too.
        lines.hide();
        if self.args.worker_process {
            self.close().await;
        }
        launched::follow(instance, &run_id, &after).await
    }

    /// Asks the code for what the run needs.
    async fn prepared(&self, request: LaunchRequest) -> Result<PreparedRun> {
        let name = self.locations.choose(self.args.code.location.as_deref())?;
        let location = self.locations.location(name).await.map_err(of_location)?;
        if self.is_verbose {
            launched::describe(&location);
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
