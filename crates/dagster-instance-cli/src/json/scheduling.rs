//! The JSON of schedules, sensors, ticks and backfills.

use dagster_instance::scheduling::{
    InstigatorData, InstigatorState, InstigatorTick, PartitionBackfill, SensorType,
};
use dagster_instance::serdes::Number;
use dagster_instance::{AssetKey, ReindexedIndex};
use serde_json::{Map, Value, json};

use super::{asset_key, text, well_formed};
use crate::commands::backfill_show::{RunCounts, progress};
use crate::commands::instigators::cron_schedule;

/// A schedule or sensor, with its next ticks.
pub(crate) fn instigator(state: &InstigatorState, next_ticks: &[f64]) -> Value {
    let origin = &state.origin.repository_origin;
    let ids = state.ids();
    let mut value = json!({
        "name": text(state.name()),
        "type": state.instigator_type.as_str(),
        "status": state.status.as_str(),
        "repository": text(&origin.repository_name),
        "location": origin.location_name().map(text),
        "selector_id": ids.selector_id,
        "origin_id": ids.origin_id,
    });
    let more = match &state.instigator_data {
        Some(InstigatorData::Schedule(data)) => json!({
            "cron_schedules": cron_schedule(state).map(|cron| cron.texts().iter().map(|it| text(it)).collect::<Vec<_>>()),
            "start_timestamp": time(data.start_timestamp.as_ref()),
            "last_tick_timestamp": time(data.last_iteration_timestamp.as_ref()),
            "next_tick_timestamps": next_ticks,
        }),
        Some(InstigatorData::Sensor(data)) => json!({
            "sensor_type": data.sensor_type.map(SensorType::as_str),
            "min_interval_seconds": time(data.min_interval.as_ref()),
            "start_timestamp": time(data.last_sensor_start_timestamp.as_ref()),
            "last_tick_timestamp": time(data.last_tick_timestamp.as_ref()),
            "last_success_timestamp": time(data.last_tick_success_timestamp.as_ref()),
            "last_run_key": data.last_run_key.as_deref().map(text),
            "cursor": data.cursor.as_deref().map(text),
        }),
        _ => json!({}),
    };
    extend(&mut value, more);
    value
}

/// A schedule or sensor with its next and last ticks.
pub(crate) fn instigator_in_full(
    state: &InstigatorState,
    next_ticks: &[f64],
    ticks: &[InstigatorTick],
) -> Value {
    let mut value = instigator(state, next_ticks);
    extend(&mut value, json!({ "ticks": ticks.iter().map(tick).collect::<Vec<_>>() }));
    value
}

/// A tick.
pub(crate) fn tick(tick: &InstigatorTick) -> Value {
    let data = &tick.tick_data;
    let texts = |list: &Option<Vec<String>>| -> Vec<Value> {
        list.iter().flatten().map(|it| text(it)).collect()
    };
    json!({
        "tick_id": tick.tick_id,
        "name": text(&data.instigator_name),
        "type": data.instigator_type.as_str(),
        "status": data.status.as_str(),
        "timestamp": time(Some(&data.timestamp)),
        "end_timestamp": time(data.end_timestamp.as_ref()),
        "run_ids": texts(&data.run_ids),
        "run_keys": texts(&data.run_keys),
        "skip_reason": data.skip_reason.as_deref().map(text),
        "error": data.error.as_ref().map(|error| text(&error.message)),
        "cursor": data.cursor.as_deref().map(text),
    })
}

/// A backfill, as in a list.
pub(crate) fn backfill(backfill: &PartitionBackfill) -> Value {
    let keys = backfill.asset_selection.iter().flatten();
    let tags: Map<_, _> = backfill
        .tags
        .iter()
        .flatten()
        .map(|(key, value)| (well_formed(key), text(value)))
        .collect();
    json!({
        "backfill_id": text(&backfill.backfill_id),
        "status": backfill.status.as_str(),
        "create_timestamp": time(Some(&backfill.backfill_timestamp)),
        "end_timestamp": time(backfill.backfill_end_timestamp.as_ref()),
        "job_name": backfill.job_name().map(text),
        "asset_keys": keys.map(asset_key).collect::<Vec<_>>(),
        "partitions": backfill.partition_names.as_ref().map(Vec::len),
        "title": backfill.title.as_deref().map(text),
        "tags": tags,
    })
}

/// A backfill with all that is shown of it.
pub(crate) fn backfill_in_full(of: &PartitionBackfill, runs: &RunCounts) -> Value {
    let runs: Map<_, _> =
        runs.iter().map(|(status, count)| (status.as_str().to_owned(), json!(count))).collect();
    let asset = |key: &AssetKey| {
        let (target, materialized) = progress(of, key);
        json!({
            "asset_key": asset_key(key),
            "partitions": target,
            "materialized_partitions": materialized,
        })
    };
    let more = json!({
        "partition_names": of.partition_names.as_ref().map(|keys| keys.iter().map(|key| text(key)).collect::<Vec<_>>()),
        "last_submitted_partition": of.last_submitted_partition_name.as_deref().map(text),
        "assets": of.asset_selection.iter().flatten().map(asset).collect::<Vec<_>>(),
        "runs": runs,
        "error": of.error.as_ref().map(|error| text(&error.message)),
    });
    let mut value = backfill(of);
    extend(&mut value, more);
    value
}

/// What was done about an index.
pub(crate) fn reindexed(index: &ReindexedIndex) -> Value {
    json!({ "index": index.index, "rows": index.rows, "was_built": index.rows.is_none() })
}

/// A number that Python stored, as JSON can hold it.
fn time(number: Option<&Number>) -> Value {
    number.map_or(Value::Null, |number| json!(number.as_f64()))
}

fn extend(value: &mut Value, more: Value) {
    if let (Some(fields), Value::Object(more)) = (value.as_object_mut(), more) {
        fields.extend(more);
    }
}
