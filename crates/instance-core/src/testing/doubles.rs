//! Stores for tests that do a few things in their own way: remember what they were asked, fail, or are wrong.
//!
//! A double implements only the methods that its test is about. Every other method goes to another store. If there
//! is no other store, the method is an error that names the method, so that the test shows what it needs.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::assets::{AssetRecord, AssetStatusCacheValue, FreshnessStateRecord};
use crate::daemon::DaemonHeartbeat;
use crate::error::StorageError;
use crate::event::{
    DagsterEvent, DagsterEventType, EventLogConnection, EventLogEntry, EventLogRecord,
};
use crate::ids::{RunId, SnapshotId, StorageId};
use crate::run::{
    DagsterRun, DagsterRunStatsSnapshot, RemoteJobOrigin, RunGroup, RunPartitionData, RunRecord,
    RunStepKeyStatsSnapshot, RunsFilter,
};
use crate::scheduling::{BulkActionsFilter, PartitionBackfill};
use crate::snap::{ExecutionPlanSnapshot, JobSnap, SnapshotBody};
use crate::storage::{
    ActiveRow, AssetCheckExecutionRecord, AssetCheckPartitionInfo, AssetCheckStore,
    AssetCheckSummaryRecord, AssetEventSummaryQuery, AssetEventSummaryRecord, AssetKeysPage,
    AssetPartitionStore, AssetStore, BackfillStore, BackfillsPage, CapturedLogMetadata,
    CheckExecutionsPage, ComputeIoType, ComputeLogCapture, ComputeLogKey, ComputeLogManager,
    ComputeLogPrefix, ConcurrencyClaimStatus, ConcurrencyKeyInfo, DaemonStore,
    DynamicPartitionStore, DynamicPartitionsPage, EventRecordsFilter, EventStore, Fence,
    GuardedChange, GuardedOutcome, LatestTagsQuery, LogsToDelete, MaterializationAttempt, Only,
    Order, PaginatedResults, PartitionKeyFilter, PlannedMaterializationInfo, PoolLimit, PoolStore,
    RecordsForRun, RecordsPage, RunQueueStore, RunStatusChangeRecordsFilter, RunStore,
    RunTagsQuery, RunTimes, RunsPage, SettledEventStore, SettledPosition, SnapshotStore,
    StoredEvents, WipedAssetPartitions,
};

macro_rules! double {
    (
        $(#[$meta:meta])*
        $double:ident of $store:ident {
            $(fn $name:ident($($argument:ident: $type:ty),*) -> $value:ty;)*
        }
    ) => {
        $(#[$meta])*
        #[async_trait]
        pub trait $double: std::fmt::Debug + Send + Sync + 'static {
            /// The store that does what this double does not implement; `None` if the test calls nothing else.
            fn other(&self) -> Option<&dyn $store> {
                None
            }

            $(
                #[doc = concat!("See [`", stringify!($store), "::", stringify!($name), "`].")]
                async fn $name(&self, $($argument: $type),*) -> Result<$value, StorageError> {
                    match self.other() {
                        Some(other) => other.$name($($argument),*).await,
                        None => not_given(stringify!($name)),
                    }
                }
            )*
        }

        #[async_trait]
        impl<T: $double> $store for T {
            $(
                async fn $name(&self, $($argument: $type),*) -> Result<$value, StorageError> {
                    $double::$name(self, $($argument),*).await
                }
            )*
        }
    };
}

fn not_given<T>(method: &str) -> Result<T, StorageError> {
    let reason = "the double of this test does not give it".to_owned();
    Err(StorageError::Unsupported { what: method.to_owned(), reason })
}

double! {
    /// A store of runs that does some things in its own way.
    RunStoreDouble of RunStore {
        fn add_run(run: &DagsterRun, created_at: DateTime<Utc>) -> ();
        fn handle_run_event(run_id: &RunId, event: &DagsterEvent, at: DateTime<Utc>) -> ();
        fn change_run_if(change: &GuardedChange) -> GuardedOutcome<()>;
        fn get_run_record(run_id: &RunId) -> Option<RunRecord>;
        fn get_run_records(filter: &RunsFilter, page: &RunsPage) -> Vec<RunRecord>;
        fn get_run_ids(filter: &RunsFilter, page: &RunsPage) -> Vec<RunId>;
        fn get_runs_count(filter: &RunsFilter) -> u64;
        fn has_run(run_id: &RunId) -> bool;
        fn get_run_group(run_id: &RunId) -> Option<RunGroup>;
        fn get_run_partition_data(filter: &RunsFilter) -> Vec<RunPartitionData>;
        fn get_run_tags(query: &RunTagsQuery) -> Vec<(String, BTreeSet<String>)>;
        fn get_run_tag_keys() -> Vec<String>;
        fn add_run_tags(
            run_id: &RunId,
            new_tags: &BTreeMap<String, String>,
            at: DateTime<Utc>
        ) -> ();
        fn set_run_times(times: &[RunTimes]) -> ();
        fn replace_job_origin(run: &DagsterRun, job_origin: &RemoteJobOrigin) -> ();
        fn delete_run(run_id: &RunId) -> ();
    }
}

double! {
    /// A store of runs that wait and go on that does some things in its own way.
    RunQueueStoreDouble of RunQueueStore {
        fn get_active_rows() -> Vec<ActiveRow>;
        fn get_active_runs(ids: &[StorageId]) -> Vec<(StorageId, Result<RunRecord, StorageError>)>;
    }
}

double! {
    /// A store of snapshots that does some things in its own way.
    SnapshotStoreDouble of SnapshotStore {
        fn has_job_snapshot(id: &SnapshotId) -> bool;
        fn add_job_snapshot(snapshot: &JobSnap) -> SnapshotId;
        fn get_job_snapshot(id: &SnapshotId) -> Option<JobSnap>;
        fn has_execution_plan_snapshot(id: &SnapshotId) -> bool;
        fn add_execution_plan_snapshot(snapshot: &ExecutionPlanSnapshot) -> SnapshotId;
        fn add_snapshots(jobs: &[SnapshotBody], execution_plan: Option<&SnapshotBody>) -> ();
        fn get_execution_plan_snapshot(id: &SnapshotId) -> Option<ExecutionPlanSnapshot>;
    }
}

double! {
    /// A store of events that does some things in its own way.
    EventStoreDouble of EventStore {
        fn store_events(entries: &[EventLogEntry]) -> StoredEvents;
        fn get_records_for_run(query: &RecordsForRun) -> EventLogConnection;
        fn get_stats_for_run(run_id: &RunId) -> DagsterRunStatsSnapshot;
        fn get_step_stats_for_run(
            run_id: &RunId,
            step_keys: &Only<String>
        ) -> Vec<RunStepKeyStatsSnapshot>;
        fn get_asset_partitions_for_run(
            run_id: &RunId,
            of_types: &Only<DagsterEventType>
        ) -> Vec<(AssetKey, BTreeSet<Option<String>>)>;
        fn get_event_records(
            filter: &EventRecordsFilter,
            limit: Option<u64>,
            order: Order
        ) -> Vec<EventLogRecord>;
        fn fetch_asset_events(filter: &EventRecordsFilter, page: RecordsPage) -> EventLogConnection;
        fn fetch_run_status_changes(
            filter: &RunStatusChangeRecordsFilter,
            page: RecordsPage
        ) -> EventLogConnection;
        fn get_asset_event_summary_records(
            query: &AssetEventSummaryQuery
        ) -> Vec<AssetEventSummaryRecord>;
        fn get_logs_for_all_runs_by_log_id(
            after_cursor: StorageId,
            of_types: &Only<DagsterEventType>,
            limit: Option<u64>
        ) -> Vec<EventLogRecord>;
        fn get_maximum_record_id() -> Option<StorageId>;
        fn get_all_run_ids() -> Vec<RunId>;
        fn delete_events(run_id: &RunId) -> ();
    }
}

double! {
    /// A store of dynamic partitions that does some things in its own way.
    DynamicPartitionStoreDouble of DynamicPartitionStore {
        fn get_dynamic_partitions(partitions_def_name: &str) -> Vec<String>;
        fn get_paginated_dynamic_partitions(
            partitions_def_name: &str,
            page: &DynamicPartitionsPage
        ) -> PaginatedResults<String>;
        fn has_dynamic_partition(partitions_def_name: &str, partition_key: &str) -> bool;
        fn get_existing_dynamic_partitions(
            partitions_def_name: &str,
            partition_keys: &[String]
        ) -> BTreeSet<String>;
        fn add_dynamic_partitions(partitions_def_name: &str, partition_keys: &[String]) -> ();
        fn delete_dynamic_partition(partitions_def_name: &str, partition_key: &str) -> ();
    }
}

double! {
    /// A store of backfills that does some things in its own way.
    BackfillStoreDouble of BackfillStore {
        fn get_backfills(
            filter: &BulkActionsFilter,
            page: &BackfillsPage
        ) -> Vec<PartitionBackfill>;
        fn get_backfills_count(filter: &BulkActionsFilter) -> u64;
        fn get_backfill(backfill_id: &str) -> Option<PartitionBackfill>;
        fn add_backfill(backfill: &PartitionBackfill) -> ();
        fn update_backfill(backfill: &PartitionBackfill) -> ();
    }
}

double! {
    /// A store of what daemons remember that does some things in its own way.
    DaemonStoreDouble of DaemonStore {
        fn add_daemon_heartbeat(heartbeat: &DaemonHeartbeat) -> ();
        fn get_daemon_heartbeats() -> Vec<DaemonHeartbeat>;
        fn wipe_daemon_heartbeats() -> ();
        fn get_cursor_values(keys: &BTreeSet<String>) -> BTreeMap<String, String>;
        fn set_cursor_values(pairs: &BTreeMap<String, String>) -> ();
        fn get_cursor_values_beginning(prefix: &str) -> BTreeMap<String, String>;
        fn change_cursor_value(key: &str, from: Option<&str>, to: Option<&str>) -> bool;
        fn set_cursor_values_if(fence: &Fence, pairs: &BTreeMap<String, String>) -> bool;
    }
}

double! {
    /// A store of assets that does some things in its own way.
    AssetStoreDouble of AssetStore {
        fn get_asset_records(asset_keys: &Only<AssetKey>) -> Vec<AssetRecord>;
        fn has_asset_key(asset_key: &AssetKey) -> bool;
        fn get_asset_keys(page: &AssetKeysPage) -> Vec<AssetKey>;
        fn get_latest_materialization_records(
            asset_keys: &[AssetKey]
        ) -> Vec<(AssetKey, EventLogRecord)>;
        fn get_freshness_state_records(asset_keys: &[AssetKey]) -> Vec<FreshnessStateRecord>;
        fn update_asset_cached_status_data(
            asset_key: &AssetKey,
            cache_values: &AssetStatusCacheValue
        ) -> ();
        fn wipe_asset_cached_status(asset_keys: &[AssetKey]) -> ();
        fn wipe_assets(asset_keys: &[AssetKey], at: DateTime<Utc>) -> ();
    }
}

double! {
    /// A store of the partitions of assets that does some things in its own way.
    AssetPartitionStoreDouble of AssetPartitionStore {
        fn get_materialized_partitions(
            asset_key: &AssetKey,
            before_cursor: Option<StorageId>,
            after_cursor: Option<StorageId>
        ) -> BTreeSet<String>;
        fn get_materialization_count_by_partition(
            asset_keys: &[AssetKey]
        ) -> BTreeMap<AssetKey, BTreeMap<String, u64>>;
        fn get_latest_storage_id_by_partition(
            asset_key: &AssetKey,
            event_type: DagsterEventType,
            partitions: &Only<String>,
            after_cursor: Option<StorageId>
        ) -> BTreeMap<String, StorageId>;
        fn get_latest_tags_by_partition(
            query: &LatestTagsQuery
        ) -> BTreeMap<String, BTreeMap<String, String>>;
        fn get_latest_asset_partition_materialization_attempts_without_materializations(
            asset_key: &AssetKey,
            after_storage_id: Option<StorageId>
        ) -> Vec<MaterializationAttempt>;
        fn get_latest_planned_materialization_info(
            asset_key: &AssetKey,
            partition: Option<&str>
        ) -> Option<PlannedMaterializationInfo>;
        fn get_updated_data_version_partitions(
            asset_key: &AssetKey,
            partitions: &[String],
            since_storage_id: StorageId
        ) -> BTreeSet<String>;
        fn get_event_tags_for_asset(
            asset_key: &AssetKey,
            filter_tags: &BTreeMap<String, String>,
            filter_event_id: Option<StorageId>
        ) -> Vec<BTreeMap<String, String>>;
        fn wipe_asset_partitions(
            asset_key: &AssetKey,
            partitions: &[String]
        ) -> WipedAssetPartitions;
    }
}

double! {
    /// A store of asset checks that does some things in its own way.
    AssetCheckStoreDouble of AssetCheckStore {
        fn get_asset_check_execution_history(
            page: &CheckExecutionsPage
        ) -> Vec<AssetCheckExecutionRecord>;
        fn get_latest_asset_check_execution_by_key(
            check_keys: &[AssetCheckKey],
            partition_filter: Option<&PartitionKeyFilter>
        ) -> Vec<AssetCheckExecutionRecord>;
        fn get_executed_asset_check_keys(asset_key: &AssetKey) -> Vec<AssetCheckKey>;
        fn get_asset_check_summary_records(
            check_keys: &[AssetCheckKey]
        ) -> Vec<AssetCheckSummaryRecord>;
        fn get_asset_check_partition_info(
            check_keys: &[AssetCheckKey],
            after_storage_id: Option<StorageId>,
            partition_keys: &Only<String>
        ) -> Vec<AssetCheckPartitionInfo>;
    }
}

double! {
    /// A store of pools that does some things in its own way.
    PoolStoreDouble of PoolStore {
        fn set_concurrency_slots(concurrency_key: &str, limit: i64) -> ();
        fn initialize_concurrency_limit_to_default(
            concurrency_key: &str,
            default_limit: Option<i64>
        ) -> ();
        fn delete_concurrency_limit(concurrency_key: &str) -> ();
        fn get_concurrency_keys() -> BTreeSet<String>;
        fn get_pool_limits() -> Vec<PoolLimit>;
        fn get_concurrency_infos(
            concurrency_keys: &[String],
            default_limit: Option<i64>
        ) -> Vec<ConcurrencyKeyInfo>;
        fn get_concurrency_run_ids() -> BTreeSet<RunId>;
        fn get_slot_run_ids() -> BTreeSet<RunId>;
        fn claim_concurrency_slot(
            concurrency_key: &str,
            run_id: &RunId,
            step_key: &str,
            priority: Option<i64>
        ) -> ConcurrencyClaimStatus;
        fn check_concurrency_claim(
            concurrency_key: &str,
            run_id: &RunId,
            step_key: &str
        ) -> ConcurrencyClaimStatus;
        fn free_concurrency_slots(run_id: &RunId, step_key: Option<&str>) -> ();
    }
}

double! {
    /// A store of what those need who follow the ids of events, which does some things in its own way.
    SettledEventStoreDouble of SettledEventStore {
        fn settled_position() -> SettledPosition;
        fn get_failure_ids(after: StorageId, limit: u64) -> Vec<(StorageId, RunId)>;
    }
}

double! {
    /// A store of what processes print that does some things in its own way.
    ComputeLogManagerDouble of ComputeLogManager {
        fn capture_logs(log_key: &ComputeLogKey) -> Box<dyn ComputeLogCapture>;
        fn is_capture_complete(log_key: &ComputeLogKey) -> bool;
        fn get_log_data_for_type(
            log_key: &ComputeLogKey,
            io_type: ComputeIoType,
            offset: u64,
            max_bytes: usize
        ) -> Option<Vec<u8>>;
        fn get_log_metadata(log_key: &ComputeLogKey) -> CapturedLogMetadata;
        fn get_log_keys_for_log_key_prefix(
            prefix: &ComputeLogPrefix,
            io_type: ComputeIoType
        ) -> Vec<ComputeLogKey>;
        fn delete_logs(logs: LogsToDelete<'_>) -> ();
    }
}
