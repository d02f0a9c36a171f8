//! The place of a store that this version does not have.

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::settings::ComputeLogSettings;
use instance_core::storage::{
    CapturedLogMetadata, ComputeIoType, ComputeLogCapture, ComputeLogKey, ComputeLogManager,
    ComputeLogPrefix, LogsToDelete,
};

/// The place of a store of what processes print that this version does not have, or whose configuration is wrong. Every
/// method of it is an error that says so.
#[derive(Debug, Clone)]
pub struct UnservedComputeLogManager {
    place: String,
    reason: String,
}

impl UnservedComputeLogManager {
    /// The place of the store that settings name.
    pub fn new(settings: &ComputeLogSettings) -> Self {
        let (place, reason) = match settings {
            ComputeLogSettings::Unusable(problems) => {
                ("captured logs".to_owned(), problems.to_string())
            }
            other => (
                "captured logs".to_owned(),
                format!(
                    "they are in {other}; it has Dagster's LocalComputeLogManager and NoOpComputeLogManager, and a \
                     program can give the builder a store of its own"
                ),
            ),
        };
        Self { place, reason }
    }

    fn refused<T>(&self) -> Result<T, StorageError> {
        Err(StorageError::Unsupported { what: self.place.clone(), reason: self.reason.clone() })
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
