//! The coordinators: one launches every run at once, the other puts every run into Dagster's queue.

use async_trait::async_trait;
use instance_core::error::{InstanceError, chain};
use instance_core::event::{DagsterEvent, DagsterEventType, ReportEvent, RunEnqueuedData};
use instance_core::launcher::{CancelRunContext, RunCoordinator, SubmitRunContext};
use instance_core::ops::{EventReporterExt, LauncherOps};
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::serdes::UnknownFields;
use instance_core::storage::GuardedEvents;
use instance_core::tags;

use crate::lifecycle::{launch, terminate};
use crate::read::existing_run;

/// A coordinator that launches every run as soon as the run is submitted.
#[derive(Debug, Clone, Copy, Default)]
pub struct DefaultRunCoordinator;

#[async_trait]
impl RunCoordinator for DefaultRunCoordinator {
    async fn submit_run(&self, context: SubmitRunContext) -> Result<DagsterRun, InstanceError> {
        let run = context.dagster_run;
        if run.status == DagsterRunStatus::NotStarted {
            launch(&*context.instance, &run.run_id, context.workspace).await?;
        } else {
            warn_of_second_submission(&run);
        }
        // It may have ended already.
        existing_run(&*context.instance, &run.run_id).await
    }

    async fn cancel_run(&self, context: CancelRunContext) -> Result<bool, InstanceError> {
        terminate(&*context.instance, context.dagster_run).await
    }
}

/// A coordinator that puts every run into the queue. Dagster's daemon takes a run from the queue when its limits allow.
///
/// The queue consists of the runs with the status `QUEUED`. The limits are in the configuration of the daemon.
#[derive(Debug, Clone, Copy, Default)]
pub struct QueuedRunCoordinator;

#[async_trait]
impl RunCoordinator for QueuedRunCoordinator {
    async fn submit_run(&self, context: SubmitRunContext) -> Result<DagsterRun, InstanceError> {
        let SubmitRunContext { dagster_run: run, instance, .. } = context;
        let reports = vec![ReportEvent::new(enqueued(&run), &run.run_id)];
        let from = DagsterRunStatus::NotStarted;
        if run.status != from || !report_from(&*instance, &run, from, reports).await? {
            warn_of_second_submission(&run);
        }
        existing_run(&*instance, &run.run_id).await
    }

    async fn cancel_run(&self, context: CancelRunContext) -> Result<bool, InstanceError> {
        let CancelRunContext { dagster_run: run, instance, .. } = context;
        if run.status != DagsterRunStatus::Queued {
            return terminate(&*instance, run).await;
        }
        if take_out_of_queue(&*instance, &run).await? {
            return Ok(true);
        }
        // Somebody has taken it from the queue meanwhile.
        let run = existing_run(&*instance, &run.run_id).await?;
        if run.status.is_finished() {
            return Ok(false);
        }
        terminate(&*instance, run).await
    }

    fn requires_origins(&self) -> bool {
        true
    }
}

/// Takes a run out of the queue: it is canceled then. `false` if it is not in the queue any more; nothing is changed then. Our
/// own keeper cannot take it at the same time. Dagster's daemon does not look before it writes.
pub(crate) async fn take_out_of_queue(
    instance: &dyn LauncherOps,
    run: &DagsterRun,
) -> Result<bool, InstanceError> {
    let message = "Canceling run from the queue.".to_owned();
    let reports =
        vec![ReportEvent::run_canceling(run, Some(message)), ReportEvent::run_canceled(run, None)];
    report_from(instance, run, DagsterRunStatus::Queued, reports).await
}

/// Reports events that change a run, if it has a status; whether it had.
async fn report_from(
    instance: &dyn LauncherOps,
    run: &DagsterRun,
    from: DagsterRunStatus,
    reports: Vec<ReportEvent>,
) -> Result<bool, InstanceError> {
    let change = GuardedEvents::new(run.run_id.clone(), [from], Vec::new());
    let Some(stored) = instance.report_events_if(change, reports).await?.stored() else {
        return Ok(false);
    };
    if let Some(error) = stored.incomplete {
        // What the run is from now on is stored, and it goes on by that.
        tracing::warn!(run_id = %run.run_id, error = %chain(&error), "not all of an event is stored");
    }
    Ok(true)
}

/// Warns of a run that was submitted before: it must not start twice.
fn warn_of_second_submission(run: &DagsterRun) {
    tracing::warn!(run_id = %run.run_id, status = %run.status, "submitted again and left alone");
}

pub(crate) fn enqueued(run: &DagsterRun) -> DagsterEvent {
    let event = DagsterEvent::new(DagsterEventType::RunEnqueued, &run.job_name);
    let Some(origin) = &run.remote_job_origin else {
        return event;
    };
    let repository = &origin.repository_origin;
    event.with_data(RunEnqueuedData {
        code_location_name: repository.location_name().unwrap_or_default().to_owned(),
        partition_key: run.tags.get(tags::PARTITION).cloned(),
        repository_name: repository.repository_name.clone(),
        unknown: UnknownFields::default(),
    })
}
