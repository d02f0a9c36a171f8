//! `run cancel`: asks a run to stop. If nobody is left who could be asked, it marks the run as ended.

use std::process::ExitCode;

use dagster_instance::QueuedRunCoordinator;
use dagster_instance::run::DagsterRunStatus;

use crate::args::RunCancel;
use crate::open::InstancePlace;
use crate::{FAILURE, Result, open, report, text};

pub(crate) async fn run(place: &InstancePlace, args: &RunCancel) -> Result<ExitCode> {
    // Whichever coordinator the deployment has: a run that is queued is in Dagster's queue.
    let builder = open::builder(place).must_exist().run_coordinator(QueuedRunCoordinator);
    let instance = builder.open().await?;
    let run = instance.find_run(&args.id).await?.dagster_run;
    let run_id = &run.run_id;
    if run.status.is_finished() {
        report::say(&text::lines(&format!(
            "Run {run_id} has ended already; it is {}.",
            run.status
        )));
        return Ok(ExitCode::from(FAILURE));
    }
    if args.force {
        let run = instance.force_cancel_run(run_id).await?;
        report::say(&text::lines(&format!(
            "Run {run_id} is {}. What it has started may go on.",
            run.status
        )));
        return Ok(ExitCode::SUCCESS);
    }
    if instance.cancel_run(run_id).await? {
        if run.status == DagsterRunStatus::Queued {
            report::say(&text::lines(&format!("Run {run_id} was taken out of the queue.")));
        } else {
            report::say(&text::lines(&format!(
                "Run {run_id} was asked to stop; `dagster-instance run wait {run_id}` tells how it ends."
            )));
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(health) = instance.fail_run_without_worker(run_id).await? {
        let reason = health.msg.unwrap_or_else(|| health.status.to_string());
        report::say(&text::lines(&format!("Run {run_id} is marked as failed: {reason}.")));
        return Ok(ExitCode::SUCCESS);
    }
    let health = instance.check_run_worker_health(run_id).await?;
    let reason = health.msg.unwrap_or_else(|| health.status.to_string());
    report::say(&text::lines(&format!(
        "Run {run_id} cannot be stopped from here, and was left alone: {reason}. `--force` marks it as canceled \
         whatever goes on."
    )));
    Ok(ExitCode::from(FAILURE))
}
