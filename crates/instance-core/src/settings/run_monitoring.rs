//! The section `run_monitoring`: when Dagster's daemon takes a run for lost.

/// When Dagster's daemon takes a run for lost, and what it does then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunMonitoringSettings {
    /// Whether runs are monitored. The default is no.
    pub enabled: bool,
    /// After how many seconds a run that has not started is taken for failed. The default is 180.
    pub start_timeout_seconds: i64,
    /// After how many seconds a run that was asked to stop is taken for canceled. The default is 180.
    pub cancel_timeout_seconds: i64,
    /// After how many seconds a run is stopped, unless a tag of the run says it. The default is 0, which means never.
    pub max_runtime_seconds: i64,
    /// How often a run whose worker is gone is resumed. The default is 0.
    pub max_resume_run_attempts: i64,
    /// How many seconds pass between two looks at the runs. The default is 120.
    pub poll_interval_seconds: i64,
    /// How many seconds pass between two looks of a worker whether its run is to stop. The default is 10.
    pub cancellation_thread_poll_interval_seconds: i64,
    /// After how many seconds the slots of pools are freed that a run holds which has ended. `None`, the default,
    /// and 0 mean that they are not.
    pub free_slots_after_run_end_seconds: Option<i64>,
}

impl Default for RunMonitoringSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            start_timeout_seconds: 180,
            cancel_timeout_seconds: 180,
            max_runtime_seconds: 0,
            max_resume_run_attempts: 0,
            poll_interval_seconds: 120,
            cancellation_thread_poll_interval_seconds: 10,
            free_slots_after_run_end_seconds: None,
        }
    }
}

impl RunMonitoringSettings {
    /// What Dagster does where nothing is configured: no run is monitored.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl RunMonitoringSettings {
        /// Whether runs are monitored.
        with_enabled(enabled: bool);
        /// After how many seconds a run that has not started is taken for failed.
        with_start_timeout_seconds(start_timeout_seconds: i64);
        /// After how many seconds a run that was asked to stop is taken for canceled.
        with_cancel_timeout_seconds(cancel_timeout_seconds: i64);
        /// After how many seconds a run is stopped; 0 means never.
        with_max_runtime_seconds(max_runtime_seconds: i64);
        /// How often a run whose worker is gone is resumed.
        with_max_resume_run_attempts(max_resume_run_attempts: i64);
        /// How many seconds pass between two looks at the runs.
        with_poll_interval_seconds(poll_interval_seconds: i64);
        /// How many seconds pass between two looks of a worker whether its run is to stop.
        with_cancellation_thread_poll_interval_seconds(cancellation_thread_poll_interval_seconds: i64);
        /// After how many seconds the slots of pools are freed that a run holds which has ended.
        with_free_slots_after_run_end_seconds(free_slots_after_run_end_seconds: impl Into<Option<i64>>);
    }
}
