//! How many runs and steps there are at the same time.

use instance_core::error::InstanceError;
use instance_core::ops::ConfigOps;
use instance_core::settings::ConcurrencyConfig;

/// Returns how many runs and steps there are at the same time: what `concurrency` of `dagster.yaml` says, and for the
/// queue of runs what the coordinator says beside it.
///
/// # Errors
///
/// [`InstanceError::Config`] if the configuration of the coordinator is wrong, or if the coordinator is of a class that
/// this version does not have: only that class knows whether there is a queue.
pub fn get_concurrency_config(ops: &dyn ConfigOps) -> Result<ConcurrencyConfig, InstanceError> {
    let settings = ops.settings();
    Ok(settings.concurrency.config(settings.run_coordinator.queue()?))
}

/// Returns the limit of a pool that has none of its own; `None` is no limit.
///
/// # Errors
///
/// Those of [`get_concurrency_config`].
pub fn global_op_concurrency_default_limit(
    ops: &dyn ConfigOps,
) -> Result<Option<i64>, InstanceError> {
    Ok(get_concurrency_config(ops)?.pool_config.default_pool_limit)
}
