//! The answers of the asset domain.

use std::collections::BTreeMap;

use dagster_instance::assets::AssetHealthPart;
use dagster_instance::{
    AssetCheckInstanceSupport, AssetKey, AssetPartitionStatus, DagsterInstance, DataVersionQuery,
};
use instance_core::partitions::PartitionsSnap;
use instance_core::serdes::{deserialize_value, json_to_text};
use instance_core::storage::Only;

use super::{Answer, Failed, sorted};
use crate::conformance::decode::Argument;
use crate::conformance::envelope::{Request, Wire};
use crate::conformance::event_log::asset_key;
use crate::conformance::event_log::assets::asset_keys_page;
use crate::conformance::event_log::partitions::cursor;
use crate::conformance::{encode, filters};

pub(super) async fn answer(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    if let Some(answer) = capabilities(instance, method, request).await? {
        return Ok(Some(answer));
    }
    if let Some(answer) = of_several(instance, method, request).await? {
        return Ok(Some(answer));
    }
    if let Some(answer) = of_one(instance, method, request).await? {
        return Ok(Some(answer));
    }
    if let Some(answer) = pages(instance, method, request).await? {
        return Ok(Some(answer));
    }
    statuses(instance, method, request).await
}

/// What the instance says that it can do.
async fn capabilities(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    let part = || request.argument("streamline_name")?.member(health_part);
    Ok(Some(match method {
        "can_read_asset_failure_events" => instance.can_read_asset_failure_events().into(),
        "can_read_asset_status_cache" => instance.can_read_asset_status_cache().await?.into(),
        "dagster_asset_health_queries_supported" => {
            instance.dagster_asset_health_queries_supported().into()
        }
        "get_asset_check_support" => match instance.get_asset_check_support().await? {
            AssetCheckInstanceSupport::Supported => "SUPPORTED".into(),
            AssetCheckInstanceSupport::NeedsMigration => "NEEDS_MIGRATION".into(),
            other => return Err(format!("Dagster has no name for {other:?}").into()),
        },
        "internal_asset_freshness_enabled" => instance.internal_asset_freshness_enabled().into(),
        "supports_wipe_on_delete_for_multipartitioned_assets" => {
            instance.supports_wipe_on_delete_for_multipartitioned_assets().into()
        }
        "streamline_read_asset_health_supported" => {
            instance.streamline_read_asset_health_supported(part()?).into()
        }
        "streamline_read_asset_health_required" => {
            instance.streamline_read_asset_health_required(part()?).into()
        }
        "can_read_failure_events_for_asset" => {
            let records = instance.get_asset_records(&Only::one(asset_key(request)?)).await?;
            let record = records.first().ok_or("the asset has no record")?;
            instance.can_read_failure_events_for_asset(record).into()
        }
        _ => return Ok(None),
    }))
}

fn health_part(name: &str) -> Option<AssetHealthPart> {
    [AssetHealthPart::Materialization, AssetHealthPart::Checks, AssetHealthPart::Freshness]
        .into_iter()
        .find(|part| part.as_str() == name)
}

fn keys(request: &Request, name: &str) -> Result<Vec<AssetKey>, Failed> {
    Ok(request.argument(name)?.bodies()?)
}

/// A mapping with keys of assets.
fn by_key<T>(found: &BTreeMap<AssetKey, T>, each: impl Fn(&T) -> Wire) -> Wire {
    sorted(found.iter().map(|(key, value)| Wire::pair(Wire::body(key), each(value))))
}

/// What a source of health says of each asset. The homes have none.
fn health<T>(found: &BTreeMap<AssetKey, Option<T>>) -> Wire {
    by_key(found, |state| state.as_ref().map(|_| "something").into())
}

async fn of_several(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    let asset_keys = || keys(request, "asset_keys");
    Ok(Some(match method {
        "all_asset_keys" => Wire::bodies(&instance.all_asset_keys().await?),
        "get_asset_keys" => {
            Wire::bodies(&instance.get_asset_keys(&asset_keys_page(request)?).await?)
        }
        "get_asset_records" => {
            let asked = request.argument("asset_keys")?.optional();
            let asked = asked.map(|keys| keys.bodies()).transpose()?;
            let asked = asked.map_or(Only::Any, Only::These);
            let records = instance.get_asset_records(&asked).await?;
            sorted(records.iter().map(encode::asset_record))
        }
        "get_latest_materialization_events" => {
            let events = instance.get_latest_materialization_events(&asset_keys()?).await?;
            by_key(&events, |event| Wire::optional_body(event.as_ref()))
        }
        "get_latest_materialization_code_versions" => {
            let keys = asset_keys()?;
            let versions = instance.get_latest_materialization_code_versions(&keys).await?;
            by_key(&versions, |version| version.as_ref().into())
        }
        "get_materialization_count_by_partition" => {
            let counts = instance.get_materialization_count_by_partition(&asset_keys()?).await?;
            by_key(&counts, |counts| Wire::mapping(counts.iter().map(|(key, count)| (key, *count))))
        }
        "get_freshness_state_records" => {
            let records = instance.get_freshness_state_records(&keys(request, "keys")?).await?;
            by_key(&records, encode::freshness_state_record)
        }
        "get_asset_check_health_state_for_assets" => {
            health(&instance.get_asset_check_health_state_for_assets(&asset_keys()?).await?)
        }
        "get_asset_freshness_health_state_for_assets" => {
            health(&instance.get_asset_freshness_health_state_for_assets(&asset_keys()?).await?)
        }
        "get_asset_materialization_health_state_for_assets" => {
            let keys = asset_keys()?;
            health(&instance.get_asset_materialization_health_state_for_assets(&keys).await?)
        }
        "get_minimal_asset_materialization_health_state_for_assets" => {
            let keys = asset_keys()?;
            let states = instance.get_minimal_asset_materialization_health_state_for_assets(&keys);
            health(&states.await?)
        }
        _ => return Ok(None),
    }))
}

async fn of_one(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    let key = || asset_key(request);
    Ok(Some(match method {
        "has_asset_key" => instance.has_asset_key(&key()?).await?.into(),
        "get_latest_materialization_event" => {
            let event = instance.get_latest_materialization_event(&key()?).await?;
            Wire::optional_body(event.as_ref())
        }
        "get_latest_asset_check_evaluation_record" => {
            let check_key = request.argument("asset_check_key")?.body()?;
            let record = instance.get_latest_asset_check_evaluation_record(&check_key).await?;
            record.as_ref().map(encode::check_execution).into()
        }
        "get_asset_check_summary_records_for_asset" => {
            let records = instance.get_asset_check_summary_records_for_asset(&key()?).await?;
            Wire::list(records.iter().map(encode::check_summary))
        }
        "get_latest_data_version_record" => {
            let is_source = request.argument("is_source")?.optional();
            let query = DataVersionQuery::new(request.argument("key")?.body()?)
                .with_is_source(is_source.map(|is_source| is_source.bool()).transpose()?)
                .with_partition_key(optional_text(request, "partition_key")?)
                .with_before_cursor(cursor(request, "before_cursor")?)
                .with_after_cursor(cursor(request, "after_cursor")?);
            let record = instance.get_latest_data_version_record(&query).await?;
            Wire::optional_body(record.as_ref())
        }
        "get_latest_planned_materialization_info" => {
            let (key, partition) = (key()?, optional_text(request, "partition")?);
            let info = instance
                .get_latest_planned_materialization_info(&key, partition.as_deref())
                .await?;
            info.as_ref().map(encode::planned_materialization).into()
        }
        "get_materialized_partitions" => {
            let before = cursor(request, "before_cursor")?;
            let after = cursor(request, "after_cursor")?;
            let found = instance.get_materialized_partitions(&key()?, before, after).await?;
            sorted(found.into_iter().map(Wire::from))
        }
        "get_event_tags_for_asset" => {
            let tags = request.argument("filter_tags")?.optional();
            let tags = tags.map(|tags| tags.string_map()).transpose()?.unwrap_or_default();
            let event = cursor(request, "filter_event_id")?;
            let found = instance.get_event_tags_for_asset(&key()?, &tags, event).await?;
            sorted(found.into_iter().map(Wire::mapping))
        }
        _ => return Ok(None),
    }))
}

fn optional_text(request: &Request, name: &str) -> Result<Option<String>, Failed> {
    Ok(request.argument(name)?.optional().map(|text| text.string()).transpose()?)
}

/// Pages of the events about an asset.
async fn pages(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    if !method.starts_with("fetch_") {
        return Ok(None);
    }
    let Some(filter) = request.side_argument("records_filter") else { return Ok(None) };
    let filter = || filters::asset_records_filter(&filter);
    let page = || filters::records_page(request);
    let found = match method {
        "fetch_materializations" => instance.fetch_materializations(&filter()?, page()?).await?,
        "fetch_observations" => instance.fetch_observations(&filter()?, page()?).await?,
        "fetch_planned_materializations" => {
            instance.fetch_planned_materializations(&filter()?, page()?).await?
        }
        "fetch_failed_materializations" => {
            instance.fetch_failed_materializations(&filter()?, page()?).await?
        }
        _ => return Ok(None),
    };
    Ok(Some(encode::event_page("EventRecordsResult", &found)))
}

/// The statuses of partitions, which are stored by whoever asks for them.
async fn statuses(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    let definition = || definition(request.argument("definition")?);
    let by_partition = |found: BTreeMap<String, Option<AssetPartitionStatus>>| {
        let text = |status: Option<AssetPartitionStatus>| status.map(AssetPartitionStatus::as_str);
        Wire::mapping(found.into_iter().map(|(key, status)| (key, text(status))))
    };
    Ok(Some(match method {
        "get_status_by_partition" => {
            let partitions: Vec<String> = request.argument("partition_keys")?.strings()?;
            let definition = definition()?.ok_or("the definition is missing")?;
            let found = instance
                .get_status_by_partition(&asset_key(request)?, &partitions, &definition)
                .await?;
            found.map(by_partition).into()
        }
        "get_status_by_known_partition" => {
            by_partition(instance.get_status_by_known_partition(&asset_key(request)?).await?)
        }
        "get_and_update_asset_status_cache_value" => {
            let (key, definition) = (asset_key(request)?, definition()?);
            let found =
                instance.get_and_update_asset_status_cache_value(&key, definition.as_ref()).await?;
            Wire::optional_body(found.as_ref())
        }
        _ => return Ok(None),
    }))
}

/// A definition of partitions, which travels as the JSON that Dagster stores.
fn definition(argument: Argument<'_>) -> Result<Option<PartitionsSnap>, Failed> {
    let Some(argument) = argument.optional() else { return Ok(None) };
    Ok(Some(deserialize_value(&json_to_text(argument.value()))?))
}
