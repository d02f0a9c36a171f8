//! Requests for runs.

use std::collections::BTreeMap;

use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::scheduling::AssetGraphSubset;
use crate::serdes::Opaque;
use crate::serdes_class;

serdes_class! {
    /// A request for a run, by a schedule, a sensor or a backfill.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RunRequest = "RunRequest" {
        /// The checks to execute.
        pub asset_check_keys: Option<Vec<AssetCheckKey>> = "asset_check_keys",
        /// The assets and partitions to execute.
        pub asset_graph_subset: Option<AssetGraphSubset> = "asset_graph_subset",
        /// The assets to execute.
        pub asset_selection: Option<Vec<AssetKey>> = "asset_selection",
        /// The job.
        pub job_name: Option<String> = "job_name",
        /// The partition.
        pub partition_key: Option<String> = "partition_key",
        /// The configuration.
        pub run_config: Opaque = "run_config",
        /// A key; a second request with the same key is passed over.
        pub run_key: Option<String> = "run_key",
        /// Whether only assets that are not up to date are executed.
        pub stale_assets_only: bool = "stale_assets_only" [or_default],
        /// The tags.
        pub tags: BTreeMap<String, String> = "tags",
    }
}
