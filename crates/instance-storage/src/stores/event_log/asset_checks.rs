//! Executions of asset checks.

use std::collections::BTreeMap;

use async_trait::async_trait;
use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::error::StorageError;
use instance_core::event::{DagsterEventType, EventLogEntry};
use instance_core::ids::{RunId, StorageId};
use instance_core::serdes::UnknownFields;
use instance_core::storage::{
    AssetCheckExecutionRecord, AssetCheckExecutionRecordStatus, AssetCheckPartitionInfo,
    AssetCheckStore, AssetCheckSummaryRecord, AssetStore, CheckExecutionsPage, Only,
    PartitionKeyFilter,
};

use super::SqlEventLogStorage;
use crate::db::Row;
use crate::sql::asset_partitions::PartitionEvents;
use crate::sql::capabilities::Feature;
use crate::sql::tables::asset_check_executions::{
    ASSET_KEY, CHECK_NAME, CREATE_TIMESTAMP, EVALUATION_EVENT, EVALUATION_EVENT_STORAGE_ID,
    EXECUTION_STATUS, ID, MATERIALIZATION_EVENT_STORAGE_ID, PARTITION, RUN_ID, TABLE,
};
use crate::sql::{VALUES_PER_STATEMENT, asset_checks};

#[async_trait]
impl AssetCheckStore for SqlEventLogStorage {
    async fn supports_asset_checks(&self) -> Result<bool, StorageError> {
        Ok(self.index.capabilities().await?.has(Feature::AssetChecks))
    }

    async fn get_asset_check_execution_history(
        &self,
        page: &CheckExecutionsPage,
    ) -> Result<Vec<AssetCheckExecutionRecord>, StorageError> {
        self.require(Feature::AssetChecks).await?;
        let select = asset_checks::select_history(page);
        self.index.fetch_map("reading executions of a check", &select, record).await
    }

    async fn get_latest_asset_check_execution_by_key(
        &self,
        check_keys: &[AssetCheckKey],
        partition_filter: Option<&PartitionKeyFilter>,
    ) -> Result<Vec<AssetCheckExecutionRecord>, StorageError> {
        self.require(Feature::AssetChecks).await?;
        let mut found = Vec::new();
        // Each key is a branch of a condition, whose depth SQLite bounds.
        for check_keys in check_keys.chunks(KEYS_PER_STATEMENT) {
            let select = asset_checks::select_latest(check_keys, partition_filter);
            let rows = self.index.fetch("reading executions of checks", &select).await?;
            for row in &rows {
                found.push(record(row)?);
            }
        }
        Ok(found)
    }

    async fn get_executed_asset_check_keys(
        &self,
        asset_key: &AssetKey,
    ) -> Result<Vec<AssetCheckKey>, StorageError> {
        self.require(Feature::AssetChecks).await?;
        let select = asset_checks::select_names(asset_key);
        let rows = self.index.fetch("reading the checks of an asset", &select).await?;
        let key = |row: &Row| {
            Ok(AssetCheckKey::new(asset_key.clone(), row.get::<String>(TABLE, CHECK_NAME)?))
        };
        let mut keys = rows.iter().map(key).collect::<Result<Vec<_>, StorageError>>()?;
        // Databases order text in their own ways.
        keys.sort();
        Ok(keys)
    }

    async fn get_asset_check_summary_records(
        &self,
        check_keys: &[AssetCheckKey],
    ) -> Result<Vec<AssetCheckSummaryRecord>, StorageError> {
        let latest = self.get_latest_asset_check_execution_by_key(check_keys, None).await?;
        let mut latest: BTreeMap<_, _> =
            latest.into_iter().map(|record| (order_of(&record.key), record)).collect();
        let mut summaries = Vec::new();
        for check_key in check_keys {
            let last = latest.remove(&order_of(check_key));
            let is_completed = |record: &AssetCheckExecutionRecord| {
                AssetCheckExecutionRecordStatus::COMPLETED.contains(&record.status)
            };
            let completed = match &last {
                Some(record) if !is_completed(record) => {
                    let page = CheckExecutionsPage::new(check_key.clone(), 1).with_statuses(
                        Only::These(AssetCheckExecutionRecordStatus::COMPLETED.to_vec()),
                    );
                    self.get_asset_check_execution_history(&page).await?.pop()
                }
                other => other.clone(),
            };
            summaries.push(
                AssetCheckSummaryRecord::new(check_key.clone())
                    .with_last_check_execution_record(last)
                    .with_last_completed_check_execution_record(completed),
            );
        }
        Ok(summaries)
    }

    async fn get_asset_check_partition_info(
        &self,
        check_keys: &[AssetCheckKey],
        after_storage_id: Option<StorageId>,
        partition_keys: &Only<String>,
    ) -> Result<Vec<AssetCheckPartitionInfo>, StorageError> {
        self.require(Feature::AssetChecks).await?;
        let whole = self.latest_of_whole_assets(check_keys).await?;
        let mut infos = Vec::new();
        for check_key in check_keys {
            let materialized = self
                .latest_ids(&PartitionEvents {
                    asset_key: &check_key.asset_key,
                    of_types: &[DagsterEventType::AssetMaterialization],
                    partitions: partition_keys.as_slice(),
                    after: None,
                    before: None,
                    wiped_at: self.wiped_at(&check_key.asset_key).await?,
                })
                .await?;
            let mut rows = Vec::new();
            let chunks: Vec<_> = match partition_keys.as_slice() {
                Some(keys) => keys.chunks(VALUES_PER_STATEMENT).map(Some).collect(),
                None => vec![None],
            };
            for keys in chunks {
                let select = asset_checks::select_latest_by_partition(check_key, keys);
                rows.extend(self.index.fetch("reading executions of a check", &select).await?);
            }
            for row in rows {
                let partition_key: Option<String> = row.get(TABLE, PARTITION)?;
                let materialization =
                    partition_key.as_ref().and_then(|key| materialized.get(key)).copied();
                let event = StorageId(row.get(TABLE, EVALUATION_EVENT_STORAGE_ID)?);
                let is_new = |id: StorageId| after_storage_id.is_none_or(|after| id > after);
                if !is_new(event) && !materialization.is_some_and(is_new) {
                    continue;
                }
                let target: Option<i64> = row.get(TABLE, MATERIALIZATION_EVENT_STORAGE_ID)?;
                let (status, run_id) = (status(&row)?, run_id(&row)?);
                let latest = materialization.max(whole.get(&check_key.asset_key).copied());
                infos.push(
                    AssetCheckPartitionInfo::new(check_key.clone(), status, run_id, event)
                        .with_partition_key(partition_key)
                        .with_latest_materialization_storage_id(latest)
                        .with_latest_target_materialization_storage_id(target.map(StorageId)),
                );
            }
        }
        Ok(infos)
    }
}

/// How many keys one statement names, each a branch of a condition.
const KEYS_PER_STATEMENT: usize = 200;

impl SqlEventLogStorage {
    /// The row of the last materialisation of each checked asset, where it is of the whole asset.
    async fn latest_of_whole_assets(
        &self,
        check_keys: &[AssetCheckKey],
    ) -> Result<BTreeMap<AssetKey, StorageId>, StorageError> {
        let mut asset_keys: Vec<_> = check_keys.iter().map(|key| key.asset_key.clone()).collect();
        asset_keys.sort();
        asset_keys.dedup();
        let latest = self.get_latest_materialization_records(&asset_keys).await?;
        let is_whole = |record: &instance_core::event::EventLogRecord| {
            let event = record.event_log_entry.dagster_event.as_ref();
            event.is_none_or(|event| event.partition().is_none())
        };
        let whole = latest.into_iter().filter(|(_, record)| is_whole(record));
        Ok(whole.map(|(asset_key, record)| (asset_key, record.storage_id)).collect())
    }
}

fn order_of(key: &AssetCheckKey) -> (AssetKey, String) {
    (key.asset_key.clone(), key.name.clone())
}

fn record(row: &Row) -> Result<AssetCheckExecutionRecord, StorageError> {
    let key = AssetCheckKey {
        asset_key: row.parsed(TABLE, ASSET_KEY, "asset key", AssetKey::from_db_string)?,
        name: row.get(TABLE, CHECK_NAME)?,
        unknown: UnknownFields::default(),
    };
    let id = StorageId(row.get(TABLE, ID)?);
    let created_at = row.get(TABLE, CREATE_TIMESTAMP)?;
    let record = AssetCheckExecutionRecord::new(key, id, run_id(row)?, status(row)?, created_at);
    Ok(record
        .with_event(row.body_or_none::<EventLogEntry>(TABLE, EVALUATION_EVENT)?)
        .with_partition(row.get::<Option<String>>(TABLE, PARTITION)?))
}

fn run_id(row: &Row) -> Result<RunId, StorageError> {
    let run_id: Option<String> = row.get(TABLE, RUN_ID)?;
    Ok(RunId::from(run_id.unwrap_or_default()))
}

fn status(row: &Row) -> Result<AssetCheckExecutionRecordStatus, StorageError> {
    row.parsed(
        TABLE,
        EXECUTION_STATUS,
        "status of a check",
        AssetCheckExecutionRecordStatus::from_name,
    )
}
