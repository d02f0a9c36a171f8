//! The members of an instance that tell its settings, by their names in Dagster.

use dagster_instance::scheduling::{InstigatorType, TickStatus};
use dagster_instance::serdes::serialize_value;
use dagster_instance::{DagsterInstance, InstanceError, RunId};
use serde_json::{Map, Value, json};

use super::{parts, sections, shown};

/// What a member answers.
pub(super) type Answer = Result<Value, InstanceError>;

/// All members. Each has its value, or the error that it fails with.
pub(super) fn members(instance: &DagsterInstance) -> Map<String, Value> {
    let plain = values(instance).into_iter().map(|(name, value)| (name.to_owned(), Ok(value)));
    let fallible = [fallible(instance), parts::parts(instance)]
        .into_iter()
        .flatten()
        .map(|(name, answer)| (name.to_owned(), answer));
    let all = plain.chain(fallible).chain(retention(instance)).chain(sections_of_file(instance));
    all.map(|(name, answer)| {
        let told = match answer {
            Ok(value) => json!({"ok": value}),
            Err(error) => json!({"error": shown(&error)}),
        };
        (name, told)
    })
    .collect()
}

/// The members that cannot fail.
fn values(instance: &DagsterInstance) -> Vec<(&'static str, Value)> {
    macro_rules! each {
        ($($name:ident),* $(,)?) => { vec![$((stringify!($name), json!(instance.$name()))),*] };
    }
    let mut found = each![
        auto_materialize_enabled,
        auto_materialize_max_tick_retries,
        auto_materialize_minimum_interval_seconds,
        auto_materialize_respect_materialization_data_versions,
        auto_materialize_run_tags,
        auto_materialize_use_sensors,
        cancellation_thread_poll_interval_seconds,
        code_server_process_startup_timeout,
        code_server_reload_timeout,
        daemon_skip_heartbeats_without_errors,
        freshness_enabled,
        get_python_log_dagster_handler_config,
        is_ephemeral,
        is_persistent,
        legacy_freshness_policy_killswitch_enabled,
        managed_python_loggers,
        nux_enabled,
        python_log_level,
        run_monitoring_cancel_timeout_seconds,
        run_monitoring_enabled,
        run_monitoring_max_resume_run_attempts,
        run_monitoring_max_runtime_seconds,
        run_monitoring_poll_interval_seconds,
        run_monitoring_start_timeout_seconds,
        run_retries_enabled,
        run_retries_max_retries,
        run_retries_retry_on_asset_or_op_failure,
        telemetry_enabled,
        wait_for_local_code_server_processes_on_shutdown,
    ];
    found.extend([
        ("code_server_settings", sections::code_servers(instance.code_server_settings())),
        (
            "get_auto_materialize_settings",
            sections::auto_materialize(instance.get_auto_materialize_settings()),
        ),
        ("get_backfill_settings", sections::threads(instance.get_backfill_settings())),
        ("get_scheduler_settings", sections::threads(instance.get_scheduler_settings())),
        ("get_sensor_settings", sections::threads(instance.get_sensor_settings())),
        ("run_monitoring_settings", sections::run_monitoring(instance.run_monitoring_settings())),
    ]);
    found
}

/// The members that fail if what they need is not configured in a way that we have.
fn fallible(instance: &DagsterInstance) -> Vec<(&'static str, Answer)> {
    let directory = |path: Result<std::path::PathBuf, InstanceError>| path.map(|path| json!(path));
    vec![
        (
            "get_concurrency_config",
            instance.get_concurrency_config().map(|config| sections::concurrency(&config)),
        ),
        (
            "global_op_concurrency_default_limit",
            instance.global_op_concurrency_default_limit().map(|limit| json!(limit)),
        ),
        (
            "get_required_daemon_types",
            instance
                .get_required_daemon_types()
                .map(|daemons| daemons.iter().map(|daemon| json!(daemon.as_str())).collect()),
        ),
        (
            "get_default_graphql_run_records_limit",
            instance.get_default_graphql_run_records_limit().map(|limit| json!(limit)),
        ),
        ("root_directory", directory(instance.root_directory())),
        ("schedules_directory", directory(instance.schedules_directory())),
        ("storage_directory", directory(instance.storage_directory())),
        ("file_manager_directory", directory(instance.file_manager_directory(&RunId::from("RUN")))),
        ("get_ref", instance.get_ref().map(|reference| json!(serialize_value(reference)))),
    ]
}

/// How long ticks are kept, for each type.
fn retention(instance: &DagsterInstance) -> Vec<(String, Answer)> {
    let types = [InstigatorType::Schedule, InstigatorType::Sensor, InstigatorType::AutoMaterialize];
    let of_type = |instigator_type: InstigatorType| {
        let retention = instance.get_tick_retention_settings(instigator_type);
        let days = TickStatus::ALL
            .iter()
            .map(|status| (status.as_str().to_owned(), json!(retention.days(*status))));
        let name = format!("get_tick_retention_settings {}", instigator_type.as_str());
        (name, Ok(Value::Object(days.collect())))
    };
    types.map(of_type).into()
}

/// What Dagster's `get_settings` gives out: the sections of the file, as the reference has them.
fn sections_of_file(instance: &DagsterInstance) -> Vec<(String, Answer)> {
    let settings = instance.get_ref().map(|reference| reference.settings.to_json());
    let Ok(Ok(Value::Object(sections))) = settings else { return Vec::new() };
    let section = |name: &str| {
        let value = sections.get(name).cloned().unwrap_or_else(|| json!({}));
        (format!("get_settings {name}"), Ok(value))
    };
    sections::OF_THE_REFERENCE.map(section).into()
}
