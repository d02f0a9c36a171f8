//! What events say of the partitions of assets.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::MemoryEventLogStorage;
use super::events::{Between, EventRow};
use crate::asset_key::AssetKey;
use crate::error::StorageError;
use crate::event::DagsterEventType;
use crate::ids::StorageId;
use crate::memory::State;
use crate::storage::{
    AssetPartitionStore, LatestTagsQuery, MaterializationAttempt, Only, PlannedMaterializationInfo,
    WipedAssetPartitions,
};
use crate::tags::{self, is_indexed_tag};

const MATERIALIZATION: DagsterEventType = DagsterEventType::AssetMaterialization;
const PLANNED: DagsterEventType = DagsterEventType::AssetMaterializationPlanned;

impl State {
    /// The events of a type about an asset since it was last wiped, oldest first.
    fn events_since_wipe<'a>(
        &'a self,
        asset_key: &AssetKey,
        event_type: DagsterEventType,
        between: Between,
    ) -> impl DoubleEndedIterator<Item = &'a EventRow> + use<'a> {
        let asset_key = asset_key.to_db_string();
        let wiped_at = self.assets.wiped_at(&asset_key);
        let rows = self.events.of_asset(&asset_key, between);
        rows.filter(move |row| row.event_type == Some(event_type) && row.is_after_wipe(wiped_at))
    }

    /// The last event of a type of each of these partitions of an asset.
    pub(super) fn latest_by_partition(
        &self,
        asset_key: &AssetKey,
        event_type: DagsterEventType,
        partitions: &Only<String>,
        between: Between,
    ) -> BTreeMap<&str, &EventRow> {
        let rows = self.events_since_wipe(asset_key, event_type, between);
        last_of_each(rows, partitions.as_slice())
    }

    /// The data version of each of the partitions, if its last event that has one does not say that there is none.
    /// Events from before a wipe count, as they do for Dagster.
    fn data_versions(
        &self,
        asset_key: &AssetKey,
        partitions: &[String],
        between: Between,
    ) -> BTreeMap<&str, &str> {
        let rows = self.events.of_asset(&asset_key.to_db_string(), between);
        let types = [MATERIALIZATION, DagsterEventType::AssetObservation];
        let has_version =
            |row: &&EventRow| row.is_of(&types) && row.tags.contains_key(tags::DATA_VERSION);
        let versions = last_of_each(rows.filter(has_version), Some(partitions));
        versions
            .into_iter()
            .filter_map(|(partition, row)| Some((partition, row.tags.get(tags::DATA_VERSION)?)))
            .filter(|(_, version)| !version.is_empty())
            .map(|(partition, version)| (partition, version.as_str()))
            .collect()
    }
}

impl State {
    /// Wipes partitions of an asset, and repairs its row.
    fn wipe_partitions(
        &mut self,
        asset_key: &AssetKey,
        partitions: &BTreeSet<&str>,
    ) -> WipedAssetPartitions {
        let key = asset_key.to_db_string();
        let events = self.events.unlink(&key, partitions);
        let wiped = WipedAssetPartitions {
            events: events.len() as u64,
            check_executions: self.asset_checks.delete_of_partitions(&key, partitions),
        };
        if !wiped.is_nothing() {
            let materialized = self.last_since_wipe(asset_key, &[MATERIALIZATION]);
            let begun = self.last_since_wipe(asset_key, &[MATERIALIZATION, PLANNED]);
            let last = (materialized.map(EventRow::record), begun.map(EventRow::run_id));
            let names_run =
                |event_type| [Some(MATERIALIZATION), Some(PLANNED)].contains(&event_type);
            let runs = events.into_iter().filter(|(event_type, _)| names_run(*event_type));
            let runs = runs.map(|(_, run_id)| run_id).collect();
            self.assets.forget_partitions(&key, partitions, &runs, last);
        }
        wiped
    }

    fn last_since_wipe(
        &self,
        asset_key: &AssetKey,
        types: &[DagsterEventType],
    ) -> Option<&EventRow> {
        let asset_key = asset_key.to_db_string();
        let wiped_at = self.assets.wiped_at(&asset_key);
        let mut newest = self.events.of_asset(&asset_key, Between::default()).rev();
        newest.find(|row| row.is_of(types) && row.is_after_wipe(wiped_at))
    }
}

/// The last event of each partition, of events that come oldest first; `None` means all partitions.
fn last_of_each<'a>(
    rows: impl Iterator<Item = &'a EventRow>,
    partitions: Option<&[String]>,
) -> BTreeMap<&'a str, &'a EventRow> {
    let partitions: Option<BTreeSet<&str>> =
        partitions.map(|partitions| partitions.iter().map(String::as_str).collect());
    rows.filter_map(|row| Some((row.partition.as_deref()?, row)))
        .filter(|(name, _)| partitions.as_ref().is_none_or(|asked| asked.contains(name)))
        .collect()
}

#[async_trait]
impl AssetPartitionStore for MemoryEventLogStorage {
    async fn get_materialized_partitions(
        &self,
        asset_key: &AssetKey,
        before_cursor: Option<StorageId>,
        after_cursor: Option<StorageId>,
    ) -> Result<BTreeSet<String>, StorageError> {
        let state = self.shared.lock();
        let between = Between { after: after_cursor, before: before_cursor };
        let rows = state.events_since_wipe(asset_key, MATERIALIZATION, between);
        Ok(rows.filter_map(|row| row.partition.clone()).collect())
    }

    async fn get_materialization_count_by_partition(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, BTreeMap<String, u64>>, StorageError> {
        let state = self.shared.lock();
        let mut found = BTreeMap::new();
        for asset_key in asset_keys {
            let rows = state.events_since_wipe(asset_key, MATERIALIZATION, Between::default());
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            for partition in rows.filter_map(|row| row.partition.as_ref()) {
                *counts.entry(partition.clone()).or_default() += 1;
            }
            if !counts.is_empty() {
                found.insert(asset_key.clone(), counts);
            }
        }
        Ok(found)
    }

    async fn get_latest_storage_id_by_partition(
        &self,
        asset_key: &AssetKey,
        event_type: DagsterEventType,
        partitions: &Only<String>,
        after_cursor: Option<StorageId>,
    ) -> Result<BTreeMap<String, StorageId>, StorageError> {
        let state = self.shared.lock();
        let between = Between { after: after_cursor, before: None };
        let latest = state.latest_by_partition(asset_key, event_type, partitions, between);
        Ok(latest.into_iter().map(|(name, row)| (name.to_owned(), row.id)).collect())
    }

    async fn get_latest_tags_by_partition(
        &self,
        query: &LatestTagsQuery,
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>, StorageError> {
        if query.tag_keys.is_empty() || !query.tag_keys.iter().all(|key| is_indexed_tag(key)) {
            return Err(StorageError::Unsupported {
                what: format!("tags {:?} of the last event of each partition", query.tag_keys),
                reason: "only tags that are indexed can be asked for, and at least one".to_owned(),
            });
        }
        let state = self.shared.lock();
        let between = Between { after: query.after_cursor, before: query.before_cursor };
        let latest = state.latest_by_partition(
            &query.asset_key,
            query.event_type,
            &query.partitions,
            between,
        );
        let tags_of = |row: &EventRow| -> BTreeMap<String, String> {
            let tags = query.tag_keys.iter().filter_map(|key| row.tags.get_key_value(key));
            tags.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        Ok(latest
            .into_iter()
            .map(|(name, row)| (name.to_owned(), tags_of(row)))
            .filter(|(_, tags)| !tags.is_empty())
            .collect())
    }

    async fn get_latest_asset_partition_materialization_attempts_without_materializations(
        &self,
        asset_key: &AssetKey,
        after_storage_id: Option<StorageId>,
    ) -> Result<Vec<MaterializationAttempt>, StorageError> {
        let state = self.shared.lock();
        let between = Between { after: after_storage_id, before: None };
        let planned = state.latest_by_partition(asset_key, PLANNED, &Only::Any, between);
        let done = state.latest_by_partition(asset_key, MATERIALIZATION, &Only::Any, between);
        let open = planned.into_iter().filter(|(partition, planned)| {
            done.get(partition).is_none_or(|done| done.id < planned.id)
        });
        let attempt = |(partition, row): (&str, &EventRow)| MaterializationAttempt {
            partition: partition.to_owned(),
            run_id: row.entry.run_id.clone(),
            storage_id: row.id,
        };
        Ok(open.map(attempt).collect())
    }

    async fn get_latest_planned_materialization_info(
        &self,
        asset_key: &AssetKey,
        partition: Option<&str>,
    ) -> Result<Option<PlannedMaterializationInfo>, StorageError> {
        let state = self.shared.lock();
        let partition = partition.filter(|partition| !partition.is_empty());
        let mut newest = state.events_since_wipe(asset_key, PLANNED, Between::default()).rev();
        let last = newest.find(|row| partition.is_none() || row.partition.as_deref() == partition);
        Ok(last.map(|row| PlannedMaterializationInfo {
            storage_id: row.id,
            run_id: row.entry.run_id.clone(),
        }))
    }

    async fn get_updated_data_version_partitions(
        &self,
        asset_key: &AssetKey,
        partitions: &[String],
        since_storage_id: StorageId,
    ) -> Result<BTreeSet<String>, StorageError> {
        let state = self.shared.lock();
        let next = StorageId(since_storage_id.0.saturating_add(1));
        let until = Between { after: None, before: Some(next) };
        let since = Between { after: Some(since_storage_id), before: None };
        let before = state.data_versions(asset_key, partitions, until);
        let after = state.data_versions(asset_key, partitions, since);
        let is_new = |(name, version): &(&str, &str)| before.get(name) != Some(version);
        Ok(after.into_iter().filter(is_new).map(|(name, _)| name.to_owned()).collect())
    }

    async fn get_event_tags_for_asset(
        &self,
        asset_key: &AssetKey,
        filter_tags: &BTreeMap<String, String>,
        filter_event_id: Option<StorageId>,
    ) -> Result<Vec<BTreeMap<String, String>>, StorageError> {
        let state = self.shared.lock();
        let asset_key = asset_key.to_db_string();
        let wiped_at = state.assets.wiped_at(&asset_key);
        let is_meant = |row: &&EventRow| {
            !row.tags.is_empty()
                && row.is_after_wipe(wiped_at)
                && filter_event_id.is_none_or(|id| row.id == id)
                && filter_tags.iter().all(|(key, value)| row.tags.get(key) == Some(value))
        };
        let rows = state.events.of_asset(&asset_key, Between::default()).filter(is_meant);
        Ok(rows.map(|row| row.tags.clone()).collect())
    }

    async fn wipe_asset_partitions(
        &self,
        asset_key: &AssetKey,
        partitions: &[String],
    ) -> Result<WipedAssetPartitions, StorageError> {
        let partitions: BTreeSet<&str> = partitions.iter().map(String::as_str).collect();
        Ok(self.shared.lock().wipe_partitions(asset_key, &partitions))
    }
}
