//! The store of what processes print.

use async_trait::async_trait;

use crate::error::StorageError;
use crate::ids::RunId;

/// Which of a process's two outputs is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ComputeIoType {
    /// The standard output.
    Stdout,
    /// The standard error.
    Stderr,
}

impl ComputeIoType {
    /// The ending of the file that holds the output.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Stdout => "out",
            Self::Stderr => "err",
        }
    }
}

/// The key of the captured output of one process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ComputeLogKey(pub Vec<String>);

impl ComputeLogKey {
    /// The key of a process of a run; `file_key` stands in the event `LOGS_CAPTURED`.
    pub fn for_run(run_id: &RunId, file_key: &str) -> Self {
        Self(vec![run_id.to_string(), "compute_logs".to_owned(), file_key.to_owned()])
    }
}

/// The store of what processes print.
#[async_trait]
pub trait ComputeLogManager: std::fmt::Debug + Send + Sync + 'static {
    /// Begins to capture the output of a process.
    async fn capture_logs(
        &self,
        log_key: &ComputeLogKey,
    ) -> Result<Box<dyn ComputeLogCapture>, StorageError>;

    /// Whether the capture has ended, so that nothing will be added.
    async fn is_capture_complete(&self, log_key: &ComputeLogKey) -> Result<bool, StorageError>;

    /// The bytes of an output from an offset on, at most `max_bytes` of them; empty behind its end
    /// and where nothing was captured.
    async fn get_log_data(
        &self,
        log_key: &ComputeLogKey,
        io_type: ComputeIoType,
        offset: u64,
        max_bytes: usize,
    ) -> Result<Vec<u8>, StorageError>;
}

/// A capture in progress.
#[async_trait]
pub trait ComputeLogCapture: Send + Sync + 'static {
    /// Adds bytes to an output. Readers see them when the call has returned.
    async fn write(&self, io_type: ComputeIoType, bytes: &[u8]) -> Result<(), StorageError>;

    /// Marks the capture as complete.
    async fn complete(self: Box<Self>) -> Result<(), StorageError>;
}
