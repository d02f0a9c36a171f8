//! The snapshots of jobs and plans that runs refer to.

use instance_core::error::InstanceError;
use instance_core::ids::SnapshotId;
use instance_core::ops::RunOps;
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap, SnapshotBody};

/// Stores the snapshot of a job, and returns its id.
///
/// If `parent` is given and the snapshot says that its job is a part of another one, the snapshot of that job is
/// stored, too. Both are stored in one transaction. Storing the same snapshot again changes nothing.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails. Nothing is written then.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn ensure_persisted_job_snapshot(
    ops: &dyn RunOps,
    snapshot: &JobSnap,
    parent: Option<&JobSnap>,
) -> Result<SnapshotId, InstanceError> {
    let snapshots = job_snapshots(snapshot, parent);
    ops.snapshot_store().add_snapshots(&snapshots, None).await?;
    Ok(snapshots.last().map_or_else(|| snapshot.snapshot_id(), |last| last.id().clone()))
}

/// Stores the snapshot of an execution plan, and returns its id.
///
/// `job_snapshot_id` is the job that the plan is for. The program's log warns if the plan names another one. Storing
/// the same snapshot again changes nothing.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails. Nothing is written then.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn ensure_persisted_execution_plan_snapshot(
    ops: &dyn RunOps,
    snapshot: &ExecutionPlanSnapshot,
    job_snapshot_id: &SnapshotId,
) -> Result<SnapshotId, InstanceError> {
    let snapshot = plan_snapshot(snapshot, job_snapshot_id);
    ops.snapshot_store().add_snapshots(&[], Some(&snapshot)).await?;
    Ok(snapshot.id().clone())
}

/// The snapshots that are stored for a job: first the job that it is a part of, if there is one, then its own.
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

/// The snapshot that is stored for a plan.
pub(crate) fn plan_snapshot(
    snapshot: &ExecutionPlanSnapshot,
    job_snapshot_id: &SnapshotId,
) -> SnapshotBody {
    if snapshot.job_snapshot_id != *job_snapshot_id {
        tracing::warn!(plan = %snapshot.job_snapshot_id, job = %job_snapshot_id, "the plan is of another job snapshot");
    }
    SnapshotBody::of_execution_plan(snapshot)
}

/// Returns the snapshot of a job by its id; `None` if it is not stored.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if the stored snapshot cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_job_snapshot(
    ops: &dyn RunOps,
    snapshot_id: &SnapshotId,
) -> Result<Option<JobSnap>, InstanceError> {
    Ok(ops.snapshot_store().get_job_snapshot(snapshot_id).await?)
}

/// Returns whether the snapshot of a job is stored.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn has_job_snapshot(
    ops: &dyn RunOps,
    snapshot_id: &SnapshotId,
) -> Result<bool, InstanceError> {
    Ok(ops.snapshot_store().has_job_snapshot(snapshot_id).await?)
}

/// Returns the snapshot of an execution plan by its id; `None` if it is not stored.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if the stored snapshot cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_execution_plan_snapshot(
    ops: &dyn RunOps,
    snapshot_id: &SnapshotId,
) -> Result<Option<ExecutionPlanSnapshot>, InstanceError> {
    Ok(ops.snapshot_store().get_execution_plan_snapshot(snapshot_id).await?)
}

/// Returns whether the snapshot of an execution plan is stored.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn has_execution_plan_snapshot(
    ops: &dyn RunOps,
    snapshot_id: &SnapshotId,
) -> Result<bool, InstanceError> {
    Ok(ops.snapshot_store().has_execution_plan_snapshot(snapshot_id).await?)
}

/// Returns whether a snapshot of this id is stored, be it of a job or of an execution plan.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn has_snapshot(
    ops: &dyn RunOps,
    snapshot_id: &SnapshotId,
) -> Result<bool, InstanceError> {
    let snapshots = ops.snapshot_store();
    Ok(snapshots.has_job_snapshot(snapshot_id).await?
        || snapshots.has_execution_plan_snapshot(snapshot_id).await?)
}
