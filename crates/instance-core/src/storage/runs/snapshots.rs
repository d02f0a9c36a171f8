//! The snapshots of jobs and plans.

use async_trait::async_trait;

use crate::error::StorageError;
use crate::ids::SnapshotId;
use crate::snap::{ExecutionPlanSnapshot, JobSnap, SnapshotBody};

/// The snapshots of jobs and plans. They are never changed, and go only with a wipe of the store.
#[async_trait]
pub trait SnapshotStore: std::fmt::Debug + Send + Sync + 'static {
    /// Whether a job snapshot of this id is stored.
    async fn has_job_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError>;

    /// Stores a job snapshot under the hash of its text, and returns the hash. Storing it twice is the same as
    /// storing it once.
    async fn add_job_snapshot(&self, snapshot: &JobSnap) -> Result<SnapshotId, StorageError>;

    /// The job snapshot of this id.
    async fn get_job_snapshot(&self, id: &SnapshotId) -> Result<Option<JobSnap>, StorageError>;

    /// Whether an execution plan snapshot of this id is stored.
    async fn has_execution_plan_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError>;

    /// Stores an execution plan snapshot under the hash of its text, and returns the hash. Storing it twice is the
    /// same as storing it once.
    async fn add_execution_plan_snapshot(
        &self,
        snapshot: &ExecutionPlanSnapshot,
    ) -> Result<SnapshotId, StorageError>;

    /// Stores those of the snapshots that are not stored, in one transaction.
    async fn add_snapshots(
        &self,
        jobs: &[SnapshotBody],
        execution_plan: Option<&SnapshotBody>,
    ) -> Result<(), StorageError>;

    /// The execution plan snapshot of this id.
    async fn get_execution_plan_snapshot(
        &self,
        id: &SnapshotId,
    ) -> Result<Option<ExecutionPlanSnapshot>, StorageError>;
}
