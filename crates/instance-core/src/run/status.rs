//! The status of a run.

use crate::event::DagsterEventType;
use crate::serdes_enum;

serdes_enum! {
    /// Where a run stands in its life.
    pub enum DagsterRunStatus = "PipelineRunStatus" {
        /// Waits in a queue.
        Queued = "QUEUED",
        /// Created, not yet submitted.
        NotStarted = "NOT_STARTED",
        /// Executed by something that Dagster does not control, such as Airflow.
        Managed = "MANAGED",
        /// Being launched; no step has begun.
        Starting = "STARTING",
        /// Executing.
        Started = "STARTED",
        /// Suspended, to be resumed.
        Suspended = "SUSPENDED",
        /// Finished without an error.
        Success = "SUCCESS",
        /// Finished with an error.
        Failure = "FAILURE",
        /// Asked to stop, still executing.
        Canceling = "CANCELING",
        /// Stopped before its end.
        Canceled = "CANCELED",
    }
}

impl DagsterRunStatus {
    /// The types of the events by which runs end.
    pub const ENDING_EVENTS: [DagsterEventType; 3] =
        [DagsterEventType::RunSuccess, DagsterEventType::RunFailure, DagsterEventType::RunCanceled];

    /// Whether a run of this status will do nothing more.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Success | Self::Failure | Self::Canceled)
    }
}
