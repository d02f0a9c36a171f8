//! The place of a store that this version does not have.

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::settings::ComputeLogSettings;
use instance_core::storage::{
    CapturedLogMetadata, ComputeIoType, ComputeLogCapture, ComputeLogKey, ComputeLogManager,
    ComputeLogPrefix, LogsToDelete,
};

/// The place of a store of what processes print that this version or this build does not have, or whose configuration is
/// wrong. Every method of it is an error that says so.
#[derive(Debug, Clone)]
pub struct UnservedComputeLogManager {
    reason: String,
}

impl UnservedComputeLogManager {
    /// The place of the store that settings name.
    pub fn new(settings: &ComputeLogSettings) -> Self {
        let reason = match settings {
            ComputeLogSettings::Unusable(problems) => problems.to_string(),
            ComputeLogSettings::S3(_) => format!(
                "they are in {settings}, in which Dagster's S3ComputeLogManager keeps them; this build does not have \
                 it: build with the feature `s3`"
            ),
            other => format!(
                "they are in {other}; it has Dagster's LocalComputeLogManager, S3ComputeLogManager (feature `s3`) and \
                 NoOpComputeLogManager, and a program can give the builder a store of its own"
            ),
        };
        Self { reason }
    }

    /// The place of a store that cannot be made.
    #[cfg(feature = "s3")]
    pub(super) fn because(error: &StorageError) -> Self {
        Self { reason: error.to_string() }
    }

    fn refused<T>(&self) -> Result<T, StorageError> {
        Err(StorageError::Unsupported {
            what: "captured logs".to_owned(),
            reason: self.reason.clone(),
        })
    }
}

#[async_trait]
impl ComputeLogManager for UnservedComputeLogManager {
    async fn capture_logs(
        &self,
        _log_key: &ComputeLogKey,
    ) -> Result<Box<dyn ComputeLogCapture>, StorageError> {
        self.refused()
    }

    async fn is_capture_complete(&self, _log_key: &ComputeLogKey) -> Result<bool, StorageError> {
        self.refused()
    }

    async fn get_log_data_for_type(
        &self,
        _log_key: &ComputeLogKey,
        _io_type: ComputeIoType,
        _offset: u64,
        _max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        self.refused()
    }

    async fn get_log_metadata(
        &self,
        _log_key: &ComputeLogKey,
    ) -> Result<CapturedLogMetadata, StorageError> {
        self.refused()
    }

    async fn get_log_keys_for_log_key_prefix(
        &self,
        _prefix: &ComputeLogPrefix,
        _io_type: ComputeIoType,
    ) -> Result<Vec<ComputeLogKey>, StorageError> {
        self.refused()
    }

    async fn delete_logs(&self, _logs: LogsToDelete<'_>) -> Result<(), StorageError> {
        self.refused()
    }
}
