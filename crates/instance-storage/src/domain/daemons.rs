//! The signs of life of daemons.

use instance_core::daemon::DaemonHeartbeat;
use instance_core::error::InstanceError;
use instance_core::ops::StorageOps;

/// Stores the sign of life of a daemon, in the place of the last one of its kind.
///
/// # Errors
///
/// [`InstanceError::Storage`] if its time is in no calendar, or if the storage fails. Nothing is written then.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn add_daemon_heartbeat(
    ops: &dyn StorageOps,
    heartbeat: &DaemonHeartbeat,
) -> Result<(), InstanceError> {
    Ok(ops.stores().run_storage.add_daemon_heartbeat(heartbeat).await?)
}

/// Returns the last sign of life of each kind of daemon, in the order of their first.
///
/// The list is empty if no daemon has left one.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if a stored sign cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_daemon_heartbeats(
    ops: &dyn StorageOps,
) -> Result<Vec<DaemonHeartbeat>, InstanceError> {
    Ok(ops.stores().run_storage.get_daemon_heartbeats().await?)
}

/// Deletes the signs of life of all daemons.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn wipe_daemon_heartbeats(ops: &dyn StorageOps) -> Result<(), InstanceError> {
    Ok(ops.stores().run_storage.wipe_daemon_heartbeats().await?)
}
