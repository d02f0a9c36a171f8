//! What the asset domain needs of an instance.

use crate::assets::AssetHealthSource;
use crate::ops::{
    AssetCheckStoreAccess, AssetPartitionStoreAccess, AssetStoreAccess,
    DynamicPartitionStoreAccess, EventReporter, EventStoreAccess, RunStoreAccess,
};

/// What the asset domain needs of an instance.
pub trait AssetOps:
    AssetStoreAccess
    + AssetPartitionStoreAccess
    + AssetCheckStoreAccess
    + EventStoreAccess
    + DynamicPartitionStoreAccess
    + RunStoreAccess
    + EventReporter
{
    /// Whether the freshness of assets is evaluated; see
    /// [`InstanceSettings::asset_freshness_enabled`](crate::settings::InstanceSettings::asset_freshness_enabled).
    fn asset_freshness_enabled(&self) -> bool {
        true
    }

    /// The source that keeps the health of assets; `None` if there is none, as in Dagster's open source.
    fn asset_health_source(&self) -> Option<&dyn AssetHealthSource> {
        None
    }
}
