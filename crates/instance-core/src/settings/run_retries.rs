//! The section `run_retries`: whether and when failed runs are retried.

/// Whether and when failed runs are retried, as Dagster's daemon does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunRetries {
    /// Whether failed runs are retried at all. The default is no.
    pub enabled: bool,
    /// How often a run is retried at most, unless a tag of the run says it. The default is 0.
    pub max_retries: i64,
    /// Whether a run is retried in which a step failed, unless a tag of the run says it. The default is yes.
    pub retry_on_asset_or_op_failure: bool,
}

impl Default for RunRetries {
    fn default() -> Self {
        Self { enabled: false, max_retries: 0, retry_on_asset_or_op_failure: true }
    }
}

impl RunRetries {
    /// What Dagster does where nothing is configured: no run is retried.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl RunRetries {
        /// Whether failed runs are retried at all.
        with_enabled(enabled: bool);
        /// How often a run is retried at most, unless a tag of the run says it.
        with_max_retries(max_retries: i64);
        /// Whether a run is retried in which a step failed, unless a tag of the run says it.
        with_retry_on_asset_or_op_failure(retry_on_asset_or_op_failure: bool);
    }
}
