//! The JSON that the program prints, which `docs/cli-json.md` documents. All of it is strict JSON.
//!
//! Not here: where it is printed.

mod assets;
#[cfg(feature = "grpc")]
mod code;
mod config;
mod daemons;
mod doctor;
mod migrate;
mod partitions;
mod queue;
mod scheduling;

use dagster_instance::clock::timestamp_of;
use dagster_instance::event::EventLogRecord;
use dagster_instance::launcher::CheckRunHealthResult;
use dagster_instance::run::{
    DagsterRunStatsSnapshot, RunRecord, RunStepKeyStatsSnapshot, StepEventStatus,
};
use dagster_instance::serdes::{Pack, Writer, code_points, serialize_value, text_to_json};
use dagster_instance::settings::{ComputeLogSettings, StoreSettings};
use dagster_instance::{AssetKey, RunId, SnapshotId, StorageInfo};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

pub(crate) use assets::{
    AssetInFull, asset, asset_check, asset_in_full, asset_partition, asset_wiped,
};
#[cfg(feature = "grpc")]
pub(crate) use code::{code_location, code_server, failed_code_location, launched_run};
pub(crate) use config::{config, config_check, workspace, workspace_check};
pub(crate) use daemons::{daemon_status, wiped_heartbeats};
pub(crate) use doctor::finding as schema_finding;
pub(crate) use migrate::{database_to_upgrade, index_to_build, upgraded_database};
pub(crate) use partitions::{added_partitions, deleted_partitions, partition};
#[cfg(feature = "grpc")]
pub(crate) use queue::queue_look;
pub(crate) use queue::{queue_explanation, queued_run};
pub(crate) use scheduling::{
    backfill, backfill_in_full, instigator, instigator_in_full, reindexed, tick,
};

/// A run, as in a list.
pub(crate) fn run(record: &RunRecord) -> Value {
    let run = &record.dagster_run;
    let tags: Map<_, _> =
        run.tags.iter().map(|(key, value)| (well_formed(key), text(value))).collect();
    json!({
        "run_id": text(run.run_id.as_str()),
        "job_name": text(&run.job_name),
        "status": run.status.as_str(),
        "tags": tags,
        "create_timestamp": timestamp_of(record.create_timestamp),
        "update_timestamp": timestamp_of(record.update_timestamp),
        "start_time": record.start_time,
        "end_time": record.end_time,
        "root_run_id": run.root_run_id.as_ref().map(RunId::as_str).map(text),
        "parent_run_id": run.parent_run_id.as_ref().map(RunId::as_str).map(text),
    })
}

/// A run with all that is shown of it.
pub(crate) fn run_in_full(
    record: &RunRecord,
    run_stats: &DagsterRunStatsSnapshot,
    steps: &[RunStepKeyStatsSnapshot],
    worker: Option<&CheckRunHealthResult>,
) -> Value {
    let of_run = &record.dagster_run;
    let snapshot = |id: &Option<SnapshotId>| id.as_ref().map(SnapshotId::as_str).map(text);
    let more = [
        ("run_config", carried(&of_run.run_config)),
        ("job_snapshot_id", json!(snapshot(&of_run.job_snapshot_id))),
        ("execution_plan_snapshot_id", json!(snapshot(&of_run.execution_plan_snapshot_id))),
        ("stats", stats(run_stats)),
        ("steps", steps.iter().map(step).collect()),
        ("worker", json!(worker.map(of_worker))),
    ];
    let mut value = run(record);
    if let Some(fields) = value.as_object_mut() {
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    value
}

/// How the worker of a run is.
fn of_worker(health: &CheckRunHealthResult) -> Value {
    json!({ "status": health.status.as_str(), "message": health.msg.as_deref().map(text) })
}

/// What a run's events add up to.
fn stats(stats: &DagsterRunStatsSnapshot) -> Value {
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
fn step(step: &RunStepKeyStatsSnapshot) -> Value {
    let materialized = step
        .materialization_events
        .iter()
        .filter_map(|entry| entry.dagster_event.as_ref()?.asset_key());
    json!({
        "step_key": text(&step.step_key),
        "status": step.status.map(StepEventStatus::as_str),
        "start_time": step.start_time,
        "end_time": step.end_time,
        "attempts": step.attempts,
        "materializations": materialized.map(|key| asset_key(&key)).collect::<Vec<_>>(),
    })
}

/// Where an instance is, and what it holds.
pub(crate) fn info(
    info: &StorageInfo,
    dagster_version: &str,
    assets: usize,
    instigators: &Instigators,
) -> Value {
    let revisions: Map<_, _> = info
        .schema_revisions
        .iter()
        .map(|(store, revision)| ((*store).to_owned(), text(revision)))
        .collect();
    let compute_logs_dir = match &info.compute_logs {
        ComputeLogSettings::Local(local) => Some(local.base_dir.to_string_lossy()),
        _ => None,
    };
    let kind = match &info.storage.run_storage {
        StoreSettings::Postgres(_) => "postgres",
        _ => "sqlite",
    };
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "dagster_version": dagster_version,
        // A directory's name need not be text.
        "home": info.home.to_string_lossy(),
        "storage": {
            "kind": kind,
            "run_storage": info.storage.run_storage.to_string(),
            "event_log_storage": info.storage.event_log_storage.to_string(),
            "schedule_storage": info.storage.schedule_storage.to_string(),
            "schema_revisions": revisions,
        },
        "compute_logs": text(&info.compute_logs.to_string()),
        "compute_logs_dir": compute_logs_dir,
        "run_storage_id": text(&info.run_storage_id),
        "runs": info.runs,
        "assets": assets,
        "instigators": {"known": instigators.known, "running": instigators.running},
        "warnings": info.warnings,
    })
}

/// How many schedules and sensors there are.
pub(crate) struct Instigators {
    /// Those that the instance has a state of.
    pub(crate) known: usize,
    /// Those of them that somebody started.
    pub(crate) running: usize,
}

/// An event. The stored entry is printed as it is. If it holds what JSON cannot, it is printed as text.
pub(crate) fn event(record: &EventLogRecord) -> String {
    let entry = &record.event_log_entry;
    let event_type = entry.dagster_event.as_ref().map(|event| well_formed(&event.event_type_value));
    let mut writer = Writer::new();
    let mut object = writer.object();
    object.entry("id", &record.storage_id);
    object.entry("event_type", &event_type);
    object.entry("step_key", &entry.step_key().map(well_formed));
    object.entry("timestamp", &Some(entry.timestamp).filter(|time| time.is_finite()));
    object.entry("level", entry.level.name());
    object.entry("message", &well_formed(entry.message()));
    let stored = serialize_value(entry);
    if is_strict(&stored) {
        object.raw_entry("entry", &stored);
    } else {
        object.entry("entry", &stored);
    }
    object.end();
    writer.finish()
}

/// What the codec carries: a JSON tree if it is one, else its text.
fn carried(value: &impl Pack) -> Value {
    let stored = serialize_value(value);
    let tree = is_strict(&stored).then(|| text_to_json(&stored).ok()).flatten();
    tree.unwrap_or(Value::String(stored))
}

fn asset_key(key: &AssetKey) -> Value {
    text(&key.to_user_string())
}

fn text(text: &str) -> Value {
    Value::String(well_formed(text))
}

/// Text without halves of surrogate pairs, which Python's strings may have. U+FFFD stands for them.
fn well_formed(text: &str) -> String {
    code_points(text)
        .map(|point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Whether text in serdes format is JSON for every reader. It is not if it has `NaN`, infinities or halves of
/// surrogate pairs.
fn is_strict(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok() && !has_half(text)
}

/// Whether JSON has an escape of a half of a surrogate pair without the other half.
fn has_half(text: &str) -> bool {
    let mut rest = text;
    let mut open = false;
    while let Some(at) = rest.find('\\') {
        let Some(escape) = rest.get(at + 1..) else { return open };
        let half = escape.strip_prefix('u').and_then(|digits| digits.get(..4));
        let half = half.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let is_second = half.is_some_and(|half| (0xdc00..0xe000).contains(&half));
        // A second half may only stand directly after a first one.
        if open && !(is_second && at == 0) || !open && is_second {
            return true;
        }
        open = half.is_some_and(|half| (0xd800..0xdc00).contains(&half));
        rest = escape.get(if half.is_some() { 5 } else { 1 }..).unwrap_or_default();
    }
    open
}

#[cfg(test)]
mod tests {
    use super::{carried, is_strict, well_formed};
    use dagster_instance::serdes::{Opaque, deserialize_value};
    use serde_json::json;

    #[test]
    fn what_every_reader_takes_is_strict() {
        for text in [
            r#"{"a": [1, 1.5, null, true, "NaN", "Infinity"]}"#,
            r#""\ud83d\ude80""#,
            r#""a\ud83d\ude80\ud83d\ude80b\\ud83d""#,
            "123456789012345678901234567890",
        ] {
            assert!(is_strict(text), "{text}");
        }
        for text in [
            "NaN",
            r#"{"a": [Infinity]}"#,
            "[-Infinity]",
            r#""\ud83d""#,
            r#""\ud83da\ude80""#,
            r#""\ude80""#,
            r#""\ud83d\ud83d\ude80""#,
            r#""\ud83d\n""#,
            r#"["\ud83d", "\ude80"]"#,
            r#""\ud83d\ude80\ude80""#,
        ] {
            assert!(!is_strict(text), "{text}");
        }
    }

    #[test]
    fn what_json_cannot_hold_is_text() {
        let check = |text: &str, expect| {
            let value: Opaque = deserialize_value(text).unwrap();
            assert_eq!(carried(&value), expect);
        };
        check(r#"{"a": 1}"#, json!({"a": 1}));
        check(r#"{"a": NaN}"#, json!(r#"{"a": NaN}"#));
        check(r#"["\udcff"]"#, json!(r#"["\udcff"]"#));
        check("123456789012345678901234567890", json!("123456789012345678901234567890"));
    }

    #[test]
    fn halves_of_pairs_are_replaced() {
        let kept: String = deserialize_value(r#""a\udcff\ud83d\ude80""#).unwrap();
        assert_eq!(well_formed(&kept), "a\u{fffd}\u{1f680}");
    }
}
