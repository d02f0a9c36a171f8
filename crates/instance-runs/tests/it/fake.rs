//! An instance in memory that remembers every effect in its order.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::asset_key::AssetKey;
use instance_core::clock::{Clock, IdSource};
use instance_core::error::{InstanceError, StorageError};
use instance_core::event::{
    DagsterEvent, DagsterEventType, EventLogConnection, EventLogEntry, EventLogRecord, LogLevel,
};
use instance_core::ids::{RunId, SnapshotId, StorageId};
use instance_core::ops::RunOps;
use instance_core::run::{
    DagsterRun, DagsterRunStatsSnapshot, RemoteJobOrigin, RunGroup, RunPartitionData, RunRecord,
    RunStepKeyStatsSnapshot, RunsFilter,
};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};
use instance_core::storage::{
    AssetEventSummaryQuery, AssetEventSummaryRecord, EventRecordsFilter, EventStore, Order,
    RecordsForRun, RecordsPage, RunStatusChangeRecordsFilter, RunStore, RunTagsQuery, RunsPage,
    SnapshotStore,
};

/// What every test returns, so that steps of no interest need no words.
pub(crate) type TestResult = Result<(), Box<dyn Error>>;

/// The id that a run is given where none is asked for.
pub(crate) const FRESH_ID: &str = "00000000-0000-0000-0000-000000000007";

/// The instance, and all of its stores.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    state: Mutex<State>,
    add_run_fails: bool,
}

#[derive(Debug, Default)]
struct State {
    effects: Vec<String>,
    runs: Vec<RunRecord>,
    snapshots: BTreeSet<SnapshotId>,
    events: Vec<(DagsterEvent, RunId, LogLevel)>,
}

impl Fake {
    /// An instance with runs of these ids.
    pub(crate) fn with_runs(ids: &[&str]) -> Self {
        let fake = Self::default();
        for id in ids {
            fake.state().add(DagsterRun::new(RunId::from(*id), "j"), fake.now());
        }
        fake
    }

    /// An instance that cannot store runs.
    pub(crate) fn that_cannot_add_runs() -> Self {
        Self { add_run_fails: true, ..Self::default() }
    }

    /// What was written, in its order.
    pub(crate) fn effects(&self) -> Vec<String> {
        self.state().effects.clone()
    }

    /// The events that were reported, in their order.
    pub(crate) fn events(&self) -> Vec<(DagsterEvent, RunId, LogLevel)> {
        self.state().events.clone()
    }

    /// The runs that are stored.
    pub(crate) fn runs(&self) -> Vec<RunRecord> {
        self.state().runs.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_snapshot(&self, what: &str, id: SnapshotId) -> SnapshotId {
        let mut state = self.state();
        state.effects.push(format!("{what} {id}"));
        state.snapshots.insert(id.clone());
        id
    }
}

impl State {
    fn add(&mut self, run: DagsterRun, created_at: DateTime<Utc>) {
        self.runs.push(RunRecord {
            storage_id: StorageId(0),
            dagster_run: run,
            create_timestamp: created_at,
            update_timestamp: created_at,
            start_time: None,
            end_time: None,
        });
    }
}

impl Clock for Fake {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default()
    }
}

impl IdSource for Fake {
    fn uuid(&self) -> uuid::Uuid {
        uuid::Uuid::from_u128(7)
    }
}

#[async_trait]
impl RunOps for Fake {
    fn run_store(&self) -> &dyn RunStore {
        self
    }

    fn snapshot_store(&self) -> &dyn SnapshotStore {
        self
    }

    fn event_store(&self) -> &dyn EventStore {
        self
    }

    fn clock(&self) -> &dyn Clock {
        self
    }

    fn ids(&self) -> &dyn IdSource {
        self
    }

    async fn report_dagster_events(
        &self,
        events: Vec<DagsterEvent>,
        run_id: &RunId,
        level: LogLevel,
    ) -> Result<(), InstanceError> {
        let mut state = self.state();
        for event in events {
            state.effects.push(format!("report {}", event.event_type_value));
            state.events.push((event, run_id.clone(), level));
        }
        Ok(())
    }
}

fn unused<T>(what: &str) -> Result<T, StorageError> {
    Err(StorageError::Unsupported { what: what.to_owned(), reason: "no test needs it".to_owned() })
}

#[async_trait]
impl RunStore for Fake {
    async fn add_run(
        &self,
        run: &DagsterRun,
        created_at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        if self.add_run_fails {
            return Err(StorageError::RunAlreadyExists { run_id: run.run_id.clone() });
        }
        let mut state = self.state();
        state.effects.push(format!("add_run {}", run.run_id));
        state.add(run.clone(), created_at);
        Ok(())
    }

    async fn handle_run_event(
        &self,
        _: &RunId,
        _: &DagsterEvent,
        _: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        unused("handle_run_event")
    }

    async fn get_run_records(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunRecord>, StorageError> {
        let matches = |record: &&RunRecord| {
            let id = &record.dagster_run.run_id;
            (filter.run_ids.is_empty() || filter.run_ids.contains(id))
                && filter
                    .run_id_prefix
                    .as_ref()
                    .is_none_or(|prefix| id.as_str().starts_with(prefix.as_str()))
        };
        let limit = page.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Ok(self.state().runs.iter().rev().filter(matches).take(limit).cloned().collect())
    }

    async fn get_run_ids(&self, _: &RunsFilter, _: &RunsPage) -> Result<Vec<RunId>, StorageError> {
        unused("get_run_ids")
    }

    async fn get_runs_count(&self, _: &RunsFilter) -> Result<u64, StorageError> {
        Ok(self.state().runs.len() as u64)
    }

    async fn has_run(&self, _: &RunId) -> Result<bool, StorageError> {
        unused("has_run")
    }

    async fn get_run_group(&self, _: &RunId) -> Result<Option<RunGroup>, StorageError> {
        unused("get_run_group")
    }

    async fn get_run_partition_data(
        &self,
        _: &RunsFilter,
    ) -> Result<Vec<RunPartitionData>, StorageError> {
        unused("get_run_partition_data")
    }

    async fn get_run_tags(
        &self,
        _: &RunTagsQuery,
    ) -> Result<Vec<(String, BTreeSet<String>)>, StorageError> {
        unused("get_run_tags")
    }

    async fn get_run_tag_keys(&self) -> Result<Vec<String>, StorageError> {
        unused("get_run_tag_keys")
    }

    async fn add_run_tags(
        &self,
        _: &RunId,
        _: &BTreeMap<String, String>,
        _: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        unused("add_run_tags")
    }

    async fn replace_job_origin(
        &self,
        _: &DagsterRun,
        _: &RemoteJobOrigin,
    ) -> Result<(), StorageError> {
        unused("replace_job_origin")
    }

    async fn delete_run(&self, _: &RunId) -> Result<(), StorageError> {
        unused("delete_run")
    }
}

#[async_trait]
impl SnapshotStore for Fake {
    async fn has_job_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError> {
        Ok(self.state().snapshots.contains(id))
    }

    async fn add_job_snapshot(&self, snapshot: &JobSnap) -> Result<SnapshotId, StorageError> {
        Ok(self.add_snapshot("add_job_snapshot", snapshot.snapshot_id()))
    }

    async fn get_job_snapshot(&self, _: &SnapshotId) -> Result<Option<JobSnap>, StorageError> {
        unused("get_job_snapshot")
    }

    async fn has_execution_plan_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError> {
        Ok(self.state().snapshots.contains(id))
    }

    async fn add_execution_plan_snapshot(
        &self,
        snapshot: &ExecutionPlanSnapshot,
    ) -> Result<SnapshotId, StorageError> {
        Ok(self.add_snapshot("add_execution_plan_snapshot", snapshot.snapshot_id()))
    }

    async fn get_execution_plan_snapshot(
        &self,
        _: &SnapshotId,
    ) -> Result<Option<ExecutionPlanSnapshot>, StorageError> {
        unused("get_execution_plan_snapshot")
    }
}

#[async_trait]
impl EventStore for Fake {
    async fn store_event(&self, _: &EventLogEntry) -> Result<StorageId, StorageError> {
        unused("store_event")
    }

    async fn store_event_batch(&self, _: &[EventLogEntry]) -> Result<Vec<StorageId>, StorageError> {
        unused("store_event_batch")
    }

    async fn get_records_for_run(
        &self,
        _: &RecordsForRun,
    ) -> Result<EventLogConnection, StorageError> {
        unused("get_records_for_run")
    }

    async fn get_stats_for_run(&self, _: &RunId) -> Result<DagsterRunStatsSnapshot, StorageError> {
        unused("get_stats_for_run")
    }

    async fn get_step_stats_for_run(
        &self,
        _: &RunId,
        _: &[String],
    ) -> Result<Vec<RunStepKeyStatsSnapshot>, StorageError> {
        unused("get_step_stats_for_run")
    }

    async fn get_asset_partitions_for_run(
        &self,
        _: &RunId,
        _: &[DagsterEventType],
    ) -> Result<Vec<(AssetKey, BTreeSet<Option<String>>)>, StorageError> {
        unused("get_asset_partitions_for_run")
    }

    async fn get_event_records(
        &self,
        _: &EventRecordsFilter,
        _: Option<u64>,
        _: Order,
    ) -> Result<Vec<EventLogRecord>, StorageError> {
        unused("get_event_records")
    }

    async fn fetch_asset_events(
        &self,
        _: &EventRecordsFilter,
        _: RecordsPage,
    ) -> Result<EventLogConnection, StorageError> {
        unused("fetch_asset_events")
    }

    async fn fetch_run_status_changes(
        &self,
        _: &RunStatusChangeRecordsFilter,
        _: RecordsPage,
    ) -> Result<EventLogConnection, StorageError> {
        unused("fetch_run_status_changes")
    }

    async fn get_asset_event_summary_records(
        &self,
        _: &AssetEventSummaryQuery,
    ) -> Result<Vec<AssetEventSummaryRecord>, StorageError> {
        unused("get_asset_event_summary_records")
    }

    async fn get_logs_for_all_runs_by_log_id(
        &self,
        _: StorageId,
        _: &[DagsterEventType],
        _: Option<u64>,
    ) -> Result<Vec<EventLogRecord>, StorageError> {
        unused("get_logs_for_all_runs_by_log_id")
    }

    async fn get_maximum_record_id(&self) -> Result<Option<StorageId>, StorageError> {
        unused("get_maximum_record_id")
    }

    async fn get_all_run_ids(&self) -> Result<Vec<RunId>, StorageError> {
        unused("get_all_run_ids")
    }

    async fn delete_events(&self, _: &RunId) -> Result<(), StorageError> {
        unused("delete_events")
    }
}
