//! How long ticks are kept, and deleting those that are older.

use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::{InstigatorIds, InstigatorType, TickRetention, TickStatus};
use instance_core::storage::Only;

/// Returns for how many days the ticks of a type are kept, by their status.
///
/// `retention` of `dagster.yaml` says it. What it does not say is Dagster's default: skipped ticks of sensors and of
/// automation conditions are kept for a week, and all others for ever.
pub fn get_tick_retention_settings(
    ops: &dyn SchedulingOps,
    instigator_type: InstigatorType,
) -> TickRetention {
    ops.settings().tick_retention.of(instigator_type)
}

/// Deletes the ticks of a schedule or sensor that are older than [`get_tick_retention_settings`] has them kept. Returns
/// how many were deleted.
///
/// Dagster's daemon does this after each tick. Ticks of each status are deleted in a transaction of their own.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails. Ticks of other statuses may be deleted by then; the call can be
/// repeated.
#[tracing::instrument(level = "debug", skip_all, fields(selector_id = %ids.selector_id))]
pub async fn purge_ticks_by_retention(
    ops: &dyn SchedulingOps,
    ids: &InstigatorIds,
    instigator_type: InstigatorType,
) -> Result<u64, InstanceError> {
    let retention = get_tick_retention_settings(ops, instigator_type);
    let (store, now) = (ops.tick_store(), ops.clock().now());
    let mut deleted = 0;
    for status in TickStatus::ALL {
        if let Some(since) = retention.kept_since(*status, now) {
            let statuses = Only::one(*status);
            deleted +=
                store.purge_ticks(&ids.origin_id, &ids.selector_id, since, &statuses).await?;
        }
    }
    Ok(deleted)
}
