//! The report of a run that could not be launched.

use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{EngineEventData, ReportEngineEvent};
use instance_core::ops::{EventReporterExt, LauncherOps};
use instance_core::run::DagsterRun;

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
