//! The cursors that daemons remember between their iterations.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;

/// Returns the values that daemons remember under these keys; keys without a value are left out.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_cursor_values(
    ops: &dyn SchedulingOps,
    keys: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, InstanceError> {
    Ok(ops.daemon_store().get_cursor_values(keys).await?)
}

/// Stores values under keys, in the place of those that are stored: all of them or none. An empty map changes nothing.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn set_cursor_values(
    ops: &dyn SchedulingOps,
    pairs: &BTreeMap<String, String>,
) -> Result<(), InstanceError> {
    Ok(ops.daemon_store().set_cursor_values(pairs).await?)
}
