//! The record of an asset: its row among all assets.

use crate::asset_key::AssetKey;
use crate::assets::{AssetDetails, AssetStatusCacheValue};
use crate::event::EventLogRecord;
use crate::ids::{RunId, StorageId};

/// A row of the `asset_keys` table.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetRecord {
    /// The id of the row.
    pub storage_id: StorageId,
    /// The asset.
    pub asset_entry: AssetEntry,
}

/// What is known of an asset.
#[derive(Debug, Clone, PartialEq)]
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
