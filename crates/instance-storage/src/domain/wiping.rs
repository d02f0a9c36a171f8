//! The wipe of an instance.

use instance_core::error::InstanceError;
use instance_core::ops::StorageOps;
use instance_core::storage::{EventLogStorage, RunStorage};

/// Deletes all runs and all events, with what follows from them and stands beside them: snapshots, backfills, signs of
/// life, assets, checks, dynamic partitions and pools.
///
/// Schedules, sensors and their ticks stay, as do the cursors of daemons, what runs have printed, and what they have
/// made. The runs go first and the events after them. Each is one transaction; where the events of a run are a file of
/// their own, that file is deleted.
///
/// # Errors
///
/// [`InstanceError::Storage`] if a storage fails. If the runs are gone and the events are not, call it again.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn wipe(ops: &dyn StorageOps) -> Result<(), InstanceError> {
    let stores = ops.stores();
    RunStorage::wipe(&*stores.run_storage).await?;
    EventLogStorage::wipe(&*stores.event_log_storage).await?;
    Ok(())
}
