//! No captured logs at all, as Dagster's `NoOpComputeLogManager`.

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::storage::{
    CapturedLogMetadata, ComputeIoType, ComputeLogCapture, ComputeLogKey, ComputeLogManager,
    ComputeLogPrefix, LogsToDelete,
};

/// A store that keeps nothing. What is written to it is gone, and every capture counts as complete from the
/// beginning, so that nobody waits for output that does not come.
///
/// It takes every key and every prefix, also those that other stores refuse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoOpComputeLogManager;

impl NoOpComputeLogManager {
    /// The store that keeps nothing.
    pub const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl ComputeLogManager for NoOpComputeLogManager {
    async fn capture_logs(
        &self,
        _: &ComputeLogKey,
    ) -> Result<Box<dyn ComputeLogCapture>, StorageError> {
        Ok(Box::new(NoOpCapture))
    }

    async fn is_capture_complete(&self, _: &ComputeLogKey) -> Result<bool, StorageError> {
        Ok(true)
    }

    async fn get_log_data_for_type(
        &self,
        _: &ComputeLogKey,
        _: ComputeIoType,
        _: u64,
        _: usize,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(None)
    }

    async fn get_log_metadata(
        &self,
        _: &ComputeLogKey,
    ) -> Result<CapturedLogMetadata, StorageError> {
        Ok(CapturedLogMetadata::new())
    }

    async fn get_log_keys_for_log_key_prefix(
        &self,
        _: &ComputeLogPrefix,
        _: ComputeIoType,
    ) -> Result<Vec<ComputeLogKey>, StorageError> {
        Ok(Vec::new())
    }

    async fn delete_logs(&self, _: LogsToDelete<'_>) -> Result<(), StorageError> {
        Ok(())
    }
}

#[derive(Debug)]
struct NoOpCapture;

#[async_trait]
impl ComputeLogCapture for NoOpCapture {
    async fn write(&self, _: ComputeIoType, _: &[u8]) -> Result<(), StorageError> {
        Ok(())
    }

    async fn complete(self: Box<Self>) -> Result<(), StorageError> {
        Ok(())
    }
}
