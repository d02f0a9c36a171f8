//! What the events of steps carry.

use crate::error_info::SerializableErrorInfo;
use crate::event::{MetadataEntry, StepOutputHandle};
use crate::serdes::{Number, Opaque};
use crate::{serdes_class, serdes_enum};

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
        pub user_failure_data: Option<UserFailureData> = "user_failure_data",
    }
}

serdes_class! {
    /// An output of a step.
    #[derive(Debug, Clone, PartialEq)]
    pub struct StepOutputData = "StepOutputData" {
        /// A field of old versions.
        pub intermediate_materialization: Option<Opaque> = "intermediate_materialization" [skip],
        /// The metadata.
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
        /// The metadata.
        pub metadata: Vec<MetadataEntry> = "metadata_entries",
        /// Whether the type was right.
        pub success: bool = "success" [or_default],
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

serdes_class! {
    /// What the user's code said of its failure.
    #[derive(Debug, Clone, PartialEq)]
    pub struct UserFailureData = "UserFailureData" {
        /// The description.
        pub description: Option<String> = "description",
        /// The label.
        pub label: String = "label",
        /// The metadata.
        pub metadata: Vec<MetadataEntry> = "metadata_entries",
    }
}

serdes_class! {
    /// An input of a step.
    #[derive(Debug, Clone, PartialEq)]
    pub struct StepInputData = "StepInputData" {
        /// The name of the input.
        pub input_name: String = "input_name",
        /// Whether its type was right.
        pub type_check_data: TypeCheckData = "type_check_data",
    }
}

serdes_class! {
    /// A step failed and is to be tried again.
    #[derive(Debug, Clone, PartialEq)]
    pub struct StepRetryData = "StepRetryData" {
        /// The error.
        pub error: Option<SerializableErrorInfo> = "error",
        /// How long to wait before, in seconds.
        pub seconds_to_wait: Option<Number> = "seconds_to_wait",
    }
}

serdes_class! {
    /// An expectation was checked.
    #[derive(Debug, Clone, PartialEq)]
    pub struct StepExpectationResultData = "StepExpectationResultData" {
        /// The result.
        pub expectation_result: ExpectationResult = "expectation_result",
    }
}

serdes_class! {
    /// The result of checking an expectation.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ExpectationResult = "ExpectationResult" {
        /// The description.
        pub description: Option<String> = "description",
        /// The label.
        pub label: Option<String> = "label",
        /// The metadata.
        pub metadata: Vec<MetadataEntry> = "metadata_entries",
        /// Whether it was met.
        pub success: bool = "success" [or_default],
    }
}

serdes_class! {
    /// An IO manager stored an output.
    #[derive(Debug, Clone, PartialEq)]
    pub struct HandledOutputData = "HandledOutputData" {
        /// The key of the IO manager.
        pub manager_key: String = "manager_key",
        /// The metadata.
        pub metadata: Vec<MetadataEntry> = "metadata_entries",
        /// The name of the output.
        pub output_name: String = "output_name",
    }
}

serdes_class! {
    /// An IO manager loaded an input.
    #[derive(Debug, Clone, PartialEq)]
    pub struct LoadedInputData = "LoadedInputData" {
        /// The name of the input.
        pub input_name: String = "input_name",
        /// The key of the IO manager.
        pub manager_key: String = "manager_key",
        /// The metadata.
        pub metadata: Vec<MetadataEntry> = "metadata_entries",
        /// The name of the output that it loaded.
        pub upstream_output_name: Option<String> = "upstream_output_name",
        /// The step of that output.
        pub upstream_step_key: Option<String> = "upstream_step_key",
    }
}

serdes_class! {
    /// An intermediate value was moved, in old versions.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ObjectStoreOperationResultData = "ObjectStoreOperationResultData" {
        /// Where it is.
        pub address: Option<String> = "address",
        /// The key of a dynamic output.
        pub mapping_key: Option<String> = "mapping_key",
        /// The metadata.
        pub metadata: Vec<MetadataEntry> = "metadata_entries",
        /// What was done.
        pub op: Opaque = "op",
        /// The name of the value.
        pub value_name: Option<String> = "value_name",
        /// The version of the value.
        pub version: Option<String> = "version",
    }
}

serdes_class! {
    /// A hook failed.
    #[derive(Debug, Clone, PartialEq)]
    pub struct HookErroredData = "HookErroredData" {
        /// The error.
        pub error: SerializableErrorInfo = "error",
    }
}
