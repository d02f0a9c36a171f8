//! Evaluations of asset checks.

use std::collections::BTreeMap;

use crate::asset_key::AssetKey;
use crate::event::MetadataValue;
use crate::ids::{RunId, StorageId};
use crate::partitions::PartitionsSubset;
use crate::{serdes_class, serdes_enum};

serdes_enum! {
    /// How grave it is that a check is not passed.
    pub enum AssetCheckSeverity = "AssetCheckSeverity" {
        /// Something to look at.
        Warn = "WARN",
        /// Something is wrong.
        Error = "ERROR",
    }
}

serdes_class! {
    /// The evaluation of a check.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetCheckEvaluation = "AssetCheckEvaluation" {
        /// The asset.
        pub asset_key: AssetKey = "asset_key",
        /// Whether assets behind this one wait for it; `None` in old versions.
        pub blocking: Option<bool> = "blocking",
        /// The name of the check.
        pub check_name: String = "check_name",
        /// The description.
        pub description: Option<String> = "description",
        /// The metadata, by label.
        pub metadata: BTreeMap<String, MetadataValue> = "metadata",
        /// The partition; `None` for the whole asset.
        pub partition: Option<String> = "partition",
        /// How grave it is if the check is not passed.
        pub severity: AssetCheckSeverity = "severity",
        /// Whether it is passed.
        pub passed: bool = "success",
        /// The materialisation that was checked.
        pub target_materialization_data: Option<AssetCheckEvaluationTargetMaterializationData> =
            "target_materialization_data",
    }
}

serdes_class! {
    /// The materialisation that a check was evaluated on.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetCheckEvaluationTargetMaterializationData = "AssetCheckEvaluationTargetMaterializationData" {
        /// Its run.
        pub run_id: RunId = "run_id",
        /// Its row.
        pub storage_id: StorageId = "storage_id",
        /// Its time, in seconds since 1970.
        pub timestamp: f64 = "timestamp",
    }
}

serdes_class! {
    /// A run is going to evaluate a check.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetCheckEvaluationPlanned = "AssetCheckEvaluationPlanned" {
        /// The asset.
        pub asset_key: AssetKey = "asset_key",
        /// The name of the check.
        pub check_name: String = "check_name",
        /// The partitions.
        pub partitions_subset: Option<PartitionsSubset> = "partitions_subset",
    }
}
