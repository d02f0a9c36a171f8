//! Which events wait for others before they are stored. An environment variable says it, and the program.

use std::time::Duration;

/// Which events wait for others before they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventBatching {
    /// Which events wait.
    pub of: BatchedEvents,
    /// How many events a batch has at most. It is stored when it has as many.
    pub size: usize,
    /// How long an event waits at most.
    pub max_delay: Duration,
}

/// Which events wait for others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BatchedEvents {
    /// None: each is stored before the call that reports it returns.
    #[default]
    None,
    /// Events that are reported as part of a batch, as Dagster does it.
    OfBatches,
    /// Every event, with the others of its run. An event that changes the status of its run is stored at once,
    /// together with those that waited.
    Every,
}

impl Default for EventBatching {
    fn default() -> Self {
        Self { of: BatchedEvents::None, size: 1_000, max_delay: Duration::from_millis(100) }
    }
}

crate::setters! {
    impl EventBatching {
        /// Which events wait.
        with_of(of: BatchedEvents);
        /// How many events a batch has at most. It is stored when it has as many.
        with_size(size: usize);
        /// How long an event waits at most.
        with_max_delay(max_delay: Duration);
    }
}

impl EventBatching {
    /// What Dagster does where nothing is configured: no event waits.
    pub fn new() -> Self {
        Self::default()
    }

    /// What Dagster does when `DAGSTER_EVENT_BATCH_SIZE` is this.
    pub fn of_size(size: usize) -> Self {
        let of = if size == 0 { BatchedEvents::None } else { BatchedEvents::OfBatches };
        Self { of, size, ..Self::default() }
    }
}
