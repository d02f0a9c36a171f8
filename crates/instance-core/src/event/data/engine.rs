//! What the events of the machinery around runs carry.

use crate::error_info::SerializableErrorInfo;
use crate::event::MetadataEntry;
use crate::serdes::UnknownFields;
use crate::serdes_class;

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
        pub shell_cmd: Option<LogRetrievalShellCommand> = "shell_cmd",
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
        /// The metadata.
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
    /// The commands with which a user can see captured logs.
    #[derive(Debug, Clone, PartialEq)]
    pub struct LogRetrievalShellCommand = "LogRetrievalShellCommand" {
        /// The command for stderr.
        pub stderr: Option<String> = "stderr",
        /// The command for stdout.
        pub stdout: Option<String> = "stdout",
    }
}

serdes_class! {
    /// A code location was updated.
    #[derive(Debug, Clone, PartialEq)]
    pub struct CodeLocationUpdatedData = "CodeLocationUpdatedData" {
        /// The name of the code location.
        pub code_location_name: String = "code_location_name",
        /// The version that it has now.
        pub new_version_key: String = "new_version_key",
    }
}
