//! The report of a run that could not be launched.

use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{EngineEventData, ReportEngineEvent};
use instance_core::ops::{EventReporterExt, LauncherOps};
use instance_core::run::DagsterRun;

/// Ends a run that could not be launched or executed: the error is among its events, and the run has failed.
///
/// What cannot be reported is logged: the caller returns the error that came first.
pub(crate) async fn report_launch_failure(
    ops: &dyn LauncherOps,
    run: &DagsterRun,
    error: &(dyn std::error::Error + Send + Sync + 'static),
) {
    let info = SerializableErrorInfo::from_error("LaunchError", error);
    let report = ReportEngineEvent::new(run, error.to_string())
        .with_data(EngineEventData::engine_error(info));
    // The end is reported even if the reason is not: a run that never ends is worse.
    let reported = ops.report_engine_event(report).await;
    let ended = ops.report_run_failed(run, None, None).await;
    if let Err(second) = reported.and(ended) {
        tracing::error!(run_id = %run.run_id, %error, %second, "the failure of a run is not completely reported");
    }
}
