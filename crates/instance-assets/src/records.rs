//! The records of assets.

use instance_core::asset_key::AssetKey;
use instance_core::assets::AssetRecord;
use instance_core::error::InstanceError;
use instance_core::ops::AssetOps;
use instance_core::storage::Only;

/// Returns the records of assets, by key ascending.
///
/// [`Only::Any`] means all assets. A key of an asset that is not known is left out.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if a record cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_asset_records(
    ops: &dyn AssetOps,
    asset_keys: &Only<AssetKey>,
) -> Result<Vec<AssetRecord>, InstanceError> {
    Ok(ops.asset_store().get_asset_records(asset_keys).await?)
}

/// Returns the keys of all assets that are known, ascending. The list is empty if there is none.
///
/// An asset is known from the first event that plans, materialises or observes it, until it is wiped.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn all_asset_keys(ops: &dyn AssetOps) -> Result<Vec<AssetKey>, InstanceError> {
    let records = ops.asset_store().get_asset_records(&Only::Any).await?;
    Ok(records.into_iter().map(|record| record.asset_entry.asset_key).collect())
}

/// Returns whether an asset is known; see [`all_asset_keys`].
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%asset_key))]
pub async fn has_asset_key(
    ops: &dyn AssetOps,
    asset_key: &AssetKey,
) -> Result<bool, InstanceError> {
    let asset_keys = Only::one(asset_key.clone());
    Ok(!ops.asset_store().get_asset_records(&asset_keys).await?.is_empty())
}
