//! With how many threads Dagster's daemon works.

use instance_core::ops::ConfigOps;
use instance_core::settings::DaemonThreadSettings;

/// Returns with how many threads Dagster's daemon works on backfills.
pub fn get_backfill_settings(ops: &dyn ConfigOps) -> &DaemonThreadSettings {
    &ops.settings().backfills
}

/// Returns with how many threads Dagster's daemon works on schedules.
pub fn get_scheduler_settings(ops: &dyn ConfigOps) -> &DaemonThreadSettings {
    &ops.settings().schedules
}

/// Returns with how many threads Dagster's daemon works on sensors.
pub fn get_sensor_settings(ops: &dyn ConfigOps) -> &DaemonThreadSettings {
    &ops.settings().sensors
}
