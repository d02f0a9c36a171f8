//! The handle to the lines that wait for being stored.
//!
//! How they are stored is not here.

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
/// They are stored by a task of the tokio runtime, in the order in which they came within each run. What
/// is still waiting when the runtime ends is lost: [`close`](Self::close) before. Dropping the handle
/// changes nothing else than that nobody can wait any more.
///
/// Where lines cannot be stored, those that can be are stored without them; the run's log gets an engine
/// event with the error, as in Dagster, if it takes that; a warning of `tracing` says how many lines are
/// lost; and the next [`flush`](Self::flush) or [`close`](Self::close) returns the error. Where lines come
/// faster than they are stored, until the [`capacity`](super::RunLogOptions::with_capacity) is reached, the
/// run's log gets a warning in their place that says how many are left out; that is no error.
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

    /// Returns when everything is stored that was logged before the call.
    ///
    /// The error is the first one since the last call that returned one: of all lines, not only of those
    /// that this call waits for. It is also an error if the task that stores was ended with its runtime.
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

    /// Stores everything that was logged before the call, and ends: what is logged later is not stored.
    ///
    /// The errors are those of [`flush`](Self::flush).
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
