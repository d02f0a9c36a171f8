//! The snapshot of a job.

use std::collections::BTreeMap;

use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::event::MetadataEntry;
use crate::ids::SnapshotId;
use crate::serdes::{FrozenSet, Opaque, serialize_value};
use crate::serdes_class;
use crate::snap::{
    ConfigSchemaSnapshot, DagsterTypeNamespaceSnapshot, DependencyStructureSnapshot, ModeDefSnap,
    NodeDefsSnapshot,
};

serdes_class! {
    /// A job as it was when a run was created.
    #[derive(Debug, Clone, PartialEq)]
    pub struct JobSnap = "PipelineSnapshot" {
        /// The condition that launches the job.
        pub automation_condition: Option<Opaque> = "automation_condition" [skip],
        /// The types of its configuration.
        pub config_schema_snapshot: ConfigSchemaSnapshot = "config_schema_snapshot",
        /// The types of its inputs and outputs.
        pub dagster_type_namespace_snapshot: DagsterTypeNamespaceSnapshot = "dagster_type_namespace_snapshot",
        /// Its nodes and edges.
        pub dep_structure_snapshot: DependencyStructureSnapshot = "dep_structure_snapshot",
        /// The description.
        pub description: Option<String> = "description",
        /// The name of its graph, which old versions did not write: it is the name of the job.
        pub graph_def_name: Option<String> = "graph_def_name" [skip],
        /// The job that this one is a part of.
        pub lineage_snapshot: Option<JobLineageSnap> = "lineage_snapshot",
        /// The metadata.
        pub metadata: Vec<MetadataEntry> = "metadata" [skip],
        /// Its resources and loggers.
        pub mode_def_snaps: Vec<ModeDefSnap> = "mode_def_snaps",
        /// The name.
        pub name: String = "name",
        /// Who owns it.
        pub owners: Option<Vec<String>> = "owners" [skip],
        /// The tags that its runs get, where they differ from its own.
        pub run_tags: Option<BTreeMap<String, String>> = "run_tags" [skip],
        /// Its ops and graphs.
        pub node_defs_snapshot: NodeDefsSnapshot = "solid_definitions_snapshot",
        /// The tags.
        pub tags: BTreeMap<String, String> = "tags",
    }
}

impl JobSnap {
    /// The id: the hash of the text.
    pub fn snapshot_id(&self) -> SnapshotId {
        SnapshotId::of_text(&serialize_value(self))
    }
}

serdes_class! {
    /// Which part of another job a job is.
    #[derive(Debug, Clone, PartialEq)]
    pub struct JobLineageSnap = "PipelineSnapshotLineage" {
        /// The selected checks.
        pub asset_check_selection: Option<FrozenSet<AssetCheckKey>> = "asset_check_selection",
        /// The selected assets.
        pub asset_selection: Option<FrozenSet<AssetKey>> = "asset_selection",
        /// The other job.
        pub parent_snapshot_id: SnapshotId = "parent_snapshot_id",
        /// The selection of ops as the user wrote it.
        pub op_selection: Option<Vec<String>> = "solid_selection",
        /// The selected ops.
        pub resolved_op_selection: Option<FrozenSet<String>> = "solids_to_execute",
    }
}
