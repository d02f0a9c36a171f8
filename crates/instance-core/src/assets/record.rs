//! The record of an asset: its row among all assets.

use crate::asset_key::AssetKey;
use crate::assets::{AssetDetails, AssetStatusCacheValue};
use crate::event::EventLogRecord;
use crate::ids::{RunId, StorageId};

/// A row of the `asset_keys` table.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AssetRecord {
    /// The id of the row.
    pub storage_id: StorageId,
    /// The asset.
    pub asset_entry: AssetEntry,
}

impl AssetRecord {
    /// The row of an asset.
    pub fn new(storage_id: StorageId, asset_entry: AssetEntry) -> Self {
        Self { storage_id, asset_entry }
    }
}

/// What is known of an asset.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AssetEntry {
    /// The asset.
    pub asset_key: AssetKey,
    /// Its last materialisation; `None` if it has none since it was last wiped.
    pub last_materialization_record: Option<EventLogRecord>,
    /// The last run that materialised the asset or planned to; `None` if there is none since it was last wiped.
    pub last_run_id: Option<RunId>,
    /// What is kept beside its events.
    pub asset_details: Option<AssetDetails>,
    /// The cached status of its partitions.
    pub cached_status: Option<AssetStatusCacheValue>,
}

impl AssetEntry {
    /// An asset of which nothing is known but its key.
    pub fn new(asset_key: AssetKey) -> Self {
        Self {
            asset_key,
            last_materialization_record: None,
            last_run_id: None,
            asset_details: None,
            cached_status: None,
        }
    }
}

crate::setters! {
    impl AssetEntry {
        /// Its last materialisation since it was last wiped.
        with_last_materialization_record(last_materialization_record: impl Into<Option<EventLogRecord>>);
        /// The last run since then that materialised it or was going to.
        with_last_run_id(last_run_id: impl Into<Option<RunId>>);
        /// What is kept beside its events.
        with_asset_details(asset_details: impl Into<Option<AssetDetails>>);
        /// The cached status of its partitions.
        with_cached_status(cached_status: impl Into<Option<AssetStatusCacheValue>>);
    }
}
