//! What code servers answer.

use std::collections::BTreeMap;

use crate::code_location::payloads::JobDataSnap;
use crate::error_info::SerializableErrorInfo;
use crate::ids::RunId;
use crate::run::RepositoryPythonOrigin;
use crate::serdes::Opaque;
use crate::serdes_class;

serdes_class! {
    /// A part of a job, or why there is none.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RemoteJobSubsetResult = "ExternalPipelineSubsetResult" {
        /// Why there is none.
        pub error: Option<SerializableErrorInfo> = "error",
        /// The part.
        pub job_data: Option<JobDataSnap> = "external_pipeline_data",
        /// The Python code of the repository; `None` from old servers.
        pub repository_python_origin: Option<RepositoryPythonOrigin> = "repository_python_origin",
        /// Whether there is one.
        pub success: bool = "success",
    }
}

serdes_class! {
    /// A plan that could not be made.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ExecutionPlanSnapshotErrorData = "ExecutionPlanSnapshotErrorData" {
        /// Why not.
        pub error: Option<SerializableErrorInfo> = "error",
    }
}

serdes_class! {
    /// The keys of a job's partitions.
    #[derive(Debug, Clone, PartialEq)]
    pub struct PartitionNamesSnap = "ExternalPartitionNamesData" {
        /// The keys, in the order of the definition.
        pub partition_names: Vec<String> = "partition_names" [or_default],
    }
}

serdes_class! {
    /// The configuration of the run of one partition.
    #[derive(Debug, Clone, PartialEq)]
    pub struct PartitionConfigSnap = "ExternalPartitionConfigData" {
        /// The key.
        pub name: String = "name",
        /// The configuration.
        pub run_config: Opaque = "run_config",
    }
}

serdes_class! {
    /// The tags of the run of one partition.
    #[derive(Debug, Clone, PartialEq)]
    pub struct PartitionTagsSnap = "ExternalPartitionTagsData" {
        /// The key.
        pub name: String = "name",
        /// The tags.
        pub tags: BTreeMap<String, String> = "tags" [or_default],
    }
}

serdes_class! {
    /// What code could not tell of a partition.
    #[derive(Debug, Clone, PartialEq)]
    pub struct PartitionExecutionErrorSnap = "ExternalPartitionExecutionErrorData" {
        /// Why not.
        pub error: Option<SerializableErrorInfo> = "error",
    }
}

serdes_class! {
    /// Whether the worker of a run was started.
    #[derive(Debug, Clone, PartialEq)]
    pub struct StartRunResult = "StartRunResult" {
        /// Why not, in one sentence.
        pub message: Option<String> = "message",
        /// Why not.
        pub serializable_error_info: Option<SerializableErrorInfo> = "serializable_error_info",
        /// Whether it was.
        pub success: bool = "success",
    }
}

serdes_class! {
    /// Whether the worker of a run was told to stop.
    #[derive(Debug, Clone, PartialEq)]
    pub struct CancelExecutionResult = "CancelExecutionResult" {
        /// Why not, in one sentence.
        pub message: Option<String> = "message",
        /// Why not.
        pub serializable_error_info: Option<SerializableErrorInfo> = "serializable_error_info",
        /// Whether it was.
        pub success: bool = "success",
    }
}

serdes_class! {
    /// Whether the server has the worker of a run.
    #[derive(Debug, Clone, PartialEq)]
    pub struct CanCancelExecutionResult = "CanCancelExecutionResult" {
        /// Whether it has.
        pub can_cancel: bool = "can_cancel",
    }
}

serdes_class! {
    /// The runs whose workers the server has.
    #[derive(Debug, Clone, PartialEq)]
    pub struct GetCurrentRunsResult = "GetCurrentRunsResult" {
        /// The runs.
        pub current_runs: Vec<RunId> = "current_runs" [or_default],
        /// Why they cannot be told.
        pub serializable_error_info: Option<SerializableErrorInfo> = "serializable_error_info",
    }
}

serdes_class! {
    /// The image of the server's container.
    #[derive(Debug, Clone, PartialEq)]
    pub struct GetCurrentImageResult = "GetCurrentImageResult" {
        /// The image; `None` if the server does not know one.
        pub current_image: Option<String> = "current_image",
        /// Why it cannot be told.
        pub serializable_error_info: Option<SerializableErrorInfo> = "serializable_error_info",
    }
}

serdes_class! {
    /// Whether the server is going to end.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ShutdownServerResult = "ShutdownServerResult" {
        /// Why not.
        pub serializable_error_info: Option<SerializableErrorInfo> = "serializable_error_info",
        /// Whether it is.
        pub success: bool = "success",
    }
}
