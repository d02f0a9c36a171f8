//! The sections `schedules`, `sensors` and `backfills`: with how many threads Dagster's daemon works.

/// With how many threads a daemon of Dagster's works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DaemonThreadSettings {
    /// Whether several schedules, sensors or backfills are worked on at once. The default is no, and yes for sensors.
    pub use_threads: bool,
    /// How many are worked on at once. `None`, the default, leaves that to Python.
    pub num_workers: Option<i64>,
    /// With how many threads the runs of one of them are submitted. `None`, the default, and 0 mean without.
    pub num_submit_workers: Option<i64>,
}

impl DaemonThreadSettings {
    /// What Dagster does for schedules and backfills where nothing is configured: no threads.
    pub fn new() -> Self {
        Self::default()
    }

    /// What Dagster does for sensors where nothing is configured.
    pub fn of_sensors() -> Self {
        Self { use_threads: true, ..Self::default() }
    }
}

crate::setters! {
    impl DaemonThreadSettings {
        /// Whether several schedules, sensors or backfills are worked on at once.
        with_use_threads(use_threads: bool);
        /// How many are worked on at once.
        with_num_workers(num_workers: impl Into<Option<i64>>);
        /// With how many threads the runs of one of them are submitted.
        with_num_submit_workers(num_submit_workers: impl Into<Option<i64>>);
    }
}
