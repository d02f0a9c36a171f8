//! The JSON of assets.

use dagster_instance::AssetKey;
use dagster_instance::RunId;
use dagster_instance::assets::{AssetCheckEvaluation, AssetRecord};
use dagster_instance::clock::timestamp_of;
use dagster_instance::event::EventLogRecord;
use dagster_instance::storage::{
    AssetCheckExecutionRecord, AssetCheckSummaryRecord, WipedAssetPartitions,
};
use serde_json::{Value, json};

use super::{asset_key, text};
use crate::args::{MISSING, PartitionStatus};
use crate::bar::Counts;
use crate::commands::asset_checks::evaluation;

/// An asset, as in a list.
pub(crate) fn asset(record: &AssetRecord) -> Value {
    let entry = &record.asset_entry;
    let last = entry.last_materialization_record.as_ref().map(|record| &record.event_log_entry);
    let partition = last.and_then(|entry| entry.dagster_event.as_ref()?.partition());
    json!({
        "asset_key": asset_key(&entry.asset_key),
        "path": path(&entry.asset_key),
        "last_materialization_timestamp": last.map(|entry| entry.timestamp),
        "last_materialization_run_id": last.map(|entry| text(entry.run_id.as_str())),
        "last_materialization_partition": partition.map(text),
        "last_run_id": entry.last_run_id.as_ref().map(RunId::as_str).map(text),
    })
}

/// What is shown of an asset beside its record.
pub(crate) struct AssetInFull<'a> {
    pub(crate) record: &'a AssetRecord,
    pub(crate) last_observation: Option<&'a EventLogRecord>,
    pub(crate) checks: &'a [AssetCheckSummaryRecord],
    pub(crate) partitions: Counts,
}

/// An asset with all that is shown of it.
pub(crate) fn asset_in_full(asset_in_full: &AssetInFull<'_>) -> Value {
    let observed = asset_in_full.last_observation.map(|record| record.event_log_entry.timestamp);
    let details = asset_in_full.record.asset_entry.asset_details.as_ref();
    let wiped = details.and_then(|details| details.last_wipe_timestamp.as_ref());
    let partitions = asset_in_full.partitions;
    let more = [
        ("last_observation_timestamp", json!(observed)),
        ("last_wipe_timestamp", json!(wiped.map(|time| time.as_f64()))),
        ("checks", asset_in_full.checks.iter().map(asset_check).collect()),
        (
            "partitions",
            json!({
                "materialized": partitions.materialized,
                "failed": partitions.failed,
                "in_progress": partitions.in_progress,
                "missing": partitions.missing,
            }),
        ),
    ];
    let mut value = asset(asset_in_full.record);
    if let Some(fields) = value.as_object_mut() {
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    value
}

/// A check of an asset.
pub(crate) fn asset_check(summary: &AssetCheckSummaryRecord) -> Value {
    json!({
        "check_name": text(&summary.asset_check_key.name),
        "last_execution": summary.last_check_execution_record.as_ref().map(execution),
        "last_completed_execution":
            summary.last_completed_check_execution_record.as_ref().map(execution),
    })
}

fn execution(record: &AssetCheckExecutionRecord) -> Value {
    let evaluation = evaluation(record);
    let description = |it: &AssetCheckEvaluation| it.description.as_deref().map(text);
    json!({
        "status": record.status.as_str(),
        "run_id": text(record.run_id.as_str()),
        "partition": record.partition.as_deref().map(text),
        "timestamp": timestamp_of(record.create_timestamp),
        "severity": evaluation.map(|it| it.severity.as_str()),
        "description": evaluation.and_then(description),
    })
}

/// A partition of an asset.
pub(crate) fn asset_partition(key: &str, status: PartitionStatus, materializations: u64) -> Value {
    json!({
        "partition": text(key),
        "status": status.map_or(MISSING, |status| status.as_str()),
        "materializations": materializations,
    })
}

/// What was wiped of an asset, or would be: the whole of it, or these partitions.
pub(crate) fn asset_wiped(
    key: &AssetKey,
    partitions: Option<&[String]>,
    wiped: Option<WipedAssetPartitions>,
    dry_run: bool,
) -> Value {
    let keys = partitions.map(|keys| keys.iter().map(|key| text(key)).collect::<Vec<_>>());
    json!({
        "asset_key": asset_key(key),
        "path": path(key),
        "partitions": keys,
        "events": wiped.map(|wiped| wiped.events),
        "check_executions": wiped.map(|wiped| wiped.check_executions),
        "dry_run": dry_run,
    })
}

fn path(key: &AssetKey) -> Vec<Value> {
    key.path.iter().map(|part| text(part)).collect()
}
