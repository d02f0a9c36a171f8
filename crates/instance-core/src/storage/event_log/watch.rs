//! Waking those who follow the events of a run.

use async_trait::async_trait;

use crate::error::StorageError;
use crate::ids::RunId;

/// Waking those who follow the events of a run, whichever process stores them.
#[async_trait]
pub trait EventWatch: std::fmt::Debug + Send + Sync + 'static {
    /// Begins to look out for events of a run. Who reads after this returns, and then waits for the signal,
    /// misses nothing.
    ///
    /// The run need not exist. Where no notice can be had (a network's file system, a pooler that drops it),
    /// the signal comes from time to time all the same.
    async fn watch_run(&self, run_id: &RunId) -> Result<Box<dyn EventSignal>, StorageError>;
}

/// The signal that there may be new events of one run. Dropping it ends the watch.
#[async_trait]
pub trait EventSignal: std::fmt::Debug + Send + Sync {
    /// Returns when there may be events which were not there when this was last called, or when it is time
    /// to look without a notice. `found` is whether the last look found something; an implementation looks
    /// again soon after a notice that came before what it is about could be seen.
    ///
    /// Dropping the future loses nothing.
    async fn changed(&mut self, found: bool);
}
