//! Executions of asset checks.

use instance_core::asset_key::AssetCheckKey;
use instance_core::error::InstanceError;
use instance_core::ops::AssetOps;
use instance_core::storage::AssetCheckExecutionRecord;

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
