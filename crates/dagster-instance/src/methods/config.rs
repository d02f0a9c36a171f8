//! The methods of `instance-config`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-config` instead.

use instance_core::error::InstanceError;
use instance_core::instance_ref::InstanceRef;
use instance_core::settings::{
    AutoMaterializeSettings, CodeServerSettings, ConcurrencyConfig, DaemonThreadSettings,
    InstanceSettings, RunMonitoringSettings,
};
use serde_json::{Map, Value};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Returns whether Dagster's daemon evaluates automation conditions that no sensor evaluates.
    pub fn auto_materialize_enabled(&self) -> bool {
        instance_config::auto_materialize_enabled(self)
    }

    /// Returns how often an evaluation of automation conditions that fails is tried again.
    pub fn auto_materialize_max_tick_retries(&self) -> i64 {
        instance_config::auto_materialize_max_tick_retries(self)
    }

    /// Returns how many seconds pass between two evaluations of automation conditions at least; `None` is what the daemon
    /// does, which is 30.
    pub fn auto_materialize_minimum_interval_seconds(&self) -> Option<i64> {
        instance_config::auto_materialize_minimum_interval_seconds(self)
    }

    /// Returns whether an asset is up to date if its parents have the data versions that it was made from.
    pub fn auto_materialize_respect_materialization_data_versions(&self) -> bool {
        instance_config::auto_materialize_respect_materialization_data_versions(self)
    }

    /// Returns the tags of runs that automation conditions ask for, beside those of each run.
    pub fn auto_materialize_run_tags(&self) -> &Map<String, Value> {
        instance_config::auto_materialize_run_tags(self)
    }

    /// Returns whether sensors evaluate automation conditions.
    pub fn auto_materialize_use_sensors(&self) -> bool {
        instance_config::auto_materialize_use_sensors(self)
    }

    /// Returns how many seconds pass between two looks of a worker whether its run is to stop.
    pub fn cancellation_thread_poll_interval_seconds(&self) -> i64 {
        instance_config::cancellation_thread_poll_interval_seconds(self)
    }

    /// Returns how many seconds a server of user code that Dagster starts on its own machine may take to start.
    pub fn code_server_process_startup_timeout(&self) -> i64 {
        instance_config::code_server_process_startup_timeout(self)
    }

    /// Returns how many seconds a server of user code may take to load its code again.
    pub fn code_server_reload_timeout(&self) -> i64 {
        instance_config::code_server_reload_timeout(self)
    }

    /// Returns how long servers of user code may take.
    pub fn code_server_settings(&self) -> &CodeServerSettings {
        instance_config::code_server_settings(self)
    }

    /// Returns whether Dagster's daemon evaluates the freshness of assets.
    ///
    /// Whether the web page shows it is another question: see `internal_asset_freshness_enabled` of the asset domain.
    pub fn freshness_enabled(&self) -> bool {
        instance_config::freshness_enabled(self)
    }

    /// Returns how Dagster's daemon evaluates automation conditions.
    pub fn get_auto_materialize_settings(&self) -> &AutoMaterializeSettings {
        instance_config::get_auto_materialize_settings(self)
    }

    /// Returns with how many threads Dagster's daemon works on backfills.
    pub fn get_backfill_settings(&self) -> &DaemonThreadSettings {
        instance_config::get_backfill_settings(self)
    }

    /// Returns how many runs and steps there are at the same time: what `concurrency` of `dagster.yaml` says, and for the
    /// queue of runs what the coordinator says beside it.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if the configuration of the coordinator is wrong, or if the coordinator is of a class that
    /// this version does not have: only that class knows whether there is a queue.
    pub fn get_concurrency_config(&self) -> Result<ConcurrencyConfig, InstanceError> {
        instance_config::get_concurrency_config(self)
    }

    /// Returns how many runs Dagster's web server lists unless it is asked for a number; `None` is any number.
    ///
    /// # Errors
    ///
    /// [`InstanceError::ConfigFile`] if the variable `DAGSTER_DEFAULT_GRAPHQL_RUN_RECORDS_LIMIT` holds no number.
    pub fn get_default_graphql_run_records_limit(&self) -> Result<Option<i64>, InstanceError> {
        instance_config::get_default_graphql_run_records_limit(self)
    }

    /// Returns handlers, formatters and filters of Python's `logging`, as `logging.config.dictConfig` takes them.
    pub fn get_python_log_dagster_handler_config(&self) -> &Map<String, Value> {
        instance_config::get_python_log_dagster_handler_config(self)
    }

    /// Returns what the instance is to other processes, from which they open the same instance. Dagster takes its text as
    /// `--instance-ref`.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if no other process can open the instance, as it is in memory or made of a program's own
    /// parts, or if it is of a class of somebody else's.
    pub fn get_ref(&self) -> Result<&InstanceRef, InstanceError> {
        instance_config::get_ref(self)
    }

    /// Returns with how many threads Dagster's daemon works on schedules.
    pub fn get_scheduler_settings(&self) -> &DaemonThreadSettings {
        instance_config::get_scheduler_settings(self)
    }

    /// Returns with how many threads Dagster's daemon works on sensors.
    pub fn get_sensor_settings(&self) -> &DaemonThreadSettings {
        instance_config::get_sensor_settings(self)
    }

    /// Returns the settings of the instance.
    pub fn get_settings(&self) -> &InstanceSettings {
        instance_config::get_settings(self)
    }

    /// Returns the limit of a pool that has none of its own; `None` is no limit.
    ///
    /// # Errors
    ///
    /// Those of [`get_concurrency_config`](Self::get_concurrency_config).
    pub fn global_op_concurrency_default_limit(&self) -> Result<Option<i64>, InstanceError> {
        instance_config::global_op_concurrency_default_limit(self)
    }

    /// Returns whether the instance is gone with its process, as it is in memory.
    pub fn is_ephemeral(&self) -> bool {
        instance_config::is_ephemeral(self)
    }

    /// Returns whether the instance outlives its process.
    pub fn is_persistent(&self) -> bool {
        instance_config::is_persistent(self)
    }

    /// Returns whether the environment turns the old policies of freshness off.
    pub fn legacy_freshness_policy_killswitch_enabled(&self) -> bool {
        instance_config::legacy_freshness_policy_killswitch_enabled(self)
    }

    /// Returns the names of the loggers whose lines are captured in the logs of runs; `root` is all.
    pub fn managed_python_loggers(&self) -> &[String] {
        instance_config::managed_python_loggers(self)
    }

    /// Returns whether Dagster's web page may ask new users for their address. An instance in memory never does.
    pub fn nux_enabled(&self) -> bool {
        instance_config::nux_enabled(self)
    }

    /// Returns the name of the lowest level that is captured in the logs of runs; `None` if there is none.
    pub fn python_log_level(&self) -> Option<&str> {
        instance_config::python_log_level(self)
    }

    /// Returns after how many seconds a run that was asked to stop is taken for canceled.
    pub fn run_monitoring_cancel_timeout_seconds(&self) -> i64 {
        instance_config::run_monitoring_cancel_timeout_seconds(self)
    }

    /// Returns whether Dagster's daemon monitors runs.
    pub fn run_monitoring_enabled(&self) -> bool {
        instance_config::run_monitoring_enabled(self)
    }

    /// Returns how often a run whose worker is gone is resumed.
    pub fn run_monitoring_max_resume_run_attempts(&self) -> i64 {
        instance_config::run_monitoring_max_resume_run_attempts(self)
    }

    /// Returns after how many seconds a run is stopped, unless a tag of the run says it; 0 means never.
    pub fn run_monitoring_max_runtime_seconds(&self) -> i64 {
        instance_config::run_monitoring_max_runtime_seconds(self)
    }

    /// Returns how many seconds pass between two looks of Dagster's daemon at the runs.
    pub fn run_monitoring_poll_interval_seconds(&self) -> i64 {
        instance_config::run_monitoring_poll_interval_seconds(self)
    }

    /// Returns when Dagster's daemon takes a run for lost.
    pub fn run_monitoring_settings(&self) -> &RunMonitoringSettings {
        instance_config::run_monitoring_settings(self)
    }

    /// Returns after how many seconds a run that has not started is taken for failed.
    pub fn run_monitoring_start_timeout_seconds(&self) -> i64 {
        instance_config::run_monitoring_start_timeout_seconds(self)
    }

    /// Returns whether Dagster's daemon retries failed runs.
    pub fn run_retries_enabled(&self) -> bool {
        instance_config::run_retries_enabled(self)
    }

    /// Returns how often a run is retried at most, unless a tag of the run says it.
    pub fn run_retries_max_retries(&self) -> i64 {
        instance_config::run_retries_max_retries(self)
    }

    /// Returns whether a run is retried in which a step failed, unless a tag of the run says it.
    pub fn run_retries_retry_on_asset_or_op_failure(&self) -> bool {
        instance_config::run_retries_retry_on_asset_or_op_failure(self)
    }

    /// Returns whether Dagster reports how it is used to its makers. An instance in memory never does.
    ///
    /// This implementation reports nothing.
    pub fn telemetry_enabled(&self) -> bool {
        instance_config::telemetry_enabled(self)
    }

    /// Returns whether Dagster waits at its end for the servers of user code that it started.
    pub fn wait_for_local_code_server_processes_on_shutdown(&self) -> bool {
        instance_config::wait_for_local_code_server_processes_on_shutdown(self)
    }
}
