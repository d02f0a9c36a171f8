//! An instance in memory that remembers every effect in its order.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::asset_key::AssetKey;
use instance_core::clock::{Clock, IdSource};
use instance_core::error::StorageError;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EventListeners, EventLogConnection, EventLogCursor,
    EventLogEntry, EventLogRecord, LogLevel,
};
use instance_core::ids::{RunId, SnapshotId, StorageId};
use instance_core::ops::{
    BackfillStoreAccess, ClockAccess, DynamicPartitionStoreAccess, EventStoreAccess, IdAccess,
    ListenersAccess, RunEventStoreAccess, RunOps, RunStoreAccess, SnapshotStoreAccess,
};
use instance_core::run::{DagsterRun, RunRecord, RunsFilter};
use instance_core::scheduling::{BulkActionsFilter, PartitionBackfill};
use instance_core::serdes::{UnknownFields, deserialize_value};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap, SnapshotBody};
use instance_core::storage::{
    BackfillStore, BackfillsPage, DynamicPartitionStore, EventStore, NewRun, Only, RecordsForRun,
    RunEventStore, RunStore, RunsPage, SnapshotStore, StoredEvents,
};
use instance_core::testing::clock::{ManualClock, SequentialIds};
use instance_core::testing::doubles::{
    DynamicPartitionStoreDouble, EventStoreDouble, RunStoreDouble, SnapshotStoreDouble,
};

/// What every test returns, so that steps of no interest need no words.
pub(crate) type TestResult = Result<(), Box<dyn Error>>;

/// The id that the first run is given for which none is asked.
pub(crate) const FRESH_ID: &str = "00000000-0000-0000-0000-000000000001";

/// The instance, and all of its stores.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    state: Mutex<State>,
    pub(crate) clock: ManualClock,
    ids: SequentialIds,
    /// A run of the same id is added by somebody else, just before ours.
    pub(crate) overtaken_by: Mutex<Option<DagsterRun>>,
    run_size_limit_bytes: Option<u64>,
    listeners: EventListeners,
    heard: Arc<Mutex<Vec<(i64, String)>>>,
}

#[derive(Debug, Default)]
struct State {
    effects: Vec<String>,
    runs: Vec<RunRecord>,
    snapshots: BTreeMap<SnapshotId, String>,
    entries: Vec<EventLogEntry>,
    backfills: Vec<PartitionBackfill>,
    dynamic_partitions: BTreeMap<String, Vec<String>>,
}

impl Fake {
    /// An instance with runs of these ids.
    pub(crate) fn with_runs(ids: &[&str]) -> Self {
        let runs = ids.iter().map(|id| DagsterRun::new(RunId::from(*id), "j"));
        runs.fold(Self::default(), Self::with_run)
    }

    /// The same with a run.
    pub(crate) fn with_run(self, run: DagsterRun) -> Self {
        self.state().add(run, self.clock.now());
        self
    }

    /// The same with a limit on the size of runs.
    pub(crate) fn with_run_size_limit(mut self, bytes: u64) -> Self {
        self.run_size_limit_bytes = Some(bytes);
        self
    }

    /// The same with a plan.
    pub(crate) fn with_plan(self, plan: &ExecutionPlanSnapshot) -> Self {
        let body = SnapshotBody::of_execution_plan(plan);
        self.state().snapshots.insert(body.id().clone(), body.text().to_owned());
        self
    }

    /// The same with entries in its log.
    pub(crate) fn with_entries(self, entries: impl IntoIterator<Item = EventLogEntry>) -> Self {
        self.state().entries.extend(entries);
        self
    }

    /// The same with a backfill.
    pub(crate) fn with_backfill(self, backfill: PartitionBackfill) -> Self {
        self.state().backfills.push(backfill);
        self
    }

    /// The same with a set of dynamic partitions.
    pub(crate) fn with_dynamic_partitions(self, set: &str, keys: &[&str]) -> Self {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        self.state().dynamic_partitions.insert(set.to_owned(), keys);
        self
    }

    /// An instance that cannot store runs, as somebody else always has just stored them.
    pub(crate) fn that_cannot_add_runs() -> Self {
        let fake = Self::default();
        let other = DagsterRun::new(RunId::from("of somebody else"), "j");
        *lock(&fake.overtaken_by) = Some(other);
        fake
    }

    /// What was written, in its order.
    pub(crate) fn effects(&self) -> Vec<String> {
        self.state().effects.clone()
    }

    /// The events that were stored, in their order.
    pub(crate) fn events(&self) -> Vec<(DagsterEvent, RunId, LogLevel)> {
        let of_entry = |entry: &EventLogEntry| {
            let event = entry.dagster_event.as_deref()?.clone();
            Some((event, entry.run_id.clone(), entry.level))
        };
        self.state().entries.iter().filter_map(of_entry).collect()
    }

    /// The same with somebody who listens to a run.
    pub(crate) fn heard_by_somebody(self, run_id: &str) -> Self {
        let heard = Arc::clone(&self.heard);
        let listener = move |record: &EventLogRecord| {
            let event = record.event_log_entry.dagster_event.as_ref();
            let event_type = event.map(|event| event.event_type_value.clone()).unwrap_or_default();
            lock(&heard).push((record.storage_id.0, event_type));
        };
        self.listeners.add(&RunId::from(run_id), Arc::new(listener));
        self
    }

    /// What who listens was told: ids and types.
    pub(crate) fn heard(&self) -> Vec<(i64, String)> {
        lock(&self.heard).clone()
    }

    /// The runs that are stored.
    pub(crate) fn runs(&self) -> Vec<RunRecord> {
        self.state().runs.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn add(&mut self, run: DagsterRun, created_at: DateTime<Utc>) {
        self.runs.push(RunRecord::new(StorageId(0), run, created_at, created_at));
    }

    fn add_missing(&mut self, what: &str, snapshots: &[SnapshotBody]) {
        for snapshot in snapshots {
            if !self.snapshots.contains_key(snapshot.id()) {
                self.effects.push(format!("{what} {}", snapshot.id()));
                self.snapshots.insert(snapshot.id().clone(), snapshot.text().to_owned());
            }
        }
    }

    fn store(&mut self, entries: &[EventLogEntry]) -> Vec<StorageId> {
        let first = i64::try_from(self.entries.len()).unwrap_or_default() + 1;
        for entry in entries {
            let event = entry.dagster_event.as_ref();
            let event_type = event.map_or("line", |event| event.event_type_value.as_str());
            self.effects.push(format!("store {event_type}"));
        }
        self.entries.extend_from_slice(entries);
        (first..).take(entries.len()).map(StorageId).collect()
    }
}

impl RunStoreAccess for Fake {
    fn run_store(&self) -> &dyn RunStore {
        self
    }
}

impl SnapshotStoreAccess for Fake {
    fn snapshot_store(&self) -> &dyn SnapshotStore {
        self
    }
}

impl EventStoreAccess for Fake {
    fn event_store(&self) -> &dyn EventStore {
        self
    }
}

impl RunEventStoreAccess for Fake {
    fn run_event_store(&self) -> &dyn RunEventStore {
        self
    }
}

impl BackfillStoreAccess for Fake {
    fn backfill_store(&self) -> &dyn BackfillStore {
        self
    }
}

impl DynamicPartitionStoreAccess for Fake {
    fn dynamic_partition_store(&self) -> &dyn DynamicPartitionStore {
        self
    }
}

impl ClockAccess for Fake {
    fn clock(&self) -> &dyn Clock {
        &self.clock
    }
}

impl IdAccess for Fake {
    fn ids(&self) -> &dyn IdSource {
        &self.ids
    }
}

impl ListenersAccess for Fake {
    fn event_listeners(&self) -> &EventListeners {
        &self.listeners
    }
}

impl RunOps for Fake {
    fn run_size_limit_bytes(&self) -> Option<u64> {
        self.run_size_limit_bytes
    }
}

#[async_trait]
impl RunEventStore for Fake {
    async fn add_run_with_events(&self, new_run: NewRun) -> Result<StoredEvents, StorageError> {
        let mut state = self.state();
        if let Some(other) = lock(&self.overtaken_by).take() {
            state.add(other, new_run.created_at);
            return Err(StorageError::RunAlreadyExists { run_id: new_run.run.run_id });
        }
        state.add_missing("add_job_snapshot", &new_run.job_snapshots);
        let plan: Vec<_> = new_run.execution_plan_snapshot.into_iter().collect();
        state.add_missing("add_execution_plan_snapshot", &plan);
        state.effects.push(format!("add_run {}", new_run.run.run_id));
        state.add(new_run.run, new_run.created_at);
        Ok(StoredEvents::complete(state.store(&new_run.events)))
    }

    async fn store_run_events(&self, _: &[EventLogEntry]) -> Result<StoredEvents, StorageError> {
        not_needed("store_run_events")
    }

    async fn delete_run_with_events(&self, run_id: &RunId) -> Result<(), StorageError> {
        let mut state = self.state();
        state.effects.push(format!("delete_run {run_id}"));
        state.runs.retain(|record| record.dagster_run.run_id != *run_id);
        Ok(())
    }
}

fn not_needed<T>(method: &str) -> Result<T, StorageError> {
    let reason = "no test of runs needs it".to_owned();
    Err(StorageError::Unsupported { what: method.to_owned(), reason })
}

#[async_trait]
impl RunStoreDouble for Fake {
    async fn add_run(
        &self,
        run: &DagsterRun,
        created_at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let mut state = self.state();
        state.effects.push(format!("add_run {}", run.run_id));
        state.add(run.clone(), created_at);
        Ok(())
    }

    async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        self.state().effects.push(format!("change {run_id} {} at {at}", event.event_type_value));
        Ok(())
    }

    async fn add_run_tags(
        &self,
        run_id: &RunId,
        new_tags: &BTreeMap<String, String>,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        self.state().effects.push(format!("tag {run_id} {new_tags:?} at {at}"));
        Ok(())
    }

    async fn has_run(&self, run_id: &RunId) -> Result<bool, StorageError> {
        Ok(self.state().runs.iter().any(|record| record.dagster_run.run_id == *run_id))
    }

    async fn get_run_record(&self, run_id: &RunId) -> Result<Option<RunRecord>, StorageError> {
        let found = |record: &&RunRecord| record.dagster_run.run_id == *run_id;
        Ok(self.state().runs.iter().find(found).cloned())
    }

    async fn get_run_records(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunRecord>, StorageError> {
        let matches = |record: &&RunRecord| {
            let id = &record.dagster_run.run_id;
            filter.run_ids.contains(id)
                && filter
                    .run_id_prefix
                    .as_ref()
                    .is_none_or(|prefix| id.as_str().starts_with(prefix.as_str()))
        };
        let limit = page.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Ok(self.state().runs.iter().rev().filter(matches).take(limit).cloned().collect())
    }

    async fn get_runs_count(&self, _: &RunsFilter) -> Result<u64, StorageError> {
        Ok(self.state().runs.len() as u64)
    }
}

#[async_trait]
impl SnapshotStoreDouble for Fake {
    async fn has_job_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError> {
        Ok(self.state().snapshots.contains_key(id))
    }

    async fn get_job_snapshot(&self, id: &SnapshotId) -> Result<Option<JobSnap>, StorageError> {
        Ok(self.state().snapshots.get(id).and_then(|text| deserialize_value(text).ok()))
    }

    async fn has_execution_plan_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError> {
        Ok(self.state().snapshots.contains_key(id))
    }

    async fn add_snapshots(
        &self,
        jobs: &[SnapshotBody],
        execution_plan: Option<&SnapshotBody>,
    ) -> Result<(), StorageError> {
        let mut state = self.state();
        state.add_missing("add_job_snapshot", jobs);
        let plan: Vec<_> = execution_plan.cloned().into_iter().collect();
        state.add_missing("add_execution_plan_snapshot", &plan);
        Ok(())
    }

    async fn get_execution_plan_snapshot(
        &self,
        id: &SnapshotId,
    ) -> Result<Option<ExecutionPlanSnapshot>, StorageError> {
        Ok(self.state().snapshots.get(id).and_then(|text| deserialize_value(text).ok()))
    }
}

#[async_trait]
impl EventStoreDouble for Fake {
    async fn store_events(&self, entries: &[EventLogEntry]) -> Result<StoredEvents, StorageError> {
        Ok(StoredEvents::complete(self.state().store(entries)))
    }

    async fn get_records_for_run(
        &self,
        query: &RecordsForRun,
    ) -> Result<EventLogConnection, StorageError> {
        let of_query = |(id, entry): (i64, &EventLogEntry)| {
            let is_wanted = entry.event_type().is_some_and(|kind| query.of_types.contains(&kind));
            (entry.run_id == query.run_id && is_wanted).then(|| EventLogRecord {
                event_log_entry: entry.clone(),
                storage_id: StorageId(id),
                unknown: UnknownFields::default(),
            })
        };
        let records = (1..).zip(&self.state().entries).filter_map(of_query).collect();
        Ok(EventLogConnection { records, cursor: EventLogCursor::START, has_more: false })
    }

    async fn get_asset_partitions_for_run(
        &self,
        run_id: &RunId,
        of_types: &Only<DagsterEventType>,
    ) -> Result<Vec<(AssetKey, BTreeSet<Option<String>>)>, StorageError> {
        let mut found: BTreeMap<AssetKey, BTreeSet<Option<String>>> = BTreeMap::new();
        for entry in self.state().entries.iter().filter(|entry| entry.run_id == *run_id) {
            let is_wanted = entry.event_type().is_some_and(|kind| of_types.contains(&kind));
            let event = entry.dagster_event.as_deref().filter(|_| is_wanted);
            if let Some(key) = event.and_then(DagsterEvent::asset_key) {
                let partition = event.and_then(DagsterEvent::partition).map(str::to_owned);
                found.entry(key).or_default().insert(partition);
            }
        }
        Ok(found.into_iter().collect())
    }
}

#[async_trait]
impl DynamicPartitionStoreDouble for Fake {
    async fn get_dynamic_partitions(&self, set: &str) -> Result<Vec<String>, StorageError> {
        Ok(self.state().dynamic_partitions.get(set).cloned().unwrap_or_default())
    }
}

#[async_trait]
impl BackfillStore for Fake {
    async fn get_backfills(
        &self,
        _: &BulkActionsFilter,
        _: &BackfillsPage,
    ) -> Result<Vec<PartitionBackfill>, StorageError> {
        not_needed("get_backfills")
    }

    async fn get_backfills_count(&self, _: &BulkActionsFilter) -> Result<u64, StorageError> {
        not_needed("get_backfills_count")
    }

    async fn get_backfill(&self, id: &str) -> Result<Option<PartitionBackfill>, StorageError> {
        Ok(self.state().backfills.iter().find(|backfill| backfill.backfill_id == id).cloned())
    }

    async fn add_backfill(&self, _: &PartitionBackfill) -> Result<(), StorageError> {
        not_needed("add_backfill")
    }

    async fn update_backfill(&self, _: &PartitionBackfill) -> Result<(), StorageError> {
        not_needed("update_backfill")
    }
}
