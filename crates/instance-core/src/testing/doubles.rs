//! Stores for tests that do a few things in their own way: remember what they were asked, fail, or are wrong.
//!
//! A double implements only the methods that its test is about. Every other method goes to another store. If there
//! is no other store, the method is an error that names the method, so that the test shows what it needs.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::asset_key::AssetKey;
use crate::error::StorageError;
use crate::event::{
    DagsterEvent, DagsterEventType, EventLogConnection, EventLogEntry, EventLogRecord,
};
use crate::ids::{RunId, SnapshotId, StorageId};
use crate::run::{
    DagsterRun, DagsterRunStatsSnapshot, RemoteJobOrigin, RunGroup, RunPartitionData, RunRecord,
    RunStepKeyStatsSnapshot, RunsFilter,
};
use crate::snap::{ExecutionPlanSnapshot, JobSnap, SnapshotBody};
use crate::storage::{
    AssetEventSummaryQuery, AssetEventSummaryRecord, DynamicPartitionStore, DynamicPartitionsPage,
    EventRecordsFilter, EventStore, Only, Order, PaginatedResults, RecordsForRun, RecordsPage,
    RunStatusChangeRecordsFilter, RunStore, RunTagsQuery, RunTimes, RunsPage, SnapshotStore,
    StoredEvents,
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
