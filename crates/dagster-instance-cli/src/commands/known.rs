//! What is known of an asset, and of its partitions, without its code.

use std::collections::BTreeMap;

use dagster_instance::assets::AssetRecord;
use dagster_instance::error::shown;
use dagster_instance::storage::Only;
use dagster_instance::{AssetKey, DagsterInstance};

use crate::args::{Definition, PartitionStatus};
use crate::{Result, text};

/// The record of an asset.
///
/// # Errors
///
/// The asset is not known.
pub(crate) async fn asset(instance: &DagsterInstance, key: &AssetKey) -> Result<AssetRecord> {
    let records = instance.get_asset_records(&Only::one(key.clone())).await?;
    records.into_iter().next().ok_or_else(|| unknown(key))
}

/// The error about an asset that is not known.
pub(crate) fn unknown(key: &AssetKey) -> Box<dyn std::error::Error> {
    let key = text::value(&shown(&key.to_user_string()));
    format!("asset {key} is not known; `dagster-instance asset list` lists the assets").into()
}

/// The partitions of an asset and how they stand: those that its events name, by key, or those of a definition, in its
/// order.
///
/// # Errors
///
/// The definition has no keys.
pub(crate) async fn partitions(
    instance: &DagsterInstance,
    key: &AssetKey,
    definition: &Definition,
) -> Result<Vec<(String, PartitionStatus)>> {
    let known = instance.get_status_by_known_partition(key).await?;
    let Some(name) = &definition.name else { return Ok(known.into_iter().collect()) };
    let keys = instance.get_dynamic_partitions(name).await?;
    if keys.is_empty() {
        return Err(format!(
            "there are no dynamic partitions {:?}; `dagster-instance partitions add` adds them",
            shown(name)
        )
        .into());
    }
    let status = |key: &String| known.get(key).copied().flatten();
    Ok(keys.iter().map(|key| (key.clone(), status(key))).collect())
}

/// How often each partition of an asset was materialised.
pub(crate) async fn materializations(
    instance: &DagsterInstance,
    key: &AssetKey,
) -> Result<BTreeMap<String, u64>> {
    let keys = std::slice::from_ref(key);
    let mut counts = instance.get_materialization_count_by_partition(keys).await?;
    Ok(counts.remove(key).unwrap_or_default())
}
