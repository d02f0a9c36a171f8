//! A run with what its row adds to it.

use chrono::{DateTime, Utc};

use crate::ids::StorageId;
use crate::run::DagsterRun;

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
