//! The ops and graphs of a job.

use std::collections::BTreeMap;

use crate::event::MetadataEntry;
use crate::serdes_class;
use crate::snap::{ConfigFieldSnap, DependencyStructureSnapshot};

serdes_class! {
    /// The ops and graphs that a job uses.
    #[derive(Debug, Clone, PartialEq)]
    pub struct NodeDefsSnapshot = "SolidDefinitionsSnapshot" {
        /// The graphs.
        pub graph_def_snaps: Vec<GraphDefSnap> = "composite_solid_def_snaps",
        /// The ops.
        pub op_def_snaps: Vec<OpDefSnap> = "solid_def_snaps",
    }
}

serdes_class! {
    /// An op.
    #[derive(Debug, Clone, PartialEq)]
    pub struct OpDefSnap = "SolidDefSnap" {
        /// Its configuration.
        pub config_field_snap: Option<ConfigFieldSnap> = "config_field_snap",
        /// The description.
        pub description: Option<String> = "description",
        /// The inputs.
        pub input_def_snaps: Vec<InputDefSnap> = "input_def_snaps",
        /// The name.
        pub name: String = "name",
        /// The outputs.
        pub output_def_snaps: Vec<OutputDefSnap> = "output_def_snaps",
        /// The pool whose slots it needs.
        pub pool: Option<String> = "pool" [skip],
        /// The resources it needs.
        pub required_resource_keys: Vec<String> = "required_resource_keys",
        /// The tags.
        pub tags: BTreeMap<String, String> = "tags",
    }
}

serdes_class! {
    /// A graph.
    #[derive(Debug, Clone, PartialEq)]
    pub struct GraphDefSnap = "CompositeSolidDefSnap" {
        /// Its configuration.
        pub config_field_snap: Option<ConfigFieldSnap> = "config_field_snap",
        /// The nodes inside.
        pub dep_structure_snapshot: DependencyStructureSnapshot = "dep_structure_snapshot",
        /// The description.
        pub description: Option<String> = "description",
        /// The inputs.
        pub input_def_snaps: Vec<InputDefSnap> = "input_def_snaps",
        /// Which inner input an input feeds.
        pub input_mapping_snaps: Vec<InputMappingSnap> = "input_mapping_snaps",
        /// The name.
        pub name: String = "name",
        /// The outputs.
        pub output_def_snaps: Vec<OutputDefSnap> = "output_def_snaps",
        /// Which inner output feeds an output.
        pub output_mapping_snaps: Vec<OutputMappingSnap> = "output_mapping_snaps",
        /// The pools of the ops inside.
        pub pools: Option<crate::serdes::Opaque> = "pools" [skip],
        /// The tags.
        pub tags: BTreeMap<String, String> = "tags",
    }
}

serdes_class! {
    /// An input.
    #[derive(Debug, Clone, PartialEq)]
    pub struct InputDefSnap = "InputDefSnap" {
        /// The key of its type.
        pub dagster_type_key: String = "dagster_type_key",
        /// The description.
        pub description: Option<String> = "description",
        /// The metadata.
        pub metadata: Vec<MetadataEntry> = "metadata_entries" [skip],
        /// The name.
        pub name: String = "name",
    }
}

serdes_class! {
    /// An output.
    #[derive(Debug, Clone, PartialEq)]
    pub struct OutputDefSnap = "OutputDefSnap" {
        /// The key of its type.
        pub dagster_type_key: String = "dagster_type_key",
        /// The description.
        pub description: Option<String> = "description",
        /// Whether it may come several times, each with a key.
        pub is_dynamic: bool = "is_dynamic" [or_default],
        /// Whether it must come.
        pub is_required: bool = "is_required" [or_default],
        /// The metadata.
        pub metadata: Vec<MetadataEntry> = "metadata_entries" [skip],
        /// The name.
        pub name: String = "name",
    }
}

serdes_class! {
    /// An input of a graph that feeds an input inside.
    #[derive(Debug, Clone, PartialEq)]
    pub struct InputMappingSnap = "InputMappingSnap" {
        /// The input of the graph.
        pub external_input_name: String = "external_input_name",
        /// The input inside.
        pub mapped_input_name: String = "mapped_input_name",
        /// The node inside.
        pub mapped_node_name: String = "mapped_solid_name",
    }
}

serdes_class! {
    /// An output inside that feeds an output of a graph.
    #[derive(Debug, Clone, PartialEq)]
    pub struct OutputMappingSnap = "OutputMappingSnap" {
        /// The output of the graph.
        pub external_output_name: String = "external_output_name",
        /// The output inside.
        pub mapped_output_name: String = "mapped_output_name",
        /// The node inside.
        pub mapped_node_name: String = "mapped_solid_name",
    }
}
