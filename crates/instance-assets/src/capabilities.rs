//! What an instance can say of assets. Callers of Dagster's ask this first, since its storages differ.

use instance_core::assets::AssetRecord;
use instance_core::error::InstanceError;
use instance_core::ops::AssetOps;

/// Whether an instance keeps executions of asset checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AssetCheckInstanceSupport {
    /// It does.
    Supported,
    /// Its database is of a version that does not yet.
    NeedsMigration,
}

/// Returns whether the instance keeps executions of asset checks. A database of a release before 1.4.11 that was never
/// upgraded does not.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_asset_check_support(
    ops: &dyn AssetOps,
) -> Result<AssetCheckInstanceSupport, InstanceError> {
    let is_supported = ops.asset_check_store().supports_asset_checks().await?;
    Ok(if is_supported {
        AssetCheckInstanceSupport::Supported
    } else {
        AssetCheckInstanceSupport::NeedsMigration
    })
}

/// Returns whether the instance keeps the cached status of partitions. A database of a release before 1.1 that was never
/// upgraded does not: the status is worked out each time.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn can_read_asset_status_cache(ops: &dyn AssetOps) -> Result<bool, InstanceError> {
    Ok(ops.asset_store().can_read_asset_status_cache().await?)
}

/// Returns whether the record of an asset says when it last failed to materialise. It does not: Dagster's tables have no
/// column for it.
// facade: method
pub const fn can_read_failure_events_for_asset(record: &AssetRecord) -> bool {
    // No record has them, whatever else it has.
    let _ = record;
    can_read_asset_failure_events()
}

/// Returns whether the instance keeps events by which runs say that they did not materialise an asset. It does not, as
/// open-source Dagster does not.
// facade: method
pub const fn can_read_asset_failure_events() -> bool {
    false
}

/// Returns whether partitions of assets with several dimensions are wiped when a key of one dimension is deleted. They
/// are not, as in open-source Dagster: [`wipe_asset_partitions`](crate::wipe_asset_partitions) wipes them.
// facade: method
pub const fn supports_wipe_on_delete_for_multipartitioned_assets() -> bool {
    false
}

/// Returns whether the freshness of assets is evaluated, unless `DAGSTER_ASSET_FRESHNESS_ENABLED` is `false`.
pub fn internal_asset_freshness_enabled(ops: &dyn AssetOps) -> bool {
    ops.asset_freshness_enabled()
}
