//! Which partitions of assets were materialised, and how often.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::asset_key::AssetKey;
use instance_core::error::InstanceError;
use instance_core::ids::StorageId;
use instance_core::ops::AssetOps;

/// Returns the partitions of an asset that were materialised since it was last wiped, by events with an id before
/// `before_cursor` and after `after_cursor`; `None` is no bound. The set is empty if there are none.
///
/// What the keys mean is not looked at: a partition that its definition has no more is among them.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%asset_key))]
pub async fn get_materialized_partitions(
    ops: &dyn AssetOps,
    asset_key: &AssetKey,
    before_cursor: Option<StorageId>,
    after_cursor: Option<StorageId>,
) -> Result<BTreeSet<String>, InstanceError> {
    let store = ops.asset_partition_store();
    Ok(store.get_materialized_partitions(asset_key, before_cursor, after_cursor).await?)
}

/// Returns how often each partition of these assets was materialised since its asset was last wiped.
///
/// The outer map has each key that is asked for. The inner one has each partition that was materialised, and is empty
/// for an asset that is not known or has no partitions. Any number of assets may be asked for at once.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_materialization_count_by_partition(
    ops: &dyn AssetOps,
    asset_keys: &[AssetKey],
) -> Result<BTreeMap<AssetKey, BTreeMap<String, u64>>, InstanceError> {
    let store = ops.asset_partition_store();
    let mut counts = store.get_materialization_count_by_partition(asset_keys).await?;
    for asset_key in asset_keys {
        counts.entry(asset_key.clone()).or_default();
    }
    Ok(counts)
}
