//! The configuration domain: where an instance lives, and what its `dagster.yaml` says.
//!
//! The only crate that reads configuration files and environment variables.
//!
#![doc = include_str!("../README.md")]

mod carried;
mod check;
mod config;
mod describe;
mod document;
mod environment;
mod fields;
mod found_file;
mod grpc_limits;
mod home;
mod load;
mod members;
mod parts;
mod place;
mod reference;
mod run_config;
mod schema;
mod settings;
mod shown;
mod storage_url;
mod user_home;
mod verdict;
mod workspace;
mod yaml_text;

/// The core: the types that the functions of this crate take and return, and the traits that they are called on.
pub use instance_core;

pub use check::{ConfigCheck, check_config};
pub use describe::{ConfigDescription, DescribedSetting, SettingOrigin, describe_settings};
pub use environment::{Environment, ProcessEnvironment};
pub use grpc_limits::grpc_limits;
pub use home::{Home, HomeSource, create_home, find_home};
pub use load::{CONFIG_FILENAME, LoadSettings, load_settings, load_settings_of, settings_from_ref};
pub use members::{
    auto_materialize_enabled, auto_materialize_max_tick_retries,
    auto_materialize_minimum_interval_seconds,
    auto_materialize_respect_materialization_data_versions, auto_materialize_run_tags,
    auto_materialize_use_sensors, cancellation_thread_poll_interval_seconds,
    code_server_process_startup_timeout, code_server_reload_timeout, code_server_settings,
    freshness_enabled, get_auto_materialize_settings, get_backfill_settings,
    get_concurrency_config, get_default_graphql_run_records_limit,
    get_python_log_dagster_handler_config, get_ref, get_scheduler_settings, get_sensor_settings,
    get_settings, global_op_concurrency_default_limit, is_ephemeral, is_persistent,
    legacy_freshness_policy_killswitch_enabled, managed_python_loggers, nux_enabled,
    python_log_level, run_monitoring_cancel_timeout_seconds, run_monitoring_enabled,
    run_monitoring_max_resume_run_attempts, run_monitoring_max_runtime_seconds,
    run_monitoring_poll_interval_seconds, run_monitoring_settings,
    run_monitoring_start_timeout_seconds, run_retries_enabled, run_retries_max_retries,
    run_retries_retry_on_asset_or_op_failure, telemetry_enabled,
    wait_for_local_code_server_processes_on_shutdown,
};
pub use run_config::read_run_config;
pub use schema::{dagster_yaml_schema, workspace_yaml_schema};
pub use workspace::{
    DescribedLocation, LoadWorkspace, PYPROJECT_FILENAME, WORKSPACE_FILENAME, WorkspaceDescription,
    WorkspaceOptions, describe_workspace, load_workspace,
};
