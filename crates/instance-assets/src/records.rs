//! Which assets are known, and their records.

use instance_core::asset_key::AssetKey;
use instance_core::assets::AssetRecord;
use instance_core::error::InstanceError;
use instance_core::ops::AssetOps;
use instance_core::storage::{AssetKeysPage, Only};

/// Returns the records of assets, by key ascending.
///
/// [`Only::Any`] means all assets. A key of an asset that is not known is left out. Any number of assets may be asked
/// for at once.
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
/// An asset is known from the first event that plans, materialises or observes it, until it is wiped. The order is
/// that of [`get_asset_keys`].
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn all_asset_keys(ops: &dyn AssetOps) -> Result<Vec<AssetKey>, InstanceError> {
    Ok(ops.asset_store().get_asset_keys(&AssetKeysPage::new()).await?)
}

/// Returns a page of the keys of assets that are known, without reading their records.
///
/// The keys ascend by the text that stands in the database ([`AssetKey::to_db_string`]). The page says with which
/// parts the keys begin, how many come at most, and behind which text they begin. The next page begins behind the
/// last key of this one. The list is empty if no asset is on the page.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_asset_keys(
    ops: &dyn AssetOps,
    page: &AssetKeysPage,
) -> Result<Vec<AssetKey>, InstanceError> {
    Ok(ops.asset_store().get_asset_keys(page).await?)
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
    Ok(ops.asset_store().has_asset_key(asset_key).await?)
}
