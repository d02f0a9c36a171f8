//! How the nodes of a job depend on each other.

use std::collections::BTreeMap;

use crate::serdes_class;

serdes_class! {
    /// The nodes of a graph and the edges between them.
    #[derive(Debug, Clone, PartialEq)]
    pub struct DependencyStructureSnapshot = "DependencyStructureSnapshot" {
        /// The nodes.
        pub node_invocation_snaps: Vec<NodeInvocationSnap> = "solid_invocation_snaps",
    }
}

serdes_class! {
    /// A node: one use of an op or a graph.
    #[derive(Debug, Clone, PartialEq)]
    pub struct NodeInvocationSnap = "SolidInvocationSnap" {
        /// What its inputs depend on.
        pub input_dep_snaps: Vec<InputDependencySnap> = "input_dep_snaps",
        /// Whether it runs once for each key of a dynamic output.
        pub is_dynamic_mapped: bool = "is_dynamic_mapped" [or_default],
        /// The name of the op or graph.
        pub node_def_name: String = "solid_def_name",
        /// The name of the node.
        pub node_name: String = "solid_name",
        /// The tags.
        pub tags: BTreeMap<String, String> = "tags",
    }
}

serdes_class! {
    /// What an input depends on.
    #[derive(Debug, Clone, PartialEq)]
    pub struct InputDependencySnap = "InputDependencySnap" {
        /// The name of the input.
        pub input_name: String = "input_name",
        /// Whether it collects all keys of a dynamic output.
        pub is_dynamic_collect: bool = "is_dynamic_collect" [or_default],
        /// The outputs that feed it.
        pub upstream_output_snaps: Vec<OutputHandleSnap> = "upstream_output_snaps",
    }
}

serdes_class! {
    /// An output of a node.
    #[derive(Debug, Clone, PartialEq)]
    pub struct OutputHandleSnap = "OutputHandleSnap" {
        /// The name of the output.
        pub output_name: String = "output_name",
        /// The node.
        pub node_name: String = "solid_name",
    }
}
