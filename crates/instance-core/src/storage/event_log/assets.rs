//! Assets: their records, keys, cached status and freshness.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::asset_key::AssetKey;
use crate::assets::{AssetRecord, AssetStatusCacheValue, FreshnessStateRecord};
use crate::error::StorageError;
use crate::event::EventLogRecord;
use crate::storage::Only;

/// Which keys of assets are meant; they come ascending by the text of their database form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssetKeysPage {
    /// The first parts of the key; none means all assets.
    pub prefix: Vec<String>,
    /// At most so many; `None` means all.
    pub limit: Option<u64>,
    /// Behind this key, in its database form.
    pub cursor: Option<String>,
}

impl AssetKeysPage {
    /// All assets.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl AssetKeysPage {
        /// Assets whose keys begin with these parts; none means all assets.
        with_prefix(prefix: Vec<String>);
        /// At most so many; `None` means all.
        with_limit(limit: impl Into<Option<u64>>);
        /// Begin behind this key, in its database form.
        with_cursor(cursor: impl Into<Option<String>>);
    }
}

impl AssetKeysPage {
    /// What the database form of a key begins with; empty if the page is of all assets.
    pub fn db_prefix(&self) -> String {
        if self.prefix.is_empty() {
            return String::new();
        }
        let mut whole = AssetKey::new(self.prefix.iter().map(String::as_str)).to_db_string();
        // Without the bracket at its end.
        whole.pop();
        whole
    }
}

/// Assets: their records, keys, cached status and freshness. An asset exists from its first materialisation,
/// planned or done, or its first observation. A wipe ends that, and the next such event begins it again.
#[async_trait]
pub trait AssetStore: std::fmt::Debug + Send + Sync + 'static {
    /// Whether the cached status of partitions can be read and stored. It cannot in a database of a release that had no
    /// column for it; there it is never found, and storing it does nothing.
    async fn can_read_asset_status_cache(&self) -> Result<bool, StorageError> {
        Ok(true)
    }

    /// The records of assets, by key ascending; keys without a record are left out.
    async fn get_asset_records(
        &self,
        asset_keys: &Only<AssetKey>,
    ) -> Result<Vec<AssetRecord>, StorageError>;

    /// Whether an asset is there.
    async fn has_asset_key(&self, asset_key: &AssetKey) -> Result<bool, StorageError>;

    /// The keys of assets, without reading their records.
    async fn get_asset_keys(&self, page: &AssetKeysPage) -> Result<Vec<AssetKey>, StorageError>;

    /// The last materialisation of each of these assets since it was last wiped; assets without one are
    /// left out.
    async fn get_latest_materialization_records(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<Vec<(AssetKey, EventLogRecord)>, StorageError>;

    /// The last known freshness of each of these assets; assets without one are left out.
    async fn get_freshness_state_records(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<Vec<FreshnessStateRecord>, StorageError>;

    /// Stores the cached status of an asset's partitions; an unknown asset is no error.
    async fn update_asset_cached_status_data(
        &self,
        asset_key: &AssetKey,
        cache_values: &AssetStatusCacheValue,
    ) -> Result<(), StorageError>;

    /// Deletes the cached status of the partitions of assets, in one transaction. An unknown asset is no error.
    async fn wipe_asset_cached_status(&self, asset_keys: &[AssetKey]) -> Result<(), StorageError>;

    /// Wipes assets in one transaction. What is known of them at this time is gone, with their cached status and
    /// checks. Their events in the logs of their runs stay. An unknown asset is no error.
    async fn wipe_assets(
        &self,
        asset_keys: &[AssetKey],
        at: DateTime<Utc>,
    ) -> Result<(), StorageError>;
}
