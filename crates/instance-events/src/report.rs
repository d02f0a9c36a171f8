//! Reporting events from outside of a step: of the machinery, and about runs as a whole.

use instance_core::clock::timestamp_of;
use instance_core::error::InstanceError;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EngineEventData, EventLogEntry, JobFailureData, LogLevel,
};
use instance_core::ids::RunId;
use instance_core::ops::EventOps;
use instance_core::run::DagsterRun;

use crate::handle::handle_new_events;

/// Stores an event of a run with the time of the clock.
pub async fn report_dagster_event(
    ops: &dyn EventOps,
    event: DagsterEvent,
    run_id: &RunId,
    level: LogLevel,
) -> Result<(), InstanceError> {
    report_dagster_events(ops, vec![event], run_id, level).await
}

/// Stores events of a run in their order, all or none, with the time of the clock.
#[tracing::instrument(skip_all, fields(%run_id, events = events.len()))]
pub async fn report_dagster_events(
    ops: &dyn EventOps,
    events: Vec<DagsterEvent>,
    run_id: &RunId,
    level: LogLevel,
) -> Result<(), InstanceError> {
    if events.is_empty() {
        return Ok(());
    }
    let timestamp = timestamp_of(ops.clock().now());
    let entries = events
        .into_iter()
        .map(|event| EventLogEntry::of_event(event, run_id.clone(), level, timestamp))
        .collect();
    handle_new_events(ops, entries).await
}

/// Reports something of the machinery around a run; an error in `data` makes it an error.
pub async fn report_engine_event(
    ops: &dyn EventOps,
    message: impl Into<String>,
    run: &DagsterRun,
    data: EngineEventData,
) -> Result<(), InstanceError> {
    let level = if data.error.is_some() { LogLevel::ERROR } else { LogLevel::INFO };
    let event = DagsterEvent::new(DagsterEventType::EngineEvent, &run.job_name)
        .with_message(message)
        .with_data(data);
    report_dagster_event(ops, event, &run.run_id, level).await
}

/// Reports that a run was asked to stop; its status is then `CANCELING`.
pub async fn report_run_canceling(
    ops: &dyn EventOps,
    run: &DagsterRun,
    message: Option<String>,
) -> Result<(), InstanceError> {
    let message = message.unwrap_or_else(|| "Sending run termination request.".to_owned());
    let event =
        DagsterEvent::new(DagsterEventType::RunCanceling, &run.job_name).with_message(message);
    report_dagster_event(ops, event, &run.run_id, LogLevel::INFO).await
}

/// Marks a run as canceled from outside of its execution.
pub async fn report_run_canceled(
    ops: &dyn EventOps,
    run: &DagsterRun,
    message: Option<String>,
) -> Result<(), InstanceError> {
    let message = message.unwrap_or_else(|| {
        "This run has been marked as canceled from outside the execution context.".to_owned()
    });
    let event =
        DagsterEvent::new(DagsterEventType::RunCanceled, &run.job_name).with_message(message);
    report_dagster_event(ops, event, &run.run_id, LogLevel::ERROR).await
}

/// Marks a run as failed from outside of its execution.
pub async fn report_run_failed(
    ops: &dyn EventOps,
    run: &DagsterRun,
    message: Option<String>,
    data: Option<JobFailureData>,
) -> Result<(), InstanceError> {
    let message = message.unwrap_or_else(|| {
        "This run has been marked as failed from outside the execution context.".to_owned()
    });
    let mut event =
        DagsterEvent::new(DagsterEventType::RunFailure, &run.job_name).with_message(message);
    event.event_specific_data = data.map(|data| Box::new(data.into()));
    report_dagster_event(ops, event, &run.run_id, LogLevel::ERROR).await
}
