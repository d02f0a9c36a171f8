//! What the events of runs carry.

use crate::error_info::SerializableErrorInfo;
use crate::event::DagsterEvent;
use crate::{serdes_class, serdes_enum};

serdes_class! {
    /// The cancellation of a run.
    #[derive(Debug, Clone, PartialEq)]
    pub struct JobCanceledData = "PipelineCanceledData" {
        /// The error by which the execution was left, if any.
        pub error: Option<SerializableErrorInfo> = "error",
    }
}

serdes_enum! {
    /// Why a run failed. Dagster stores it as a tag, too.
    pub enum RunFailureReason = "RunFailureReason" {
        /// The run's process went away without a word.
        UnexpectedTermination = "UNEXPECTED_TERMINATION",
        /// The run's process ended with an error outside of a step.
        RunException = "RUN_EXCEPTION",
        /// A step failed.
        StepFailure = "STEP_FAILURE",
        /// The job could not be initialised.
        JobInitializationFailure = "JOB_INITIALIZATION_FAILURE",
        /// The run did not begin in time.
        StartTimeout = "START_TIMEOUT",
        /// The run's process was started a second time.
        RunWorkerRestart = "RUN_WORKER_RESTART",
        /// Not known.
        Unknown = "UNKNOWN",
    }
}

serdes_class! {
    /// The failure of a run.
    #[derive(Debug, Clone, PartialEq)]
    pub struct JobFailureData = "PipelineFailureData" {
        /// The error outside of a step, if any.
        pub error: Option<SerializableErrorInfo> = "error",
        /// Why the run failed.
        pub failure_reason: Option<RunFailureReason> = "failure_reason",
        /// The first step that failed, as an event.
        pub first_step_failure_event: Option<Box<DagsterEvent>> = "first_step_failure_event",
    }
}

serdes_class! {
    /// A run was queued.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RunEnqueuedData = "RunEnqueuedData" {
        /// The code location of its job.
        pub code_location_name: String = "code_location_name",
        /// Its partition.
        pub partition_key: Option<String> = "partition_key",
        /// The repository of its job.
        pub repository_name: String = "repository_name",
    }
}
