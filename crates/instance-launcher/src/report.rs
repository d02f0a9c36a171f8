//! The few reports that this domain makes, in one place.

use instance_core::clock::timestamp_of;
use instance_core::error::InstanceError;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EngineEventData, EventLogEntry, LogLevel,
};
use instance_core::ops::RunWorkerOps;
use instance_core::run::DagsterRun;

/// Reports an event of a run.
pub(crate) async fn report_event(
    ops: &(impl RunWorkerOps + ?Sized),
    run: &DagsterRun,
    event: DagsterEvent,
    level: LogLevel,
) -> Result<(), InstanceError> {
    let timestamp = timestamp_of(ops.clock().now());
    let entry = EventLogEntry::of_event(event, run.run_id.clone(), level, timestamp);
    ops.handle_new_event(entry).await
}

/// Reports something of the machinery around a run; an error in it makes the report an error.
pub(crate) async fn report_engine_event(
    ops: &(impl RunWorkerOps + ?Sized),
    run: &DagsterRun,
    message: impl Into<String>,
    data: EngineEventData,
) -> Result<(), InstanceError> {
    let level = if data.error.is_some() { LogLevel::ERROR } else { LogLevel::INFO };
    let event = of_run(run, DagsterEventType::EngineEvent, message).with_data(data);
    report_event(ops, run, event, level).await
}

/// Marks a run as failed from outside of its execution.
pub(crate) async fn report_run_failed(
    ops: &(impl RunWorkerOps + ?Sized),
    run: &DagsterRun,
    message: Option<String>,
) -> Result<(), InstanceError> {
    let message = message.unwrap_or_else(|| {
        "This run has been marked as failed from outside the execution context.".to_owned()
    });
    let event = of_run(run, DagsterEventType::RunFailure, message);
    report_event(ops, run, event, LogLevel::ERROR).await
}

/// Reports that a run was asked to stop.
pub(crate) async fn report_run_canceling(
    ops: &(impl RunWorkerOps + ?Sized),
    run: &DagsterRun,
    message: &str,
) -> Result<(), InstanceError> {
    let event = of_run(run, DagsterEventType::RunCanceling, message);
    report_event(ops, run, event, LogLevel::INFO).await
}

/// Marks a run as canceled from outside of its execution.
pub(crate) async fn report_run_canceled(
    ops: &(impl RunWorkerOps + ?Sized),
    run: &DagsterRun,
    message: Option<&str>,
) -> Result<(), InstanceError> {
    let message = message
        .unwrap_or("This run has been marked as canceled from outside the execution context.");
    let event = of_run(run, DagsterEventType::RunCanceled, message);
    report_event(ops, run, event, LogLevel::ERROR).await
}

/// Ends a run that could not be launched or executed: the error is among its events, and the run has failed.
///
/// What cannot be reported is logged: the caller returns the error that came first.
pub(crate) async fn report_launch_failure(
    ops: &(impl RunWorkerOps + ?Sized),
    run: &DagsterRun,
    error: &(dyn std::error::Error + Send + Sync + 'static),
) {
    let info = SerializableErrorInfo::from_error("LaunchError", error);
    let message = error.to_string();
    // The end is reported even if the reason is not: a run that never ends is worse.
    let reported =
        report_engine_event(ops, run, message, EngineEventData::engine_error(info)).await;
    let ended = report_run_failed(ops, run, None).await;
    if let Err(second) = reported.and(ended) {
        tracing::error!(run_id = %run.run_id, %error, %second, "the failure of a run is not completely reported");
    }
}

fn of_run(
    run: &DagsterRun,
    event_type: DagsterEventType,
    message: impl Into<String>,
) -> DagsterEvent {
    DagsterEvent::new(event_type, &run.job_name).with_message(message)
}
