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
    /// Returns the keys of all assets that are known, ascending. The list is empty if there is none.
    ///
    /// An asset is known from the first event that plans, materialises or observes it, until it is wiped.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn all_asset_keys(&self) -> Result<Vec<AssetKey>, InstanceError> {
        instance_assets::all_asset_keys(self).await
    }

    /// Returns the records of assets, by key ascending.
    ///
    /// [`Only::Any`] means all assets. A key of an asset that is not known is left out.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if a record cannot be read.
    pub async fn get_asset_records(
        &self,
        asset_keys: &Only<AssetKey>,
    ) -> Result<Vec<AssetRecord>, InstanceError> {
        instance_assets::get_asset_records(self, asset_keys).await
    }

    /// Returns whether an asset is known; see [`all_asset_keys`](Self::all_asset_keys).
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn has_asset_key(&self, asset_key: &AssetKey) -> Result<bool, InstanceError> {
        instance_assets::has_asset_key(self, asset_key).await
    }

    /// Reports something that happened to an asset outside of any run. The event gets the time of the clock.
    ///
    /// The event is stored without a run, and changes what is known of the asset.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the event is not stored. After [`InstanceError::EventsIncomplete`] and
    /// [`InstanceError::EventsWaiting`] it must not be reported again: it is stored, or waits for the next attempt.
    pub async fn report_runless_asset_event(
        &self,
        event: impl Into<RunlessAssetEvent> + Send,
    ) -> Result<(), InstanceError> {
        instance_assets::report_runless_asset_event(self, event).await
    }
}
