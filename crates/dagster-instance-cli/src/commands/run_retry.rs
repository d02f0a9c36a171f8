//! `run retry`: a new run of a run that has ended.

use std::process::ExitCode;
use std::sync::Arc;

use dagster_instance::run::{DagsterRun, DagsterRunStatus};
use dagster_instance::{
    DagsterInstance, DefaultRunCoordinator, GrpcCodeLocation, InstanceError, ReexecutionStrategy,
    RetryRequest, RunId,
};

use super::launched::{self, After};
use crate::args::RunRetry;
use crate::open::InstancePlace;
use crate::{FAILURE, Result, open, report, text};

pub(crate) async fn run(
    place: &InstancePlace,
    args: &RunRetry,
    is_verbose: bool,
) -> Result<ExitCode> {
    let mut builder = open::builder(place).must_exist();
    if args.now {
        builder = builder.run_coordinator(DefaultRunCoordinator);
    }
    let instance = builder.open().await?;
    let parent = instance.find_run(&args.id).await?.dagster_run;
    let strategy = args.strategy();
    // Dagster calls this wrong. Whoever repeats the command until nothing is left has no use for the difference.
    if parent.status == DagsterRunStatus::Success && strategy == ReexecutionStrategy::FromFailure {
        return Ok(nothing_left(&parent.run_id, "it has succeeded"));
    }
    let location = match args.server.target() {
        Some(target) => {
            let origin = parent.remote_job_origin.as_ref();
            let name = origin.and_then(|job| job.repository_origin.location_name());
            let name = args.server.location_name.as_deref().or(name);
            instance.open_code_location(target, name).await?
        }
        None => instance.open_code_location_of_run(&parent).await?,
    };
    if is_verbose {
        launched::describe(&location);
    }
    let mut request = RetryRequest::new(parent.run_id.clone(), strategy);
    request.tags = args.tags.iter().cloned().collect();
    let run = match instance.prepare_retry(&location, request).await {
        Ok(run) => run,
        Err(InstanceError::NothingToReexecute { run_id, reason }) => {
            return Ok(nothing_left(&run_id, reason));
        }
        Err(error) => return Err(error.into()),
    };
    let run = instance.create_run(run).await?;
    let after = After {
        as_json: args.output.json,
        follow: args.follow,
        cancel_on_interrupt: args.cancel_on_interrupt,
    };
    let code = submit(&instance, run, location, &after).await;
    // That the last events are not stored is the smaller error.
    let disposed = instance.dispose().await;
    let code = code?;
    disposed?;
    Ok(code)
}

async fn submit(
    instance: &DagsterInstance,
    run: DagsterRun,
    location: GrpcCodeLocation,
    after: &After,
) -> Result<ExitCode> {
    let run_id = run.run_id.clone();
    match launched::submit(instance, run, Arc::new(location), after).await? {
        Some(code) => Ok(code),
        None => launched::follow(instance, &run_id, after).await,
    }
}

fn nothing_left(run_id: &RunId, reason: &str) -> ExitCode {
    report::say(&text::lines(&format!("Nothing is left to do of run {run_id}: {reason}.")));
    ExitCode::from(FAILURE)
}
