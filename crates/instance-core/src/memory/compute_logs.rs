//! What processes print, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::error::StorageError;
use crate::storage::{
    CapturedLogMetadata, ComputeIoType, ComputeLogCapture, ComputeLogKey, ComputeLogManager,
    ComputeLogPrefix, LogsToDelete,
};

/// The store of what processes print, in memory. Clones are handles to the same store.
///
/// Nothing of it can be shown or downloaded by an address, so [`CapturedLogMetadata`] is always empty. If the
/// output of a running capture is deleted, what the capture writes afterwards is lost.
#[derive(Debug, Clone, Default)]
pub struct MemoryComputeLogManager {
    outputs: Arc<Mutex<BTreeMap<ComputeLogKey, Arc<Mutex<Output>>>>>,
}

/// Both outputs of one process.
#[derive(Debug, Default)]
struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    is_complete: bool,
}

impl Output {
    const fn bytes_mut(&mut self, io_type: ComputeIoType) -> &mut Vec<u8> {
        match io_type {
            ComputeIoType::Stdout => &mut self.stdout,
            ComputeIoType::Stderr => &mut self.stderr,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryComputeLogManager {
    /// The output of a key, if there is one.
    fn output(&self, log_key: &ComputeLogKey) -> Result<Option<Arc<Mutex<Output>>>, StorageError> {
        require_name(log_key)?;
        Ok(lock(&self.outputs).get(log_key).cloned())
    }
}

fn require_name(log_key: &ComputeLogKey) -> Result<(), StorageError> {
    if log_key.0.is_empty() {
        return Err(StorageError::Unsupported {
            what: "the empty log key".to_owned(),
            reason: "a key has one part or more; the last one names the process".to_owned(),
        });
    }
    Ok(())
}

#[async_trait]
impl ComputeLogManager for MemoryComputeLogManager {
    async fn capture_logs(
        &self,
        log_key: &ComputeLogKey,
    ) -> Result<Box<dyn ComputeLogCapture>, StorageError> {
        require_name(log_key)?;
        let output = Arc::clone(lock(&self.outputs).entry(log_key.clone()).or_default());
        lock(&output).is_complete = false;
        Ok(Box::new(MemoryCapture { output }))
    }

    async fn is_capture_complete(&self, log_key: &ComputeLogKey) -> Result<bool, StorageError> {
        Ok(self.output(log_key)?.is_some_and(|output| lock(&output).is_complete))
    }

    async fn get_log_data_for_type(
        &self,
        log_key: &ComputeLogKey,
        io_type: ComputeIoType,
        offset: u64,
        max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        let read = |output: Arc<Mutex<Output>>| {
            let mut output = lock(&output);
            let bytes = output.bytes_mut(io_type);
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            let end = start.saturating_add(max_bytes).min(bytes.len());
            bytes.get(start..end).unwrap_or_default().to_vec()
        };
        Ok(self.output(log_key)?.map(read))
    }

    async fn get_log_metadata(
        &self,
        log_key: &ComputeLogKey,
    ) -> Result<CapturedLogMetadata, StorageError> {
        require_name(log_key)?;
        Ok(CapturedLogMetadata::default())
    }

    async fn get_log_keys_for_log_key_prefix(
        &self,
        prefix: &ComputeLogPrefix,
        _: ComputeIoType,
    ) -> Result<Vec<ComputeLogKey>, StorageError> {
        // A key has both outputs from the beginning.
        let outputs = lock(&self.outputs);
        let is_below = |key: &&ComputeLogKey| {
            key.0.split_last().is_some_and(|(_, parents)| parents == prefix.0)
        };
        Ok(outputs.keys().filter(is_below).cloned().collect())
    }

    async fn delete_logs(&self, logs: LogsToDelete<'_>) -> Result<(), StorageError> {
        match logs {
            LogsToDelete::Of(log_key) => {
                require_name(log_key)?;
                lock(&self.outputs).remove(log_key);
            }
            LogsToDelete::Below(prefix) if prefix.0.is_empty() => {
                return Err(StorageError::Unsupported {
                    what: "deleting all captured logs".to_owned(),
                    reason: "name what to delete by a prefix that is not empty".to_owned(),
                });
            }
            LogsToDelete::Below(prefix) => {
                let is_below = |key: &ComputeLogKey| {
                    key.0.len() > prefix.0.len() && key.0.starts_with(&prefix.0)
                };
                lock(&self.outputs).retain(|key, _| !is_below(key));
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryCapture {
    output: Arc<Mutex<Output>>,
}

#[async_trait]
impl ComputeLogCapture for MemoryCapture {
    async fn write(&self, io_type: ComputeIoType, bytes: &[u8]) -> Result<(), StorageError> {
        lock(&self.output).bytes_mut(io_type).extend_from_slice(bytes);
        Ok(())
    }

    async fn complete(self: Box<Self>) -> Result<(), StorageError> {
        lock(&self.output).is_complete = true;
        Ok(())
    }
}
