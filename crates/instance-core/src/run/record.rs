//! A run with what its row adds to it.

use chrono::{DateTime, Utc};

use crate::ids::{RunId, StorageId};
use crate::run::{DagsterRun, DagsterRunStatus};

/// A row of the `runs` table.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunRecord {
    /// The id of the row; later runs have greater ones.
    pub storage_id: StorageId,
    /// The run, with the status of the row's column.
    pub dagster_run: DagsterRun,
    /// When the row was written.
    pub create_timestamp: DateTime<Utc>,
    /// When the row was last changed.
    pub update_timestamp: DateTime<Utc>,
    /// When the run began to execute, in seconds since 1970; `None` if it has not.
    pub start_time: Option<f64>,
    /// When the run ended, in seconds since 1970; `None` if it has not.
    pub end_time: Option<f64>,
}

impl RunRecord {
    /// The row of a run that has not begun.
    pub fn new(
        storage_id: StorageId,
        dagster_run: DagsterRun,
        create_timestamp: DateTime<Utc>,
        update_timestamp: DateTime<Utc>,
    ) -> Self {
        Self {
            storage_id,
            dagster_run,
            create_timestamp,
            update_timestamp,
            start_time: None,
            end_time: None,
        }
    }
}

crate::setters! {
    impl RunRecord {
        /// When the run began to execute, in seconds since 1970.
        with_start_time(start_time: impl Into<Option<f64>>);
        /// When the run ended, in seconds since 1970.
        with_end_time(end_time: impl Into<Option<f64>>);
    }
}

/// A run with all that re-execute it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunGroup {
    /// The id of the first run.
    pub root_run_id: RunId,
    /// The first run, and then its re-executions.
    pub runs: Vec<DagsterRun>,
}

impl RunGroup {
    /// The first run, by its id, and the runs of the group, the first one first.
    pub fn new(root_run_id: RunId, runs: Vec<DagsterRun>) -> Self {
        Self { root_run_id, runs }
    }
}

/// The newest run of a partition.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunPartitionData {
    /// The run.
    pub run_id: RunId,
    /// The partition.
    pub partition: String,
    /// The status of the run.
    pub status: DagsterRunStatus,
    /// When it began, in seconds since 1970; `None` if it has not.
    pub start_time: Option<f64>,
    /// When it ended, in seconds since 1970; `None` if it has not.
    pub end_time: Option<f64>,
}

impl RunPartitionData {
    /// The newest run of a partition, which has not begun.
    pub fn new(run_id: RunId, partition: impl Into<String>, status: DagsterRunStatus) -> Self {
        Self { run_id, partition: partition.into(), status, start_time: None, end_time: None }
    }
}

crate::setters! {
    impl RunPartitionData {
        /// When the run began, in seconds since 1970.
        with_start_time(start_time: impl Into<Option<f64>>);
        /// When the run ended, in seconds since 1970.
        with_end_time(end_time: impl Into<Option<f64>>);
    }
}
