//! What events carry beside their message, by type of event.

mod asset;
mod engine;
mod run;
mod step;

pub use asset::{
    AssetFailedToMaterializeData, AssetHealthChangedData, AssetHealthStatus,
    AssetMaterializationFailure, AssetMaterializationFailureReason,
    AssetMaterializationFailureType, AssetMaterializationPlannedData, AssetWipedData,
    FreshnessStateChange, FreshnessStateEvaluation,
};
pub use engine::{
    CodeLocationUpdatedData, ComputeLogsCaptureData, EngineEventData, LogRetrievalShellCommand,
};
pub use run::{JobCanceledData, JobFailureData, RunEnqueuedData, RunFailureReason};
pub use step::{
    ErrorSource, ExpectationResult, HandledOutputData, HookErroredData, LoadedInputData,
    ObjectStoreOperationResultData, StepExpectationResultData, StepFailureData, StepInputData,
    StepOutputData, StepRetryData, StepSuccessData, TypeCheckData, UserFailureData,
};

use crate::assets::{AssetCheckEvaluation, AssetCheckEvaluationPlanned};
use crate::event::{AssetObservationData, StepMaterializationData};
use crate::serdes_union;

serdes_union! {
    /// The data of an event, one class for each kind of event that has data.
    pub enum EventSpecificData {
        /// The evaluation of an asset check.
        AssetCheckEvaluation(AssetCheckEvaluation),
        /// A planned evaluation of an asset check.
        AssetCheckEvaluationPlanned(AssetCheckEvaluationPlanned),
        /// A materialisation that did not come about.
        AssetFailedToMaterialize(AssetFailedToMaterializeData),
        /// A change of an asset's health.
        AssetHealthChanged(AssetHealthChangedData),
        /// A planned materialisation.
        AssetMaterializationPlanned(AssetMaterializationPlannedData),
        /// An observation.
        AssetObservation(AssetObservationData),
        /// A wipe.
        AssetWiped(AssetWipedData),
        /// An update of a code location.
        CodeLocationUpdated(CodeLocationUpdatedData),
        /// The capture of a process's output.
        ComputeLogsCapture(ComputeLogsCaptureData),
        /// A report of the machinery around a run.
        EngineEvent(EngineEventData),
        /// A change of an asset's freshness.
        FreshnessStateChange(FreshnessStateChange),
        /// An evaluation of an asset's freshness.
        FreshnessStateEvaluation(FreshnessStateEvaluation),
        /// An output that was stored.
        HandledOutput(HandledOutputData),
        /// A hook that failed.
        HookErrored(HookErroredData),
        /// The cancellation of a run.
        JobCanceled(JobCanceledData),
        /// The failure of a run.
        JobFailure(JobFailureData),
        /// An input that was loaded.
        LoadedInput(LoadedInputData),
        /// An intermediate value that was moved.
        ObjectStoreOperation(ObjectStoreOperationResultData),
        /// A run that was queued.
        RunEnqueued(RunEnqueuedData),
        /// An expectation that was checked.
        StepExpectationResult(StepExpectationResultData),
        /// The failure of a step.
        StepFailure(StepFailureData),
        /// An input of a step.
        StepInput(StepInputData),
        /// A materialisation.
        StepMaterialization(StepMaterializationData),
        /// An output of a step.
        StepOutput(StepOutputData),
        /// A step that is to be tried again.
        StepRetry(StepRetryData),
        /// The success of a step.
        StepSuccess(StepSuccessData),
    }
}
