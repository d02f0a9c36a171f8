//! The instance as a whole: its settings, its reference, and what follows from whether it outlives its process.

use instance_core::error::InstanceError;
use instance_core::instance_ref::InstanceRef;
use instance_core::ops::ConfigOps;
use instance_core::settings::{InstanceSettings, InstanceType};

/// Returns the settings of the instance.
pub fn get_settings(ops: &dyn ConfigOps) -> &InstanceSettings {
    ops.settings()
}

/// Returns whether the instance outlives its process.
pub fn is_persistent(ops: &dyn ConfigOps) -> bool {
    ops.settings().instance_type == InstanceType::Persistent
}

/// Returns whether the instance is gone with its process, as it is in memory.
pub fn is_ephemeral(ops: &dyn ConfigOps) -> bool {
    ops.settings().instance_type == InstanceType::Ephemeral
}

/// Returns what the instance is to other processes, from which they open the same instance. Dagster takes its text as
/// `--instance-ref`.
///
/// # Errors
///
/// [`InstanceError::Config`] if no other process can open the instance, as it is in memory or made of a program's own
/// parts, or if it is of a class of somebody else's.
pub fn get_ref(ops: &dyn ConfigOps) -> Result<&InstanceRef, InstanceError> {
    ops.settings().required_instance_ref()
}

/// Returns whether Dagster reports how it is used to its makers. An instance in memory never does.
///
/// This implementation reports nothing.
pub fn telemetry_enabled(ops: &dyn ConfigOps) -> bool {
    is_persistent(ops) && ops.settings().telemetry_enabled
}

/// Returns whether Dagster's web page may ask new users for their address. An instance in memory never does.
pub fn nux_enabled(ops: &dyn ConfigOps) -> bool {
    is_persistent(ops) && ops.settings().nux_enabled
}

/// Returns how many runs Dagster's web server lists unless it is asked for a number; `None` is any number.
///
/// # Errors
///
/// [`InstanceError::ConfigFile`] if the variable `DAGSTER_DEFAULT_GRAPHQL_RUN_RECORDS_LIMIT` holds no number.
pub fn get_default_graphql_run_records_limit(
    ops: &dyn ConfigOps,
) -> Result<Option<i64>, InstanceError> {
    Ok(ops.settings().default_graphql_run_records_limit.clone()?)
}
