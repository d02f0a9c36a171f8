//! The sections that are no classes.

use instance_core::scheduling::{TickRetention, TickRetentionSettings};
use instance_core::settings::{
    AutoMaterializeSettings, CodeServerSettings, ConcurrencySettings, DaemonThreadSettings,
    InstanceSettings, PoolGranularity, PoolSettings, PythonLogSettings, RunConcurrencySettings,
    RunMonitoringSettings, RunRetries, TagConcurrencyLimit,
};
use serde_json::json;

use crate::support::{loaded, refused};

#[test]
fn what_is_not_said_is_dagsters_default() {
    let default = |settings: &InstanceSettings| {
        let home = settings.home.clone();
        InstanceSettings::new(home).with_instance_ref(settings.instance_ref.clone())
    };
    for yaml in [
        "",
        "telemetry: {}\nnux: {}\npython_logs: {}\nrun_monitoring: {}\nrun_retries: {}\ncode_servers: {}\nretention: \
         {}\nbackfills: {}\nsensors: {}\nschedules: {}\nauto_materialize: {}\nconcurrency: {}\nrun_queue: {}\n",
    ] {
        let settings = loaded(yaml);
        assert_eq!(settings, default(&settings));
    }
}

#[test]
fn every_section_is_followed() {
    let settings = loaded(
        "telemetry: {enabled: false}\nnux: {enabled: false}\nfreshness: {enabled: false}\n\
         python_logs: {managed_python_loggers: [a, root], python_log_level: info, dagster_handler_config: {handlers: \
         {h: {class: c}}}}\n\
         run_monitoring: {enabled: true, start_timeout_seconds: 1, cancel_timeout_seconds: 2, max_runtime_seconds: 3, \
         poll_interval_seconds: 4, cancellation_thread_poll_interval_seconds: 5, free_slots_after_run_end_seconds: 6}\n\
         run_retries: {enabled: true, max_retries: 3, retry_on_asset_or_op_failure: false}\n\
         code_servers: {local_startup_timeout: 1, reload_timeout: 2, wait_for_local_processes_on_shutdown: true}\n\
         backfills: {use_threads: true, num_workers: 1, num_submit_workers: 2}\n\
         sensors: {use_threads: false, num_workers: 3}\nschedules: {num_submit_workers: 4}\n\
         auto_materialize: {enabled: false, minimum_interval_seconds: 7, run_tags: {a: b}, \
         respect_materialization_data_versions: true, max_tick_retries: 1, use_sensors: false, use_threads: true, \
         num_workers: 2}\n\
         concurrency: {pools: {default_limit: 1, granularity: run, op_granularity_run_buffer: 2}, runs: \
         {max_concurrent_runs: 3, tag_concurrency_limits: [{key: a, limit: 1}]}}\n",
    );
    assert!(!settings.telemetry_enabled && !settings.nux_enabled && !settings.freshness_enabled);
    let handlers = json!({"handlers": {"h": {"class": "c"}}});
    let logs = PythonLogSettings::new()
        .with_managed_python_loggers(vec!["a".to_owned(), "root".to_owned()])
        .with_python_log_level("info".to_owned())
        .with_dagster_handler_config(handlers.as_object().unwrap().clone());
    assert_eq!(settings.python_logs, logs);
    let monitoring = RunMonitoringSettings::new()
        .with_enabled(true)
        .with_start_timeout_seconds(1)
        .with_cancel_timeout_seconds(2)
        .with_max_runtime_seconds(3)
        .with_poll_interval_seconds(4)
        .with_cancellation_thread_poll_interval_seconds(5)
        .with_free_slots_after_run_end_seconds(6);
    assert_eq!(settings.run_monitoring, monitoring);
    let retries = RunRetries::new()
        .with_enabled(true)
        .with_max_retries(3)
        .with_retry_on_asset_or_op_failure(false);
    assert_eq!(settings.run_retries, retries);
    let servers = CodeServerSettings::new()
        .with_local_startup_timeout(1)
        .with_reload_timeout(2)
        .with_wait_for_local_processes_on_shutdown(true);
    assert_eq!(settings.code_servers, servers);
    let threads = DaemonThreadSettings::new();
    let backfills = threads.with_use_threads(true).with_num_workers(1).with_num_submit_workers(2);
    assert_eq!(settings.backfills, backfills);
    assert_eq!(settings.sensors, threads.with_num_workers(3));
    assert_eq!(settings.schedules, threads.with_num_submit_workers(4));
    let automation = AutoMaterializeSettings::new()
        .with_enabled(false)
        .with_minimum_interval_seconds(7)
        .with_run_tags(json!({"a": "b"}).as_object().unwrap().clone())
        .with_respect_materialization_data_versions(true)
        .with_max_tick_retries(1)
        .with_use_sensors(false)
        .with_use_threads(true)
        .with_num_workers(2);
    assert_eq!(settings.auto_materialize, automation);
    let pools = PoolSettings::new()
        .with_default_limit(1)
        .with_granularity(PoolGranularity::Run)
        .with_op_granularity_run_buffer(2);
    let runs = RunConcurrencySettings::new()
        .with_max_concurrent_runs(3)
        .with_tag_concurrency_limits(vec![TagConcurrencyLimit::new("a", 1)]);
    assert_eq!(settings.concurrency, ConcurrencySettings::new().with_pools(pools).with_runs(runs));
}

#[test]
fn ticks_are_kept_for_a_number_of_days_or_for_one_of_each_status() {
    let default = TickRetentionSettings::default();
    assert_eq!((default.schedule.skipped, default.sensor.skipped), (-1, 7));
    for section in ["{sensor: {purge_after_days: {}}}", "{sensor: {purge_after_days: 0}}"] {
        let settings = loaded(&format!("retention: {section}\n"));
        assert_eq!(settings.tick_retention, default, "{section}");
    }
    let settings = loaded(
        "retention: {schedule: {purge_after_days: 90}, sensor: {purge_after_days: {failure: 30, skipped: -1}}}\n",
    );
    let retention = settings.tick_retention;
    assert_eq!(retention.schedule, TickRetention::of_all(90));
    assert_eq!(retention.sensor, TickRetention { failure: 30, ..TickRetention::of_all(-1) });
    assert_eq!(retention.auto_materialize, default.auto_materialize);
}

/// Dagster loads the launcher at once if runs are to be resumed.
#[test]
fn runs_are_resumed_only_by_a_launcher_that_can() {
    let monitoring = "run_monitoring: {enabled: true, max_resume_run_attempts: 3}\n";
    refused(&[(monitoring, "run_monitoring.max_resume_run_attempts")]);
    let k8s = "run_launcher: {module: dagster_k8s, class: K8sRunLauncher, config: {service_account_name: a, instance_config_map: m, dagster_home: /h}}\n";
    assert_eq!(loaded(&format!("{monitoring}{k8s}")).run_monitoring.max_resume_run_attempts, 3);
    let off = "run_monitoring: {enabled: false, max_resume_run_attempts: 3}\n";
    assert!(!loaded(off).run_monitoring.enabled);
    let broken = "run_launcher: {module: dagster, class: DefaultRunLauncher, config: {a: b}}\n";
    refused(&[(&format!("{monitoring}{broken}"), "run_launcher.config.a")]);
}

/// Dagster takes a mapping for true there, and its daemon fails with one in the place of a number.
#[test]
fn automation_looks_up_no_variables() {
    let settings = loaded(
        "auto_materialize: {enabled: {env: FALSE_TEXT}, use_sensors: {env: MISSING}, max_tick_retries: {env: NUMBER}, \
         minimum_interval_seconds: {env: NUMBER}}\n",
    );
    assert_eq!(settings.auto_materialize, AutoMaterializeSettings::new());
}

#[test]
fn other_values_are_errors_that_name_them() {
    refused(&[
        ("run_retries: {max_retries: many}\n", "run_retries.max_retries"),
        ("run_retries: {enabled: 1}\n", "run_retries.enabled"),
        ("run_monitoring: {enabeld: true}\n", "run_monitoring.enabeld"),
        ("telemetry: {enabled: 'no'}\n", "telemetry.enabled"),
        ("retention: {sensor: {purge_after_days: []}}\n", "sensor.purge_after_days"),
        ("retention: {sensor: {purge_after_days: 1.5}}\n", "sensor.purge_after_days"),
        ("retention: {sensor: {purge_after_days: {skipped: true}}}\n", "purge_after_days.skipped"),
        ("retention: {runs: {purge_after_days: 1}}\n", "retention.runs"),
        ("concurrency: {pools: {granularity: both}}\n", "both"),
        (
            "concurrency: {runs: {tag_concurrency_limits: [{key: a}]}}\n",
            "tag_concurrency_limits[0].limit",
        ),
        ("python_logs: {managed_python_loggers: [1]}\n", "managed_python_loggers"),
    ]);
}
