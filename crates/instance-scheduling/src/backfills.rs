//! Backfills: requests to make many partitions.
//!
//! Dagster's daemon makes runs of them.

use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::{BulkActionsFilter, PartitionBackfill};
use instance_core::storage::BackfillsPage;

/// Returns the backfills that match a filter, newest first.
///
/// A default [`BulkActionsFilter`] matches all backfills, and a default [`BackfillsPage`] means all that match. The list
/// is empty if none matches, or if the page begins behind a backfill that is not stored.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if a backfill cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_backfills(
    ops: &dyn SchedulingOps,
    filter: &BulkActionsFilter,
    page: &BackfillsPage,
) -> Result<Vec<PartitionBackfill>, InstanceError> {
    Ok(ops.backfill_store().get_backfills(filter, page).await?)
}

/// Returns how many backfills match a filter. A default [`BulkActionsFilter`] matches all backfills.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_backfills_count(
    ops: &dyn SchedulingOps,
    filter: &BulkActionsFilter,
) -> Result<u64, InstanceError> {
    Ok(ops.backfill_store().get_backfills_count(filter).await?)
}

/// Returns a backfill by its id; `None` if there is no such backfill.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if the backfill cannot be read.
#[tracing::instrument(level = "debug", skip_all, fields(%backfill_id))]
pub async fn get_backfill(
    ops: &dyn SchedulingOps,
    backfill_id: &str,
) -> Result<Option<PartitionBackfill>, InstanceError> {
    Ok(ops.backfill_store().get_backfill(backfill_id).await?)
}

/// Stores a new backfill and its tags, in one transaction. Dagster's daemon goes on with it if its status is
/// `REQUESTED`.
///
/// # Errors
///
/// [`InstanceError::Storage`] if a backfill of this id is stored, if no calendar has its time, or if the storage fails;
/// [`InstanceError::Invalid`] for a backfill that Dagster could not read. Nothing is stored then.
#[tracing::instrument(level = "debug", skip_all, fields(backfill_id = %backfill.backfill_id))]
pub async fn add_backfill(
    ops: &dyn SchedulingOps,
    backfill: &PartitionBackfill,
) -> Result<(), InstanceError> {
    require_readable(backfill)?;
    Ok(ops.backfill_store().add_backfill(backfill).await?)
}

/// Replaces a stored backfill.
///
/// It goes on to be found by the tags, the job and the time that it was added with.
///
/// # Errors
///
/// [`InstanceError::Storage`] if no backfill of this id is stored, or if the storage fails; [`InstanceError::Invalid`]
/// for a backfill that Dagster could not read. Nothing is changed then.
#[tracing::instrument(level = "debug", skip_all, fields(backfill_id = %backfill.backfill_id))]
pub async fn update_backfill(
    ops: &dyn SchedulingOps,
    backfill: &PartitionBackfill,
) -> Result<(), InstanceError> {
    require_readable(backfill)?;
    Ok(ops.backfill_store().update_backfill(backfill).await?)
}

fn require_readable(backfill: &PartitionBackfill) -> Result<(), InstanceError> {
    match backfill.unreadable_because() {
        None => Ok(()),
        Some(reason) => {
            Err(InstanceError::invalid("backfill", backfill.backfill_id.as_str(), reason))
        }
    }
}
