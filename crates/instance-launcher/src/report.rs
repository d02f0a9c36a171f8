//! The reports of runs that could not be launched, or did not start in time.

use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{
    EngineEventData, JobFailureData, ReportEngineEvent, ReportEvent, RunFailureReason,
};
use instance_core::ops::{EventReporterExt, LauncherOps};
use instance_core::run::DagsterRun;
use instance_core::serdes::UnknownFields;

/// Reports that a run could not be launched or executed: the error as an engine event, and then the failure of the run.
///
/// A report that cannot be stored is logged, and not returned: the caller returns the error that it reports.
pub(crate) async fn report_launch_failure(
    ops: &dyn LauncherOps,
    run: &DagsterRun,
    error: &(dyn std::error::Error + Send + Sync + 'static),
) {
    let info = SerializableErrorInfo::from_error("LaunchError", error);
    // Dagster takes the message of the error, whose end is a line break.
    let report = ReportEngineEvent::new(run, info.message.clone())
        .with_data(EngineEventData::engine_error(info));
    // The failure is reported even if the error is not: a run that never ends would be worse.
    let reported = ops.report_engine_event(report).await;
    let ended = ops.report_run_failed(run, None, None).await;
    if let Err(second) = reported.and(ended) {
        tracing::error!(run_id = %run.run_id, %error, %second, "the failure of a run is not completely reported");
    }
}

/// What is said of a run that has not started within so many seconds.
pub(crate) fn start_timeout_message(seconds: i64) -> String {
    format!("Run timed out due to taking longer than {seconds} seconds to start.")
}

/// The failure of a run that has not started in time.
pub(crate) fn start_timed_out(run: &DagsterRun, message: String) -> ReportEvent {
    let data = JobFailureData {
        error: None,
        failure_reason: Some(RunFailureReason::StartTimeout),
        first_step_failure_event: None,
        unknown: UnknownFields::default(),
    };
    ReportEvent::run_failed(run, Some(message), Some(data))
}
