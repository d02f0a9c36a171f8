//! Executions of asset checks.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryEventLogStorage;
use super::events::{Between, EventRow};
use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::error::StorageError;
use crate::event::{DagsterEventType, EventLogEntry};
use crate::ids::{RunId, StorageId};
use crate::memory::{RowIds, at_most};
use crate::storage::{
    AssetCheckChange, AssetCheckExecutionRecord, AssetCheckExecutionRecordStatus,
    AssetCheckPartitionInfo, AssetCheckStore, AssetCheckSummaryRecord, CheckExecutionsPage, Only,
    PartitionKeyFilter, asset_check_changes,
};

/// The executions of checks, those of each check oldest first.
#[derive(Debug, Default)]
pub(in crate::memory) struct AssetChecks {
    row_ids: RowIds,
    of_check: BTreeMap<CheckId, Vec<Execution>>,
}

/// The database form of the asset's key, and the name of the check.
type CheckId = (String, String);

#[derive(Debug)]
struct Execution {
    record: AssetCheckExecutionRecord,
    /// The row of the event that planned or evaluated it.
    event_id: StorageId,
    target_materialization: Option<StorageId>,
}

impl Execution {
    fn is_of(&self, run_id: &RunId, partition: Option<&String>) -> bool {
        self.record.run_id == *run_id && self.record.partition.as_ref() == partition
    }

    fn is_in(&self, filter: Option<&PartitionKeyFilter>) -> bool {
        filter.is_none_or(|filter| self.record.partition == filter.key)
    }
}

fn id_of(key: &AssetCheckKey) -> CheckId {
    (key.asset_key.to_db_string(), key.name.clone())
}

fn id_of_change(change: &AssetCheckChange<'_>) -> CheckId {
    (change.asset_key.to_db_string(), change.check_name.to_owned())
}

impl AssetChecks {
    pub(super) fn clear(&mut self) {
        self.of_check.clear();
    }

    pub(super) fn delete_of_asset(&mut self, asset_key: &str) {
        self.of_check.retain(|(key, _), _| key != asset_key);
    }

    /// Deletes the executions of checks of partitions of an asset; returns how many there were.
    pub(super) fn delete_of_partitions(
        &mut self,
        asset_key: &str,
        partitions: &BTreeSet<&str>,
    ) -> u64 {
        let mut deleted = 0;
        for ((key, _), executions) in &mut self.of_check {
            if key == asset_key {
                let before = executions.len();
                let is_of = |name: &String| partitions.contains(name.as_str());
                executions.retain(|row| !row.record.partition.as_ref().is_some_and(is_of));
                deleted += (before - executions.len()) as u64;
            }
        }
        deleted
    }

    /// Refuses entries if one of them evaluates a check for which its run has planned several executions. Stored
    /// plans count, and so do plans among the entries.
    pub(super) fn require_storable(&self, entries: &[EventLogEntry]) -> Result<(), StorageError> {
        let mut rows: BTreeMap<(CheckId, &RunId, Option<String>), u64> = BTreeMap::new();
        for entry in entries {
            for change in asset_check_changes(entry)? {
                let check = id_of_change(&change);
                let stored = || {
                    let executions = self.executions(&check).iter();
                    let partition = change.partition.as_ref();
                    executions.filter(|row| row.is_of(&entry.run_id, partition)).count() as u64
                };
                let place = (check.clone(), &entry.run_id, change.partition.clone());
                let count = rows.entry(place).or_insert_with(stored);
                if change.status == AssetCheckExecutionRecordStatus::Planned {
                    *count += 1;
                } else if *count > 1 && entry.run_id != RunId::runless() {
                    let (asset_key, name) = &check;
                    return Err(StorageError::Duplicate {
                        what: "planned executions of the asset check",
                        id: format!("{name} on {asset_key} in run {}", entry.run_id),
                        rows: *count,
                    });
                } else {
                    *count = (*count).max(1);
                }
            }
        }
        Ok(())
    }

    /// Changes executions as an event demands that was not refused.
    pub(super) fn change(&mut self, event: &EventRow, now: DateTime<Utc>) {
        // An event whose partitions are not known has been refused.
        for change in asset_check_changes(&event.entry).unwrap_or_default() {
            let run_id = &event.entry.run_id;
            let executions = self.of_check.entry(id_of_change(&change)).or_default();
            let is_evaluation = change.status != AssetCheckExecutionRecordStatus::Planned;
            let planned = executions
                .iter_mut()
                // What is reported without a run was never planned.
                .filter(|_| is_evaluation && *run_id != RunId::runless())
                .find(|row| row.is_of(run_id, change.partition.as_ref()));
            if let Some(planned) = planned {
                planned.record.status = change.status;
                planned.record.event = Some(event.entry.clone());
                planned.event_id = event.id;
                planned.target_materialization = change.target_materialization;
                continue;
            }
            executions.push(Execution {
                record: AssetCheckExecutionRecord {
                    key: AssetCheckKey::new(change.asset_key.clone(), change.check_name),
                    id: StorageId(self.row_ids.next()),
                    run_id: run_id.clone(),
                    status: change.status,
                    event: Some(event.entry.clone()),
                    create_timestamp: now,
                    partition: change.partition,
                },
                event_id: event.id,
                target_materialization: change.target_materialization,
            });
        }
    }

    fn executions(&self, check: &CheckId) -> &[Execution] {
        self.of_check.get(check).map_or(&[], Vec::as_slice)
    }

    /// The last execution of a check.
    fn last(
        &self,
        check: &CheckId,
        filter: Option<&PartitionKeyFilter>,
    ) -> Option<&AssetCheckExecutionRecord> {
        let newest = self.executions(check).iter().rev();
        newest.filter(|row| row.is_in(filter)).map(|row| &row.record).next()
    }
}

#[async_trait]
impl AssetCheckStore for MemoryEventLogStorage {
    async fn get_asset_check_execution_history(
        &self,
        page: &CheckExecutionsPage,
    ) -> Result<Vec<AssetCheckExecutionRecord>, StorageError> {
        let state = self.shared.lock();
        let newest = state.asset_checks.executions(&id_of(&page.check_key)).iter().rev();
        Ok(newest
            .filter(|row| row.is_in(page.partition_filter.as_ref()))
            .map(|row| &row.record)
            .filter(|record| page.cursor.is_none_or(|cursor| record.id < cursor))
            .filter(|record| page.statuses.contains(&record.status))
            .take(at_most(page.limit))
            .cloned()
            .collect())
    }

    async fn get_latest_asset_check_execution_by_key(
        &self,
        check_keys: &[AssetCheckKey],
        partition_filter: Option<&PartitionKeyFilter>,
    ) -> Result<Vec<AssetCheckExecutionRecord>, StorageError> {
        let state = self.shared.lock();
        let checks: BTreeSet<CheckId> = check_keys.iter().map(id_of).collect();
        let last = |check: &CheckId| state.asset_checks.last(check, partition_filter).cloned();
        Ok(checks.iter().filter_map(last).collect())
    }

    async fn get_executed_asset_check_keys(
        &self,
        asset_key: &AssetKey,
    ) -> Result<Vec<AssetCheckKey>, StorageError> {
        let state = self.shared.lock();
        let asset = asset_key.to_db_string();
        let executed = state.asset_checks.of_check.iter().filter(|(_, rows)| !rows.is_empty());
        let names = executed.filter(|((key, _), _)| *key == asset).map(|((_, name), _)| name);
        let mut keys: Vec<_> =
            names.map(|name| AssetCheckKey::new(asset_key.clone(), name)).collect();
        keys.sort();
        Ok(keys)
    }

    async fn get_asset_check_summary_records(
        &self,
        check_keys: &[AssetCheckKey],
    ) -> Result<Vec<AssetCheckSummaryRecord>, StorageError> {
        let state = self.shared.lock();
        let summary = |key: &AssetCheckKey| {
            let newest = || state.asset_checks.executions(&id_of(key)).iter().rev();
            let is_completed = |record: &&AssetCheckExecutionRecord| {
                AssetCheckExecutionRecordStatus::COMPLETED.contains(&record.status)
            };
            AssetCheckSummaryRecord {
                asset_check_key: key.clone(),
                last_check_execution_record: newest().map(|row| row.record.clone()).next(),
                last_completed_check_execution_record: newest()
                    .map(|row| &row.record)
                    .find(is_completed)
                    .cloned(),
            }
        };
        Ok(check_keys.iter().map(summary).collect())
    }

    async fn get_asset_check_partition_info(
        &self,
        check_keys: &[AssetCheckKey],
        after_storage_id: Option<StorageId>,
        partition_keys: &Only<String>,
    ) -> Result<Vec<AssetCheckPartitionInfo>, StorageError> {
        let state = self.shared.lock();
        let is_new = |id: StorageId| after_storage_id.is_none_or(|after| id > after);
        let asked: Option<BTreeSet<&String>> =
            partition_keys.as_slice().map(|keys| keys.iter().collect());
        let mut infos = Vec::new();
        for check_key in check_keys {
            let asset_key = &check_key.asset_key;
            let whole = state
                .latest_materializations(std::slice::from_ref(asset_key))
                .pop()
                .map(|(_, record)| record)
                .filter(|record| {
                    let event = record.event_log_entry.dagster_event.as_ref();
                    event.is_none_or(|event| event.partition().is_none())
                })
                .map(|record| record.storage_id);
            let materialized = state.latest_by_partition(
                asset_key,
                DagsterEventType::AssetMaterialization,
                partition_keys,
                Between::default(),
            );
            // Oldest first, so that the last one of each partition stays.
            let executions = state.asset_checks.executions(&id_of(check_key)).iter();
            let latest: BTreeMap<Option<&String>, &Execution> =
                executions.map(|row| (row.record.partition.as_ref(), row)).collect();
            for (partition, execution) in latest {
                let is_asked = |asked: &BTreeSet<&String>| {
                    partition.is_some_and(|partition| asked.contains(partition))
                };
                let materialization = partition
                    .and_then(|partition| materialized.get(partition.as_str()))
                    .map(|row| row.id);
                if !asked.as_ref().is_none_or(is_asked)
                    || !(is_new(execution.event_id) || materialization.is_some_and(is_new))
                {
                    continue;
                }
                infos.push(AssetCheckPartitionInfo {
                    check_key: check_key.clone(),
                    partition_key: partition.cloned(),
                    latest_execution_status: execution.record.status,
                    latest_planned_run_id: execution.record.run_id.clone(),
                    latest_check_event_storage_id: execution.event_id,
                    latest_materialization_storage_id: materialization.max(whole),
                    latest_target_materialization_storage_id: execution.target_materialization,
                });
            }
        }
        Ok(infos)
    }
}
