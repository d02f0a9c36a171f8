//! The handle to the lines that wait for being stored.
//!
//! Not here: how they are stored; see [`store`](super::store).

use std::sync::Arc;
use std::time::Duration;

use instance_core::error::InstanceError;
use instance_core::ops::EventOps;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::queue::Queue;
use super::store::{ended_early, store_lines};

/// The lines that a [`RunLogLayer`](super::RunLogLayer) has captured, on their way into the storage.
///
/// A task of the tokio runtime stores them, within each run in the order in which they were logged. Lines that
/// still wait when the runtime ends are lost: call [`close`](Self::close) before. Dropping the handle stops
/// nothing.
///
/// If a line cannot be stored, the other lines are stored without it. The log of the run gets an engine event with
/// the error, as in Dagster, if the log takes that. A warning of `tracing` says how many lines are lost. The next
/// [`flush`](Self::flush) or [`close`](Self::close) returns the error.
///
/// If lines come faster than they are stored and the [`capacity`](super::RunLogOptions::with_capacity) is reached,
/// further lines are left out. The log of the run gets a warning in their place, which says how many they are. That
/// is not an error.
#[derive(Debug)]
pub struct RunLogs {
    queue: Arc<Queue>,
    done: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

impl RunLogs {
    pub(super) fn start(
        ops: Arc<dyn EventOps>,
        queue: Arc<Queue>,
        maximum_delay: Duration,
    ) -> Self {
        let (progress, done) = watch::channel(0);
        let storing = store_lines(ops, Arc::clone(&queue), progress, maximum_delay);
        Self { queue, done, task: tokio::spawn(storing) }
    }

    /// Waits until everything is stored that was logged before the call.
    ///
    /// # Errors
    ///
    /// The first error since the last call that returned one. It may be about any line, not only about those that
    /// this call waits for. Also [`InstanceError::Storage`] if the task that stores lines has ended with its runtime.
    pub async fn flush(&self) -> Result<(), InstanceError> {
        let wanted = self.queue.want_all();
        let mut done = self.done.clone();
        let reached = done.wait_for(|done| *done >= wanted).await.map(|_| ());
        match (self.queue.take_error(), reached) {
            (Some(error), _) => Err(error),
            (None, Err(_)) => Err(ended_early("the task that stores them has ended".into())),
            (None, Ok(())) => Ok(()),
        }
    }

    /// Stores everything that was logged before the call, and ends. Lines that are logged later are not stored.
    ///
    /// # Errors
    ///
    /// Those of [`flush`](Self::flush).
    pub async fn close(self) -> Result<(), InstanceError> {
        self.queue.close();
        let joined = self.task.await;
        match (self.queue.take_error(), joined) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(ended_early(error.into())),
            (None, Ok(())) => Ok(()),
        }
    }
}
