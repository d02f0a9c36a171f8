//! The snapshots of jobs and plans, as their texts.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryRunStorage;
use crate::error::StorageError;
use crate::ids::SnapshotId;
use crate::run::DagsterRun;
use crate::serdes::{Unpack, deserialize_value};
use crate::snap::{ExecutionPlanSnapshot, JobSnap, SnapshotBody};
use crate::storage::SnapshotStore;

/// The snapshots of jobs and plans.
#[derive(Debug, Default)]
pub(in crate::memory) struct Snapshots {
    jobs: BTreeMap<SnapshotId, SnapshotBody>,
    plans: BTreeMap<SnapshotId, SnapshotBody>,
}

impl Snapshots {
    /// Refuses a run whose job snapshot is neither stored nor among those that are given.
    pub(in crate::memory) fn require_job_of(
        &self,
        run: &DagsterRun,
        given: &[SnapshotBody],
    ) -> Result<(), StorageError> {
        match &run.job_snapshot_id {
            Some(id)
                if !self.jobs.contains_key(id)
                    && !given.iter().any(|snapshot| snapshot.id() == id) =>
            {
                let (run_id, snapshot_id) = (run.run_id.clone(), id.clone());
                Err(StorageError::SnapshotDoesNotExist { run_id, snapshot_id })
            }
            _ => Ok(()),
        }
    }

    /// Adds those that are missing.
    pub(in crate::memory) fn add(
        &mut self,
        jobs: &[SnapshotBody],
        execution_plan: Option<&SnapshotBody>,
    ) {
        for job in jobs {
            self.jobs.entry(job.id().clone()).or_insert_with(|| job.clone());
        }
        if let Some(plan) = execution_plan {
            self.plans.entry(plan.id().clone()).or_insert_with(|| plan.clone());
        }
    }
}

fn read<T: Unpack>(snapshot: &SnapshotBody) -> Result<T, StorageError> {
    deserialize_value(snapshot.text()).map_err(|source| StorageError::Decode {
        database: "memory".to_owned(),
        table: "snapshots",
        column: "snapshot_body",
        row: snapshot.id().to_string(),
        source,
    })
}

#[async_trait]
impl SnapshotStore for MemoryRunStorage {
    async fn has_job_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError> {
        Ok(self.shared.lock().snapshots.jobs.contains_key(id))
    }

    async fn add_job_snapshot(&self, snapshot: &JobSnap) -> Result<SnapshotId, StorageError> {
        let snapshot = SnapshotBody::of_job(snapshot);
        self.shared.lock().snapshots.add(std::slice::from_ref(&snapshot), None);
        Ok(snapshot.id().clone())
    }

    async fn get_job_snapshot(&self, id: &SnapshotId) -> Result<Option<JobSnap>, StorageError> {
        let snapshot = self.shared.lock().snapshots.jobs.get(id).cloned();
        snapshot.as_ref().map(read).transpose()
    }

    async fn has_execution_plan_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError> {
        Ok(self.shared.lock().snapshots.plans.contains_key(id))
    }

    async fn add_execution_plan_snapshot(
        &self,
        snapshot: &ExecutionPlanSnapshot,
    ) -> Result<SnapshotId, StorageError> {
        let snapshot = SnapshotBody::of_execution_plan(snapshot);
        self.shared.lock().snapshots.add(&[], Some(&snapshot));
        Ok(snapshot.id().clone())
    }

    async fn add_snapshots(
        &self,
        jobs: &[SnapshotBody],
        execution_plan: Option<&SnapshotBody>,
    ) -> Result<(), StorageError> {
        self.shared.lock().snapshots.add(jobs, execution_plan);
        Ok(())
    }

    async fn get_execution_plan_snapshot(
        &self,
        id: &SnapshotId,
    ) -> Result<Option<ExecutionPlanSnapshot>, StorageError> {
        let snapshot = self.shared.lock().snapshots.plans.get(id).cloned();
        snapshot.as_ref().map(read).transpose()
    }
}
