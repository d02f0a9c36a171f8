//! How much is captured, and how long it may wait.
//!
//! Not here: what happens to captured lines; see [`RunLogs`].

use std::sync::Arc;
use std::time::Duration;

use instance_core::error::InstanceError;
use instance_core::event::LogLevel;
use instance_core::ops::EventOps;
use instance_core::settings::PythonLogSettings;

use super::loggers::Loggers;
use super::queue::Queue;
use super::{RunLogLayer, RunLogs};

/// How a [`RunLogLayer`] captures and stores lines. The defaults suit programs that log moderately.
#[derive(Debug, Clone)]
#[must_use]
pub struct RunLogOptions {
    loggers: Loggers,
    minimum_level: LogLevel,
    capacity: usize,
    batch_lines: usize,
    maximum_delay: Duration,
}

impl Default for RunLogOptions {
    fn default() -> Self {
        Self {
            loggers: Loggers::All,
            minimum_level: LogLevel::DEBUG,
            capacity: 65_536,
            batch_lines: 1_000,
            maximum_delay: Duration::from_millis(100),
        }
    }
}

impl RunLogOptions {
    /// Sets the lowest level that is captured. The default is `DEBUG`, as in Dagster. Events of level `TRACE` count
    /// as level 5.
    pub fn with_minimum_level(mut self, level: LogLevel) -> Self {
        self.minimum_level = level;
        self
    }

    /// Sets whose lines are captured, and from which level on, as `python_logs` of `dagster.yaml` says it. The [module](super)
    /// says what becomes of names and levels.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if the level is none of Dagster's.
    pub fn with_python_logs(mut self, settings: &PythonLogSettings) -> Result<Self, InstanceError> {
        self.loggers = Loggers::named(&settings.managed_python_loggers);
        if let Some(level) = settings.minimum_level()? {
            self.minimum_level = level;
        }
        Ok(self)
    }

    /// Sets how many lines may wait for being stored. The default is 65,536, and the minimum is one. When the queue
    /// is full, further lines are left out and counted.
    pub fn with_capacity(mut self, lines: usize) -> Self {
        self.capacity = lines;
        self
    }

    /// Sets how many lines are stored at once. The default is 1,000; at least one, and at most the capacity. When so
    /// many lines wait, they are stored at once.
    pub fn with_batch_lines(mut self, lines: usize) -> Self {
        self.batch_lines = lines;
        self
    }

    /// Sets how long a line waits for further lines before it is stored. The default is 100 ms.
    pub fn with_maximum_delay(mut self, delay: Duration) -> Self {
        self.maximum_delay = delay;
        self
    }

    /// Makes the layer and the handle to the lines that it captures, and starts the task that stores them.
    ///
    /// The task runs in the current tokio runtime, which needs its timer. It ends with the layer or with
    /// [`RunLogs::close`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, as [`tokio::spawn`] does.
    pub fn start(self, ops: Arc<dyn EventOps>) -> (RunLogLayer, RunLogs) {
        let queue = Arc::new(Queue::new(self.capacity, self.batch_lines));
        let logs = RunLogs::start(Arc::clone(&ops), Arc::clone(&queue), self.maximum_delay);
        let (loggers, minimum_level) = (self.loggers, self.minimum_level);
        (RunLogLayer { ops, queue, loggers, minimum_level }, logs)
    }
}
