//! `launch`: a run of real code.

use std::process::ExitCode;

use dagster_instance::serdes::Opaque;
use dagster_instance::{CreateRun, DefaultRunCoordinator, LaunchRequest};

use super::launched::{self, After};
use crate::args::Launch;
use crate::open::InstancePlace;
use crate::{Result, open};

pub(crate) async fn run(place: &InstancePlace, args: Launch, is_verbose: bool) -> Result<ExitCode> {
    let request = request(&args)?;
    open::must_be_there(place)?;
    let mut builder = open::builder(place);
    if args.now {
        builder = builder.run_coordinator(DefaultRunCoordinator);
    }
    let instance = builder.open().await?;
    instance.create_storages().await?;
    let target = args.server.target();
    let location =
        instance.open_code_location(target, args.server.location_name.as_deref()).await?;
    if is_verbose {
        launched::describe(&location);
    }
    let prepared = instance.prepare_run(&location, request).await?;
    let run = instance.create_run(CreateRun::from(prepared)).await?;
    let after = After {
        as_json: args.output.json,
        follow: args.follow,
        cancel_on_interrupt: args.cancel_on_interrupt,
    };
    launched::submit(instance, run, &after).await
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
