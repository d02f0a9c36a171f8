//! The snapshots of jobs and plans that runs refer to.

use instance_core::error::InstanceError;
use instance_core::ids::SnapshotId;
use instance_core::ops::RunOps;
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap, SnapshotBody};

/// Stores a job snapshot, and the one that it is a part of, unless they are stored; returns its id.
pub async fn ensure_persisted_job_snapshot(
    ops: &dyn RunOps,
    snapshot: &JobSnap,
    parent: Option<&JobSnap>,
) -> Result<SnapshotId, InstanceError> {
    let snapshots = job_snapshots(snapshot, parent);
    ops.snapshot_store().add_snapshots(&snapshots, None).await?;
    Ok(snapshots.last().map_or_else(|| snapshot.snapshot_id(), |last| last.id().clone()))
}

/// Stores an execution plan snapshot unless it is stored; returns its id.
pub async fn ensure_persisted_execution_plan_snapshot(
    ops: &dyn RunOps,
    snapshot: &ExecutionPlanSnapshot,
    job_snapshot_id: &SnapshotId,
) -> Result<SnapshotId, InstanceError> {
    let snapshot = plan_snapshot(snapshot, job_snapshot_id);
    ops.snapshot_store().add_snapshots(&[], Some(&snapshot)).await?;
    Ok(snapshot.id().clone())
}

/// What is stored of a job: the job that it is a part of, and it itself.
pub(crate) fn job_snapshots(snapshot: &JobSnap, parent: Option<&JobSnap>) -> Vec<SnapshotBody> {
    let mut snapshots = Vec::new();
    if let (Some(lineage), Some(parent)) = (&snapshot.lineage_snapshot, parent) {
        let parent = SnapshotBody::of_job(parent);
        if lineage.parent_snapshot_id != *parent.id() {
            tracing::warn!(
                stored = %parent.id(), named = %lineage.parent_snapshot_id,
                "the job names another parent snapshot than it came with"
            );
        }
        snapshots.push(parent);
    }
    snapshots.push(SnapshotBody::of_job(snapshot));
    snapshots
}

/// What is stored of a plan.
pub(crate) fn plan_snapshot(
    snapshot: &ExecutionPlanSnapshot,
    job_snapshot_id: &SnapshotId,
) -> SnapshotBody {
    if snapshot.job_snapshot_id != *job_snapshot_id {
        tracing::warn!(plan = %snapshot.job_snapshot_id, job = %job_snapshot_id, "the plan is of another job snapshot");
    }
    SnapshotBody::of_execution_plan(snapshot)
}

/// The job snapshot of this id; `None` if there is none.
pub async fn get_job_snapshot(
    ops: &dyn RunOps,
    snapshot_id: &SnapshotId,
) -> Result<Option<JobSnap>, InstanceError> {
    Ok(ops.snapshot_store().get_job_snapshot(snapshot_id).await?)
}

/// Whether there is a job snapshot of this id.
pub async fn has_job_snapshot(
    ops: &dyn RunOps,
    snapshot_id: &SnapshotId,
) -> Result<bool, InstanceError> {
    Ok(ops.snapshot_store().has_job_snapshot(snapshot_id).await?)
}

/// The execution plan snapshot of this id; `None` if there is none.
pub async fn get_execution_plan_snapshot(
    ops: &dyn RunOps,
    snapshot_id: &SnapshotId,
) -> Result<Option<ExecutionPlanSnapshot>, InstanceError> {
    Ok(ops.snapshot_store().get_execution_plan_snapshot(snapshot_id).await?)
}

/// Whether there is an execution plan snapshot of this id.
pub async fn has_execution_plan_snapshot(
    ops: &dyn RunOps,
    snapshot_id: &SnapshotId,
) -> Result<bool, InstanceError> {
    Ok(ops.snapshot_store().has_execution_plan_snapshot(snapshot_id).await?)
}

/// Whether there is a snapshot of this id, of a job or of a plan.
pub async fn has_snapshot(
    ops: &dyn RunOps,
    snapshot_id: &SnapshotId,
) -> Result<bool, InstanceError> {
    Ok(has_job_snapshot(ops, snapshot_id).await?
        || has_execution_plan_snapshot(ops, snapshot_id).await?)
}
