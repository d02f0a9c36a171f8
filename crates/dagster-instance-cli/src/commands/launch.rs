//! `launch`: a run of real code.

use std::io::Write;
use std::process::ExitCode;

use dagster_instance::run::{DagsterRun, DagsterRunStatus};
use dagster_instance::serdes::Opaque;
use dagster_instance::{
    CreateRun, DagsterInstance, DefaultRunCoordinator, GrpcCodeLocation, LaunchRequest, RunId, tags,
};

use super::run_events;
use crate::args::Launch;
use crate::open::InstancePlace;
use crate::{FAILURE, INTERRUPTED, Result, json, open, report, text};

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
        report::say(&text::lines(&described(&location)));
    }
    let prepared = instance.prepare_run(&location, request).await?;
    let run = instance.create_run(CreateRun::from(prepared)).await?;
    let run_id = run.run_id.clone();
    // Whoever follows sees what comes of it, and this program ends as the run does.
    let submitted = match instance.submit_run(&run_id).await {
        Ok(submitted) => submitted,
        Err(error) => {
            let failed = instance.get_run_by_id(&run_id).await?.unwrap_or(run);
            print_run(&failed, args.output.json)?;
            report::error(&error);
            // The events that say so may wait for others; that they were not stored is the smaller error.
            let _ = instance.dispose().await;
            return Ok(ExitCode::from(FAILURE));
        }
    };
    let how = if submitted.status == DagsterRunStatus::Queued {
        "is queued; a daemon launches it"
    } else {
        "is launched"
    };
    report::say(&format!("Run {run_id} of job {} {how}", text::value(&submitted.job_name)));
    if !args.follow {
        print_run(&submitted, args.output.json)?;
        instance.dispose().await?;
        return Ok(ExitCode::SUCCESS);
    }
    let code = follow(&instance, &run_id, &args).await;
    instance.dispose().await?;
    code
}

/// Shows the events of the run until it ends, or until Ctrl-C.
async fn follow(instance: &DagsterInstance, run_id: &RunId, args: &Launch) -> Result<ExitCode> {
    let ended = run_events::follow_to_its_end(instance, run_id, args.output.json);
    tokio::pin!(ended);
    tokio::select! {
        code = &mut ended => return code,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    if !args.cancel_on_interrupt {
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
