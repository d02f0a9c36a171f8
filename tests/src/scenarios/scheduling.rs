//! What each step of the scheduling domain does; what it gives back is the text that
//! `tests/python/scenarios/scheduling.py` makes of Dagster's answer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, Utc};
use dagster_instance::clock::{datetime_of, timestamp_of};
use dagster_instance::daemon::DaemonHeartbeat;
use dagster_instance::run::TagFilter;
use dagster_instance::scheduling::{
    AutoMaterializeAssetEvaluationRecord, BulkActionStatus, BulkActionsFilter, CronSchedule,
    DefaultStatus, EntityKey, InstigatorIds, InstigatorState, InstigatorStatus, InstigatorType,
    RemoteSchedule, RemoteSensor, SensorType, TickStatus,
};
use dagster_instance::serdes::{Opaque, Pack, deserialize_value, serialize_value};
use dagster_instance::storage::{BackfillsPage, EvaluationsPage, InstigatorFilter, TicksQuery};
use dagster_instance::{AssetCheckKey, DagsterInstance, Only, ops};
use serde_json::{Value, json};

use super::Result;
use super::arguments::{Arguments, asset_key};

/// Plays a step of this domain; `None` if it is of none.
pub(super) async fn play(
    instance: &DagsterInstance,
    name: &str,
    arguments: Arguments<'_>,
) -> Result<Option<Value>> {
    let found = match name {
        "start_schedule" | "stop_schedule" | "reset_schedule" | "start_sensor" | "stop_sensor"
        | "reset_sensor" => switch(instance, name, arguments).await?,
        "scheduler_debug_info" => debug_info(instance).await?,
        "wipe_all_schedules" => nothing(instance.wipe_all_schedules().await?),
        "logs_path_for_schedule" => {
            let path = instance.logs_path_for_schedule(arguments.text("origin_id")?)?;
            let directory = path.parent().is_some_and(Path::is_dir);
            let home = &instance.get_settings().home;
            text(&json!([path.strip_prefix(home)?.to_string_lossy(), directory]))
        }
        _ => match instigators(instance, name, arguments).await? {
            Some(found) => found,
            None => match ticks(instance, name, arguments).await? {
                Some(found) => found,
                None => match backfills(instance, name, arguments).await? {
                    Some(found) => found,
                    None => return daemons(instance, name, arguments).await,
                },
            },
        },
    };
    Ok(Some(found))
}

/// JSON as Python writes it with sorted keys.
fn text(document: &Value) -> Value {
    Value::from(Opaque::from(document).as_str())
}

/// Something of Dagster's own, as it is stored.
fn stored(value: &impl Pack) -> Value {
    Value::from(serialize_value(value))
}

/// What a method gives back that gives nothing back.
fn nothing((): ()) -> Value {
    Value::Null
}

fn ids(arguments: Arguments<'_>) -> Result<InstigatorIds> {
    Ok(InstigatorIds::new(arguments.text("origin_id")?, arguments.text("selector_id")?))
}

fn time(arguments: Arguments<'_>, name: &str) -> Result<Option<DateTime<Utc>>> {
    let seconds = arguments.optional_float(name)?;
    Ok(seconds.map(|seconds| datetime_of(seconds).ok_or("no such time")).transpose()?)
}

/// A list of names; none and an empty list mean any, as in Dagster.
fn named<T>(arguments: Arguments<'_>, name: &str, read: fn(&str) -> Option<T>) -> Result<Only<T>> {
    let names = arguments.texts(name)?.unwrap_or_default();
    let all: Option<Vec<T>> = names.iter().map(|name| read(name)).collect();
    Ok(Only::any_if_empty(all.ok_or("an unknown name")?))
}

fn instigator_type(arguments: Arguments<'_>) -> Result<Option<InstigatorType>> {
    let read = |name| InstigatorType::from_name(name).ok_or("an unknown type");
    Ok(arguments.optional_text("type")?.map(read).transpose()?)
}

fn default_status(arguments: Arguments<'_>) -> Result<DefaultStatus> {
    Ok(match arguments.optional_text("default_status")? {
        Some("RUNNING") => DefaultStatus::Running,
        _ => DefaultStatus::Stopped,
    })
}

fn schedule(arguments: Arguments<'_>) -> Result<Option<RemoteSchedule>> {
    let Some(document) = arguments.get("schedule")? else {
        return Ok(None);
    };
    let arguments = Arguments(document);
    let cron = match arguments.optional_text("cron_schedule") {
        Ok(one) => CronSchedule::from(one.ok_or("no cron schedule")?),
        Err(_) => arguments.texts("cron_schedule")?.ok_or("no cron schedules")?.into(),
    };
    let origin = arguments.stored("origin")?.ok_or("no origin")?;
    Ok(Some(
        RemoteSchedule::new(origin, cron)
            .with_execution_timezone(arguments.owned_text("execution_timezone")?)
            .with_default_status(default_status(arguments)?),
    ))
}

fn sensor(arguments: Arguments<'_>) -> Result<Option<RemoteSensor>> {
    let Some(document) = arguments.get("sensor")? else {
        return Ok(None);
    };
    let arguments = Arguments(document);
    let kind = arguments.optional_text("sensor_type")?;
    let kind = kind.map(|kind| SensorType::from_name(kind).ok_or("an unknown kind"));
    let origin = arguments.stored("origin")?.ok_or("no origin")?;
    Ok(Some(
        RemoteSensor::new(origin)
            .with_min_interval_seconds(arguments.get("min_interval")?.and_then(Value::as_i64))
            .with_sensor_type(kind.transpose()?)
            .with_default_status(default_status(arguments)?),
    ))
}

async fn switch(instance: &DagsterInstance, name: &str, arguments: Arguments<'_>) -> Result<Value> {
    let state = if name.ends_with("_schedule") {
        let schedule = schedule(arguments)?;
        let given = || schedule.as_ref().ok_or("no schedule");
        match name {
            "start_schedule" => instance.start_schedule(given()?).await?,
            "reset_schedule" => instance.reset_schedule(given()?).await?,
            _ => instance.stop_schedule(&ids(arguments)?, schedule.as_ref()).await?,
        }
    } else {
        let sensor = sensor(arguments)?;
        let given = || sensor.as_ref().ok_or("no sensor");
        match name {
            "start_sensor" => instance.start_sensor(given()?).await?,
            "reset_sensor" => instance.reset_sensor(given()?).await?,
            _ => instance.stop_sensor(&ids(arguments)?, sensor.as_ref()).await?,
        }
    };
    Ok(stored(&state))
}

async fn debug_info(instance: &DagsterInstance) -> Result<Value> {
    let info = instance.scheduler_debug_info().await?;
    let said = info.schedule_storage.iter().map(|said| {
        let mut entry = json!({
            "status": said.status.as_str(),
            "repository_origin_id": said.repository_origin_id,
        });
        if said.instigator_type == InstigatorType::Schedule {
            entry["schedule_origin_id"] = json!(said.origin_id);
            entry["cron_schedule"] = match &said.cron_schedule {
                Some(CronSchedule::One(cron)) => json!(cron),
                Some(CronSchedule::Several(crons)) => json!(crons),
                None => Value::Null,
            };
        } else {
            entry["sensor_origin_id"] = json!(said.origin_id);
        }
        (said.name.clone(), entry)
    });
    let mut said: Vec<(String, Value)> = said.collect();
    said.sort_by(|(one, _), (other, _)| one.cmp(other));
    let said: Vec<Value> = said.into_iter().map(|(name, entry)| json!({name: entry})).collect();
    Ok(text(&json!([info.errors, info.scheduler_config_info, info.scheduler_info, said])))
}

fn state(arguments: Arguments<'_>) -> Result<InstigatorState> {
    let mut state: InstigatorState = arguments.stored("state")?.ok_or("no state")?;
    if let Some(status) = arguments.optional_text("status")? {
        state.status = InstigatorStatus::from_name(status).ok_or("an unknown status")?;
    }
    Ok(state)
}

async fn instigators(
    instance: &DagsterInstance,
    name: &str,
    arguments: Arguments<'_>,
) -> Result<Option<Value>> {
    Ok(Some(match name {
        "add_instigator_state" => nothing(instance.add_instigator_state(&state(arguments)?).await?),
        "update_instigator_state" => {
            nothing(instance.update_instigator_state(&state(arguments)?).await?)
        }
        "delete_instigator_state" => {
            nothing(instance.delete_instigator_state(&ids(arguments)?).await?)
        }
        "get_instigator_state" => {
            stored(&instance.get_instigator_state(arguments.text("selector_id")?).await?)
        }
        "all_instigator_state" => {
            let filter = InstigatorFilter::new()
                .with_repository_selector_id(arguments.owned_text("repository_selector_id")?)
                .with_instigator_type(instigator_type(arguments)?)
                .with_statuses(named(arguments, "statuses", InstigatorStatus::from_name)?);
            let mut states = instance.all_instigator_state(&filter).await?;
            states.sort_by_key(InstigatorState::selector_id);
            stored(&states)
        }
        _ => return Ok(None),
    }))
}

fn limit(arguments: Arguments<'_>) -> Result<Option<u64>> {
    Ok(arguments.get("limit")?.and_then(Value::as_u64))
}

fn query(arguments: Arguments<'_>) -> Result<TicksQuery> {
    let ids = ids(arguments)?;
    Ok(TicksQuery::new(ids.origin_id, ids.selector_id)
        .with_before(time(arguments, "before")?)
        .with_after(time(arguments, "after")?)
        .with_statuses(named(arguments, "statuses", TickStatus::from_name)?)
        .with_limit(limit(arguments)?))
}

async fn ticks(
    instance: &DagsterInstance,
    name: &str,
    arguments: Arguments<'_>,
) -> Result<Option<Value>> {
    let tick_statuses = || named(arguments, "statuses", TickStatus::from_name);
    Ok(Some(match name {
        "create_tick" => {
            stored(&instance.create_tick(&arguments.stored("tick")?.ok_or("no tick")?).await?)
        }
        "update_tick" => {
            nothing(instance.update_tick(&arguments.stored("tick")?.ok_or("no tick")?).await?)
        }
        "get_tick" => {
            let at = time(arguments, "timestamp")?.ok_or("no time")?;
            stored(&instance.get_tick(&ids(arguments)?, at).await?)
        }
        "get_ticks_by_ids" => {
            let wanted: Vec<i64> =
                arguments.list("ids")?.iter().filter_map(Value::as_i64).collect();
            let mut ticks = instance.get_ticks_by_ids(&wanted).await?;
            ticks.sort_by_key(|tick| tick.tick_id);
            stored(&ticks)
        }
        "get_ticks" => stored(&instance.get_ticks(&query(arguments)?).await?),
        "get_tick_summaries" => {
            let summaries = instance.get_tick_summaries(&query(arguments)?).await?;
            let each = summaries.iter().map(|summary| {
                json!({
                    "id": summary.tick_id,
                    "origin_id": summary.instigator_origin_id,
                    "type": summary.instigator_type.as_str(),
                    "status": summary.status.as_str(),
                    "microseconds": summary.timestamp.timestamp_micros(),
                })
            });
            text(&each.collect())
        }
        "get_batch_ticks" => {
            let wanted = arguments.texts("selector_ids")?.ok_or("no ids")?;
            let limit = limit(arguments)?;
            let mut found = instance.get_batch_ticks(&wanted, limit, &tick_statuses()?).await?;
            found.sort_by(|(one, _), (other, _)| one.cmp(other));
            let pair = |(id, ticks): &(String, Vec<_>)| {
                format!("[{}, {}]", serialize_value(id), serialize_value(ticks))
            };
            let pairs: Vec<String> = found.iter().map(pair).collect();
            Value::from(format!("[{}]", pairs.join(", ")))
        }
        "purge_ticks" => {
            let before = time(arguments, "before")?.ok_or("no time")?;
            instance.purge_ticks(&ids(arguments)?, before, &tick_statuses()?).await?;
            Value::Null
        }
        "get_tick_retention_settings" => {
            let of_type = instigator_type(arguments)?.ok_or("no type")?;
            let retention = instance.get_tick_retention_settings(of_type);
            let days = TickStatus::ALL
                .iter()
                .map(|status| (status.as_str().to_owned(), json!(retention.days(*status))));
            text(&Value::Object(days.collect()))
        }
        "purge_ticks_by_retention" => {
            let of_type = instigator_type(arguments)?.ok_or("no type")?;
            instance.purge_ticks_by_retention(&ids(arguments)?, of_type).await?;
            Value::Null
        }
        _ => return Ok(None),
    }))
}

fn filter(arguments: Arguments<'_>) -> Result<BulkActionsFilter> {
    let mut tags = BTreeMap::new();
    for (key, value) in arguments.get("tags")?.and_then(Value::as_object).into_iter().flatten() {
        let filter = match value.as_str() {
            Some(one) => TagFilter::Is(one.to_owned()),
            None => TagFilter::In(serde_json::from_value(value.clone())?),
        };
        tags.insert(key.clone(), filter);
    }
    Ok(BulkActionsFilter::new()
        .with_statuses(named(arguments, "statuses", BulkActionStatus::from_name)?)
        .with_created_before(time(arguments, "created_before")?)
        .with_created_after(time(arguments, "created_after")?)
        .with_tags(tags)
        .with_job_name(arguments.owned_text("job_name")?)
        .with_backfill_ids(Only::any_if_empty(arguments.texts("ids")?.unwrap_or_default()))
        .with_selector_id(arguments.owned_text("selector_id")?))
}

async fn backfills(
    instance: &DagsterInstance,
    name: &str,
    arguments: Arguments<'_>,
) -> Result<Option<Value>> {
    let backfill =
        || arguments.stored("backfill").and_then(|given| Ok(given.ok_or("no backfill")?));
    Ok(Some(match name {
        "add_backfill" => nothing(instance.add_backfill(&backfill()?).await?),
        "update_backfill" => nothing(instance.update_backfill(&backfill()?).await?),
        "get_backfill" => stored(&instance.get_backfill(arguments.text("id")?).await?),
        "get_backfills" => {
            let page = BackfillsPage::new()
                .with_cursor(arguments.owned_text("cursor")?)
                .with_limit(limit(arguments)?);
            stored(&instance.get_backfills(&filter(arguments)?, &page).await?)
        }
        "get_backfills_count" => {
            text(&json!(instance.get_backfills_count(&filter(arguments)?).await?))
        }
        _ => return Ok(None),
    }))
}

fn records(found: &[AutoMaterializeAssetEvaluationRecord]) -> Result<String> {
    let mut records = Vec::new();
    for record in found {
        let key = record.key.to_db_string().ok_or("a key of an unknown kind")?;
        let body = &record.serialized_evaluation_body;
        let at = timestamp_of(record.timestamp);
        records.push((record.id, json!([record.id, record.evaluation_id, key, body, at])));
    }
    records.sort_by_key(|(id, _)| *id);
    let records: Value = records.into_iter().map(|(_, record)| record).collect();
    Ok(Opaque::from(&records).as_str().to_owned())
}

/// The key of an asset as its parts, or that of a check as a pair.
fn entity_key(parts: &[Value]) -> Result<EntityKey> {
    match parts {
        [asset, name] if asset.is_array() => {
            let name = name.as_str().ok_or("no name")?;
            Ok(AssetCheckKey::new(asset_key(asset)?, name).into())
        }
        _ => Ok(asset_key(&Value::from(parts))?.into()),
    }
}

async fn daemons(
    instance: &DagsterInstance,
    name: &str,
    arguments: Arguments<'_>,
) -> Result<Option<Value>> {
    let all: &dyn ops::SchedulingOps = instance;
    Ok(Some(match name {
        "add_evaluations" => {
            let texts = arguments.texts("evaluations")?.ok_or("no evaluations")?;
            let found: std::result::Result<Vec<_>, _> =
                texts.iter().map(|text| deserialize_value(text)).collect();
            let number = arguments.number("id")?;
            nothing(instance.add_auto_materialize_asset_evaluations(number, &found?).await?)
        }
        "get_evaluations" => {
            let key = entity_key(arguments.list("key")?)?;
            let page = EvaluationsPage::new(key, limit(arguments)?.ok_or("no limit")?)
                .with_cursor(arguments.get("cursor")?.and_then(Value::as_i64));
            let found = instance.get_auto_materialize_asset_evaluations(&page).await?;
            let order = found.iter().map(|record| json!([record.evaluation_id, record.id]));
            let records = json!(records(&found)?);
            text(&order.chain([records]).collect())
        }
        "get_evaluations_of" => {
            let number = arguments.number("id")?;
            let found = instance.get_auto_materialize_evaluations_for_evaluation_id(number);
            Value::from(records(&found.await?)?)
        }
        "purge_evaluations" => {
            let before = time(arguments, "before")?.ok_or("no time")?;
            instance.purge_asset_evaluations(before).await?;
            Value::Null
        }
        "get_cursor_values" => {
            let keys = BTreeSet::from_iter(arguments.texts("keys")?.ok_or("no keys")?);
            text(&json!(instance.get_cursor_values(&keys).await?))
        }
        "set_cursor_values" => {
            nothing(instance.set_cursor_values(&arguments.tags("pairs")?).await?)
        }
        "add_daemon_heartbeat" => {
            let heartbeat = arguments.stored("heartbeat")?.ok_or("no heartbeat")?;
            nothing(all.daemon_store().add_daemon_heartbeat(&heartbeat).await?)
        }
        "get_daemon_heartbeats" => {
            let mut heartbeats = all.daemon_store().get_daemon_heartbeats().await?;
            heartbeats.sort_by_key(|heartbeat: &DaemonHeartbeat| heartbeat.daemon_type.clone());
            stored(&heartbeats)
        }
        "wipe_daemon_heartbeats" => nothing(all.daemon_store().wipe_daemon_heartbeats().await?),
        _ => return Ok(None),
    }))
}
