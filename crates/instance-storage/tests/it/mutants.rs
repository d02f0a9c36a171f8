//! The conformance suite can fail: stores that are wrong on purpose are caught by the cases that are about what
//! they do wrong.

use std::sync::Arc;

use async_trait::async_trait;
use instance_core::run::{RunPartitionData, RunRecord, RunsFilter};
use instance_core::storage::{
    DynamicPartitionStore, DynamicPartitionsPage, EventLogStorage, PaginatedResults, RunStorage,
    RunStore, RunsPage,
};
use instance_core::testing::doubles::{DynamicPartitionStoreDouble, RunStoreDouble};
use instance_core::testing::event_log::dynamic_partitions;
use instance_core::testing::runs::{run_filters, runs};
use instance_core::{RunId, StorageError, StorageId};
use instance_storage::{StorageContext, Storages};

/// What a store of runs does wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum RunFault {
    Nothing,
    ForgetsTags,
    ReversesIds,
    KeepsTagsOfDeletedRuns,
}

#[derive(Debug)]
struct WrongRuns {
    right: Arc<dyn RunStorage>,
    fault: RunFault,
}

impl WrongRuns {
    fn new(fault: RunFault) -> Self {
        Self { right: Storages::in_memory(StorageContext::default()).run_storage(), fault }
    }

    fn asked(&self, filter: &RunsFilter) -> RunsFilter {
        let mut filter = filter.clone();
        if self.fault == RunFault::ForgetsTags {
            filter.tags.clear();
        }
        filter
    }
}

#[async_trait]
impl RunStoreDouble for WrongRuns {
    fn other(&self) -> Option<&dyn RunStore> {
        Some(&*self.right)
    }

    async fn get_run_records(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunRecord>, StorageError> {
        self.right.get_run_records(&self.asked(filter), page).await
    }

    async fn get_run_ids(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunId>, StorageError> {
        let mut ids = self.right.get_run_ids(&self.asked(filter), page).await?;
        if self.fault == RunFault::ReversesIds {
            ids.reverse();
        }
        Ok(ids)
    }

    async fn get_runs_count(&self, filter: &RunsFilter) -> Result<u64, StorageError> {
        self.right.get_runs_count(&self.asked(filter)).await
    }

    async fn get_run_partition_data(
        &self,
        filter: &RunsFilter,
    ) -> Result<Vec<RunPartitionData>, StorageError> {
        self.right.get_run_partition_data(&self.asked(filter)).await
    }

    async fn get_run_tag_keys(&self) -> Result<Vec<String>, StorageError> {
        let mut keys = self.right.get_run_tag_keys().await?;
        if self.fault == RunFault::KeepsTagsOfDeletedRuns {
            keys.push("z".to_owned());
        }
        Ok(keys)
    }
}

/// What a store of partitions does wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum PartitionFault {
    Nothing,
    IgnoresCase,
    SkipsOneBetweenPages,
}

#[derive(Debug)]
struct WrongPartitions {
    right: Arc<dyn EventLogStorage>,
    fault: PartitionFault,
}

impl WrongPartitions {
    fn new(fault: PartitionFault) -> Self {
        Self { right: Storages::in_memory(StorageContext::default()).event_log_storage(), fault }
    }
}

#[async_trait]
impl DynamicPartitionStoreDouble for WrongPartitions {
    fn other(&self) -> Option<&dyn DynamicPartitionStore> {
        Some(&*self.right)
    }

    async fn get_paginated_dynamic_partitions(
        &self,
        name: &str,
        page: &DynamicPartitionsPage,
    ) -> Result<PaginatedResults<String>, StorageError> {
        let mut found = self.right.get_paginated_dynamic_partitions(name, page).await?;
        if self.fault == PartitionFault::SkipsOneBetweenPages {
            found.cursor = StorageId(found.cursor.0 + 2);
        }
        Ok(found)
    }

    async fn has_dynamic_partition(&self, name: &str, key: &str) -> Result<bool, StorageError> {
        if self.fault == PartitionFault::IgnoresCase {
            let keys = self.right.get_dynamic_partitions(name).await?;
            return Ok(keys.iter().any(|other| other.eq_ignore_ascii_case(key)));
        }
        self.right.has_dynamic_partition(name, key).await
    }
}

/// Whether a case fails on a store.
macro_rules! fails {
    ($case:path, $store:expr) => {{
        let store = $store;
        let case = tokio::spawn(async move { $case(&store).await });
        case.await.is_err_and(|error| error.is_panic())
    }};
}

#[tokio::test]
async fn wrong_stores_of_runs_are_caught() {
    use RunFault::{ForgetsTags, KeepsTagsOfDeletedRuns, Nothing, ReversesIds};

    for (fault, by_filters, by_values, by_pages, by_deletion) in [
        (Nothing, false, false, false, false),
        (ForgetsTags, true, true, false, false),
        (ReversesIds, true, false, true, false),
        (KeepsTagsOfDeletedRuns, false, false, false, true),
    ] {
        let wrong = || WrongRuns::new(fault);
        assert_eq!(fails!(run_filters::filters_hold_together, wrong()), by_filters, "{fault:?}");
        let failed = fails!(run_filters::values_of_tags_are_compared_as_they_are, wrong());
        assert_eq!(failed, by_values, "{fault:?}");
        let failed = fails!(run_filters::pages_of_runs_follow_one_another, wrong());
        assert_eq!(failed, by_pages, "{fault:?}");
        let failed = fails!(runs::a_deleted_run_is_gone_with_its_tags, wrong());
        assert_eq!(failed, by_deletion, "{fault:?}");
    }
}

#[tokio::test]
async fn wrong_stores_of_partitions_are_caught() {
    use PartitionFault::{IgnoresCase, Nothing, SkipsOneBetweenPages};

    for (fault, by_keys, by_pages) in
        [(Nothing, false, false), (IgnoresCase, true, false), (SkipsOneBetweenPages, false, true)]
    {
        let wrong = || WrongPartitions::new(fault);
        let failed = fails!(dynamic_partitions::awkward_keys_of_partitions_are_told_apart, wrong());
        assert_eq!(failed, by_keys, "{fault:?}");
        let failed = fails!(dynamic_partitions::pages_of_keys_follow_one_another, wrong());
        assert_eq!(failed, by_pages, "{fault:?}");
    }
}
