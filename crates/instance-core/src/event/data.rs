//! What events carry beside their message, by type of event.

use crate::asset_key::AssetKey;
use crate::error_info::SerializableErrorInfo;
use crate::event::{
    AssetObservationData, DagsterEvent, MetadataEntry, StepMaterializationData, StepOutputHandle,
};
use crate::serdes::{Opaque, UnknownFields};
use crate::{serdes_class, serdes_enum, serdes_union};

serdes_union! {
    /// The data of an event, one class for each kind of event that has data.
    pub enum EventSpecificData {
        /// An observation.
        AssetObservation(AssetObservationData),
        /// A planned materialisation.
        AssetMaterializationPlanned(AssetMaterializationPlannedData),
        /// The capture of a process's output.
        ComputeLogsCapture(ComputeLogsCaptureData),
        /// A report of the machinery around a run.
        EngineEvent(EngineEventData),
        /// The cancellation of a run.
        JobCanceled(JobCanceledData),
        /// The failure of a run.
        JobFailure(JobFailureData),
        /// The failure of a step.
        StepFailure(StepFailureData),
        /// A materialisation.
        StepMaterialization(StepMaterializationData),
        /// An output of a step.
        StepOutput(StepOutputData),
        /// The success of a step.
        StepSuccess(StepSuccessData),
    }
}

serdes_class! {
    /// A run is going to materialise an asset.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetMaterializationPlannedData = "AssetMaterializationPlannedData" {
        /// The asset.
        pub asset_key: AssetKey = "asset_key",
        /// The partition; `None` for the whole asset or for a range.
        pub partition: Option<String> = "partition",
        /// The partitions of a range.
        pub partitions_subset: Option<Opaque> = "partitions_subset",
    }
}

serdes_class! {
    /// Where the output of a process is captured.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ComputeLogsCaptureData = "ComputeLogsCaptureData" {
        /// Where stderr is, if outside of the compute log manager.
        pub external_stderr_url: Option<String> = "external_stderr_url",
        /// Where stdout is, if outside of the compute log manager.
        pub external_stdout_url: Option<String> = "external_stdout_url",
        /// Where both are, if outside of the compute log manager.
        pub external_url: Option<String> = "external_url",
        /// The last part of the key of the captured logs.
        pub file_key: String = "log_key",
        /// The command with which a user can see them.
        pub shell_cmd: Option<Opaque> = "shell_cmd",
        /// The steps whose output is captured.
        pub step_keys: Option<Vec<String>> = "step_keys",
    }
}

impl ComputeLogsCaptureData {
    /// A capture by the compute log manager of the instance.
    pub fn new(file_key: impl Into<String>, step_keys: Vec<String>) -> Self {
        Self {
            external_stderr_url: None,
            external_stdout_url: None,
            external_url: None,
            file_key: file_key.into(),
            shell_cmd: None,
            step_keys: Some(step_keys),
            unknown: UnknownFields::default(),
        }
    }
}

serdes_class! {
    /// A report of the machinery around a run.
    #[derive(Debug, Clone, PartialEq, Default)]
    pub struct EngineEventData = "EngineEventData" {
        /// What went wrong, if something did.
        pub error: Option<SerializableErrorInfo> = "error",
        /// The name of a span that ends here.
        pub marker_end: Option<String> = "marker_end",
        /// The name of a span that begins here.
        pub marker_start: Option<String> = "marker_start",
        /// What is to be known of it.
        pub metadata: Vec<MetadataEntry> = "metadata_entries",
    }
}

impl EngineEventData {
    /// A report with metadata.
    pub fn new(metadata: Vec<MetadataEntry>) -> Self {
        Self { metadata, ..Self::default() }
    }

    /// A report of an error.
    pub fn engine_error(error: SerializableErrorInfo) -> Self {
        Self { error: Some(error), ..Self::default() }
    }
}

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

serdes_enum! {
    /// Where the error of a step came from.
    pub enum ErrorSource = "ErrorSource" {
        /// Dagster itself.
        FrameworkError = "FRAMEWORK_ERROR",
        /// The user's code.
        UserCodeError = "USER_CODE_ERROR",
        /// The process was interrupted.
        Interrupt = "INTERRUPT",
        /// Dagster, in a way that nobody foresaw.
        UnexpectedError = "UNEXPECTED_ERROR",
    }
}

serdes_class! {
    /// The failure of a step.
    #[derive(Debug, Clone, PartialEq)]
    pub struct StepFailureData = "StepFailureData" {
        /// The error.
        pub error: Option<SerializableErrorInfo> = "error",
        /// Where the error came from.
        pub error_source: Option<ErrorSource> = "error_source",
        /// What the user's code said of it.
        pub user_failure_data: Option<Opaque> = "user_failure_data",
    }
}

serdes_class! {
    /// An output of a step.
    #[derive(Debug, Clone, PartialEq)]
    pub struct StepOutputData = "StepOutputData" {
        /// What is to be known of it.
        pub metadata: Vec<MetadataEntry> = "metadata_entries",
        /// The output.
        pub step_output_handle: StepOutputHandle = "step_output_handle",
        /// Whether its type was right.
        pub type_check_data: Option<TypeCheckData> = "type_check_data",
        /// The version of the output, in old versions.
        pub version: Option<String> = "version",
    }
}

serdes_class! {
    /// Whether a value had the type that was declared.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TypeCheckData = "TypeCheckData" {
        /// What the check said.
        pub description: Option<String> = "description",
        /// The name of the value.
        pub label: String = "label",
        /// What is to be known of it.
        pub metadata: Vec<MetadataEntry> = "metadata_entries",
        /// Whether the type was right.
        pub success: bool = "success",
    }
}

serdes_class! {
    /// The success of a step.
    #[derive(Debug, Clone, PartialEq)]
    pub struct StepSuccessData = "StepSuccessData" {
        /// How long the step took, in milliseconds.
        pub duration_ms: f64 = "duration_ms",
    }
}
