//! The traits of the core's stores: what is asked comes from the state, and what changes it is written down first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::{AssetRecord, AssetStatusCacheValue, FreshnessStateRecord};
use instance_core::daemon::DaemonHeartbeat;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EventLogConnection, EventLogEntry, EventLogRecord,
};
use instance_core::run::*;
use instance_core::scheduling::*;
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap, SnapshotBody};
use instance_core::storage::*;
use instance_core::{RunId, SnapshotId, StorageError, StorageId};

use crate::call::{Argument, Call};
use crate::journal::Journal;

/// The store of runs.
#[derive(Debug)]
pub(crate) struct Runs(pub(crate) Arc<Journal>);

/// The store of events.
#[derive(Debug)]
pub(crate) struct Events(pub(crate) Arc<Journal>);

/// The store of schedules and sensors.
#[derive(Debug)]
pub(crate) struct Schedules(pub(crate) Arc<Journal>);

/// What concerns runs and their events at once.
#[derive(Debug)]
pub(crate) struct RunEvents(pub(crate) Arc<Journal>);

/// What each trait asks and changes. Of this list are made the implementations of the traits, and the function that
/// does again what is in the journal.
macro_rules! stores {
    ($(
        $store:ident of $journal:ident by $field:ident {
            asks { $(fn $ask:ident($($ask_arg:ident: $ask_type:ty),*) -> $answer:ty;)* }
            changes { $(fn $change:ident($($arg:ident: $type:ty),*) -> $value:ty;)* }
            $($rest:item)*
        }
    )*) => {
        $(
            #[async_trait]
            impl $store for $journal {
                $(
                    async fn $ask(&self, $($ask_arg: $ask_type),*) -> Result<$answer, StorageError> {
                        self.0.state().$field.$ask($($ask_arg),*).await
                    }
                )*
                $(
                    async fn $change(&self, $($arg: $type),*) -> Result<$value, StorageError> {
                        let name = concat!(stringify!($field), ".", stringify!($change));
                        let arguments = vec![$(<$type as Argument<'_>>::write(&$arg)),*];
                        let change = $store::$change(&*self.0.state().$field, $($arg),*);
                        self.0.write(name, arguments, change).await
                    }
                )*
                $($rest)*
            }
        )*

        /// Does a change again. What was refused then is refused now, which is no error.
        pub(crate) async fn repeat(state: &Stores, call: &Call) -> Result<(), StorageError> {
            $($(
                if call.name == concat!(stringify!($field), ".", stringify!($change)) {
                    let texts = &mut call.arguments.iter();
                    $(let $arg = call.next::<$type>(texts)?;)*
                    call.end(texts)?;
                    let change = $store::$change(
                        &*state.$field,
                        $(<$type as Argument<'_>>::of(&$arg)),*
                    );
                    change.await.ok();
                    return Ok(());
                }
            )*)*
            let reason = "this version has no such change; open it with the one that wrote it";
            Err(StorageError::Unsupported {
                what: format!("the change {} of the journal", call.name),
                reason: reason.to_owned(),
            })
        }
    };
}

stores! {
    RunStore of Runs by run_storage {
        asks {
            fn get_run_record(run_id: &RunId) -> Option<RunRecord>;
            fn get_run_records(filter: &RunsFilter, page: &RunsPage) -> Vec<RunRecord>;
            fn get_run_ids(filter: &RunsFilter, page: &RunsPage) -> Vec<RunId>;
            fn get_runs_count(filter: &RunsFilter) -> u64;
            fn has_run(run_id: &RunId) -> bool;
            fn get_run_group(run_id: &RunId) -> Option<RunGroup>;
            fn get_run_partition_data(filter: &RunsFilter) -> Vec<RunPartitionData>;
            fn get_run_tags(query: &RunTagsQuery) -> Vec<(String, BTreeSet<String>)>;
            fn get_run_tag_keys() -> Vec<String>;
        }
        changes {
            fn add_run(run: &DagsterRun, created_at: DateTime<Utc>) -> ();
            fn handle_run_event(run_id: &RunId, event: &DagsterEvent, at: DateTime<Utc>) -> ();
            fn change_run_if(change: &GuardedChange) -> GuardedOutcome<()>;
            fn add_run_tags(run_id: &RunId, new_tags: &BTreeMap<String, String>, at: DateTime<Utc>) -> ();
            fn set_run_times(times: &[RunTimes]) -> ();
            fn replace_job_origin(run: &DagsterRun, job_origin: &RemoteJobOrigin) -> ();
            fn delete_run(run_id: &RunId) -> ();
        }
    }
    SnapshotStore of Runs by run_storage {
        asks {
            fn has_job_snapshot(id: &SnapshotId) -> bool;
            fn get_job_snapshot(id: &SnapshotId) -> Option<JobSnap>;
            fn has_execution_plan_snapshot(id: &SnapshotId) -> bool;
            fn get_execution_plan_snapshot(id: &SnapshotId) -> Option<ExecutionPlanSnapshot>;
        }
        changes {
            fn add_job_snapshot(snapshot: &JobSnap) -> SnapshotId;
            fn add_execution_plan_snapshot(snapshot: &ExecutionPlanSnapshot) -> SnapshotId;
            fn add_snapshots(jobs: &[SnapshotBody], execution_plan: Option<&SnapshotBody>) -> ();
        }
    }
    BackfillStore of Runs by run_storage {
        asks {
            fn get_backfills(filter: &BulkActionsFilter, page: &BackfillsPage) -> Vec<PartitionBackfill>;
            fn get_backfills_count(filter: &BulkActionsFilter) -> u64;
            fn get_backfill(backfill_id: &str) -> Option<PartitionBackfill>;
        }
        changes {
            fn add_backfill(backfill: &PartitionBackfill) -> ();
            fn update_backfill(backfill: &PartitionBackfill) -> ();
        }
    }
    DaemonStore of Runs by run_storage {
        asks {
            fn get_daemon_heartbeats() -> Vec<DaemonHeartbeat>;
            fn get_cursor_values(keys: &BTreeSet<String>) -> BTreeMap<String, String>;
            fn get_cursor_values_beginning(prefix: &str) -> BTreeMap<String, String>;
        }
        changes {
            fn add_daemon_heartbeat(heartbeat: &DaemonHeartbeat) -> ();
            fn wipe_daemon_heartbeats() -> ();
            fn set_cursor_values(pairs: &BTreeMap<String, String>) -> ();
            fn change_cursor_value(key: &str, from: Option<&str>, to: Option<&str>) -> bool;
            fn set_cursor_values_if(fence: &Fence, pairs: &BTreeMap<String, String>) -> bool;
        }
    }
    RunQueueStore of Runs by run_storage {
        asks {
            fn get_active_rows() -> Vec<ActiveRow>;
            fn get_active_runs(ids: &[StorageId]) -> Vec<(StorageId, Result<RunRecord, StorageError>)>;
        }
        changes {}
    }
    RunStorage of Runs by run_storage {
        asks {}
        changes {
            fn wipe() -> ();
        }
        async fn get_run_storage_id(&self) -> Result<String, StorageError> {
            Ok(self.0.id().to_owned())
        }
    }
    SchemaStore of Runs by run_storage {
        asks {
            fn has_built_index(migration_name: &str) -> bool;
        }
        changes {
            fn mark_index_built(migration_name: &str, at: DateTime<Utc>) -> ();
        }
        async fn create(&self) -> Result<(), StorageError> { Ok(()) }
        async fn close(&self) {}
        async fn schema_revision(&self) -> Result<String, StorageError> { Ok(REVISION.to_owned()) }
        fn data_migrations(&self) -> &'static [&'static str] { RUN_DATA_MIGRATIONS }
    }
    EventStore of Events by event_log_storage {
        asks {
            fn get_records_for_run(query: &RecordsForRun) -> EventLogConnection;
            fn get_stats_for_run(run_id: &RunId) -> DagsterRunStatsSnapshot;
            fn get_step_stats_for_run(run_id: &RunId, step_keys: &Only<String>) -> Vec<RunStepKeyStatsSnapshot>;
            fn get_asset_partitions_for_run(run_id: &RunId, of_types: &Only<DagsterEventType>) -> Vec<(AssetKey, BTreeSet<Option<String>>)>;
            fn get_event_records(filter: &EventRecordsFilter, limit: Option<u64>, order: Order) -> Vec<EventLogRecord>;
            fn fetch_asset_events(filter: &EventRecordsFilter, page: RecordsPage) -> EventLogConnection;
            fn fetch_run_status_changes(filter: &RunStatusChangeRecordsFilter, page: RecordsPage) -> EventLogConnection;
            fn get_asset_event_summary_records(query: &AssetEventSummaryQuery) -> Vec<AssetEventSummaryRecord>;
            fn get_logs_for_all_runs_by_log_id(after_cursor: StorageId, of_types: &Only<DagsterEventType>, limit: Option<u64>) -> Vec<EventLogRecord>;
            fn get_maximum_record_id() -> Option<StorageId>;
            fn get_all_run_ids() -> Vec<RunId>;
        }
        changes {
            fn store_events(entries: &[EventLogEntry]) -> StoredEvents;
            fn delete_events(run_id: &RunId) -> ();
        }
    }
    AssetStore of Events by event_log_storage {
        asks {
            fn get_asset_records(asset_keys: &Only<AssetKey>) -> Vec<AssetRecord>;
            fn has_asset_key(asset_key: &AssetKey) -> bool;
            fn get_asset_keys(page: &AssetKeysPage) -> Vec<AssetKey>;
            fn get_latest_materialization_records(asset_keys: &[AssetKey]) -> Vec<(AssetKey, EventLogRecord)>;
            fn get_freshness_state_records(asset_keys: &[AssetKey]) -> Vec<FreshnessStateRecord>;
        }
        changes {
            fn update_asset_cached_status_data(asset_key: &AssetKey, cache_values: &AssetStatusCacheValue) -> ();
            fn wipe_asset_cached_status(asset_keys: &[AssetKey]) -> ();
            fn wipe_assets(asset_keys: &[AssetKey], at: DateTime<Utc>) -> ();
        }
    }
    AssetPartitionStore of Events by event_log_storage {
        asks {
            fn get_materialized_partitions(asset_key: &AssetKey, before_cursor: Option<StorageId>, after_cursor: Option<StorageId>) -> BTreeSet<String>;
            fn get_materialization_count_by_partition(asset_keys: &[AssetKey]) -> BTreeMap<AssetKey, BTreeMap<String, u64>>;
            fn get_latest_storage_id_by_partition(asset_key: &AssetKey, event_type: DagsterEventType, partitions: &Only<String>, after_cursor: Option<StorageId>) -> BTreeMap<String, StorageId>;
            fn get_latest_tags_by_partition(query: &LatestTagsQuery) -> BTreeMap<String, BTreeMap<String, String>>;
            fn get_latest_asset_partition_materialization_attempts_without_materializations(asset_key: &AssetKey, after_storage_id: Option<StorageId>) -> Vec<MaterializationAttempt>;
            fn get_latest_planned_materialization_info(asset_key: &AssetKey, partition: Option<&str>) -> Option<PlannedMaterializationInfo>;
            fn get_updated_data_version_partitions(asset_key: &AssetKey, partitions: &[String], since_storage_id: StorageId) -> BTreeSet<String>;
            fn get_event_tags_for_asset(asset_key: &AssetKey, filter_tags: &BTreeMap<String, String>, filter_event_id: Option<StorageId>) -> Vec<BTreeMap<String, String>>;
        }
        changes {
            fn wipe_asset_partitions(asset_key: &AssetKey, partitions: &[String]) -> WipedAssetPartitions;
        }
    }
    AssetCheckStore of Events by event_log_storage {
        asks {
            fn get_asset_check_execution_history(page: &CheckExecutionsPage) -> Vec<AssetCheckExecutionRecord>;
            fn get_latest_asset_check_execution_by_key(check_keys: &[AssetCheckKey], partition_filter: Option<&PartitionKeyFilter>) -> Vec<AssetCheckExecutionRecord>;
            fn get_executed_asset_check_keys(asset_key: &AssetKey) -> Vec<AssetCheckKey>;
            fn get_asset_check_summary_records(check_keys: &[AssetCheckKey]) -> Vec<AssetCheckSummaryRecord>;
            fn get_asset_check_partition_info(check_keys: &[AssetCheckKey], after_storage_id: Option<StorageId>, partition_keys: &Only<String>) -> Vec<AssetCheckPartitionInfo>;
        }
        changes {}
    }
    DynamicPartitionStore of Events by event_log_storage {
        asks {
            fn get_dynamic_partitions(partitions_def_name: &str) -> Vec<String>;
            fn get_paginated_dynamic_partitions(partitions_def_name: &str, page: &DynamicPartitionsPage) -> PaginatedResults<String>;
            fn has_dynamic_partition(partitions_def_name: &str, partition_key: &str) -> bool;
            fn get_existing_dynamic_partitions(partitions_def_name: &str, partition_keys: &[String]) -> BTreeSet<String>;
        }
        changes {
            fn add_dynamic_partitions(partitions_def_name: &str, partition_keys: &[String]) -> ();
            fn delete_dynamic_partition(partitions_def_name: &str, partition_key: &str) -> ();
        }
    }
    PoolStore of Events by event_log_storage {
        asks {
            fn get_concurrency_keys() -> BTreeSet<String>;
            fn get_pool_limits() -> Vec<PoolLimit>;
            fn get_concurrency_infos(concurrency_keys: &[String], default_limit: Option<i64>) -> Vec<ConcurrencyKeyInfo>;
            fn get_concurrency_run_ids() -> BTreeSet<RunId>;
            fn get_slot_run_ids() -> BTreeSet<RunId>;
        }
        changes {
            fn set_concurrency_slots(concurrency_key: &str, limit: i64) -> ();
            fn initialize_concurrency_limit_to_default(concurrency_key: &str, default_limit: Option<i64>) -> ();
            fn delete_concurrency_limit(concurrency_key: &str) -> ();
            fn claim_concurrency_slot(concurrency_key: &str, run_id: &RunId, step_key: &str, priority: Option<i64>) -> ConcurrencyClaimStatus;
            fn check_concurrency_claim(concurrency_key: &str, run_id: &RunId, step_key: &str) -> ConcurrencyClaimStatus;
            fn free_concurrency_slots(run_id: &RunId, step_key: Option<&str>) -> ();
        }
    }
    SettledEventStore of Events by event_log_storage {
        asks {
            fn settled_position() -> SettledPosition;
            fn get_failure_ids(after: StorageId, limit: u64) -> Vec<(StorageId, RunId)>;
        }
        changes {}
    }
    EventWatch of Events by event_log_storage {
        asks {
            fn watch_run(run_id: &RunId) -> Box<dyn EventSignal>;
        }
        changes {}
    }
    EventLogStorage of Events by event_log_storage {
        asks {}
        changes {
            fn wipe() -> ();
        }
        fn is_run_sharded(&self) -> bool { false }
    }
    SchemaStore of Events by event_log_storage {
        asks {
            fn has_built_index(migration_name: &str) -> bool;
        }
        changes {
            fn mark_index_built(migration_name: &str, at: DateTime<Utc>) -> ();
        }
        async fn create(&self) -> Result<(), StorageError> { Ok(()) }
        async fn close(&self) {}
        async fn schema_revision(&self) -> Result<String, StorageError> { Ok(REVISION.to_owned()) }
        fn data_migrations(&self) -> &'static [&'static str] { EVENT_DATA_MIGRATIONS }
    }
    InstigatorStore of Schedules by schedule_storage {
        asks {
            fn all_instigator_state(filter: &InstigatorFilter) -> Vec<InstigatorState>;
            fn get_instigator_state(selector_id: &str) -> Option<InstigatorState>;
        }
        changes {
            fn add_instigator_state(instigator: &InstigatorState, at: DateTime<Utc>) -> ();
            fn update_instigator_state(instigator: &InstigatorState, at: DateTime<Utc>) -> ();
            fn delete_instigator_state(origin_id: &str, selector_id: &str) -> ();
        }
    }
    TickStore of Schedules by schedule_storage {
        asks {
            fn get_tick(tick_id: i64) -> Option<InstigatorTick>;
            fn get_ticks_by_ids(tick_ids: &[i64]) -> Vec<InstigatorTick>;
            fn get_ticks(query: &TicksQuery) -> Vec<InstigatorTick>;
            fn get_tick_summaries(query: &TicksQuery) -> Vec<InstigatorTickSummary>;
            fn get_batch_ticks(selector_ids: &[String], limit: Option<u64>, statuses: &Only<TickStatus>) -> Vec<(String, Vec<InstigatorTick>)>;
        }
        changes {
            fn create_tick(tick_data: &TickData) -> InstigatorTick;
            fn update_tick(tick: &InstigatorTick) -> ();
            fn purge_ticks(origin_id: &str, selector_id: &str, before: DateTime<Utc>, statuses: &Only<TickStatus>) -> u64;
        }
    }
    AutomationStore of Schedules by schedule_storage {
        asks {
            fn get_auto_materialize_asset_evaluations(page: &EvaluationsPage) -> Vec<AutoMaterializeAssetEvaluationRecord>;
            fn get_auto_materialize_evaluations_for_evaluation_id(evaluation_id: i64) -> Vec<AutoMaterializeAssetEvaluationRecord>;
        }
        changes {
            fn add_auto_materialize_asset_evaluations(evaluation_id: i64, evaluations: &[AutomationConditionEvaluationWithRunIds]) -> ();
            fn purge_asset_evaluations(before: DateTime<Utc>) -> u64;
        }
    }
    ScheduleStorage of Schedules by schedule_storage {
        asks {}
        changes {
            fn wipe() -> ();
        }
    }
    SchemaStore of Schedules by schedule_storage {
        asks {
            fn has_built_index(migration_name: &str) -> bool;
        }
        changes {
            fn mark_index_built(migration_name: &str, at: DateTime<Utc>) -> ();
        }
        async fn create(&self) -> Result<(), StorageError> { Ok(()) }
        async fn close(&self) {}
        async fn schema_revision(&self) -> Result<String, StorageError> { Ok(REVISION.to_owned()) }
        fn data_migrations(&self) -> &'static [&'static str] { SCHEDULE_DATA_MIGRATIONS }
    }
    RunEventStore of RunEvents by run_event_store {
        asks {}
        changes {
            fn add_run_with_events(new_run: NewRun) -> StoredEvents;
            fn store_run_events(entries: &[EventLogEntry]) -> StoredEvents;
            fn store_run_events_if(change: &GuardedEvents) -> GuardedOutcome;
            fn delete_run_with_events(run_id: &RunId) -> ();
        }
    }
}

/// The only form that lines of a journal have had.
const REVISION: &str = "journal-1";
