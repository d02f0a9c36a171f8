//! A store that keeps nothing, as Dagster's `NoOpComputeLogManager`.

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::storage::{
    CapturedLogMetadata, ComputeIoType, ComputeLogCapture, ComputeLogKey, ComputeLogManager,
    ComputeLogPrefix, LogsToDelete,
};

/// A store that keeps nothing of what processes print. Every capture is complete, and nothing is in it.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoOpComputeLogManager;

#[async_trait]
impl ComputeLogManager for NoOpComputeLogManager {
    async fn capture_logs(
        &self,
        _log_key: &ComputeLogKey,
    ) -> Result<Box<dyn ComputeLogCapture>, StorageError> {
        Ok(Box::new(NoCapture))
    }

    async fn is_capture_complete(&self, _log_key: &ComputeLogKey) -> Result<bool, StorageError> {
        Ok(true)
    }

    async fn get_log_data_for_type(
        &self,
        _log_key: &ComputeLogKey,
        _io_type: ComputeIoType,
        _offset: u64,
        _max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(None)
    }

    async fn get_log_metadata(
        &self,
        _log_key: &ComputeLogKey,
    ) -> Result<CapturedLogMetadata, StorageError> {
        Ok(CapturedLogMetadata::new())
    }

    async fn get_log_keys_for_log_key_prefix(
        &self,
        _prefix: &ComputeLogPrefix,
        _io_type: ComputeIoType,
    ) -> Result<Vec<ComputeLogKey>, StorageError> {
        Ok(Vec::new())
    }

    async fn delete_logs(&self, _logs: LogsToDelete<'_>) -> Result<(), StorageError> {
        Ok(())
    }
}

/// A capture that is thrown away.
struct NoCapture;

#[async_trait]
impl ComputeLogCapture for NoCapture {
    async fn write(&self, _io_type: ComputeIoType, _bytes: &[u8]) -> Result<(), StorageError> {
        Ok(())
    }

    async fn complete(self: Box<Self>) -> Result<(), StorageError> {
        Ok(())
    }
}
