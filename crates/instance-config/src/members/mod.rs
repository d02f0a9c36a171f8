//! The members of Dagster's class that say what is configured, under their names.

mod automation;
mod code_servers;
mod concurrency;
mod daemons;
mod instance;
mod python_logs;
mod run_monitoring;
mod run_retries;

pub use automation::{
    auto_materialize_enabled, auto_materialize_max_tick_retries,
    auto_materialize_minimum_interval_seconds,
    auto_materialize_respect_materialization_data_versions, auto_materialize_run_tags,
    auto_materialize_use_sensors, freshness_enabled, get_auto_materialize_settings,
    legacy_freshness_policy_killswitch_enabled,
};
pub use code_servers::{
    code_server_process_startup_timeout, code_server_reload_timeout, code_server_settings,
    wait_for_local_code_server_processes_on_shutdown,
};
pub use concurrency::{get_concurrency_config, global_op_concurrency_default_limit};
pub use daemons::{get_backfill_settings, get_scheduler_settings, get_sensor_settings};
pub use instance::{
    get_default_graphql_run_records_limit, get_ref, get_settings, is_ephemeral, is_persistent,
    nux_enabled, telemetry_enabled,
};
pub use python_logs::{
    get_python_log_dagster_handler_config, managed_python_loggers, python_log_level,
};
pub use run_monitoring::{
    cancellation_thread_poll_interval_seconds, run_monitoring_cancel_timeout_seconds,
    run_monitoring_enabled, run_monitoring_max_resume_run_attempts,
    run_monitoring_max_runtime_seconds, run_monitoring_poll_interval_seconds,
    run_monitoring_settings, run_monitoring_start_timeout_seconds,
};
pub use run_retries::{
    run_retries_enabled, run_retries_max_retries, run_retries_retry_on_asset_or_op_failure,
};
