//! A run with what its row adds to it.

use chrono::{DateTime, Utc};

use crate::ids::{RunId, StorageId};
use crate::run::{DagsterRun, DagsterRunStatus};

/// A row of the `runs` table.
#[derive(Debug, Clone, PartialEq)]
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

/// A run with all that re-execute it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunGroup {
    /// The id of the first run.
    pub root_run_id: RunId,
    /// The first run, and then its re-executions.
    pub runs: Vec<DagsterRun>,
}

/// The newest run of a partition.
#[derive(Debug, Clone, PartialEq)]
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
