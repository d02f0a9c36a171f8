//! How fresh assets are.

use std::collections::BTreeMap;

use instance_core::asset_key::AssetKey;
use instance_core::assets::FreshnessStateRecord;
use instance_core::error::InstanceError;
use instance_core::ops::AssetOps;

/// Returns how fresh each of these assets is by the last event that changed it. Assets without such an event are left
/// out. Any number of assets may be asked for at once.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if the event cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_freshness_state_records(
    ops: &dyn AssetOps,
    asset_keys: &[AssetKey],
) -> Result<BTreeMap<AssetKey, FreshnessStateRecord>, InstanceError> {
    let found = ops.asset_store().get_freshness_state_records(asset_keys).await?;
    Ok(found.into_iter().map(|record| (record.entity_key.clone(), record)).collect())
}
