//! The methods of `instance-assets`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-assets` instead.

use instance_assets::RunlessAssetEvent;
use instance_core::asset_key::AssetKey;
use instance_core::assets::AssetRecord;
use instance_core::error::InstanceError;
use instance_core::storage::Only;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// The keys of all assets, ascending.
    pub async fn all_asset_keys(&self) -> Result<Vec<AssetKey>, InstanceError> {
        instance_assets::all_asset_keys(self).await
    }

    /// The records of these assets, by key ascending; keys without a record are left out.
    pub async fn get_asset_records(
        &self,
        asset_keys: &Only<AssetKey>,
    ) -> Result<Vec<AssetRecord>, InstanceError> {
        instance_assets::get_asset_records(self, asset_keys).await
    }

    /// Whether anything is known of the asset.
    pub async fn has_asset_key(&self, asset_key: &AssetKey) -> Result<bool, InstanceError> {
        instance_assets::has_asset_key(self, asset_key).await
    }

    /// Stores what happened to an asset outside of any run, with the time of the clock, and does what follows from it.
    pub async fn report_runless_asset_event(
        &self,
        event: impl Into<RunlessAssetEvent> + Send,
    ) -> Result<(), InstanceError> {
        instance_assets::report_runless_asset_event(self, event).await
    }
}
