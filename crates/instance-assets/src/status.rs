//! How the partitions of an asset stand.

use std::collections::BTreeMap;

use instance_core::asset_key::AssetKey;
use instance_core::error::InstanceError;
use instance_core::ops::AssetOps;
use instance_core::partitions::PartitionsSnap;

use crate::cached_status::refreshed;

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
