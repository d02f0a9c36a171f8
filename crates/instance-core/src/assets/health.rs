//! The health of assets, as a source outside of Dagster's storages keeps it.
//!
//! Dagster's own storages keep none: there health is worked out from events when somebody looks at an asset.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::assets::FreshnessState;
use crate::error::InstanceError;
use crate::ids::RunId;
use crate::partitions::PartitionsSnap;
use crate::scheduling::SerializableEntitySubset;

/// The checks of an asset, by how their last executions ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AssetCheckHealthState {
    /// All checks.
    pub all_checks: BTreeSet<AssetCheckKey>,
    /// Those that were passed.
    pub passing_checks: BTreeSet<AssetCheckKey>,
    /// Those that were not passed, which is something to look at.
    pub warning_checks: BTreeSet<AssetCheckKey>,
    /// Those that were not passed, which is wrong.
    pub failing_checks: BTreeSet<AssetCheckKey>,
    /// When a check was last passed, in seconds since 1970.
    pub latest_passing_check_timestamp: Option<f64>,
    /// When a check was last something to look at.
    pub latest_warning_check_timestamp: Option<f64>,
    /// When a check was last wrong.
    pub latest_failing_check_timestamp: Option<f64>,
}

/// How fresh an asset is, and since when.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetFreshnessHealthState {
    /// How fresh it is.
    pub freshness_state: FreshnessState,
    /// Since when, in seconds since 1970.
    pub updated_timestamp: Option<f64>,
}

/// Which partitions of an asset were materialised, and which failed at last.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetMaterializationHealthState {
    /// What was ever materialised.
    pub materialized_subset: SerializableEntitySubset,
    /// What failed at last.
    pub failed_subset: SerializableEntitySubset,
    /// The definition of the partitions; `None` if the asset has none.
    pub partitions_snap: Option<PartitionsSnap>,
    /// The last run that ended with the asset materialised or failed.
    pub latest_terminal_run_id: Option<RunId>,
    /// When it was last materialised, in seconds since 1970.
    pub latest_materialization_timestamp: Option<f64>,
    /// When it last failed.
    pub latest_failed_to_materialize_timestamp: Option<f64>,
    /// The run in which it last failed.
    pub latest_failed_to_materialize_run_id: Option<RunId>,
    /// What of the failed will be tried again, by the run that failed; `None` if that is not known.
    pub up_for_retry_subsets_by_run_id: Option<BTreeMap<RunId, SerializableEntitySubset>>,
}

/// The same as counts, which are read faster than partitions.
#[derive(Debug, Clone, PartialEq)]
pub struct MinimalAssetMaterializationHealthState {
    /// When it was last materialised, in seconds since 1970.
    pub latest_materialization_timestamp: Option<f64>,
    /// The last run that ended with the asset materialised or failed.
    pub latest_terminal_run_id: Option<RunId>,
    /// How many partitions failed at last.
    pub num_failed_partitions: u64,
    /// How many partitions are materialised and did not fail since.
    pub num_currently_materialized_partitions: u64,
    /// The definition of the partitions; `None` if the asset has none.
    pub partitions_snap: Option<PartitionsSnap>,
    /// When it last failed.
    pub latest_failed_to_materialize_timestamp: Option<f64>,
    /// The run in which it last failed.
    pub latest_failed_to_materialize_run_id: Option<RunId>,
    /// How many of the failed partitions will be tried again.
    pub num_up_for_retry_partitions: u64,
}

/// A part of the health of assets, which a source may keep up to date. Dagster calls it a streamline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AssetHealthPart {
    /// Materialisations.
    Materialization,
    /// Checks.
    Checks,
    /// Freshness.
    Freshness,
}

impl AssetHealthPart {
    /// Dagster's name of the part.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Materialization => "asset-materialization-health",
            Self::Checks => "asset-check-health",
            Self::Freshness => "asset-freshness-health",
        }
    }
}

/// A source that keeps the health of assets up to date. Each method gives what it knows of these assets, and leaves out
/// the assets of which it knows nothing.
#[async_trait]
pub trait AssetHealthSource: std::fmt::Debug + Send + Sync {
    /// Whether the source keeps a part of the health.
    fn keeps(&self, part: AssetHealthPart) -> bool;

    /// Whether nobody may work out a part of the health from events, since the source alone knows it.
    fn is_required(&self, part: AssetHealthPart) -> bool;

    /// How the checks of assets stand.
    async fn asset_check_health(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, AssetCheckHealthState>, InstanceError>;

    /// How fresh assets are.
    async fn asset_freshness_health(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, AssetFreshnessHealthState>, InstanceError>;

    /// Which partitions of assets are materialised and failed.
    async fn asset_materialization_health(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, AssetMaterializationHealthState>, InstanceError>;

    /// How many partitions of assets are materialised and failed.
    async fn minimal_asset_materialization_health(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, MinimalAssetMaterializationHealthState>, InstanceError>;
}
