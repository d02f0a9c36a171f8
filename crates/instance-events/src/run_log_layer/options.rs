//! How much is captured, and how long it may wait.
//!
//! What happens to it is not configured here: see [`RunLogs`].

use std::sync::Arc;
use std::time::Duration;

use instance_core::event::LogLevel;
use instance_core::ops::EventOps;

use super::queue::Queue;
use super::{RunLogLayer, RunLogs};

/// How a [`RunLogLayer`] captures and stores. The default is right for programs that log in words and not
/// in floods.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct RunLogOptions {
    minimum_level: LogLevel,
    capacity: usize,
    batch_lines: usize,
    maximum_delay: Duration,
}

impl Default for RunLogOptions {
    fn default() -> Self {
        Self {
            minimum_level: LogLevel::DEBUG,
            capacity: 65_536,
            batch_lines: 1_000,
            maximum_delay: Duration::from_millis(100),
        }
    }
}

impl RunLogOptions {
    /// The lowest level that is captured: `DEBUG` as in Dagster, if not given. Events of `TRACE` have the
    /// level 5.
    pub fn with_minimum_level(mut self, level: LogLevel) -> Self {
        self.minimum_level = level;
        self
    }

    /// How many lines may wait for being stored: 65,536, if not given, and at least one. Further lines are
    /// left out and counted.
    pub fn with_capacity(mut self, lines: usize) -> Self {
        self.capacity = lines;
        self
    }

    /// How many lines are stored at once, at most, and how many do not wait for others: 1,000, if not
    /// given. It is at least one, and at most the capacity.
    pub fn with_batch_lines(mut self, lines: usize) -> Self {
        self.batch_lines = lines;
        self
    }

    /// How long a line waits for others before it is stored: 100 ms, if not given.
    pub fn with_maximum_delay(mut self, delay: Duration) -> Self {
        self.maximum_delay = delay;
        self
    }

    /// Makes the layer and the handle to what it captures, and starts the task that stores it.
    ///
    /// The task lives in the current tokio runtime, which needs its timer, and ends with the layer or with
    /// [`RunLogs::close`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, as [`tokio::spawn`] does.
    pub fn start(self, ops: Arc<dyn EventOps>) -> (RunLogLayer, RunLogs) {
        let queue = Arc::new(Queue::new(self.capacity, self.batch_lines));
        let logs = RunLogs::start(Arc::clone(&ops), Arc::clone(&queue), self.maximum_delay);
        (RunLogLayer { ops, queue, minimum_level: self.minimum_level }, logs)
    }
}
