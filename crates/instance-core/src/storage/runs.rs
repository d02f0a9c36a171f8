//! The store of runs and of their snapshots.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::StorageError;
use crate::event::DagsterEvent;
use crate::ids::{RunId, SnapshotId};
use crate::run::{DagsterRun, RunRecord, RunsFilter};
use crate::snap::{ExecutionPlanSnapshot, JobSnap};
use crate::storage::Order;

/// Which part of the matching runs is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunsPage {
    /// Begin behind this run, in the order of the page; an unknown run gives an empty page.
    pub cursor: Option<RunId>,
    /// At most so many; `None` means all.
    pub limit: Option<u64>,
    /// In which order the runs come; newest first unless said otherwise.
    pub order: Order,
}

/// The store of runs and of their snapshots.
#[async_trait]
pub trait RunStorage: std::fmt::Debug + Send + Sync + 'static {
    /// Stores a new run and the rows of its tags in one transaction.
    ///
    /// Errors: [`StorageError::RunAlreadyExists`], and [`StorageError::SnapshotDoesNotExist`] if
    /// the run names a job snapshot that was not added before.
    async fn add_run(
        &self,
        run: &DagsterRun,
        created_at: DateTime<Utc>,
    ) -> Result<(), StorageError>;

    /// Changes a run as an event about it demands: status, start and end time, and the tag of the
    /// reason of a failure, in one transaction.
    ///
    /// An event that changes no status, or is about an unknown run, does nothing. `at` is the time
    /// of the event.
    async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError>;

    /// The runs that match, with their rows.
    async fn get_run_records(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunRecord>, StorageError>;

    /// How many runs match.
    async fn get_runs_count(&self, filter: &RunsFilter) -> Result<u64, StorageError>;

    /// Whether a job snapshot of this id is stored.
    async fn has_job_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError>;

    /// Stores a job snapshot under the hash of its text and returns that; storing it twice is the
    /// same as storing it once.
    async fn add_job_snapshot(&self, snapshot: &JobSnap) -> Result<SnapshotId, StorageError>;

    /// The job snapshot of this id.
    async fn get_job_snapshot(&self, id: &SnapshotId) -> Result<Option<JobSnap>, StorageError>;

    /// Whether an execution plan snapshot of this id is stored.
    async fn has_execution_plan_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError>;

    /// Stores an execution plan snapshot under the hash of its text and returns that; storing it
    /// twice is the same as storing it once.
    async fn add_execution_plan_snapshot(
        &self,
        snapshot: &ExecutionPlanSnapshot,
    ) -> Result<SnapshotId, StorageError>;

    /// The execution plan snapshot of this id.
    async fn get_execution_plan_snapshot(
        &self,
        id: &SnapshotId,
    ) -> Result<Option<ExecutionPlanSnapshot>, StorageError>;

    /// The id that the store was given when it was created.
    async fn get_run_storage_id(&self) -> Result<String, StorageError>;

    /// The revision of the store's schema.
    async fn schema_revision(&self) -> Result<String, StorageError>;
}
