//! The types of events.

use crate::run::DagsterRunStatus;

/// Declares the types with the text that stands in the database.
macro_rules! event_types {
    ($( $(#[$meta:meta])* $name:ident = $text:literal ),* $(,)?) => {
        /// What an event reports. The text of a run's events begins with `PIPELINE_`, their old name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum DagsterEventType { $( $(#[$meta])* $name, )* }

        impl DagsterEventType {
            /// Every type that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The text that stands in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$name => $text, )* }
            }

            /// The type of this text; `None` for one that a newer Dagster added.
            pub fn from_value(text: &str) -> Option<Self> {
                match text { $( $text => Some(Self::$name), )* _ => None }
            }
        }
    };
}

event_types! {
    /// A step yielded an output.
    StepOutput = "STEP_OUTPUT",
    /// A step received an input.
    StepInput = "STEP_INPUT",
    /// A step failed.
    StepFailure = "STEP_FAILURE",
    /// A step began.
    StepStart = "STEP_START",
    /// A step succeeded.
    StepSuccess = "STEP_SUCCESS",
    /// A step was skipped.
    StepSkipped = "STEP_SKIPPED",
    /// The worker of a step is being launched.
    StepWorkerStarting = "STEP_WORKER_STARTING",
    /// The worker of a step is there.
    StepWorkerStarted = "STEP_WORKER_STARTED",
    /// The resources of a step are being made.
    ResourceInitStarted = "RESOURCE_INIT_STARTED",
    /// The resources of a step are there.
    ResourceInitSuccess = "RESOURCE_INIT_SUCCESS",
    /// A resource of a step could not be made.
    ResourceInitFailure = "RESOURCE_INIT_FAILURE",
    /// A step failed and waits to be tried again.
    StepUpForRetry = "STEP_UP_FOR_RETRY",
    /// A step is tried again.
    StepRestarted = "STEP_RESTARTED",
    /// An asset was materialised.
    AssetMaterialization = "ASSET_MATERIALIZATION",
    /// A run is going to materialise an asset.
    AssetMaterializationPlanned = "ASSET_MATERIALIZATION_PLANNED",
    /// A run did not materialise an asset that it was going to.
    AssetFailedToMaterialize = "ASSET_FAILED_TO_MATERIALIZE",
    /// An asset was observed.
    AssetObservation = "ASSET_OBSERVATION",
    /// An expectation was checked.
    StepExpectationResult = "STEP_EXPECTATION_RESULT",
    /// A run is going to evaluate an asset check.
    AssetCheckEvaluationPlanned = "ASSET_CHECK_EVALUATION_PLANNED",
    /// An asset check was evaluated.
    AssetCheckEvaluation = "ASSET_CHECK_EVALUATION",
    /// The health of an asset changed.
    AssetHealthChanged = "ASSET_HEALTH_CHANGED",
    /// An asset was wiped.
    AssetWiped = "ASSET_WIPED",
    /// A run was queued.
    RunEnqueued = "PIPELINE_ENQUEUED",
    /// A run left the queue.
    RunDequeued = "PIPELINE_DEQUEUED",
    /// A run is being launched.
    RunStarting = "PIPELINE_STARTING",
    /// A run began to execute.
    RunStart = "PIPELINE_START",
    /// A run succeeded.
    RunSuccess = "PIPELINE_SUCCESS",
    /// A run failed.
    RunFailure = "PIPELINE_FAILURE",
    /// A run was asked to stop.
    RunCanceling = "PIPELINE_CANCELING",
    /// A run was stopped.
    RunCanceled = "PIPELINE_CANCELED",
    /// A run was suspended.
    RunSuspended = "RUN_SUSPENDED",
    /// A suspended run goes on.
    RunResumed = "RUN_RESUMED",
    /// An intermediate value was moved, in old versions.
    ObjectStoreOperation = "OBJECT_STORE_OPERATION",
    /// An asset was moved, in old versions.
    AssetStoreOperation = "ASSET_STORE_OPERATION",
    /// An IO manager loaded an input.
    LoadedInput = "LOADED_INPUT",
    /// An IO manager stored an output.
    HandledOutput = "HANDLED_OUTPUT",
    /// The machinery around the run reports something.
    EngineEvent = "ENGINE_EVENT",
    /// A hook ran.
    HookCompleted = "HOOK_COMPLETED",
    /// A hook failed.
    HookErrored = "HOOK_ERRORED",
    /// A hook was skipped.
    HookSkipped = "HOOK_SKIPPED",
    /// An alert is being sent.
    AlertStart = "ALERT_START",
    /// An alert was sent.
    AlertSuccess = "ALERT_SUCCESS",
    /// An alert could not be sent.
    AlertFailure = "ALERT_FAILURE",
    /// The output of a process is captured.
    LogsCaptured = "LOGS_CAPTURED",
    /// The freshness of an asset was evaluated.
    FreshnessStateEvaluation = "FRESHNESS_STATE_EVALUATION",
    /// The freshness of an asset changed.
    FreshnessStateChange = "FRESHNESS_STATE_CHANGE",
    /// A code location was updated.
    CodeLocationUpdated = "CODE_LOCATION_UPDATED",
}

impl DagsterEventType {
    /// The status that a run has after this event; `None` if the event does not change it.
    pub const fn run_status(self) -> Option<DagsterRunStatus> {
        Some(match self {
            Self::RunStart | Self::RunResumed => DagsterRunStatus::Started,
            Self::RunSuccess => DagsterRunStatus::Success,
            Self::RunFailure => DagsterRunStatus::Failure,
            Self::RunEnqueued => DagsterRunStatus::Queued,
            Self::RunStarting => DagsterRunStatus::Starting,
            Self::RunCanceling => DagsterRunStatus::Canceling,
            Self::RunCanceled => DagsterRunStatus::Canceled,
            Self::RunSuspended => DagsterRunStatus::Suspended,
            _ => return None,
        })
    }

    /// Whether the event is about an asset, and found by asset across runs.
    pub const fn is_asset_event(self) -> bool {
        matches!(
            self,
            Self::AssetMaterialization
                | Self::AssetObservation
                | Self::AssetMaterializationPlanned
                | Self::AssetFailedToMaterialize
                | Self::FreshnessStateChange
        )
    }

    /// Whether the event changes the record of its asset.
    pub const fn changes_asset(self) -> bool {
        matches!(
            self,
            Self::AssetMaterialization | Self::AssetMaterializationPlanned | Self::AssetObservation
        )
    }

    /// Whether the event is about an asset check.
    pub const fn is_asset_check_event(self) -> bool {
        matches!(self, Self::AssetCheckEvaluation | Self::AssetCheckEvaluationPlanned)
    }
}

impl std::fmt::Display for DagsterEventType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
