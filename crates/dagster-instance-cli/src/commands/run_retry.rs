//! `run retry`: a new run of a run that has ended.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use dagster_instance::run::{CodeLocationOrigin, DagsterRun, DagsterRunStatus};
use dagster_instance::settings::WorkspaceSettings;
use dagster_instance::{
    DefaultRunCoordinator, InstanceError, ReexecutionStrategy, RetryRequest, RunId,
};

use super::launched::{self, Launching};
use crate::args::RunRetry;
use crate::open::InstancePlace;
use crate::{FAILURE, Result, open, report, server_output, text};

pub(crate) async fn run(
    place: &InstancePlace,
    args: &RunRetry,
    is_verbose: bool,
) -> Result<ExitCode> {
    let mut builder = open::builder(place).must_exist();
    if args.submission.now {
        builder = builder.run_coordinator(DefaultRunCoordinator);
    }
    let instance = builder.open().await?;
    let parent = instance.find_run(&args.id).await?.dagster_run;
    let strategy = args.strategy();
    // Dagster calls this wrong. Whoever repeats the command until nothing is left has no use for the difference.
    if parent.status == DagsterRunStatus::Success && strategy == ReexecutionStrategy::FromFailure {
        return Ok(nothing_left(&parent.run_id, "it has succeeded"));
    }
    let (workspace, name) = code_of(&parent, args)?;
    let (locations, lines) =
        server_output::locations(&instance, &args.code, &workspace, is_verbose)?;
    let launching = Launching {
        instance: &instance,
        locations: &locations,
        lines: &lines,
        submission: &args.submission,
        is_without_server: false,
    };
    let mut request = RetryRequest::new(parent.run_id.clone(), strategy);
    request.tags = args.tags.iter().cloned().collect();
    let prepared = async {
        let name = locations.choose(name.as_deref())?;
        let location = launched::location(&locations, name, is_verbose).await?;
        match instance.prepare_retry(&location, request).await {
            Ok(run) => Ok(ControlFlow::Continue(run)),
            Err(InstanceError::NothingToReexecute { run_id, reason }) => {
                Ok(ControlFlow::Break(nothing_left(&run_id, reason)))
            }
            Err(error) => Err(error.into()),
        }
    };
    Box::pin(launching.run(prepared)).await
}

/// The workspace that has the code of a run, and the name of its location there; `None` means the only one.
fn code_of(run: &DagsterRun, args: &RunRetry) -> Result<(WorkspaceSettings, Option<String>)> {
    let origin = run.remote_job_origin.as_ref().map(|job| &job.repository_origin);
    let of_run = origin.and_then(|origin| origin.location_name());
    let asked = args.code.location.as_deref();
    if args.code.is_named() {
        let workspace = args.code.workspace_with_server_called(of_run)?;
        // Whoever names one location means it, whatever the run calls its own.
        let of_run = of_run.filter(|name| workspace.location(name).is_some());
        return Ok((workspace, asked.or(of_run).map(str::to_owned)));
    }
    let name = asked.or(of_run).map(str::to_owned);
    if let Some(origin) = origin.map(|it| &it.code_location_origin)
        && matches!(
            origin,
            CodeLocationOrigin::GrpcServer(_) | CodeLocationOrigin::ManagedGrpcPythonEnv(_)
        )
    {
        return Ok((WorkspaceSettings::new(vec![from_anywhere(origin)]), name));
    }
    let workspace = args.code.workspace().map_err(|error| {
        let run = &run.run_id;
        format!("run {run} does not say where its code is, and neither does an option: {error}")
    })?;
    Ok((workspace, name))
}

/// The origin, whose file can be found from another directory than the one in which the run was launched.
fn from_anywhere(origin: &CodeLocationOrigin) -> CodeLocationOrigin {
    let mut origin = origin.clone();
    if let CodeLocationOrigin::ManagedGrpcPythonEnv(managed) = &mut origin {
        let target = &mut managed.loadable_target_origin;
        if let (Some(file), Some(directory)) = (&target.python_file, &target.working_directory) {
            let there = Path::new(directory).join(file);
            if !Path::new(file).exists() && there.exists() {
                target.python_file = there.to_str().map(str::to_owned);
            }
        }
    }
    origin
}

fn nothing_left(run_id: &RunId, reason: &str) -> ExitCode {
    report::say(&text::lines(&format!("Nothing is left to do of run {run_id}: {reason}.")));
    ExitCode::from(FAILURE)
}
