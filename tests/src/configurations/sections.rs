//! Sections of `dagster.yaml` that are types here, as the mappings that they are in Dagster.

use dagster_instance::settings::{
    AutoMaterializeSettings, CodeServerSettings, ConcurrencyConfig, DaemonThreadSettings,
    PoolGranularity, RunMonitoringSettings, RunQueueConfig, TagConcurrencyLimit, TagLimitValue,
};
use serde_json::{Value, json};

/// The sections that a reference has.
pub(super) const OF_THE_REFERENCE: [&str; 13] = [
    "auto_materialize",
    "backfills",
    "code_servers",
    "concurrency",
    "freshness",
    "nux",
    "python_logs",
    "retention",
    "run_monitoring",
    "run_retries",
    "schedules",
    "sensors",
    "telemetry",
];

pub(super) fn auto_materialize(settings: &AutoMaterializeSettings) -> Value {
    json!({
        "enabled": settings.enabled,
        "max_tick_retries": settings.max_tick_retries,
        "minimum_interval_seconds": settings.minimum_interval_seconds,
        "num_workers": settings.num_workers,
        "respect_materialization_data_versions": settings.respect_materialization_data_versions,
        "run_tags": settings.run_tags,
        "use_sensors": settings.use_sensors,
        "use_threads": settings.use_threads,
    })
}

pub(super) fn code_servers(settings: &CodeServerSettings) -> Value {
    json!({
        "local_startup_timeout": settings.local_startup_timeout,
        "reload_timeout": settings.reload_timeout,
        "wait_for_local_processes_on_shutdown": settings.wait_for_local_processes_on_shutdown,
    })
}

pub(super) fn threads(settings: &DaemonThreadSettings) -> Value {
    json!({
        "use_threads": settings.use_threads,
        "num_workers": settings.num_workers,
        "num_submit_workers": settings.num_submit_workers,
    })
}

pub(super) fn run_monitoring(settings: &RunMonitoringSettings) -> Value {
    json!({
        "cancel_timeout_seconds": settings.cancel_timeout_seconds,
        "cancellation_thread_poll_interval_seconds": settings.cancellation_thread_poll_interval_seconds,
        "enabled": settings.enabled,
        "free_slots_after_run_end_seconds": settings.free_slots_after_run_end_seconds,
        "max_resume_run_attempts": settings.max_resume_run_attempts,
        "max_runtime_seconds": settings.max_runtime_seconds,
        "poll_interval_seconds": settings.poll_interval_seconds,
        "start_timeout_seconds": settings.start_timeout_seconds,
    })
}

pub(super) fn concurrency(config: &ConcurrencyConfig) -> Value {
    let pools = &config.pool_config;
    json!({
        "pool_config": {
            "pool_granularity": pools.pool_granularity.map(PoolGranularity::as_str),
            "default_pool_limit": pools.default_pool_limit,
            "op_granularity_run_buffer": pools.op_granularity_run_buffer,
        },
        "run_queue_config": config.run_queue_config.as_ref().map(run_queue),
    })
}

fn run_queue(config: &RunQueueConfig) -> Value {
    let limits: Vec<Value> = config.tag_concurrency_limits.iter().map(tag_limit).collect();
    json!({
        "max_concurrent_runs": config.max_concurrent_runs,
        "tag_concurrency_limits": limits,
        "max_user_code_failure_retries": config.max_user_code_failure_retries,
        "user_code_failure_retry_delay": config.user_code_failure_retry_delay,
        "should_block_op_concurrency_limited_runs": config.should_block_op_concurrency_limited_runs,
        "op_concurrency_slot_buffer": config.op_concurrency_slot_buffer,
        "explicitly_enabled_concurrency_run_blocking": config.explicitly_enabled_concurrency_run_blocking,
        // No file configures it.
        "max_concurrent_runs_all_branch_deployments": null,
    })
}

fn tag_limit(limit: &TagConcurrencyLimit) -> Value {
    let mut told = json!({"key": limit.key, "limit": limit.limit});
    match &limit.value {
        TagLimitValue::Any => {}
        TagLimitValue::Of(value) => told["value"] = json!(value),
        TagLimitValue::EachByItself => told["value"] = json!({"applyLimitPerUniqueValue": true}),
    }
    told
}
