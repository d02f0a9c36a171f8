//! What steps about assets do: changes, and questions whose answers are compared. An answer is JSON as Python prints
//! it, in which Dagster's own objects stand as their text.

use std::collections::BTreeMap;

use dagster_instance::assets::{AssetHealthPart, AssetStatusCacheValue};
use dagster_instance::clock::{datetime_of, timestamp_of};
use dagster_instance::event::{EventLogConnection, EventLogRecord};
use dagster_instance::partitions::PartitionsSnap;
use dagster_instance::serdes::{Pack, json_to_text, serialize_value};
use dagster_instance::storage::{
    AssetKeysPage, AssetRecordsFilter, Only, Order, RecordsPage, WipedAssetPartitions,
};
use dagster_instance::{
    AssetCheckInstanceSupport, AssetKey, AssetPartitionStatus, DagsterInstance, DataVersionQuery,
    StorageId,
};
use serde_json::{Value, json};

use super::Result;
use super::arguments::{Arguments, asset_key, check_key};

/// Plays a step about assets; `None` if it is about something else.
pub(super) async fn play(
    instance: &DagsterInstance,
    name: &str,
    arguments: Arguments<'_>,
) -> Result<Option<Value>> {
    if change(instance, name, arguments).await? {
        return Ok(Some(Value::Null));
    }
    let answer = match of_all(instance, name, arguments).await? {
        Some(answer) => Some(answer),
        None => match of_several(instance, name, arguments).await? {
            Some(answer) => Some(answer),
            None => of_one(instance, name, arguments).await?,
        },
    };
    Ok(answer.map(|answer| Value::from(json_to_text(&answer))))
}

async fn change(instance: &DagsterInstance, name: &str, arguments: Arguments<'_>) -> Result<bool> {
    match name {
        "wipe_assets" => instance.wipe_assets(&keys(arguments)?).await?,
        "wipe_asset_cached_status" => instance.wipe_asset_cached_status(&keys(arguments)?).await?,
        "update_asset_cached_status_data" => {
            let value: AssetStatusCacheValue = arguments.stored("value")?.ok_or("no value")?;
            instance.update_asset_cached_status_data(&key(arguments)?, &value).await?;
        }
        "delete_dynamic_partition" => {
            let ops: &dyn dagster_instance::ops::AssetOps = instance;
            let (set, key) = (arguments.text("name")?, arguments.text("key")?);
            ops.dynamic_partition_store().delete_dynamic_partition(set, key).await?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn keys(arguments: Arguments<'_>) -> Result<Vec<AssetKey>> {
    Ok(arguments.asset_keys("keys")?.ok_or("no keys")?)
}

fn key(arguments: Arguments<'_>) -> Result<AssetKey> {
    asset_key(arguments.get("key")?.ok_or("no key")?)
}

fn storage_id(arguments: Arguments<'_>, name: &str) -> Result<Option<StorageId>> {
    Ok(arguments.get(name)?.and_then(Value::as_i64).map(StorageId))
}

fn stored(value: Option<&(impl Pack + ?Sized)>) -> Value {
    value.map_or(Value::Null, |value| Value::from(serialize_value(value)))
}

/// An object with a member for each asset, by the form of its key that people read.
fn by_key<T>(found: &BTreeMap<AssetKey, T>, each: impl Fn(&T) -> Value) -> Value {
    found.iter().map(|(key, value)| (key.to_string(), each(value))).collect()
}

fn parts(keys: &[AssetKey]) -> Value {
    keys.iter().map(|key| Value::from(key.path.clone())).collect()
}

/// Questions about the assets that there are, and about what the instance can do.
async fn of_all(
    instance: &DagsterInstance,
    name: &str,
    arguments: Arguments<'_>,
) -> Result<Option<Value>> {
    Ok(Some(match name {
        "all_asset_keys" => parts(&instance.all_asset_keys().await?),
        "get_asset_keys" => {
            let limit = arguments.get("limit")?.and_then(Value::as_u64);
            // An empty cursor is none, as for Dagster.
            let cursor = arguments.owned_text("cursor")?.filter(|cursor| !cursor.is_empty());
            let page = AssetKeysPage::new()
                .with_prefix(arguments.texts("prefix")?.unwrap_or_default())
                .with_limit(limit)
                .with_cursor(cursor);
            parts(&instance.get_asset_keys(&page).await?)
        }
        "get_asset_records" => {
            let asked = arguments.asset_keys("keys")?.map_or(Only::Any, Only::These);
            let mut records = instance.get_asset_records(&asked).await?;
            records
                .sort_by(|one, other| one.asset_entry.asset_key.cmp(&other.asset_entry.asset_key));
            let document = |record: &dagster_instance::assets::AssetRecord| {
                let entry = &record.asset_entry;
                json!({
                    "key": entry.asset_key.path,
                    "last_materialization": stored(entry.last_materialization_record.as_ref()),
                    "last_run_id": entry.last_run_id.as_ref().map(ToString::to_string),
                    "details": stored(entry.asset_details.as_ref()),
                    "cached_status": stored(entry.cached_status.as_ref()),
                })
            };
            records.iter().map(document).collect()
        }
        "what_assets_can" => what_assets_can(instance).await?,
        _ => return Ok(None),
    }))
}

async fn what_assets_can(instance: &DagsterInstance) -> Result<Value> {
    let records = instance.get_asset_records(&Only::Any).await?;
    let failure_events =
        records.iter().map(|record| instance.can_read_failure_events_for_asset(record));
    let parts =
        [AssetHealthPart::Materialization, AssetHealthPart::Checks, AssetHealthPart::Freshness];
    let checks = match instance.get_asset_check_support().await? {
        AssetCheckInstanceSupport::Supported => "SUPPORTED",
        _ => "NEEDS_MIGRATION",
    };
    Ok(json!({
        "status_cache": instance.can_read_asset_status_cache().await?,
        "failure_events": instance.can_read_asset_failure_events(),
        "failure_events_of": failure_events.collect::<Vec<_>>(),
        "freshness": instance.internal_asset_freshness_enabled(),
        "health_queries": instance.dagster_asset_health_queries_supported(),
        "supported": parts.map(|part| instance.streamline_read_asset_health_supported(part)),
        "required": parts.map(|part| instance.streamline_read_asset_health_required(part)),
        "checks": checks,
        "wipe_on_delete": instance.supports_wipe_on_delete_for_multipartitioned_assets(),
    }))
}

/// Questions about several assets.
async fn of_several(
    instance: &DagsterInstance,
    name: &str,
    arguments: Arguments<'_>,
) -> Result<Option<Value>> {
    Ok(Some(match name {
        "has_asset_key" => {
            let mut found = Vec::new();
            for key in keys(arguments)? {
                found.push(instance.has_asset_key(&key).await?);
            }
            Value::from(found)
        }
        "get_latest_materialization_events" => {
            let found = instance.get_latest_materialization_events(&keys(arguments)?).await?;
            by_key(&found, |event| stored(event.as_ref()))
        }
        "get_latest_materialization_code_versions" => {
            let keys = keys(arguments)?;
            let found = instance.get_latest_materialization_code_versions(&keys).await?;
            by_key(&found, |version| json!(version))
        }
        "get_materialization_count_by_partition" => {
            let found = instance.get_materialization_count_by_partition(&keys(arguments)?).await?;
            by_key(&found, |counts| json!(counts))
        }
        "get_freshness_state_records" => {
            let found = instance.get_freshness_state_records(&keys(arguments)?).await?;
            by_key(&found, |record| {
                let state = serialize_value(&record.freshness_state);
                // Of the text of an enum, its last part is the value.
                let state = state.trim_end_matches("\"}").rsplit('.').next().map(str::to_owned);
                let body = serialize_value(&record.record_body);
                json!([state, timestamp_of(record.updated_at), body])
            })
        }
        "get_asset_health" => {
            let keys = keys(arguments)?;
            let none = |is_known: bool| if is_known { json!("known") } else { Value::Null };
            let checks = instance.get_asset_check_health_state_for_assets(&keys).await?;
            let fresh = instance.get_asset_freshness_health_state_for_assets(&keys).await?;
            let made = instance.get_asset_materialization_health_state_for_assets(&keys).await?;
            let counts =
                instance.get_minimal_asset_materialization_health_state_for_assets(&keys).await?;
            json!([
                by_key(&checks, |state| none(state.is_some())),
                by_key(&fresh, |state| none(state.is_some())),
                by_key(&made, |state| none(state.is_some())),
                by_key(&counts, |state| none(state.is_some())),
            ])
        }
        _ => return Ok(None),
    }))
}

/// Questions about one asset or check, and the change that has an answer.
async fn of_one(
    instance: &DagsterInstance,
    name: &str,
    arguments: Arguments<'_>,
) -> Result<Option<Value>> {
    Ok(Some(match name {
        "wipe_asset_partitions" => {
            let partitions = arguments.texts("partitions")?.ok_or("no partitions")?;
            let WipedAssetPartitions { events, check_executions, .. } =
                instance.wipe_asset_partitions(&key(arguments)?, &partitions).await?;
            json!({"events": events, "check_executions": check_executions})
        }
        "get_latest_materialization_event" => {
            let event = instance.get_latest_materialization_event(&key(arguments)?).await?;
            stored(event.as_ref())
        }
        "get_latest_asset_check_evaluation_record" => {
            let check = check_key(arguments.get("key")?.ok_or("no key")?)?;
            let record = instance.get_latest_asset_check_evaluation_record(&check).await?;
            record.map_or(Value::Null, |record| {
                json!({
                    "id": record.id.0,
                    "run_id": record.run_id.as_str(),
                    "status": record.status.as_str(),
                    "partition": record.partition,
                    "event": stored(record.event.as_ref()),
                })
            })
        }
        "get_latest_data_version_record" => {
            let query = DataVersionQuery::new(key(arguments)?)
                .with_is_source(arguments.get("is_source")?.and_then(Value::as_bool))
                .with_partition_key(arguments.owned_text("partition")?)
                .with_before_cursor(storage_id(arguments, "before")?)
                .with_after_cursor(storage_id(arguments, "after")?);
            stored(instance.get_latest_data_version_record(&query).await?.as_ref())
        }
        "get_latest_planned_materialization_info" => {
            let partition = arguments.optional_text("partition")?;
            let key = key(arguments)?;
            let info = instance.get_latest_planned_materialization_info(&key, partition).await?;
            json!(info.map(|info| json!([info.storage_id.0, info.run_id.as_str()])))
        }
        "get_materialized_partitions" => {
            let before = storage_id(arguments, "before")?;
            let after = storage_id(arguments, "after")?;
            json!(instance.get_materialized_partitions(&key(arguments)?, before, after).await?)
        }
        "get_status_by_partition" => status_by_partition(instance, arguments).await?,
        "get_asset_status_cache_value" => {
            let definition: Option<PartitionsSnap> = arguments.stored("definition")?;
            let found = instance
                .get_and_update_asset_status_cache_value(&key(arguments)?, definition.as_ref())
                .await?;
            stored(found.as_ref())
        }
        "fetch_materializations" => {
            let (filter, page) = page_of(arguments)?;
            page_document(&instance.fetch_materializations(&filter, page).await?, true)
        }
        "fetch_observations" => {
            let (filter, page) = page_of(arguments)?;
            page_document(&instance.fetch_observations(&filter, page).await?, true)
        }
        "fetch_planned_materializations" => {
            let (filter, page) = page_of(arguments)?;
            page_document(&instance.fetch_planned_materializations(&filter, page).await?, true)
        }
        "fetch_failed_materializations" => {
            let (filter, page) = page_of(arguments)?;
            page_document(&instance.fetch_failed_materializations(&filter, page).await?, false)
        }
        "get_event_tags_for_asset" => {
            let filter_tags = arguments.tags("filter_tags")?;
            let event = storage_id(arguments, "filter_event_id")?;
            let key = key(arguments)?;
            let mut found = instance.get_event_tags_for_asset(&key, &filter_tags, event).await?;
            // In any order: Dagster asks for none.
            found.sort_by_cached_key(|tags| json_to_text(&json!(tags)));
            json!(found)
        }
        _ => return Ok(None),
    }))
}

async fn status_by_partition(
    instance: &DagsterInstance,
    arguments: Arguments<'_>,
) -> Result<Value> {
    let definition: PartitionsSnap = arguments.stored("definition")?.ok_or("no definition")?;
    let partitions = arguments.texts("partitions")?.ok_or("no partitions")?;
    let found =
        instance.get_status_by_partition(&key(arguments)?, &partitions, &definition).await?;
    let status = |status: Option<AssetPartitionStatus>| status.map(AssetPartitionStatus::as_str);
    Ok(match found {
        None => Value::Null,
        Some(found) => found.into_iter().map(|(key, of)| (key, json!(status(of)))).collect(),
    })
}

fn page_of(arguments: Arguments<'_>) -> Result<(AssetRecordsFilter, RecordsPage)> {
    let given = Arguments(arguments.get("filter")?.ok_or("no filter")?);
    // A filter has only the members that are given.
    let number = |name: &str| given.0.get(name).and_then(Value::as_i64).map(StorageId);
    let time = |name: &str| given.0.get(name).and_then(Value::as_f64).and_then(datetime_of);
    let mut filter = AssetRecordsFilter::new(key(arguments)?)
        .with_after_timestamp(time("after_timestamp"))
        .with_before_timestamp(time("before_timestamp"))
        .with_after_storage_id(number("after_storage_id"))
        .with_before_storage_id(number("before_storage_id"));
    if given.0.get("partitions").is_some_and(|partitions| !partitions.is_null()) {
        filter.asset_partitions = given.texts("partitions")?.map_or(Only::Any, Only::These);
    }
    if let Some(ids) = given.0.get("storage_ids").and_then(Value::as_array) {
        filter.storage_ids = Only::these(ids.iter().filter_map(Value::as_i64).map(StorageId));
    }
    let order = if arguments.is_true("ascending")? { Order::Ascending } else { Order::Descending };
    let page = RecordsPage::new()
        .with_limit(arguments.number::<u64>("limit")?)
        .with_cursor(storage_id(arguments, "cursor")?)
        .with_order(order);
    Ok((filter, page))
}

fn page_document(page: &EventLogConnection, with_cursor: bool) -> Value {
    let records: Vec<_> =
        page.records.iter().map(|record: &EventLogRecord| serialize_value(record)).collect();
    json!({
        "records": records,
        "has_more": page.has_more,
        "cursor": with_cursor.then(|| page.cursor.to_text()),
    })
}
