//! The keys of dynamic partitions.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::MemoryEventLogStorage;
use crate::error::StorageError;
use crate::ids::StorageId;
use crate::memory::{RowIds, at_most};
use crate::storage::{DynamicPartitionStore, DynamicPartitionsPage, Order, PaginatedResults};

/// The sets of keys, by their names.
#[derive(Debug, Default)]
pub(in crate::memory) struct DynamicPartitions {
    row_ids: RowIds,
    sets: BTreeMap<String, KeySet>,
}

/// The keys of one set, each with the id of its row: in the order in which they were added, and by themselves.
#[derive(Debug, Default)]
struct KeySet {
    rows: BTreeMap<StorageId, String>,
    by_key: BTreeMap<String, StorageId>,
}

impl DynamicPartitions {
    pub(super) fn clear(&mut self) {
        self.sets.clear();
    }

    fn has(&self, set: &str, key: &str) -> bool {
        self.sets.get(set).is_some_and(|set| set.by_key.contains_key(key))
    }

    /// The keys of a set with the ids of their rows, oldest first.
    fn rows(&self, set: &str) -> impl DoubleEndedIterator<Item = (StorageId, &String)> {
        let rows = self.sets.get(set).into_iter().flat_map(|set| &set.rows);
        rows.map(|(id, key)| (*id, key))
    }
}

#[async_trait]
impl DynamicPartitionStore for MemoryEventLogStorage {
    async fn get_dynamic_partitions(
        &self,
        partitions_def_name: &str,
    ) -> Result<Vec<String>, StorageError> {
        let state = self.shared.lock();
        let rows = state.dynamic_partitions.rows(partitions_def_name);
        Ok(rows.map(|(_, key)| key.clone()).collect())
    }

    async fn get_paginated_dynamic_partitions(
        &self,
        partitions_def_name: &str,
        page: &DynamicPartitionsPage,
    ) -> Result<PaginatedResults<String>, StorageError> {
        let state = self.shared.lock();
        let rows = state.dynamic_partitions.rows(partitions_def_name);
        let is_behind = |(id, _): &(StorageId, &String)| match (page.cursor, page.order) {
            (None, _) => true,
            (Some(cursor), Order::Ascending) => *id > cursor,
            (Some(cursor), Order::Descending) => *id < cursor,
        };
        let mut behind: Vec<_> = rows.filter(is_behind).collect();
        if page.order == Order::Descending {
            behind.reverse();
        }
        let limit = at_most(page.limit);
        let has_more = behind.len() > limit;
        behind.truncate(limit);
        let last = behind.last().map(|(id, _)| *id);
        Ok(PaginatedResults {
            results: behind.into_iter().map(|(_, key)| key.clone()).collect(),
            cursor: last.or(page.cursor).unwrap_or(StorageId(-1)),
            has_more,
        })
    }

    async fn has_dynamic_partition(
        &self,
        partitions_def_name: &str,
        partition_key: &str,
    ) -> Result<bool, StorageError> {
        Ok(self.shared.lock().dynamic_partitions.has(partitions_def_name, partition_key))
    }

    async fn get_existing_dynamic_partitions(
        &self,
        partitions_def_name: &str,
        partition_keys: &[String],
    ) -> Result<BTreeSet<String>, StorageError> {
        let state = self.shared.lock();
        let has = |key: &&String| state.dynamic_partitions.has(partitions_def_name, key);
        Ok(partition_keys.iter().filter(has).cloned().collect())
    }

    async fn add_dynamic_partitions(
        &self,
        partitions_def_name: &str,
        partition_keys: &[String],
    ) -> Result<(), StorageError> {
        let mut state = self.shared.lock();
        let DynamicPartitions { row_ids, sets } = &mut state.dynamic_partitions;
        let set = sets.entry(partitions_def_name.to_owned()).or_default();
        for key in partition_keys {
            if !set.by_key.contains_key(key) {
                let id = StorageId(row_ids.next());
                set.rows.insert(id, key.clone());
                set.by_key.insert(key.clone(), id);
            }
        }
        Ok(())
    }

    async fn delete_dynamic_partition(
        &self,
        partitions_def_name: &str,
        partition_key: &str,
    ) -> Result<(), StorageError> {
        let mut state = self.shared.lock();
        if let Some(set) = state.dynamic_partitions.sets.get_mut(partitions_def_name)
            && let Some(id) = set.by_key.remove(partition_key)
        {
            set.rows.remove(&id);
        }
        Ok(())
    }
}
