//! Waking those who follow the events of a run.

use async_trait::async_trait;

use crate::error::StorageError;
use crate::ids::RunId;

/// Wakes followers of a run, whichever process stores the run's events.
#[async_trait]
pub trait EventWatch: std::fmt::Debug + Send + Sync + 'static {
    /// Begins to watch for events of a run. Whoever reads after this returns, and then waits for the signal, misses
    /// nothing.
    ///
    /// The run need not exist. Where nothing announces events (a network file system, a pooler that drops notices),
    /// the signal comes from time to time.
    async fn watch_run(&self, run_id: &RunId) -> Result<Box<dyn EventSignal>, StorageError>;
}

/// The signal that there may be new events of one run. Dropping it ends the watch.
#[async_trait]
pub trait EventSignal: std::fmt::Debug + Send + Sync {
    /// Returns when there may be events that were not there when this was last called, or when it is time to look
    /// without a notice. `found` says whether the last look found something. A notice may come before its event can
    /// be seen, so an implementation looks again soon after one.
    ///
    /// Dropping the future loses nothing.
    async fn changed(&mut self, found: bool);
}
