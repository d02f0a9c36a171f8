//! Executions of asset checks.

use instance_core::AssetCheckKey;
use instance_core::storage::{
    AssetCheckExecutionRecordStatus, CheckExecutionsPage, EventLogStorage, Only,
};

use super::{Answer, Request, Wire, WireError, encode, filters};

/// The state of a check of which nothing was summed up yet: our storages, as Dagster's own, never do.
const EMPTY_STATE: &str = "{\"__class__\": \"AssetCheckState\", \"in_progress_runs\": {}, \
    \"latest_storage_id\": 0, \"subsets\": {}}";

pub(super) async fn call(store: &dyn EventLogStorage, name: &str, request: &Request) -> Answer {
    Ok(Some(match name {
        "get_asset_check_execution_history" => {
            let page = executions_page(request)?;
            let records = store.get_asset_check_execution_history(&page).await?;
            Wire::list(records.iter().map(encode::check_execution))
        }
        "get_latest_asset_check_execution_by_key" => {
            let keys = check_keys(request, "check_keys")?;
            let filter = filters::partition_filter(request.argument("partition_filter")?)?;
            let records =
                store.get_latest_asset_check_execution_by_key(&keys, filter.as_ref()).await?;
            Wire::list(
                records.iter().map(|record| {
                    Wire::pair(Wire::body(&record.key), encode::check_execution(record))
                }),
            )
        }
        "get_asset_check_summary_records" => {
            let keys = check_keys(request, "asset_check_keys")?;
            let records = store.get_asset_check_summary_records(&keys).await?;
            Wire::list(records.iter().map(|record| {
                Wire::pair(Wire::body(&record.asset_check_key), encode::check_summary(record))
            }))
        }
        "get_asset_check_partition_info" => {
            let keys = check_keys(request, "keys")?;
            let after = request.argument("after_storage_id")?.optional();
            let after = after.map(|id| id.storage_id()).transpose()?;
            let partitions = request.argument("partition_keys")?.optional();
            let partitions = partitions.map(|keys| keys.strings()).transpose()?;
            let partitions = partitions.map_or(Only::Any, Only::These);
            let infos = store.get_asset_check_partition_info(&keys, after, &partitions).await?;
            Wire::list(infos.iter().map(encode::check_partition_info))
        }
        "get_checkpointed_asset_check_state" => {
            let keys = check_keys(request, "keys")?;
            Wire::list(
                keys.iter().map(|key| Wire::pair(Wire::body(key), Wire::body_of_text(EMPTY_STATE))),
            )
        }
        _ => return Ok(None),
    }))
}

fn check_keys(request: &Request, name: &str) -> Result<Vec<AssetCheckKey>, WireError> {
    request.argument(name)?.bodies()
}

fn executions_page(request: &Request) -> Result<CheckExecutionsPage, WireError> {
    let cursor = request.argument("cursor")?.optional();
    let cursor = cursor.map(|id| id.storage_id()).transpose()?;
    Ok(CheckExecutionsPage::new(
        request.argument("check_key")?.body()?,
        request.argument("limit")?.count()?,
    )
    .with_cursor(cursor.filter(|id| id.0 != 0))
    .with_statuses(request.argument("status")?.members(AssetCheckExecutionRecordStatus::from_name)?)
    .with_partition_filter(filters::partition_filter(request.argument("partition_filter")?)?))
}
