//! Whether and when failed runs are retried.

use instance_core::ops::ConfigOps;

/// Returns whether Dagster's daemon retries failed runs.
pub fn run_retries_enabled(ops: &dyn ConfigOps) -> bool {
    ops.settings().run_retries.enabled
}

/// Returns how often a run is retried at most, unless a tag of the run says it.
pub fn run_retries_max_retries(ops: &dyn ConfigOps) -> i64 {
    ops.settings().run_retries.max_retries
}

/// Returns whether a run is retried in which a step failed, unless a tag of the run says it.
pub fn run_retries_retry_on_asset_or_op_failure(ops: &dyn ConfigOps) -> bool {
    ops.settings().run_retries.retry_on_asset_or_op_failure
}
