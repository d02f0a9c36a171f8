//! An instance in memory that remembers every effect in its order.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::clock::{Clock, IdSource};
use instance_core::error::{InstanceError, StorageError};
use instance_core::event::{DagsterEvent, LogLevel};
use instance_core::ids::{RunId, SnapshotId, StorageId};
use instance_core::ops::RunOps;
use instance_core::run::{DagsterRun, RunRecord, RunsFilter};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};
use instance_core::storage::{EventStore, RunStore, RunsPage, SnapshotStore};
use instance_core::testing::doubles::{EventStoreDouble, RunStoreDouble, SnapshotStoreDouble};

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

#[async_trait]
impl RunStoreDouble for Fake {
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

    async fn get_runs_count(&self, _: &RunsFilter) -> Result<u64, StorageError> {
        Ok(self.state().runs.len() as u64)
    }
}

#[async_trait]
impl SnapshotStoreDouble for Fake {
    async fn has_job_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError> {
        Ok(self.state().snapshots.contains(id))
    }

    async fn add_job_snapshot(&self, snapshot: &JobSnap) -> Result<SnapshotId, StorageError> {
        Ok(self.add_snapshot("add_job_snapshot", snapshot.snapshot_id()))
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
}

impl EventStoreDouble for Fake {}
