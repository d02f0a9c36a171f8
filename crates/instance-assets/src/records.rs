//! The records of assets.

use instance_core::asset_key::AssetKey;
use instance_core::assets::AssetRecord;
use instance_core::error::InstanceError;
use instance_core::ops::AssetOps;
use instance_core::storage::Only;

/// The records of these assets, by key ascending; keys without a record are left out.
#[tracing::instrument(skip_all)]
pub async fn get_asset_records(
    ops: &dyn AssetOps,
    asset_keys: &Only<AssetKey>,
) -> Result<Vec<AssetRecord>, InstanceError> {
    Ok(ops.asset_store().get_asset_records(asset_keys).await?)
}

/// The keys of all assets, ascending.
pub async fn all_asset_keys(ops: &dyn AssetOps) -> Result<Vec<AssetKey>, InstanceError> {
    let records = get_asset_records(ops, &Only::Any).await?;
    Ok(records.into_iter().map(|record| record.asset_entry.asset_key).collect())
}

/// Whether anything is known of the asset.
pub async fn has_asset_key(
    ops: &dyn AssetOps,
    asset_key: &AssetKey,
) -> Result<bool, InstanceError> {
    Ok(!get_asset_records(ops, &Only::one(asset_key.clone())).await?.is_empty())
}
