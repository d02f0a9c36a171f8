//! `run resume`: has the launcher start another worker for a run whose worker is gone.

use std::process::ExitCode;

use dagster_instance::error::chain;
use dagster_instance::launcher::WorkerStatus;
use dagster_instance::{InstanceError, ReportEngineEvent};

use crate::args::RunResume;
use crate::open::InstancePlace;
use crate::{FAILURE, Result, open, report, text};

pub(crate) async fn run(place: &InstancePlace, args: &RunResume) -> Result<ExitCode> {
    let instance = open::existing(place).await?;
    let run = instance.find_run(&args.id).await?.dagster_run;
    let run_id = &run.run_id;
    let health = instance.check_run_worker_health(run_id).await?;
    let refused = match health.status {
        _ if run.status.is_finished() => Some(format!("it is {}", run.status)),
        _ if !instance.can_resume_run(run_id).await? => {
            Some("the launcher of this instance cannot resume it; make a new run".to_owned())
        }
        WorkerStatus::Running => Some("its worker runs".to_owned()),
        WorkerStatus::Unknown if !args.force => Some(format!(
            "whether its worker runs is not known ({}); `--force` resumes it all the same",
            health.msg.as_deref().unwrap_or("nothing is known of it")
        )),
        _ => None,
    };
    if let Some(reason) = refused {
        report::say(&text::lines(&format!("Run {run_id} was not resumed: {reason}.")));
        return Ok(ExitCode::from(FAILURE));
    }
    // The words of Dagster's monitoring.
    let message =
        format!("Detected run worker status {health}. Resuming run {run_id} with a new worker.");
    instance.report_engine_event(ReportEngineEvent::new(&run, message)).await?;
    let attempt = instance.count_resume_run_attempts(run_id).await? + 1;
    match instance.resume_run(run_id, u32::try_from(attempt).unwrap_or(u32::MAX)).await {
        Ok(_) => {
            report::say(&text::lines(&format!("Run {run_id} is resumed by a new worker.")));
            Ok(ExitCode::SUCCESS)
        }
        Err(error @ (InstanceError::Launch { .. } | InstanceError::Invalid { .. })) => {
            report::failure(&chain(&error));
            Ok(ExitCode::from(FAILURE))
        }
        Err(error) => Err(error.into()),
    }
}
