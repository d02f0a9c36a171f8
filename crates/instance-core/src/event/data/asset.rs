//! What the events of assets carry, beside materialisations, observations and checks.

use std::collections::BTreeMap;

use crate::asset_key::AssetKey;
use crate::assets::FreshnessState;
use crate::error_info::SerializableErrorInfo;
use crate::event::MetadataEntry;
use crate::partitions::PartitionsSubset;
use crate::{serdes_class, serdes_enum};

serdes_class! {
    /// A run is going to materialise an asset.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetMaterializationPlannedData = "AssetMaterializationPlannedData" {
        /// The asset.
        pub asset_key: AssetKey = "asset_key",
        /// The partition; `None` for the whole asset or for a range.
        pub partition: Option<String> = "partition",
        /// The partitions of a range.
        pub partitions_subset: Option<PartitionsSubset> = "partitions_subset",
    }
}

serdes_class! {
    /// A run did not materialise an asset that it was going to.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetFailedToMaterializeData = "AssetFailedToMaterializeData" {
        /// What happened.
        pub asset_materialization_failure: AssetMaterializationFailure = "asset_materialization_failure",
        /// The error.
        pub error: Option<SerializableErrorInfo> = "error",
        /// The code location of the asset.
        pub location_name: Option<String> = "location_name" [skip],
        /// The repository of the asset.
        pub repository_name: Option<String> = "repository_name" [skip],
    }
}

serdes_enum! {
    /// Whether a materialisation failed or was not tried.
    pub enum AssetMaterializationFailureType = "AssetMaterializationFailureType" {
        /// It failed.
        Failed = "FAILED",
        /// It was not tried.
        Skipped = "SKIPPED",
    }
}

serdes_enum! {
    /// Why an asset was not materialised.
    pub enum AssetMaterializationFailureReason = "AssetMaterializationFailureReason" {
        /// Its own step failed.
        FailedToMaterialize = "FAILED_TO_MATERIALIZE",
        /// An asset that it needs was not materialised.
        UpstreamFailedToMaterialize = "UPSTREAM_FAILED_TO_MATERIALIZE",
        /// The run was stopped.
        RunTerminated = "RUN_TERMINATED",
        /// Not known.
        Unknown = "UNKNOWN",
    }
}

serdes_class! {
    /// An asset was not materialised.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetMaterializationFailure = "AssetMaterializationFailure" {
        /// The asset.
        pub asset_key: AssetKey = "asset_key",
        /// The description.
        pub description: Option<String> = "description",
        /// Whether it failed or was not tried.
        pub failure_type: AssetMaterializationFailureType = "failure_type",
        /// The metadata.
        pub metadata: Vec<MetadataEntry> = "metadata_entries",
        /// The partition; `None` for the whole asset.
        pub partition: Option<String> = "partition",
        /// Why.
        pub reason: AssetMaterializationFailureReason = "reason",
        /// The tags.
        pub tags: Option<BTreeMap<String, String>> = "tags" [or_some],
        /// Whether it will be tried again.
        pub will_retry: Option<bool> = "will_retry",
    }
}

serdes_class! {
    /// An asset was wiped.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetWipedData = "AssetWipedData" {
        /// The asset.
        pub asset_key: AssetKey = "asset_key",
        /// The partitions; `None` for the whole asset.
        pub partition_keys: Option<Vec<String>> = "partition_keys",
    }
}

serdes_enum! {
    /// The health of an asset.
    pub enum AssetHealthStatus = "AssetHealthStatus" {
        /// All is well.
        Healthy = "HEALTHY",
        /// Something is to be looked at.
        Warning = "WARNING",
        /// Something is wrong.
        Degraded = "DEGRADED",
        /// Not known.
        Unknown = "UNKNOWN",
        /// The asset has no health.
        NotApplicable = "NOT_APPLICABLE",
    }
}

serdes_class! {
    /// The health of an asset changed.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetHealthChangedData = "AssetHealthChangedData" {
        /// The asset.
        pub asset_key: AssetKey = "asset_key",
        /// What it is now.
        pub new_health_state: AssetHealthStatus = "new_health_state",
        /// What it was.
        pub previous_health_state: AssetHealthStatus = "previous_health_state",
    }
}

serdes_class! {
    /// The freshness of an asset was evaluated.
    #[derive(Debug, Clone, PartialEq)]
    pub struct FreshnessStateEvaluation = "FreshnessStateEvaluation" {
        /// What it is.
        pub freshness_state: FreshnessState = "freshness_state",
        /// The asset.
        pub key: AssetKey = "key",
    }
}

serdes_class! {
    /// The freshness of an asset changed.
    #[derive(Debug, Clone, PartialEq)]
    pub struct FreshnessStateChange = "FreshnessStateChange" {
        /// The asset.
        pub key: AssetKey = "key",
        /// What it is now.
        pub new_state: FreshnessState = "new_state",
        /// What it was.
        pub previous_state: FreshnessState = "previous_state",
        /// When it changed, in seconds since 1970.
        pub state_change_timestamp: f64 = "state_change_timestamp",
    }
}
