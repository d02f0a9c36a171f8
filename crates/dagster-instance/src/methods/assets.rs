//! The methods of the asset domain.

use instance_assets::RunlessAssetEvent;
use instance_core::asset_key::AssetKey;
use instance_core::assets::AssetRecord;
use instance_core::error::InstanceError;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// See [`instance_assets::get_asset_records`].
    pub async fn get_asset_records(
        &self,
        asset_keys: Option<&[AssetKey]>,
    ) -> Result<Vec<AssetRecord>, InstanceError> {
        instance_assets::get_asset_records(self, asset_keys).await
    }

    /// See [`instance_assets::all_asset_keys`].
    pub async fn all_asset_keys(&self) -> Result<Vec<AssetKey>, InstanceError> {
        instance_assets::all_asset_keys(self).await
    }

    /// See [`instance_assets::report_runless_asset_event`].
    pub async fn report_runless_asset_event(
        &self,
        event: impl Into<RunlessAssetEvent> + Send,
    ) -> Result<(), InstanceError> {
        instance_assets::report_runless_asset_event(self, event).await
    }

    /// See [`instance_assets::has_asset_key`].
    pub async fn has_asset_key(&self, asset_key: &AssetKey) -> Result<bool, InstanceError> {
        instance_assets::has_asset_key(self, asset_key).await
    }
}
