//! The health of assets, where a source keeps it.
//!
//! Dagster's own storages keep none, and neither do ours. An instance that has another source says so by
//! [`AssetOps::asset_health_source`].

use std::collections::BTreeMap;

use instance_core::asset_key::AssetKey;
use instance_core::assets::{
    AssetCheckHealthState, AssetFreshnessHealthState, AssetHealthPart,
    AssetMaterializationHealthState, MinimalAssetMaterializationHealthState,
};
use instance_core::error::InstanceError;
use instance_core::ops::AssetOps;

/// Returns how the checks of each of these assets stand, as the source of the instance keeps it. The map has each key
/// that is asked for: with `None` where there is no source, or where it knows nothing of the asset.
///
/// # Errors
///
/// Those of the source.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_asset_check_health_state_for_assets(
    ops: &dyn AssetOps,
    asset_keys: &[AssetKey],
) -> Result<BTreeMap<AssetKey, Option<AssetCheckHealthState>>, InstanceError> {
    let known = match ops.asset_health_source() {
        Some(source) => source.asset_check_health(asset_keys).await?,
        None => BTreeMap::new(),
    };
    Ok(each(asset_keys, known))
}

/// Returns how fresh each of these assets is, as the source of the instance keeps it. The map is as
/// [`get_asset_check_health_state_for_assets`] says.
///
/// What events say of freshness, [`get_freshness_state_records`](crate::get_freshness_state_records) returns.
///
/// # Errors
///
/// Those of the source.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_asset_freshness_health_state_for_assets(
    ops: &dyn AssetOps,
    asset_keys: &[AssetKey],
) -> Result<BTreeMap<AssetKey, Option<AssetFreshnessHealthState>>, InstanceError> {
    let known = match ops.asset_health_source() {
        Some(source) => source.asset_freshness_health(asset_keys).await?,
        None => BTreeMap::new(),
    };
    Ok(each(asset_keys, known))
}

/// Returns which partitions of each of these assets are materialised and failed, as the source of the instance keeps
/// it. The map is as [`get_asset_check_health_state_for_assets`] says.
///
/// # Errors
///
/// Those of the source.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_asset_materialization_health_state_for_assets(
    ops: &dyn AssetOps,
    asset_keys: &[AssetKey],
) -> Result<BTreeMap<AssetKey, Option<AssetMaterializationHealthState>>, InstanceError> {
    let known = match ops.asset_health_source() {
        Some(source) => source.asset_materialization_health(asset_keys).await?,
        None => BTreeMap::new(),
    };
    Ok(each(asset_keys, known))
}

/// Returns how many partitions of each of these assets are materialised and failed, as the source of the instance keeps
/// it. The map is as [`get_asset_check_health_state_for_assets`] says.
///
/// # Errors
///
/// Those of the source.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_minimal_asset_materialization_health_state_for_assets(
    ops: &dyn AssetOps,
    asset_keys: &[AssetKey],
) -> Result<BTreeMap<AssetKey, Option<MinimalAssetMaterializationHealthState>>, InstanceError> {
    let known = match ops.asset_health_source() {
        Some(source) => source.minimal_asset_materialization_health(asset_keys).await?,
        None => BTreeMap::new(),
    };
    Ok(each(asset_keys, known))
}

fn each<T>(
    asset_keys: &[AssetKey],
    mut known: BTreeMap<AssetKey, T>,
) -> BTreeMap<AssetKey, Option<T>> {
    asset_keys.iter().map(|key| (key.clone(), known.remove(key))).collect()
}

/// Returns whether the instance has a source of the health of assets.
pub fn dagster_asset_health_queries_supported(ops: &dyn AssetOps) -> bool {
    ops.asset_health_source().is_some()
}

/// Returns whether a source of the instance keeps a part of the health of assets.
pub fn streamline_read_asset_health_supported(ops: &dyn AssetOps, part: AssetHealthPart) -> bool {
    ops.asset_health_source().is_some_and(|source| source.keeps(part))
}

/// Returns whether a part of the health of assets may come from the source of the instance alone, and not be worked out
/// from events.
pub fn streamline_read_asset_health_required(ops: &dyn AssetOps, part: AssetHealthPart) -> bool {
    ops.asset_health_source().is_some_and(|source| source.is_required(part))
}
