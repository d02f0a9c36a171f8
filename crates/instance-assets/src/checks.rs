//! Executions of asset checks.

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::error::InstanceError;
use instance_core::ops::AssetOps;
use instance_core::storage::{AssetCheckExecutionRecord, AssetCheckSummaryRecord};

/// Returns the last execution of a check, planned or ended, of whichever partition. `None` if there is none since the
/// asset was last wiped.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if the event of the execution cannot be read.
#[tracing::instrument(level = "debug", skip_all, fields(asset_key = %check_key.asset_key))]
pub async fn get_latest_asset_check_evaluation_record(
    ops: &dyn AssetOps,
    check_key: &AssetCheckKey,
) -> Result<Option<AssetCheckExecutionRecord>, InstanceError> {
    let check_keys = std::slice::from_ref(check_key);
    let store = ops.asset_check_store();
    let latest = store.get_latest_asset_check_execution_by_key(check_keys, None).await?;
    Ok(latest.into_iter().next())
}

/// Returns the last execution of each check of an asset, and the last that has ended, by the name of the check ascending.
/// The list is empty if no check of the asset was executed or planned since it was last wiped, or if the asset is not
/// known.
///
/// Which checks an asset has, its code location knows. A check that nobody has planned yet is not among them; one that
/// its code has no more is.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if the event of an execution cannot be read.
#[tracing::instrument(level = "debug", skip_all, fields(%asset_key))]
pub async fn get_asset_check_summary_records_for_asset(
    ops: &dyn AssetOps,
    asset_key: &AssetKey,
) -> Result<Vec<AssetCheckSummaryRecord>, InstanceError> {
    let store = ops.asset_check_store();
    let check_keys = store.get_executed_asset_check_keys(asset_key).await?;
    Ok(store.get_asset_check_summary_records(&check_keys).await?)
}
