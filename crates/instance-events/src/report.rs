//! Reporting events that no step reports: those of the machinery around a run, and those about a run as a whole.

use async_trait::async_trait;
use instance_core::clock::Clock;
use instance_core::error::InstanceError;
use instance_core::event::{
    DagsterEvent, JobFailureData, NewEvent, ReportEngineEvent, ReportEvent,
};
use instance_core::ops::{ClockAccess, EventOps, EventReporter, EventReporterExt};
use instance_core::run::DagsterRun;
use instance_core::storage::{GuardedEvents, GuardedOutcome};

use crate::handle::{handle, handle_events_if};

/// The event domain as an [`EventReporter`]. The functions below have the spans, so that it makes none.
struct Reporter<'ops>(&'ops dyn EventOps);

impl ClockAccess for Reporter<'_> {
    fn clock(&self) -> &dyn Clock {
        self.0.clock()
    }
}

#[async_trait]
impl EventReporter for Reporter<'_> {
    async fn handle_new_event(&self, event: NewEvent) -> Result<(), InstanceError> {
        handle(self.0, event).await
    }

    async fn handle_events_if(
        &self,
        change: GuardedEvents,
    ) -> Result<GuardedOutcome, InstanceError> {
        handle_events_if(self.0, change).await
    }
}

/// Reports an event: stores it with the effects that [`handle_new_event`](crate::handle_new_event) describes.
///
/// An event without a time gets the time of the clock.
///
/// # Errors
///
/// Those of [`handle_new_event`](crate::handle_new_event).
#[tracing::instrument(level = "debug", skip_all, fields(run_id = %report.run_id))]
pub async fn report_dagster_event(
    ops: &dyn EventOps,
    report: ReportEvent,
) -> Result<(), InstanceError> {
    Reporter(ops).report_dagster_event(report).await
}

/// Reports an event of the machinery around a run, such as a launcher, and returns the event.
///
/// # Errors
///
/// Those of [`handle_new_event`](crate::handle_new_event). Also [`InstanceError::Invalid`] if the id of the run or
/// the name of its job is missing; nothing is stored then.
#[tracing::instrument(level = "debug", skip_all, fields(run_id = %report.run_id))]
pub async fn report_engine_event(
    ops: &dyn EventOps,
    report: ReportEngineEvent,
) -> Result<DagsterEvent, InstanceError> {
    Reporter(ops).report_engine_event(report).await
}

/// Reports that a run was asked to stop, and returns the event. The status of the run becomes `CANCELING`.
///
/// `None` for the message means the words that Dagster uses.
///
/// # Errors
///
/// Those of [`handle_new_event`](crate::handle_new_event).
#[tracing::instrument(level = "debug", skip_all, fields(run_id = %run.run_id))]
pub async fn report_run_canceling(
    ops: &dyn EventOps,
    run: &DagsterRun,
    message: Option<String>,
) -> Result<DagsterEvent, InstanceError> {
    Reporter(ops).report_run_canceling(run, message).await
}

/// Reports that a run is canceled, and returns the event. The status of the run becomes `CANCELED`.
///
/// This is for callers outside of the worker of the run. `None` for the message means the words that Dagster uses.
///
/// # Errors
///
/// Those of [`handle_new_event`](crate::handle_new_event).
#[tracing::instrument(level = "debug", skip_all, fields(run_id = %run.run_id))]
pub async fn report_run_canceled(
    ops: &dyn EventOps,
    run: &DagsterRun,
    message: Option<String>,
) -> Result<DagsterEvent, InstanceError> {
    Reporter(ops).report_run_canceled(run, message).await
}

/// Reports that a run has failed, and returns the event. The status of the run becomes `FAILURE`.
///
/// This is for callers outside of the worker of the run. `None` for the message means the words that Dagster uses.
/// `data` says why the run failed; `None` means that the reason is not known.
///
/// # Errors
///
/// Those of [`handle_new_event`](crate::handle_new_event).
#[tracing::instrument(level = "debug", skip_all, fields(run_id = %run.run_id))]
pub async fn report_run_failed(
    ops: &dyn EventOps,
    run: &DagsterRun,
    message: Option<String>,
    data: Option<JobFailureData>,
) -> Result<DagsterEvent, InstanceError> {
    Reporter(ops).report_run_failed(run, message, data).await
}
