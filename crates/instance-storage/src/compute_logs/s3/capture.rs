//! A capture whose output goes to S3: into files first, and from there into the bucket.
//!
//! Not here: where files and objects are.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::storage::{CapturedLogContext, ComputeIoType, ComputeLogCapture, ComputeLogKey};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::super::local::LocalCapture;
use super::S3ComputeLogManager;
use super::running::Running;

/// One of the two outputs of a capture.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) io_type: ComputeIoType,
    /// The file in which it waits.
    pub(super) file: PathBuf,
    /// Whether there was no such file before this capture. Then the bucket may have what an earlier capture printed.
    pub(super) is_new: bool,
}

/// A capture in progress.
pub(super) struct S3Capture {
    manager: S3ComputeLogManager,
    log_key: ComputeLogKey,
    outputs: [Output; 2],
    local: LocalCapture,
    context: CapturedLogContext,
    partial: Option<PartialUploads>,
    running: Running,
}

impl S3Capture {
    /// A capture into files that were opened.
    pub(super) fn new(
        manager: S3ComputeLogManager,
        log_key: ComputeLogKey,
        outputs: [Output; 2],
        local: LocalCapture,
        context: CapturedLogContext,
        running: Running,
    ) -> Self {
        let interval = manager.upload_interval();
        let partial = interval.map(|interval| {
            PartialUploads::start(manager.clone(), log_key.clone(), outputs.clone(), interval)
        });
        Self { manager, log_key, outputs, local, context, partial, running }
    }
}

#[async_trait]
impl ComputeLogCapture for S3Capture {
    fn context(&self) -> CapturedLogContext {
        self.context.clone()
    }

    async fn write(&self, io_type: ComputeIoType, bytes: &[u8]) -> Result<(), StorageError> {
        self.local.write(io_type, bytes).await
    }

    /// Uploads both outputs, the standard error last: in the bucket, it is the mark. Then the files are deleted. If
    /// an upload fails, both files stay with their mark.
    async fn complete(self: Box<Self>) -> Result<(), StorageError> {
        let Self { manager, log_key, outputs, local, partial, running, context: _ } = *self;
        if let Some(partial) = partial {
            partial.stop().await;
        }
        Box::new(local).complete().await?;
        for output in &outputs {
            manager.upload_whole(&log_key, output).await?;
        }
        // From now on the bucket says that it is complete.
        drop(running);
        if let Err(error) = manager.delete_local(&log_key).await {
            // The capture is complete and uploaded. What stays can be read, too.
            tracing::warn!(%error, "files of an uploaded capture stay");
        }
        Ok(())
    }
}

/// The task that uploads from time to time what there is so far. It ends with its capture.
struct PartialUploads {
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl PartialUploads {
    fn start(
        manager: S3ComputeLogManager,
        log_key: ComputeLogKey,
        outputs: [Output; 2],
        interval: Duration,
    ) -> Self {
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut uploaded = [0; 2];
            loop {
                tokio::select! {
                    () = tokio::time::sleep(interval) => {}
                    () = stopped.notified() => return,
                }
                for (output, uploaded) in outputs.iter().zip(&mut uploaded) {
                    match manager.upload_partial(&log_key, output, *uploaded).await {
                        Ok(bytes) => *uploaded = bytes,
                        // The next one may succeed, and the last one tells.
                        Err(error) => {
                            let source = std::error::Error::source(&error).map(ToString::to_string);
                            tracing::warn!(%error, source, "what was captured so far is not uploaded");
                        }
                    }
                }
            }
        });
        Self { stop, task }
    }

    /// Waits until an upload that goes on has ended.
    async fn stop(mut self) {
        self.stop.notify_one();
        // The task fails only if the runtime is being shut down.
        let _ = (&mut self.task).await;
    }
}

impl Drop for PartialUploads {
    fn drop(&mut self) {
        self.task.abort();
    }
}
