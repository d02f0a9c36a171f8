//! The JSON that the program prints, which `docs/cli-json.md` documents.

use dagster_instance::RunId;
use dagster_instance::assets::AssetRecord;
use dagster_instance::clock::timestamp_of;
use dagster_instance::event::EventLogRecord;
use dagster_instance::run::{
    DagsterRunStatsSnapshot, RunRecord, RunStepKeyStatsSnapshot, StepEventStatus,
};
use dagster_instance::serdes::{Pack, Writer, serialize_value};
use serde_json::{Value, json};

/// A run, as in a list.
pub(crate) fn run(record: &RunRecord) -> Value {
    let run = &record.dagster_run;
    json!({
        "run_id": run.run_id.as_str(),
        "job_name": run.job_name,
        "status": run.status.as_str(),
        "tags": run.tags,
        "create_timestamp": timestamp_of(record.create_timestamp),
        "update_timestamp": timestamp_of(record.update_timestamp),
        "start_time": record.start_time,
        "end_time": record.end_time,
        "root_run_id": run.root_run_id.as_ref().map(RunId::as_str),
        "parent_run_id": run.parent_run_id.as_ref().map(RunId::as_str),
    })
}

/// What a run's events add up to.
pub(crate) fn stats(stats: &DagsterRunStatsSnapshot) -> Value {
    json!({
        "steps_succeeded": stats.steps_succeeded,
        "steps_failed": stats.steps_failed,
        "materializations": stats.materializations,
        "expectations": stats.expectations,
        "enqueued_time": stats.enqueued_time,
        "launch_time": stats.launch_time,
        "start_time": stats.start_time,
        "end_time": stats.end_time,
    })
}

/// A step of a run.
pub(crate) fn step(step: &RunStepKeyStatsSnapshot) -> Value {
    let materialized = step
        .materialization_events
        .iter()
        .filter_map(|entry| entry.dagster_event.as_ref()?.asset_key());
    json!({
        "step_key": step.step_key,
        "status": step.status.map(StepEventStatus::as_str),
        "start_time": step.start_time,
        "end_time": step.end_time,
        "attempts": step.attempts,
        "materializations": materialized.map(|key| key.to_user_string()).collect::<Vec<_>>(),
    })
}

/// An asset, as in a list.
pub(crate) fn asset(record: &AssetRecord) -> Value {
    let entry = &record.asset_entry;
    let last = entry.last_materialization_record.as_ref().map(|record| &record.event_log_entry);
    let partition = last.and_then(|entry| entry.dagster_event.as_ref()?.partition());
    json!({
        "asset_key": entry.asset_key.to_user_string(),
        "path": entry.asset_key.path,
        "last_materialization_timestamp": last.map(|entry| entry.timestamp),
        "last_materialization_run_id": last.map(|entry| entry.run_id.as_str()),
        "last_materialization_partition": partition,
        "last_run_id": entry.last_run_id.as_ref().map(RunId::as_str),
    })
}

/// An event. The stored entry goes in as it is, with what JSON alone could not hold, such as `NaN`.
pub(crate) fn event(record: &EventLogRecord) -> String {
    let entry = &record.event_log_entry;
    let event_type = entry.dagster_event.as_ref().map(|event| event.event_type_value.clone());
    let mut writer = Writer::new();
    let mut object = writer.object();
    object.entry("id", &record.storage_id);
    object.entry("event_type", &event_type);
    object.entry("step_key", &entry.step_key().map(str::to_owned));
    object.entry("timestamp", &entry.timestamp);
    object.entry("level", entry.level.name());
    object.entry("message", entry.message());
    object.raw_entry("entry", &serialize_value(entry));
    object.end();
    writer.finish()
}

/// Text in serdes format, as a JSON tree where it is one, else as text.
pub(crate) fn carried(value: &impl Pack) -> Value {
    let text = serialize_value(value);
    dagster_instance::serdes::text_to_json(&text).unwrap_or(Value::String(text))
}
