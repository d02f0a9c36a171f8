//! What events say of the partitions of assets.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::NaiveDateTime;
use instance_core::asset_key::AssetKey;
use instance_core::error::StorageError;
use instance_core::event::DagsterEventType;
use instance_core::ids::{RunId, StorageId};
use instance_core::storage::{
    AssetEventSummaryQuery, AssetPartitionStore, EventStore, LatestTagsQuery,
    MaterializationAttempt, Only, Order, PlannedMaterializationInfo, WipedAssetPartitions,
};

use super::SqlEventLogStorage;
use super::assets::wipe_time;
use super::events::asset_key as event_asset_key;
use crate::db::Row;
use crate::sql::asset_partitions::{self, PartitionEvents};
use crate::sql::assets;
use crate::sql::capabilities::Feature;
use crate::sql::tables::event_logs::{DAGSTER_EVENT_TYPE, ID, PARTITION, RUN_ID, TABLE};
use crate::sql::tables::{asset_event_tags, asset_keys};

#[async_trait]
impl AssetPartitionStore for SqlEventLogStorage {
    async fn get_materialized_partitions(
        &self,
        asset_key: &AssetKey,
        before_cursor: Option<StorageId>,
        after_cursor: Option<StorageId>,
    ) -> Result<BTreeSet<String>, StorageError> {
        let latest = self
            .latest_ids(&PartitionEvents {
                asset_key,
                of_types: &[DagsterEventType::AssetMaterialization],
                partitions: None,
                after: after_cursor,
                before: before_cursor,
                wiped_at: self.wiped_at(asset_key).await?,
            })
            .await?;
        Ok(latest.into_keys().collect())
    }

    async fn get_materialization_count_by_partition(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, BTreeMap<String, u64>>, StorageError> {
        let asset_keys: Vec<_> = asset_keys.iter().map(AssetKey::to_db_string).collect();
        let mut found: BTreeMap<AssetKey, BTreeMap<String, u64>> = BTreeMap::new();
        for asset_keys in asset_keys.chunks(ASSETS_PER_STATEMENT) {
            let select = asset_partitions::select_counts(asset_keys, self.index.dialect());
            let counts = self.index.fetch_map("counting materialisations", &select, |row| {
                let count: i64 = row.get(TABLE, "count")?;
                Ok((event_asset_key(row)?, row.get(TABLE, PARTITION)?, count.unsigned_abs()))
            });
            for (asset_key, partition, count) in counts.await? {
                found.entry(asset_key).or_default().insert(partition, count);
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
        self.latest_ids(&PartitionEvents {
            asset_key,
            of_types: &[event_type],
            partitions: partitions.as_slice(),
            after: after_cursor,
            before: None,
            wiped_at: self.wiped_at(asset_key).await?,
        })
        .await
    }

    async fn get_latest_tags_by_partition(
        &self,
        query: &LatestTagsQuery,
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>, StorageError> {
        self.require(Feature::AssetEventTags).await?;
        let unknown = query.tag_keys.iter().find(|key| !(self.indexed_tags)(key));
        if unknown.is_some() || query.tag_keys.is_empty() {
            return Err(StorageError::Unsupported {
                what: format!("tags {:?} of the last event of each partition", query.tag_keys),
                reason: "only tags that are indexed can be asked for, and at least one".to_owned(),
            });
        }
        let events = PartitionEvents {
            asset_key: &query.asset_key,
            of_types: &[query.event_type],
            partitions: query.partitions.as_slice(),
            after: query.after_cursor,
            before: query.before_cursor,
            wiped_at: self.wiped_at(&query.asset_key).await?,
        };
        let mut rows = Vec::new();
        for events in events.chunked() {
            let select = asset_partitions::select_latest_tags(&events, &query.tag_keys);
            rows.extend(self.index.fetch("reading tags of partitions", &select).await?);
        }
        let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for row in &rows {
            let value: Option<String> =
                row.get(asset_event_tags::TABLE, asset_event_tags::VALUE)?;
            found.entry(row.get(TABLE, PARTITION)?).or_default().insert(
                row.get(asset_event_tags::TABLE, asset_event_tags::KEY)?,
                value.unwrap_or_default(),
            );
        }
        Ok(found)
    }

    async fn get_latest_asset_partition_materialization_attempts_without_materializations(
        &self,
        asset_key: &AssetKey,
        after_storage_id: Option<StorageId>,
    ) -> Result<Vec<MaterializationAttempt>, StorageError> {
        let events = PartitionEvents {
            asset_key,
            of_types: &[
                DagsterEventType::AssetMaterialization,
                DagsterEventType::AssetMaterializationPlanned,
            ],
            partitions: None,
            after: after_storage_id,
            before: None,
            wiped_at: self.wiped_at(asset_key).await?,
        };
        let select = asset_partitions::select_latest_runs(&events);
        let rows = self.index.fetch("reading planned materialisations", &select).await?;
        let mut planned: BTreeMap<String, MaterializationAttempt> = BTreeMap::new();
        let mut done: BTreeMap<String, StorageId> = BTreeMap::new();
        for row in &rows {
            let partition: String = row.get(TABLE, PARTITION)?;
            let storage_id = StorageId(row.get(TABLE, ID)?);
            let event_type: String = row.get(TABLE, DAGSTER_EVENT_TYPE)?;
            if event_type == DagsterEventType::AssetMaterialization.as_str() {
                done.insert(partition, storage_id);
            } else {
                let run_id = RunId::from(row.get::<String>(TABLE, RUN_ID)?);
                let attempt = MaterializationAttempt::new(partition, run_id, storage_id);
                planned.insert(attempt.partition.clone(), attempt);
            }
        }
        let is_open = |attempt: &MaterializationAttempt| {
            done.get(&attempt.partition).is_none_or(|done| *done < attempt.storage_id)
        };
        Ok(planned.into_values().filter(is_open).collect())
    }

    async fn get_latest_planned_materialization_info(
        &self,
        asset_key: &AssetKey,
        partition: Option<&str>,
    ) -> Result<Option<PlannedMaterializationInfo>, StorageError> {
        let info = |storage_id, run_id| PlannedMaterializationInfo::new(storage_id, run_id);
        let planned = DagsterEventType::AssetMaterializationPlanned;
        let Some(partition) = partition.filter(|partition| !partition.is_empty()) else {
            let last = AssetEventSummaryQuery::new(planned)
                .with_asset_key(asset_key.clone())
                .with_limit(1)
                .with_order(Order::Descending);
            let last = self.get_asset_event_summary_records(&last).await?.pop();
            return Ok(last.map(|record| info(record.storage_id, record.run_id)));
        };
        let events = PartitionEvents {
            asset_key,
            of_types: &[planned],
            partitions: Some(&[partition.to_owned()]),
            after: None,
            before: None,
            wiped_at: self.wiped_at(asset_key).await?,
        };
        let select = asset_partitions::select_latest_runs(&events);
        let row = self.index.fetch_one("reading planned materialisations", &select).await?;
        let read = |row: Row| {
            let run_id = RunId::from(row.get::<String>(TABLE, RUN_ID)?);
            Ok(info(StorageId(row.get(TABLE, ID)?), run_id))
        };
        row.map(read).transpose()
    }

    async fn get_updated_data_version_partitions(
        &self,
        asset_key: &AssetKey,
        partitions: &[String],
        since_storage_id: StorageId,
    ) -> Result<BTreeSet<String>, StorageError> {
        self.require(Feature::AssetEventTags).await?;
        let next = StorageId(since_storage_id.0.saturating_add(1));
        let before = self.data_versions(asset_key, partitions, None, Some(next)).await?;
        let after = self.data_versions(asset_key, partitions, Some(since_storage_id), None).await?;
        let is_new =
            |(partition, version): &(String, String)| before.get(partition) != Some(version);
        Ok(after.into_iter().filter(is_new).map(|(partition, _)| partition).collect())
    }

    async fn get_event_tags_for_asset(
        &self,
        asset_key: &AssetKey,
        filter_tags: &BTreeMap<String, String>,
        filter_event_id: Option<StorageId>,
    ) -> Result<Vec<BTreeMap<String, String>>, StorageError> {
        use asset_event_tags::{EVENT_ID, KEY, TABLE, VALUE};

        self.require(Feature::AssetEventTags).await?;
        let select = asset_partitions::select_event_tags(
            asset_key,
            filter_tags,
            filter_event_id,
            self.index.dialect(),
        );
        let rows = self.index.fetch("reading tags of events", &select).await?;
        let mut found: BTreeMap<i64, BTreeMap<String, String>> = BTreeMap::new();
        for row in &rows {
            let value: Option<String> = row.get(TABLE, VALUE)?;
            let event: Option<i64> = row.get(TABLE, EVENT_ID)?;
            let tags = found.entry(event.unwrap_or_default()).or_default();
            tags.insert(row.get(TABLE, KEY)?, value.unwrap_or_default());
        }
        Ok(found.into_values().collect())
    }

    async fn wipe_asset_partitions(
        &self,
        asset_key: &AssetKey,
        partitions: &[String],
    ) -> Result<WipedAssetPartitions, StorageError> {
        self.wipe_partitions(asset_key, partitions).await
    }
}

/// How many assets one statement counts for: it has a row for each of their partitions.
const ASSETS_PER_STATEMENT: usize = 1_000;

impl SqlEventLogStorage {
    pub(super) async fn latest_ids(
        &self,
        events: &PartitionEvents<'_>,
    ) -> Result<BTreeMap<String, StorageId>, StorageError> {
        let mut found = BTreeMap::new();
        for events in events.chunked() {
            let select = asset_partitions::select_packed_latest_ids(&events, self.index.dialect());
            let latest = self.index.fetch_packed("reading events of partitions", &select).await?;
            found.extend(latest.into_iter().map(|(id, key): (i64, _)| (key, StorageId(id))));
        }
        Ok(found)
    }

    /// When an asset was last wiped, for a column of events.
    pub(super) async fn wiped_at(
        &self,
        asset_key: &AssetKey,
    ) -> Result<Option<NaiveDateTime>, StorageError> {
        let select = assets::select_details(asset_key);
        let row = self.index.fetch_one("reading an asset", &select).await?;
        let details = row.map(|row| row.body_or_none(asset_keys::TABLE, asset_keys::ASSET_DETAILS));
        let time = wipe_time(details.transpose()?.flatten().as_ref())?;
        Ok(time.map(|time| time.naive_utc()))
    }

    async fn data_versions(
        &self,
        asset_key: &AssetKey,
        partitions: &[String],
        after: Option<StorageId>,
        before: Option<StorageId>,
    ) -> Result<BTreeMap<String, String>, StorageError> {
        let mut found = BTreeMap::new();
        for partitions in partitions.chunks(crate::sql::VALUES_PER_STATEMENT) {
            let select =
                asset_partitions::select_data_versions(asset_key, partitions, after, before);
            for row in self.index.fetch("reading data versions", &select).await? {
                let version: Option<String> =
                    row.get(asset_event_tags::TABLE, asset_event_tags::VALUE)?;
                if let Some(version) = version.filter(|version| !version.is_empty()) {
                    found.insert(row.get(TABLE, PARTITION)?, version);
                }
            }
        }
        Ok(found)
    }
}
