//! The snapshots of jobs, as they were when their runs were created. What runs themselves need of them is in the
//! run domain.

use instance_core::error::InstanceError;
use instance_core::ids::SnapshotId;
use instance_core::ops::StorageOps;
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};
use instance_core::storage::SnapshotStore;

/// A snapshot of either kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Snapshot {
    /// Of a job.
    Job(Box<JobSnap>),
    /// Of an execution plan.
    ExecutionPlan(Box<ExecutionPlanSnapshot>),
}

impl From<JobSnap> for Snapshot {
    fn from(snapshot: JobSnap) -> Self {
        Self::Job(Box::new(snapshot))
    }
}

impl From<ExecutionPlanSnapshot> for Snapshot {
    fn from(snapshot: ExecutionPlanSnapshot) -> Self {
        Self::ExecutionPlan(Box::new(snapshot))
    }
}

/// A job as it was when a run was created.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HistoricalJob {
    /// The id under which the snapshot is stored. With a newer version, the snapshot's own id may be another.
    pub snapshot_id: SnapshotId,
    /// The job.
    pub job_snapshot: JobSnap,
    /// The job that this one is a part of, if it is one and that job is stored.
    pub parent_job_snapshot: Option<JobSnap>,
}

/// Stores a snapshot, and returns its id. Storing it again changes nothing.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails. Nothing is written then.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn add_snapshot(
    ops: &dyn StorageOps,
    snapshot: &Snapshot,
) -> Result<SnapshotId, InstanceError> {
    Ok(match snapshot {
        Snapshot::Job(job) => store(ops).add_job_snapshot(job).await?,
        Snapshot::ExecutionPlan(plan) => store(ops).add_execution_plan_snapshot(plan).await?,
    })
}

/// Returns a job as it was when a run was created, by the id of its snapshot; `None` if the snapshot is not stored.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if a stored snapshot cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_historical_job(
    ops: &dyn StorageOps,
    snapshot_id: &SnapshotId,
) -> Result<Option<HistoricalJob>, InstanceError> {
    let Some(job_snapshot) = store(ops).get_job_snapshot(snapshot_id).await? else {
        return Ok(None);
    };
    let parent_job_snapshot = match &job_snapshot.lineage_snapshot {
        Some(lineage) => store(ops).get_job_snapshot(&lineage.parent_snapshot_id).await?,
        None => None,
    };
    let snapshot_id = snapshot_id.clone();
    Ok(Some(HistoricalJob { snapshot_id, job_snapshot, parent_job_snapshot }))
}

/// Returns whether a job as it was when a run was created is stored, by the id of its snapshot.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn has_historical_job(
    ops: &dyn StorageOps,
    snapshot_id: &SnapshotId,
) -> Result<bool, InstanceError> {
    Ok(store(ops).has_job_snapshot(snapshot_id).await?)
}

fn store(ops: &dyn StorageOps) -> &dyn SnapshotStore {
    &*ops.stores().run_storage
}
