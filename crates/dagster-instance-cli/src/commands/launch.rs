//! `launch`: a run of real code.

use std::ops::ControlFlow;
use std::process::ExitCode;

use dagster_instance::serdes::Opaque;
use dagster_instance::{CreateRun, DagsterWorkerLauncher, DefaultRunCoordinator, LaunchRequest};

use super::launched::{self, Launching};
use crate::args::Launch;
use crate::open::InstancePlace;
use crate::{Result, open, server_output};

pub(crate) async fn run(place: &InstancePlace, args: Launch, is_verbose: bool) -> Result<ExitCode> {
    let request = request(&args)?;
    let workspace = args.code.workspace()?;
    open::must_be_there(place)?;
    let mut builder = open::builder(place);
    if args.submission.now || args.worker_process {
        // The queue does not know by which launcher somebody wants the run.
        builder = builder.run_coordinator(DefaultRunCoordinator);
    }
    if args.worker_process {
        builder = builder.run_launcher(DagsterWorkerLauncher::new());
    }
    let instance = builder.open().await?;
    instance.create_storages().await?;
    let (locations, lines) =
        server_output::locations(&instance, &args.code, &workspace, is_verbose)?;
    let launching = Launching {
        instance: &instance,
        locations: &locations,
        lines: &lines,
        submission: &args.submission,
        is_without_server: args.worker_process,
    };
    let prepared = async {
        let name = locations.choose(args.code.location.as_deref())?;
        let location = launched::location(&locations, name, is_verbose).await?;
        let prepared = instance.prepare_run(&location, request).await?;
        Ok(ControlFlow::Continue(CreateRun::from(prepared)))
    };
    Box::pin(launching.run(prepared)).await
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
