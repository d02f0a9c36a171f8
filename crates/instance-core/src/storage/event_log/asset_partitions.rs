//! What events say of the partitions of assets.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::asset_key::AssetKey;
use crate::error::StorageError;
use crate::event::DagsterEventType;
use crate::ids::{RunId, StorageId};
use crate::storage::Only;

/// A planned materialisation of a partition that none has followed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MaterializationAttempt {
    /// The partition.
    pub partition: String,
    /// The run that planned it.
    pub run_id: RunId,
    /// The row of the event.
    pub storage_id: StorageId,
}

impl MaterializationAttempt {
    /// The planned materialisation of a partition, by its run and the row of its event.
    pub fn new(partition: impl Into<String>, run_id: RunId, storage_id: StorageId) -> Self {
        Self { partition: partition.into(), run_id, storage_id }
    }
}

/// The last planned materialisation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedMaterializationInfo {
    /// The row of the event.
    pub storage_id: StorageId,
    /// The run that planned it.
    pub run_id: RunId,
}

impl PlannedMaterializationInfo {
    /// A planned materialisation, by the row of its event and its run.
    pub fn new(storage_id: StorageId, run_id: RunId) -> Self {
        Self { storage_id, run_id }
    }
}

/// What a wipe of partitions has taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WipedAssetPartitions {
    /// How many events are about the asset no more.
    pub events: u64,
    /// How many executions of checks are gone.
    pub check_executions: u64,
}

impl WipedAssetPartitions {
    /// So many events and executions of checks.
    pub const fn new(events: u64, check_executions: u64) -> Self {
        Self { events, check_executions }
    }

    /// Whether there was nothing to wipe.
    pub const fn is_nothing(self) -> bool {
        self.events == 0 && self.check_executions == 0
    }
}

/// Which tags of the last event of each partition are meant.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LatestTagsQuery {
    /// The asset.
    pub asset_key: AssetKey,
    /// The type of the events.
    pub event_type: DagsterEventType,
    /// The keys of the tags, all of which are indexed.
    pub tag_keys: Vec<String>,
    /// Of these partitions.
    pub partitions: Only<String>,
    /// Only events with a smaller id.
    pub before_cursor: Option<StorageId>,
    /// Only events with a greater id.
    pub after_cursor: Option<StorageId>,
}

impl LatestTagsQuery {
    /// The tags with these keys, all of which are indexed, of the last event of a type of each partition.
    pub fn new(asset_key: AssetKey, event_type: DagsterEventType, tag_keys: Vec<String>) -> Self {
        Self {
            asset_key,
            event_type,
            tag_keys,
            partitions: Only::Any,
            before_cursor: None,
            after_cursor: None,
        }
    }
}

crate::setters! {
    impl LatestTagsQuery {
        /// Of these partitions.
        with_partitions(partitions: Only<String>);
        /// Events with a smaller id.
        with_before_cursor(before_cursor: impl Into<Option<StorageId>>);
        /// Events with a greater id.
        with_after_cursor(after_cursor: impl Into<Option<StorageId>>);
    }
}

/// What events say about the partitions of assets. Events from before an asset was last wiped do not count. Neither
/// do events without a partition.
#[async_trait]
pub trait AssetPartitionStore: std::fmt::Debug + Send + Sync + 'static {
    /// The partitions of an asset that were materialised, by events with an id between the cursors.
    async fn get_materialized_partitions(
        &self,
        asset_key: &AssetKey,
        before_cursor: Option<StorageId>,
        after_cursor: Option<StorageId>,
    ) -> Result<BTreeSet<String>, StorageError>;

    /// How often each partition of these assets was materialised. Assets and partitions that never were are left out.
    async fn get_materialization_count_by_partition(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, BTreeMap<String, u64>>, StorageError>;

    /// The id of the last event of a type of each of these partitions, if it is greater than the cursor.
    async fn get_latest_storage_id_by_partition(
        &self,
        asset_key: &AssetKey,
        event_type: DagsterEventType,
        partitions: &Only<String>,
        after_cursor: Option<StorageId>,
    ) -> Result<BTreeMap<String, StorageId>, StorageError>;

    /// The tags of the last event of a type of each partition. Partitions without such tags are left out.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unsupported`] if there are no tag keys, or one is not indexed.
    async fn get_latest_tags_by_partition(
        &self,
        query: &LatestTagsQuery,
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>, StorageError>;

    /// The planned materialisations, the last of each partition, that no materialisation of the partition
    /// has followed.
    async fn get_latest_asset_partition_materialization_attempts_without_materializations(
        &self,
        asset_key: &AssetKey,
        after_storage_id: Option<StorageId>,
    ) -> Result<Vec<MaterializationAttempt>, StorageError>;

    /// The last planned materialisation of an asset, or of one of its partitions.
    async fn get_latest_planned_materialization_info(
        &self,
        asset_key: &AssetKey,
        partition: Option<&str>,
    ) -> Result<Option<PlannedMaterializationInfo>, StorageError>;

    /// Those of the partitions whose data version has changed since a row.
    async fn get_updated_data_version_partitions(
        &self,
        asset_key: &AssetKey,
        partitions: &[String],
        since_storage_id: StorageId,
    ) -> Result<BTreeSet<String>, StorageError>;

    /// The indexed tags of an asset's events, one map for each event. Only events count that have all tags of the
    /// filter. If an event is named, only that one counts.
    async fn get_event_tags_for_asset(
        &self,
        asset_key: &AssetKey,
        filter_tags: &BTreeMap<String, String>,
        filter_event_id: Option<StorageId>,
    ) -> Result<Vec<BTreeMap<String, String>>, StorageError>;

    /// Wipes partitions of an asset, in one transaction. Their events stay in the logs of their runs, but are about the
    /// asset and the partition no more: nothing that asks for the asset finds them. Their tags, the executions of checks
    /// of these partitions and the cached status of the asset are deleted. Where the record of the asset names such
    /// an event or its run, it names the last of the events that are left, or none. The asset stays known.
    ///
    /// Partitions without events or executions are no error, nor is an unknown asset. If there is nothing to wipe,
    /// nothing is changed.
    ///
    /// # Errors
    ///
    /// Nothing is wiped, except where logs of runs are separate: events may be about the partition no more in the logs
    /// of some runs. The same call again completes it.
    async fn wipe_asset_partitions(
        &self,
        asset_key: &AssetKey,
        partitions: &[String],
    ) -> Result<WipedAssetPartitions, StorageError>;
}
