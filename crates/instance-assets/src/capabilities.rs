//! What an instance can say of assets. Callers of Dagster's ask this first, since its storages differ.

use instance_core::assets::AssetRecord;
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

/// Returns whether the instance keeps executions of asset checks. It does: databases of versions that have no table for
/// them are refused when they are opened.
// facade: method
pub const fn get_asset_check_support() -> AssetCheckInstanceSupport {
    AssetCheckInstanceSupport::Supported
}

/// Returns whether the instance keeps the cached status of partitions. It does: databases of versions that have no
/// column for it are refused when they are opened.
// facade: method
pub const fn can_read_asset_status_cache() -> bool {
    true
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
