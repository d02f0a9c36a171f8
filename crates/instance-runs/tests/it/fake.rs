//! An instance over stores in memory that remembers every effect in its order.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::clock::{Clock, IdSource};
use instance_core::error::StorageError;
use instance_core::event::{DagsterEvent, EventListeners, EventLogEntry, EventLogRecord, LogLevel};
use instance_core::ids::{RunId, StorageId};
use instance_core::ops::{
    BackfillStoreAccess, ClockAccess, DynamicPartitionStoreAccess, EventStoreAccess, IdAccess,
    ListenersAccess, RunEventStoreAccess, RunOps, RunStoreAccess, SnapshotStoreAccess,
};
use instance_core::run::{DagsterRun, RunRecord, RunsFilter};
use instance_core::scheduling::PartitionBackfill;
use instance_core::snap::{ExecutionPlanSnapshot, SnapshotBody};
use instance_core::storage::{
    BackfillStore, DynamicPartitionStore, EventStore, NewRun, Only, Order, RunEventStore, RunStore,
    RunsPage, SnapshotStore, StoredEvents,
};
use instance_core::testing::doubles::{EventStoreDouble, RunStoreDouble, SnapshotStoreDouble};
use instance_core::testing::instance::{TestInstance, at_once};

/// What every test returns, so that steps of no interest need no words.
pub(crate) type TestResult = Result<(), Box<dyn Error>>;

/// The id that the first run is given for which none is asked.
pub(crate) const FRESH_ID: &str = "00000000-0000-0000-0000-000000000001";

/// The instance, and those of its stores that remember.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    memory: TestInstance,
    effects: Mutex<Vec<String>>,
    /// This run is added by somebody else, just before ours, which is refused then.
    pub(crate) overtaken_by: Mutex<Option<DagsterRun>>,
    heard: Arc<Mutex<Vec<(i64, String)>>>,
}

impl Fake {
    /// An instance with runs of these ids.
    pub(crate) fn with_runs(ids: &[&str]) -> Self {
        let runs = ids.iter().map(|id| DagsterRun::new(RunId::from(*id), "j"));
        runs.fold(Self::default(), Self::with_run)
    }

    /// The same with a run.
    pub(crate) fn with_run(self, run: DagsterRun) -> Self {
        at_once(self.memory.add_run(run));
        self
    }

    /// The same with a limit on the size of runs.
    pub(crate) fn with_run_size_limit(mut self, bytes: u64) -> Self {
        self.memory.run_size_limit_bytes = Some(bytes);
        self
    }

    /// The same with a plan.
    pub(crate) fn with_plan(self, plan: &ExecutionPlanSnapshot) -> Self {
        let added = self.memory.snapshot_store().add_execution_plan_snapshot(plan);
        at_once(added).expect("snapshots");
        self
    }

    /// The same with entries in its log.
    pub(crate) fn with_entries(self, entries: impl IntoIterator<Item = EventLogEntry>) -> Self {
        let entries: Vec<_> = entries.into_iter().collect();
        at_once(self.memory.event_store().store_events(&entries)).expect("events");
        self
    }

    /// The same with a backfill.
    pub(crate) fn with_backfill(self, backfill: &PartitionBackfill) -> Self {
        at_once(self.backfill_store().add_backfill(backfill)).expect("backfills");
        self
    }

    /// The same with a set of dynamic partitions.
    pub(crate) fn with_dynamic_partitions(self, set: &str, keys: &[&str]) -> Self {
        let keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
        let added = self.dynamic_partition_store().add_dynamic_partitions(set, &keys);
        at_once(added).expect("partitions");
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
        lock(&self.effects).clone()
    }

    /// The events that were stored, in their order.
    pub(crate) fn events(&self) -> Vec<(DagsterEvent, RunId, LogLevel)> {
        let all = self.memory.event_store();
        let all = at_once(all.get_logs_for_all_runs_by_log_id(StorageId(0), &Only::Any, None));
        let of_record = |record: EventLogRecord| {
            let entry = record.event_log_entry;
            Some((*entry.dagster_event?, entry.run_id, entry.level))
        };
        all.expect("events").into_iter().filter_map(of_record).collect()
    }

    /// The same with somebody who listens to a run.
    pub(crate) fn heard_by_somebody(self, run_id: &str) -> Self {
        let heard = Arc::clone(&self.heard);
        let listener = move |record: &EventLogRecord| {
            let event = record.event_log_entry.dagster_event.as_ref();
            let event_type = event.map(|event| event.event_type_value.clone()).unwrap_or_default();
            lock(&heard).push((record.storage_id.0, event_type));
        };
        self.event_listeners().add(&RunId::from(run_id), Arc::new(listener));
        self
    }

    /// What who listens was told: ids and types.
    pub(crate) fn heard(&self) -> Vec<(i64, String)> {
        lock(&self.heard).clone()
    }

    /// The runs that are stored, in the order in which they were.
    pub(crate) fn runs(&self) -> Vec<RunRecord> {
        let page = RunsPage::new().with_order(Order::Ascending);
        at_once(self.memory.run_store().get_run_records(&RunsFilter::default(), &page))
            .expect("runs")
    }

    fn note(&self, effects: impl IntoIterator<Item = String>) {
        lock(&self.effects).extend(effects);
    }

    /// The effects of adding snapshots, of which those that are stored have none.
    async fn effects_of_snapshots(
        &self,
        jobs: &[SnapshotBody],
        execution_plan: Option<&SnapshotBody>,
    ) -> Result<Vec<String>, StorageError> {
        let stored = self.memory.snapshot_store();
        let mut effects = Vec::new();
        for job in jobs {
            if !stored.has_job_snapshot(job.id()).await? {
                effects.push(format!("add_job_snapshot {}", job.id()));
            }
        }
        if let Some(plan) = execution_plan
            && !stored.has_execution_plan_snapshot(plan.id()).await?
        {
            effects.push(format!("add_execution_plan_snapshot {}", plan.id()));
        }
        Ok(effects)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The effects of storing entries.
fn effects_of_entries(entries: &[EventLogEntry]) -> Vec<String> {
    let effect = |entry: &EventLogEntry| {
        let event = entry.dagster_event.as_ref();
        format!("store {}", event.map_or("line", |event| event.event_type_value.as_str()))
    };
    entries.iter().map(effect).collect()
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
        self.memory.backfill_store()
    }
}

impl DynamicPartitionStoreAccess for Fake {
    fn dynamic_partition_store(&self) -> &dyn DynamicPartitionStore {
        self.memory.dynamic_partition_store()
    }
}

impl ClockAccess for Fake {
    fn clock(&self) -> &dyn Clock {
        self.memory.clock()
    }
}

impl IdAccess for Fake {
    fn ids(&self) -> &dyn IdSource {
        self.memory.ids()
    }
}

impl ListenersAccess for Fake {
    fn event_listeners(&self) -> &EventListeners {
        self.memory.event_listeners()
    }
}

impl RunOps for Fake {
    fn run_size_limit_bytes(&self) -> Option<u64> {
        self.memory.run_size_limit_bytes()
    }
}

#[async_trait]
impl RunEventStore for Fake {
    async fn add_run_with_events(&self, new_run: NewRun) -> Result<StoredEvents, StorageError> {
        let run_id = new_run.run.run_id.clone();
        let other = lock(&self.overtaken_by).take();
        if let Some(other) = other {
            self.memory.run_store().add_run(&other, new_run.created_at).await?;
            return Err(StorageError::RunAlreadyExists { run_id });
        }
        let plan = new_run.execution_plan_snapshot.as_ref();
        let mut effects = self.effects_of_snapshots(&new_run.job_snapshots, plan).await?;
        effects.push(format!("add_run {run_id}"));
        effects.extend(effects_of_entries(&new_run.events));
        let stored = self.memory.run_event_store().add_run_with_events(new_run).await?;
        self.note(effects);
        Ok(stored)
    }

    async fn store_run_events(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<StoredEvents, StorageError> {
        self.memory.run_event_store().store_run_events(entries).await
    }

    async fn delete_run_with_events(&self, run_id: &RunId) -> Result<(), StorageError> {
        self.memory.run_event_store().delete_run_with_events(run_id).await?;
        self.note([format!("delete_run {run_id}")]);
        Ok(())
    }
}

#[async_trait]
impl RunStoreDouble for Fake {
    fn other(&self) -> Option<&dyn RunStore> {
        Some(self.memory.run_store())
    }

    async fn add_run(
        &self,
        run: &DagsterRun,
        created_at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        self.memory.run_store().add_run(run, created_at).await?;
        self.note([format!("add_run {}", run.run_id)]);
        Ok(())
    }

    async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        self.memory.run_store().handle_run_event(run_id, event, at).await?;
        self.note([format!("change {run_id} {} at {at}", event.event_type_value)]);
        Ok(())
    }

    async fn add_run_tags(
        &self,
        run_id: &RunId,
        new_tags: &BTreeMap<String, String>,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        self.memory.run_store().add_run_tags(run_id, new_tags, at).await?;
        self.note([format!("tag {run_id} {new_tags:?} at {at}")]);
        Ok(())
    }
}

#[async_trait]
impl SnapshotStoreDouble for Fake {
    fn other(&self) -> Option<&dyn SnapshotStore> {
        Some(self.memory.snapshot_store())
    }

    async fn add_snapshots(
        &self,
        jobs: &[SnapshotBody],
        execution_plan: Option<&SnapshotBody>,
    ) -> Result<(), StorageError> {
        let effects = self.effects_of_snapshots(jobs, execution_plan).await?;
        self.memory.snapshot_store().add_snapshots(jobs, execution_plan).await?;
        self.note(effects);
        Ok(())
    }
}

#[async_trait]
impl EventStoreDouble for Fake {
    fn other(&self) -> Option<&dyn EventStore> {
        Some(self.memory.event_store())
    }

    async fn store_events(&self, entries: &[EventLogEntry]) -> Result<StoredEvents, StorageError> {
        let stored = self.memory.event_store().store_events(entries).await?;
        self.note(effects_of_entries(entries));
        Ok(stored)
    }
}
