//! The section `auto_materialize`: how Dagster's daemon evaluates automation conditions.

use serde_json::{Map, Value};

/// How Dagster's daemon evaluates automation conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in dagster.yaml")]
#[non_exhaustive]
pub struct AutoMaterializeSettings {
    /// Whether conditions that no sensor evaluates are evaluated. The default is yes.
    pub enabled: bool,
    /// How many seconds pass between two evaluations at least. `None`, the default, is what the daemon does: 30.
    pub minimum_interval_seconds: Option<i64>,
    /// Tags of the runs that conditions ask for. The default is none.
    pub run_tags: Map<String, Value>,
    /// Whether an asset is up to date if its parents have data versions that it was made from. The default is no.
    pub respect_materialization_data_versions: bool,
    /// How often an evaluation that fails is tried again. The default is 3.
    pub max_tick_retries: i64,
    /// Whether sensors evaluate the conditions. The default is yes.
    pub use_sensors: bool,
    /// Whether several sensors of this kind are worked on at once. The default is no.
    pub use_threads: bool,
    /// How many are worked on at once. `None`, the default, leaves that to Python.
    pub num_workers: Option<i64>,
}

impl Default for AutoMaterializeSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            minimum_interval_seconds: None,
            run_tags: Map::new(),
            respect_materialization_data_versions: false,
            max_tick_retries: 3,
            use_sensors: true,
            use_threads: false,
            num_workers: None,
        }
    }
}

impl AutoMaterializeSettings {
    /// What Dagster does where nothing is configured.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl AutoMaterializeSettings {
        /// Whether conditions that no sensor evaluates are evaluated.
        with_enabled(enabled: bool);
        /// How many seconds pass between two evaluations at least.
        with_minimum_interval_seconds(minimum_interval_seconds: impl Into<Option<i64>>);
        /// Tags of the runs that conditions ask for.
        with_run_tags(run_tags: Map<String, Value>);
        /// Whether an asset is up to date if its parents have data versions that it was made from.
        with_respect_materialization_data_versions(respect_materialization_data_versions: bool);
        /// How often an evaluation that fails is tried again.
        with_max_tick_retries(max_tick_retries: i64);
        /// Whether sensors evaluate the conditions.
        with_use_sensors(use_sensors: bool);
        /// Whether several sensors of this kind are worked on at once.
        with_use_threads(use_threads: bool);
        /// How many are worked on at once.
        with_num_workers(num_workers: impl Into<Option<i64>>);
    }
}
