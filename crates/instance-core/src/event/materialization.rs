//! The reports that an asset was materialised or observed.

use std::collections::BTreeMap;

use crate::asset_key::AssetKey;
use crate::event::MetadataEntry;
use crate::serdes::{FrozenSet, UnknownFields};
use crate::serdes_class;

serdes_class! {
    /// An asset, or a partition of one, was written anew.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetMaterialization = "AssetMaterialization" | "Materialization" {
        /// The asset.
        pub asset_key: AssetKey = "asset_key",
        /// A description of what was written.
        pub description: Option<String> = "description",
        /// The metadata.
        pub metadata: Vec<MetadataEntry> = "metadata_entries",
        /// The partition; `None` for the whole asset.
        pub partition: Option<String> = "partition",
        /// Tags such as the data version. Dagster writes `None` where there are none.
        pub tags: Option<BTreeMap<String, String>> = "tags",
    }
}

impl AssetMaterialization {
    /// A materialisation without metadata or tags.
    pub fn new(asset_key: AssetKey, partition: Option<String>) -> Self {
        Self {
            asset_key,
            description: None,
            metadata: Vec::new(),
            partition,
            tags: None,
            unknown: UnknownFields::default(),
        }
    }
}

serdes_class! {
    /// What an event of type `ASSET_MATERIALIZATION` carries.
    #[derive(Debug, Clone, PartialEq)]
    pub struct StepMaterializationData = "StepMaterializationData" {
        /// The assets it was made from, in old versions.
        pub asset_lineage: Vec<AssetLineageInfo> = "asset_lineage",
        /// The materialisation.
        pub materialization: AssetMaterialization = "materialization",
    }
}

serdes_class! {
    /// An asset that another was made from, in old versions.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetLineageInfo = "AssetLineageInfo" {
        /// The asset.
        pub asset_key: AssetKey = "asset_key",
        /// The partitions.
        pub partitions: FrozenSet<String> = "partitions",
    }
}

impl From<AssetMaterialization> for StepMaterializationData {
    fn from(materialization: AssetMaterialization) -> Self {
        Self { asset_lineage: Vec::new(), materialization, unknown: UnknownFields::default() }
    }
}

serdes_class! {
    /// Somebody looked at an asset, or at a partition of one, and did not change it.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetObservation = "AssetObservation" {
        /// The asset.
        pub asset_key: AssetKey = "asset_key",
        /// A description of what was seen.
        pub description: Option<String> = "description",
        /// The metadata.
        pub metadata: Vec<MetadataEntry> = "metadata_entries",
        /// The partition; `None` for the whole asset.
        pub partition: Option<String> = "partition",
        /// Tags such as the data version.
        pub tags: Option<BTreeMap<String, String>> = "tags" [or_some],
    }
}

serdes_class! {
    /// What an event of type `ASSET_OBSERVATION` carries.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetObservationData = "AssetObservationData" {
        /// The observation.
        pub asset_observation: AssetObservation = "asset_observation",
    }
}

impl From<AssetObservation> for AssetObservationData {
    fn from(asset_observation: AssetObservation) -> Self {
        Self { asset_observation, unknown: UnknownFields::default() }
    }
}
