//! Automation conditions and freshness.

use instance_core::ops::ConfigOps;
use instance_core::settings::AutoMaterializeSettings;
use serde_json::{Map, Value};

/// Returns how Dagster's daemon evaluates automation conditions.
pub fn get_auto_materialize_settings(ops: &dyn ConfigOps) -> &AutoMaterializeSettings {
    &ops.settings().auto_materialize
}

/// Returns whether Dagster's daemon evaluates automation conditions that no sensor evaluates.
pub fn auto_materialize_enabled(ops: &dyn ConfigOps) -> bool {
    ops.settings().auto_materialize.enabled
}

/// Returns how many seconds pass between two evaluations of automation conditions at least; `None` is what the daemon
/// does, which is 30.
pub fn auto_materialize_minimum_interval_seconds(ops: &dyn ConfigOps) -> Option<i64> {
    ops.settings().auto_materialize.minimum_interval_seconds
}

/// Returns the tags of runs that automation conditions ask for, beside those of each run.
pub fn auto_materialize_run_tags(ops: &dyn ConfigOps) -> &Map<String, Value> {
    &ops.settings().auto_materialize.run_tags
}

/// Returns whether an asset is up to date if its parents have the data versions that it was made from.
pub fn auto_materialize_respect_materialization_data_versions(ops: &dyn ConfigOps) -> bool {
    ops.settings().auto_materialize.respect_materialization_data_versions
}

/// Returns how often an evaluation of automation conditions that fails is tried again.
pub fn auto_materialize_max_tick_retries(ops: &dyn ConfigOps) -> i64 {
    ops.settings().auto_materialize.max_tick_retries
}

/// Returns whether sensors evaluate automation conditions.
pub fn auto_materialize_use_sensors(ops: &dyn ConfigOps) -> bool {
    ops.settings().auto_materialize.use_sensors
}

/// Returns whether Dagster's daemon evaluates the freshness of assets.
///
/// Whether the web page shows it is another question: see `internal_asset_freshness_enabled` of the asset domain.
pub fn freshness_enabled(ops: &dyn ConfigOps) -> bool {
    ops.settings().freshness_enabled
}

/// Returns whether the environment turns the old policies of freshness off.
pub fn legacy_freshness_policy_killswitch_enabled(ops: &dyn ConfigOps) -> bool {
    ops.settings().legacy_freshness_policy_killswitch_enabled
}
