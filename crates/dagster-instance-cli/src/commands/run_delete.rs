//! `run delete`: deletes runs with their events, and stops their workers if that is wanted.

use std::process::ExitCode;

use dagster_instance::run::DagsterRun;
use dagster_instance::{DagsterInstance, InstanceError, QueuedRunCoordinator, RunDeletion};

use crate::args::RunDelete;
use crate::confirm::{Decision, decide};
use crate::open::InstancePlace;
use crate::print::counted;
use crate::{FAILURE, Result, open, report, text};

pub(crate) async fn run(place: &InstancePlace, args: &RunDelete) -> Result<ExitCode> {
    // Whichever coordinator the deployment has: a run that is queued is in Dagster's queue.
    let builder = open::builder(place).must_exist().run_coordinator(QueuedRunCoordinator);
    let instance = builder.open().await?;
    let mut runs: Vec<DagsterRun> = Vec::new();
    for id in &args.ids {
        let run = instance.find_run(id).await?.dagster_run;
        // The same run is not deleted twice.
        if runs.iter().all(|other| other.run_id != run.run_id) {
            runs.push(run);
        }
    }
    let plan: Vec<_> = runs.iter().map(|run| format!("to delete: {}", described(run))).collect();
    let question = format!("Delete {}?", counted(runs.len() as u64, "run"));
    match decide(&args.consent, &plan, &question)? {
        Decision::Nothing => return Ok(ExitCode::from(FAILURE)),
        Decision::DryRun => {
            for run in &runs {
                say(&format!("Would delete {}.", described(run)));
            }
            return Ok(ExitCode::SUCCESS);
        }
        Decision::Do => {}
    }
    let mut all_deleted = true;
    for run in &runs {
        all_deleted &= delete(&instance, run, args.force).await?;
    }
    Ok(if all_deleted { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

/// Deletes a run and says so. `false` if it is refused.
async fn delete(instance: &DagsterInstance, run: &DagsterRun, force: bool) -> Result<bool> {
    let run_id = &run.run_id;
    match instance.delete_run_and_worker(run_id, force).await {
        Ok(RunDeletion::WorkerStopped) => {
            say(&format!("Run {run_id} was stopped and deleted."));
        }
        Ok(RunDeletion::WorkerMayGoOn) => {
            say(&format!("Run {run_id} was deleted. Its worker did not stop, and may go on."));
        }
        Ok(_) => say(&format!("Run {run_id} was deleted.")),
        Err(InstanceError::Invalid { reason, .. }) => {
            say(&format!("Run {run_id} was not deleted: {reason}."));
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(true)
}

fn say(line: &str) {
    report::say(&text::lines(line));
}

fn described(run: &DagsterRun) -> String {
    format!("run {} of job {}, which is {}", run.run_id, text::value(&run.job_name), run.status)
}
