//! Assets: their records, keys, cached status and freshness.

use instance_core::storage::{AssetKeysPage, EventLogStorage, Only};

use super::{Answer, Request, Wire, asset_key, encode};
use crate::conformance::errors::WireError;

pub(super) async fn call(store: &dyn EventLogStorage, name: &str, request: &Request) -> Answer {
    Ok(Some(match name {
        "all_asset_keys" => Wire::bodies(&store.get_asset_keys(&AssetKeysPage::default()).await?),
        "get_asset_keys" => Wire::bodies(&store.get_asset_keys(&asset_keys_page(request)?).await?),
        "has_asset_key" => store.has_asset_key(&asset_key(request)?).await?.into(),
        "get_asset_records" => {
            let keys = request.argument("asset_keys")?.optional();
            let keys = keys.map(|keys| keys.bodies()).transpose()?.map_or(Only::Any, Only::These);
            let records = store.get_asset_records(&keys).await?;
            Wire::list(records.iter().map(encode::asset_record))
        }
        "get_latest_materialization_events" => {
            let keys: Vec<_> = request.argument("asset_keys")?.bodies()?;
            let records = store.get_latest_materialization_records(&keys).await?;
            Wire::list(records.iter().map(|(key, record)| {
                Wire::pair(Wire::body(key), Wire::body(&record.event_log_entry))
            }))
        }
        // Dagster reads them off the records, too.
        "get_latest_materialization_storage_ids" => {
            let keys = Only::These(request.argument("asset_keys")?.bodies()?);
            let records = store.get_asset_records(&keys).await?;
            Wire::list(records.iter().map(|record| {
                let last = record.asset_entry.last_materialization_record.as_ref();
                let key = Wire::body(&record.asset_entry.asset_key);
                Wire::pair(key, last.map(|record| record.storage_id))
            }))
        }
        "get_freshness_state_records" => {
            let keys: Vec<_> = request.argument("keys")?.bodies()?;
            let records = store.get_freshness_state_records(&keys).await?;
            Wire::list(records.iter().map(|record| {
                Wire::pair(Wire::body(&record.entity_key), encode::freshness_state_record(record))
            }))
        }
        "update_asset_cached_status_data" => {
            let values = request.argument("cache_values")?.body()?;
            store.update_asset_cached_status_data(&asset_key(request)?, &values).await?.into()
        }
        "wipe_asset_cached_status" => {
            store.wipe_asset_cached_status(&[asset_key(request)?]).await?.into()
        }
        "wipe_asset" => store.wipe_assets(&[asset_key(request)?], request.now).await?.into(),
        "wipe_asset_partitions" => {
            let partitions: Vec<String> = request.argument("partition_keys")?.strings()?;
            store.wipe_asset_partitions(&asset_key(request)?, &partitions).await?;
            Wire::Null
        }
        _ => return Ok(None),
    }))
}

pub(crate) fn asset_keys_page(request: &Request) -> Result<AssetKeysPage, WireError> {
    let prefix = request.argument("prefix")?.optional();
    let cursor = request.argument("cursor")?.optional();
    let cursor = cursor.map(|cursor| cursor.string()).transpose()?;
    Ok(AssetKeysPage::new()
        .with_prefix(prefix.map_or_else(|| Ok(Vec::new()), |prefix| prefix.strings())?)
        .with_limit(request.argument("limit")?.limit()?)
        .with_cursor(cursor.filter(|cursor| !cursor.is_empty())))
}
