//! Storing the snapshots that a run refers to.

use instance_core::error::InstanceError;
use instance_core::ids::SnapshotId;
use instance_core::ops::RunOps;
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};

/// Stores a job snapshot, and the one that it is a part of, unless they are stored; returns its id.
pub async fn ensure_persisted_job_snapshot(
    ops: &dyn RunOps,
    snapshot: &JobSnap,
    parent: Option<&JobSnap>,
) -> Result<SnapshotId, InstanceError> {
    let storage = ops.snapshot_store();
    if let Some(parent) = parent.filter(|_| snapshot.lineage_snapshot.is_some()) {
        let parent_id = parent.snapshot_id();
        let named = snapshot.lineage_snapshot.as_ref().map(|lineage| &lineage.parent_snapshot_id);
        if named != Some(&parent_id) {
            tracing::warn!(stored = %parent_id, ?named, "the job names another parent snapshot than it came with");
        }
        if !storage.has_job_snapshot(&parent_id).await? {
            storage.add_job_snapshot(parent).await?;
        }
    }
    let id = snapshot.snapshot_id();
    if !storage.has_job_snapshot(&id).await? {
        storage.add_job_snapshot(snapshot).await?;
    }
    Ok(id)
}

/// Stores an execution plan snapshot unless it is stored; returns its id.
pub async fn ensure_persisted_execution_plan_snapshot(
    ops: &dyn RunOps,
    snapshot: &ExecutionPlanSnapshot,
    job_snapshot_id: &SnapshotId,
) -> Result<SnapshotId, InstanceError> {
    if snapshot.job_snapshot_id != *job_snapshot_id {
        tracing::warn!(plan = %snapshot.job_snapshot_id, job = %job_snapshot_id, "the plan is of another job snapshot");
    }
    let storage = ops.snapshot_store();
    let id = snapshot.snapshot_id();
    if !storage.has_execution_plan_snapshot(&id).await? {
        storage.add_execution_plan_snapshot(snapshot).await?;
    }
    Ok(id)
}
