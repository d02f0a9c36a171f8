//! What events say of the partitions of assets, and the keys of dynamic partitions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use instance_core::ids::StorageId;
use instance_core::serdes::text_to_json;
use instance_core::storage::{DynamicPartitionsPage, EventLogStorage, LatestTagsQuery, Only};

use super::{Answer, Handle, Request, Wire, WireError, asset_key, encode};

pub(super) async fn call(
    store: &dyn EventLogStorage,
    handle: &Handle,
    name: &str,
    request: &Request,
) -> Answer {
    if let Some(answer) = of_assets(store, handle, name, request).await? {
        return Ok(Some(answer));
    }
    dynamic(store, name, request).await
}

/// What events say of the partitions of assets.
async fn of_assets(
    store: &dyn EventLogStorage,
    handle: &Handle,
    name: &str,
    request: &Request,
) -> Answer {
    Ok(Some(match name {
        "get_materialized_partitions" => {
            let before = cursor(request, "before_cursor")?;
            let after = cursor(request, "after_cursor")?;
            let key = asset_key(request)?;
            Wire::list(store.get_materialized_partitions(&key, before, after).await?)
        }
        "get_latest_storage_id_by_partition" => {
            let event_type = request.argument("event_type")?.event_type()?;
            let partitions = request.argument("partitions")?.only_strings()?;
            let after = cursor(request, "after_cursor")?;
            let ids = store
                .get_latest_storage_id_by_partition(
                    &asset_key(request)?,
                    event_type,
                    &partitions,
                    after,
                )
                .await?;
            Wire::mapping(ids)
        }
        "get_latest_tags_by_partition" => {
            let query = LatestTagsQuery::new(
                asset_key(request)?,
                request.argument("event_type")?.event_type()?,
                request.argument("tag_keys")?.strings()?,
            )
            .with_partitions(strings_or_all(request, "asset_partitions")?)
            .with_before_cursor(cursor(request, "before_cursor")?)
            .with_after_cursor(cursor(request, "after_cursor")?);
            let other_tags = handle.other_tags(request)?;
            let tags = store.get_latest_tags_by_partition(&query).await;
            drop(other_tags);
            Wire::mapping(tags?.into_iter().map(|(key, tags)| (key, Wire::mapping(tags))))
        }
        "get_latest_asset_partition_materialization_attempts_without_materializations" => {
            let after = cursor(request, "after_storage_id")?;
            let key = asset_key(request)?;
            let attempts = store
                .get_latest_asset_partition_materialization_attempts_without_materializations(
                    &key, after,
                )
                .await?;
            Wire::mapping(attempts.into_iter().map(|attempt| {
                (attempt.partition, Wire::pair(&attempt.run_id, attempt.storage_id))
            }))
        }
        "get_latest_planned_materialization_info" => {
            let partition = request.argument("partition")?.optional();
            let partition = partition.map(|partition| partition.text()).transpose()?;
            let key = asset_key(request)?;
            let info = store.get_latest_planned_materialization_info(&key, partition).await?;
            info.as_ref().map(encode::planned_materialization).into()
        }
        "get_updated_data_version_partitions" => {
            let partitions: Vec<_> = request.argument("partitions")?.strings()?;
            let since = request.argument("since_storage_id")?.storage_id()?;
            let key = asset_key(request)?;
            let updated = store.get_updated_data_version_partitions(&key, &partitions, since);
            Wire::list(updated.await?)
        }
        "get_event_tags_for_asset" => {
            let filter_tags = request.argument("filter_tags")?.optional();
            let filter_tags = filter_tags.map(|tags| tags.string_map()).transpose()?;
            let filter_event_id = cursor(request, "filter_event_id")?;
            let key = asset_key(request)?;
            let tags = store
                .get_event_tags_for_asset(&key, &filter_tags.unwrap_or_default(), filter_event_id)
                .await?;
            Wire::list(tags.into_iter().map(Wire::mapping))
        }
        _ => return Ok(None),
    }))
}

/// The keys of dynamic partitions.
async fn dynamic(store: &dyn EventLogStorage, name: &str, request: &Request) -> Answer {
    let definition = || request.argument("partitions_def_name")?.text();
    Ok(Some(match name {
        "get_dynamic_partitions" => Wire::list(store.get_dynamic_partitions(definition()?).await?),
        "get_paginated_dynamic_partitions" => {
            let page = page_of_keys(request)?;
            encode::page_of_keys(
                store.get_paginated_dynamic_partitions(definition()?, &page).await?,
            )
        }
        "has_dynamic_partition" => {
            let key = request.argument("partition_key")?;
            store.has_dynamic_partition(definition()?, key.text()?).await?.into()
        }
        "get_existing_dynamic_partitions" => {
            let keys: Vec<_> = request.argument("partition_keys")?.strings()?;
            Wire::list(store.get_existing_dynamic_partitions(definition()?, &keys).await?)
        }
        "add_dynamic_partitions" => {
            let keys: Vec<_> = request.argument("partition_keys")?.strings()?;
            store.add_dynamic_partitions(definition()?, &keys).await?.into()
        }
        "delete_dynamic_partition" => {
            let key = request.argument("partition_key")?;
            store.delete_dynamic_partition(definition()?, key.text()?).await?.into()
        }
        _ => return Ok(None),
    }))
}

/// The id of a row. For Python zero is as good as null.
pub(crate) fn cursor(request: &Request, name: &str) -> Result<Option<StorageId>, WireError> {
    let id = request.argument(name)?.optional().map(|id| id.storage_id()).transpose()?;
    Ok(id.filter(|id| id.0 != 0))
}

/// The texts of a list, which may be empty; null means any.
fn strings_or_all(request: &Request, name: &str) -> Result<Only<String>, WireError> {
    let list = request.argument(name)?.optional();
    Ok(list.map(|list| list.strings()).transpose()?.map_or(Only::Any, Only::These))
}

/// The page of keys that is asked for.
pub(crate) fn page_of_keys(request: &Request) -> Result<DynamicPartitionsPage, WireError> {
    let (limit, order) =
        (request.argument("limit")?.count()?, request.argument("ascending")?.order()?);
    Ok(DynamicPartitionsPage::new(limit, order).with_cursor(storage_id_cursor(request)?))
}

/// The cursor of a page of keys: in Python the text of a class of its own, in base64.
fn storage_id_cursor(request: &Request) -> Result<Option<StorageId>, WireError> {
    let cursor = request.argument("cursor")?.optional();
    let text = cursor.map(|cursor| cursor.text()).transpose()?.filter(|text| !text.is_empty());
    let Some(text) = text else { return Ok(None) };
    let read = || {
        let body = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        text_to_json(&body).ok()?.get("storage_id")?.as_i64().map(StorageId)
    };
    let id = read().ok_or_else(|| WireError::body(format!("{text:?} is no StorageIdCursor")))?;
    Ok(Some(id))
}
