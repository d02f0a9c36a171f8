//! The runs that wait and those that go on, as the queue of runs reads them at each look.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::StorageError;
use crate::ids::{RunId, StorageId};
use crate::run::{DagsterRunStatus, RunRecord};

/// The row of a run that waits or goes on, without the run's body.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ActiveRow {
    /// The id of the row; later runs have greater ones.
    pub storage_id: StorageId,
    /// The run.
    pub run_id: RunId,
    /// `QUEUED`, `STARTING`, `STARTED` or `CANCELING`.
    pub status: DagsterRunStatus,
    /// When the row was last changed. Whoever has read the run since needs not to read it again: each change of its status
    /// or of its tags changes this time.
    pub update_timestamp: DateTime<Utc>,
    /// When the run began to execute, in seconds since 1970; `None` if it has not.
    pub start_time: Option<f64>,
}

impl ActiveRow {
    /// The statuses of these rows: those of runs that wait in the queue, and those that count as in progress there.
    pub const STATUSES: [DagsterRunStatus; 4] = [
        DagsterRunStatus::Queued,
        DagsterRunStatus::Starting,
        DagsterRunStatus::Started,
        DagsterRunStatus::Canceling,
    ];

    /// The row of a run that has not begun.
    pub const fn new(
        storage_id: StorageId,
        run_id: RunId,
        status: DagsterRunStatus,
        update_timestamp: DateTime<Utc>,
    ) -> Self {
        Self { storage_id, run_id, status, update_timestamp, start_time: None }
    }
}

crate::setters! {
    impl ActiveRow {
        /// When the run began to execute, in seconds since 1970.
        with_start_time(start_time: impl Into<Option<f64>>);
    }
}

/// The runs that wait and those that go on. A look into the queue reads the rows of all of them, and the bodies of those
/// that are new or have changed.
#[async_trait]
pub trait RunQueueStore: std::fmt::Debug + Send + Sync + 'static {
    /// The rows of all runs whose status is one of [`ActiveRow::STATUSES`], as they are at one moment, in any order.
    async fn get_active_rows(&self) -> Result<Vec<ActiveRow>, StorageError>;

    /// The runs of these rows with their ids, in any order, whatever their status is by now. Rows that are gone are left
    /// out. A run that cannot be read does not keep others from being read.
    ///
    /// # Errors
    ///
    /// The store fails. That a run cannot be read is the error of this run alone.
    async fn get_active_runs(
        &self,
        ids: &[StorageId],
    ) -> Result<Vec<(StorageId, Result<RunRecord, StorageError>)>, StorageError>;
}
