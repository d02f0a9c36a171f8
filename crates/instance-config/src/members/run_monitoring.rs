//! When Dagster's daemon takes a run for lost.

use instance_core::ops::ConfigOps;
use instance_core::settings::RunMonitoringSettings;

/// Returns when Dagster's daemon takes a run for lost.
pub fn run_monitoring_settings(ops: &dyn ConfigOps) -> &RunMonitoringSettings {
    &ops.settings().run_monitoring
}

/// Returns whether Dagster's daemon monitors runs.
pub fn run_monitoring_enabled(ops: &dyn ConfigOps) -> bool {
    ops.settings().run_monitoring.enabled
}

/// Returns after how many seconds a run that has not started is taken for failed.
pub fn run_monitoring_start_timeout_seconds(ops: &dyn ConfigOps) -> i64 {
    ops.settings().run_monitoring.start_timeout_seconds
}

/// Returns after how many seconds a run that was asked to stop is taken for canceled.
pub fn run_monitoring_cancel_timeout_seconds(ops: &dyn ConfigOps) -> i64 {
    ops.settings().run_monitoring.cancel_timeout_seconds
}

/// Returns after how many seconds a run is stopped, unless a tag of the run says it; 0 means never.
pub fn run_monitoring_max_runtime_seconds(ops: &dyn ConfigOps) -> i64 {
    ops.settings().run_monitoring.max_runtime_seconds
}

/// Returns how often a run whose worker is gone is resumed.
pub fn run_monitoring_max_resume_run_attempts(ops: &dyn ConfigOps) -> i64 {
    ops.settings().run_monitoring.max_resume_run_attempts
}

/// Returns how many seconds pass between two looks of Dagster's daemon at the runs.
pub fn run_monitoring_poll_interval_seconds(ops: &dyn ConfigOps) -> i64 {
    ops.settings().run_monitoring.poll_interval_seconds
}

/// Returns how many seconds pass between two looks of a worker whether its run is to stop.
pub fn cancellation_thread_poll_interval_seconds(ops: &dyn ConfigOps) -> i64 {
    ops.settings().run_monitoring.cancellation_thread_poll_interval_seconds
}
