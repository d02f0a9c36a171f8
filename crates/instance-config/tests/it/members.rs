//! The members of Dagster's class that say what is configured.

use instance_config::{
    auto_materialize_minimum_interval_seconds, auto_materialize_use_sensors,
    code_server_process_startup_timeout, get_concurrency_config, get_ref, get_sensor_settings,
    global_op_concurrency_default_limit, is_ephemeral, is_persistent, managed_python_loggers,
    nux_enabled, python_log_level, run_monitoring_poll_interval_seconds, run_retries_enabled,
    telemetry_enabled,
};
use instance_core::error::ErrorKind;
use instance_core::settings::{
    ClassSettings, InstanceSettings, InstanceType, PoolGranularity, RunCoordinatorSettings,
};
use instance_core::testing::instance::TestInstance;

use crate::support::loaded;

fn instance(settings: InstanceSettings) -> TestInstance {
    TestInstance { settings: settings.into(), ..TestInstance::default() }
}

fn of(yaml: &str) -> TestInstance {
    instance(loaded(yaml))
}

#[test]
fn defaults_are_dagsters() {
    let ops = of("");
    assert!(is_persistent(&ops) && !is_ephemeral(&ops));
    assert!(telemetry_enabled(&ops) && nux_enabled(&ops) && auto_materialize_use_sensors(&ops));
    assert!(!run_retries_enabled(&ops));
    assert_eq!(auto_materialize_minimum_interval_seconds(&ops), None);
    assert_eq!(code_server_process_startup_timeout(&ops), 180);
    assert_eq!(run_monitoring_poll_interval_seconds(&ops), 120);
    assert!(get_sensor_settings(&ops).use_threads);
    assert_eq!(managed_python_loggers(&ops), [""; 0]);
    assert_eq!(python_log_level(&ops), None);
    assert_eq!(
        get_ref(&ops).unwrap().run_launcher_data.as_ref().unwrap().class_name,
        "DefaultRunLauncher"
    );
}

#[test]
fn an_instance_in_memory_reports_nothing_and_has_no_reference() {
    let settings = InstanceSettings::new("").with_instance_type(InstanceType::Ephemeral);
    let ops = instance(settings);
    assert!(is_ephemeral(&ops) && !is_persistent(&ops));
    assert!(!telemetry_enabled(&ops) && !nux_enabled(&ops));
    assert_eq!(get_ref(&ops).unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn limits_come_from_two_sections() {
    let config = |yaml| get_concurrency_config(&of(yaml)).unwrap();
    let queue = config("").run_queue_config.unwrap();
    assert_eq!((queue.max_concurrent_runs, queue.op_concurrency_slot_buffer), (10, 0));
    assert!(queue.should_block_op_concurrency_limited_runs);

    let both = config(
        "run_queue: {dequeue_interval_seconds: 1, max_user_code_failure_retries: 2}\nconcurrency: {pools: \
         {default_limit: 0, op_granularity_run_buffer: 3}, runs: {max_concurrent_runs: 4, tag_concurrency_limits: null}}\n",
    );
    assert_eq!(both.pool_config.default_pool_limit, Some(0));
    assert_eq!(both.pool_config.pool_granularity, None);
    let queue = both.run_queue_config.unwrap();
    assert_eq!((queue.max_concurrent_runs, queue.op_concurrency_slot_buffer), (4, 3));
    assert_eq!(queue.max_user_code_failure_retries, 2);
    assert!(queue.tag_concurrency_limits.is_empty());

    let blocking =
        "block_op_concurrency_limited_runs: {enabled: true, op_concurrency_slot_buffer: 5}";
    let config = config(&format!("run_queue: {{{blocking}}}\n"));
    assert_eq!(config.pool_config.pool_granularity, Some(PoolGranularity::Op));
    let queue = config.run_queue_config.unwrap();
    assert_eq!(queue.op_concurrency_slot_buffer, 5);
    assert!(!queue.explicitly_enabled_concurrency_run_blocking);

    let old = of("concurrency: {default_op_concurrency_limit: 6}\n");
    assert_eq!(global_op_concurrency_default_limit(&old).unwrap(), Some(6));
    let at_once = of(
        "run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}\n",
    );
    assert_eq!(get_concurrency_config(&at_once).unwrap().run_queue_config, None);
}

#[test]
fn only_a_coordinator_that_is_known_tells_its_limits() {
    let mut ops = of("run_coordinator: {module: mine, class: Mine, config: {}}\n");
    let error = get_concurrency_config(&ops).unwrap_err();
    assert!(error.to_string().contains("mine.Mine"), "{error}");
    ops.settings.run_coordinator = RunCoordinatorSettings::Other(ClassSettings::new("m", "C"));
    assert!(global_op_concurrency_default_limit(&ops).is_err());
    let ops = of("run_queue: {max_concurrent_runs: -5}\n");
    let error = get_concurrency_config(&ops).unwrap_err();
    assert!(error.to_string().contains("run_queue.max_concurrent_runs"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Config);
}
