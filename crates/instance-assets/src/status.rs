//! How the partitions of an asset stand.

use std::collections::BTreeMap;

use instance_core::asset_key::AssetKey;
use instance_core::error::InstanceError;
use instance_core::ops::AssetOps;
use instance_core::partitions::PartitionsSnap;

use crate::cached_status::{Open, refreshed};

/// How a partition of an asset stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AssetPartitionStatus {
    /// It was materialised, and nothing has happened to it since.
    Materialized,
    /// A run is going to materialise it, or does.
    InProgress,
    /// A run was to materialise it and failed, and none has materialised it since.
    Failed,
}

impl AssetPartitionStatus {
    /// Dagster's name of the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Materialized => "MATERIALIZED",
            Self::InProgress => "IN_PROGRESS",
            Self::Failed => "FAILED",
        }
    }
}

/// Returns how these partitions of an asset stand, by their keys. A partition that was never materialised, or is none of
/// the definition, has `None`. The whole is `None` if the asset was neither materialised nor planned since it was last
/// wiped, or is not known.
///
/// `partitions` is the definition of the asset's partitions, as a code location tells it. Dagster keeps the status of all
/// partitions beside the asset; this brings it up to date first, as
/// [`get_and_update_asset_status_cache_value`](crate::get_and_update_asset_status_cache_value) says.
///
/// # Errors
///
/// [`InstanceError::Partitions`] if the definition is not understood or not allowed. [`InstanceError::Storage`] if the
/// storage fails. Nothing is stored.
#[tracing::instrument(level = "debug", skip_all, fields(%asset_key))]
pub async fn get_status_by_partition(
    ops: &dyn AssetOps,
    asset_key: &AssetKey,
    partition_keys: &[String],
    partitions: &PartitionsSnap,
) -> Result<Option<BTreeMap<String, Option<AssetPartitionStatus>>>, InstanceError> {
    let Some(status) = refreshed(ops, asset_key, Some(partitions)).await? else {
        return Ok(None);
    };
    let mut found: BTreeMap<String, Option<AssetPartitionStatus>> =
        partition_keys.iter().map(|key| (key.clone(), None)).collect();
    if let Some(of) = &status.partitions {
        // What comes later counts more.
        for (subset, status) in [
            (&of.materialized, AssetPartitionStatus::Materialized),
            (&of.failed, AssetPartitionStatus::Failed),
            (&of.in_progress, AssetPartitionStatus::InProgress),
        ] {
            for key in subset.among(partition_keys)? {
                found.insert(key.to_owned(), Some(status));
            }
        }
    }
    Ok(Some(found))
}

/// Returns how those partitions of an asset stand that its events since it was last wiped name, by their keys. The
/// map is empty if there is none, or if the asset is not known.
///
/// No definition is needed, so that partitions of which nothing was ever planned are not among them, and partitions
/// that the definition has no more are. A partition has `None` if it was planned and nothing came of it, as its run was
/// stopped, say. The statuses are those of [`get_status_by_partition`]. Nothing is stored.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%asset_key))]
pub async fn get_status_by_known_partition(
    ops: &dyn AssetOps,
    asset_key: &AssetKey,
) -> Result<BTreeMap<String, Option<AssetPartitionStatus>>, InstanceError> {
    let store = ops.asset_partition_store();
    let materialized = store.get_materialized_partitions(asset_key, None, None).await?;
    let attempts = store
        .get_latest_asset_partition_materialization_attempts_without_materializations(
            asset_key, None,
        )
        .await?;
    let planned = attempts.iter().map(|attempt| (attempt.partition.clone(), None));
    let mut found: BTreeMap<String, Option<AssetPartitionStatus>> = planned.collect();
    let open = Open::of(ops, attempts).await?;
    // What comes later counts more.
    for (keys, status) in [
        (materialized, AssetPartitionStatus::Materialized),
        (open.failed, AssetPartitionStatus::Failed),
        (open.in_progress, AssetPartitionStatus::InProgress),
    ] {
        found.extend(keys.into_iter().map(|key| (key, Some(status))));
    }
    Ok(found)
}
