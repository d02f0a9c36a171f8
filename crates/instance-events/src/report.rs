//! Reporting events from outside of a step: of the machinery, and about runs as a whole.

use async_trait::async_trait;
use instance_core::clock::Clock;
use instance_core::error::InstanceError;
use instance_core::event::{
    DagsterEvent, JobFailureData, NewEvent, ReportEngineEvent, ReportEvent,
};
use instance_core::ops::{ClockAccess, EventOps, EventReporter, EventReporterExt};
use instance_core::run::DagsterRun;

use crate::handle::handle_new_event;

/// The event domain itself, as what takes its reports.
struct Reporter<'ops>(&'ops dyn EventOps);

impl ClockAccess for Reporter<'_> {
    fn clock(&self) -> &dyn Clock {
        self.0.clock()
    }
}

#[async_trait]
impl EventReporter for Reporter<'_> {
    async fn handle_new_event(&self, event: NewEvent) -> Result<(), InstanceError> {
        handle_new_event(self.0, event).await
    }
}

/// Stores an event as [`handle_new_event`] does; it has the time of the clock unless it says another.
///
/// # Errors
///
/// Those of [`handle_new_event`].
pub async fn report_dagster_event(
    ops: &dyn EventOps,
    report: ReportEvent,
) -> Result<(), InstanceError> {
    Reporter(ops).report_dagster_event(report).await
}

/// Reports something of the machinery around a run; returns the event.
///
/// # Errors
///
/// [`InstanceError::Invalid`] if the run or its job has no name, and those of [`handle_new_event`].
pub async fn report_engine_event(
    ops: &dyn EventOps,
    report: ReportEngineEvent,
) -> Result<DagsterEvent, InstanceError> {
    Reporter(ops).report_engine_event(report).await
}

/// Reports that a run was asked to stop; its status is then `CANCELING`. Returns the event.
///
/// `None` for the message means Dagster's own.
///
/// # Errors
///
/// Those of [`handle_new_event`].
pub async fn report_run_canceling(
    ops: &dyn EventOps,
    run: &DagsterRun,
    message: Option<String>,
) -> Result<DagsterEvent, InstanceError> {
    Reporter(ops).report_run_canceling(run, message).await
}

/// Marks a run as canceled from outside of its execution; returns the event.
///
/// `None` for the message means Dagster's own.
///
/// # Errors
///
/// Those of [`handle_new_event`].
pub async fn report_run_canceled(
    ops: &dyn EventOps,
    run: &DagsterRun,
    message: Option<String>,
) -> Result<DagsterEvent, InstanceError> {
    Reporter(ops).report_run_canceled(run, message).await
}

/// Marks a run as failed from outside of its execution; returns the event.
///
/// `None` for the message means Dagster's own. The data say why the run failed; `None` if that is not known.
///
/// # Errors
///
/// Those of [`handle_new_event`].
pub async fn report_run_failed(
    ops: &dyn EventOps,
    run: &DagsterRun,
    message: Option<String>,
    data: Option<JobFailureData>,
) -> Result<DagsterEvent, InstanceError> {
    Reporter(ops).report_run_failed(run, message, data).await
}
