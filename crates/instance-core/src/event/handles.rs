//! What names a node of a job's graph, a step of a plan, or an output of a step.

use crate::serdes::UnknownFields;
use crate::{serdes_class, serdes_union};

serdes_class! {
    /// A node of a job, within its parent graphs.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct NodeHandle = "SolidHandle" {
        /// The name of the node.
        pub name: String = "name",
        /// The graph around it; `None` at the top.
        pub parent: Option<Box<NodeHandle>> = "parent",
    }
}

impl NodeHandle {
    /// A node at the top of its job.
    pub fn top(name: impl Into<String>) -> Self {
        Self { name: name.into(), parent: None, unknown: UnknownFields::default() }
    }
}

serdes_class! {
    /// A step of a plan.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct StepHandle = "StepHandle" {
        /// The key of the step. Old versions did not write it; it is then the name of the node.
        pub key: Option<String> = "key" [skip],
        /// The node that the step executes.
        pub node_handle: NodeHandle = "solid_handle",
    }
}

impl StepHandle {
    /// The step of a node at the top of its job; both have the same name.
    pub fn top(name: &str) -> Self {
        Self {
            key: Some(name.to_owned()),
            node_handle: NodeHandle::top(name),
            unknown: UnknownFields::default(),
        }
    }
}

serdes_class! {
    /// A step that stands for one key of a dynamic output.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct ResolvedFromDynamicStepHandle = "ResolvedFromDynamicStepHandle" {
        /// The key of the step, with the key of the output in brackets; absent in old versions.
        pub key: Option<String> = "key",
        /// The key of the output.
        pub mapping_key: String = "mapping_key",
        /// The node that the step executes.
        pub node_handle: NodeHandle = "solid_handle",
    }
}

serdes_class! {
    /// A step that will be as many as a dynamic output has keys.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct UnresolvedStepHandle = "UnresolvedStepHandle" {
        /// The node that the steps execute.
        pub node_handle: NodeHandle = "solid_handle",
    }
}

serdes_union! {
    /// A step of any kind.
    pub enum AnyStepHandle {
        /// A plain step.
        Step(StepHandle),
        /// One of the steps that a dynamic output led to.
        ResolvedFromDynamic(ResolvedFromDynamicStepHandle),
        /// The steps that a dynamic output will lead to.
        Unresolved(UnresolvedStepHandle),
    }
}

serdes_class! {
    /// An output of a step.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct StepOutputHandle = "StepOutputHandle" {
        /// The key of a dynamic output.
        pub mapping_key: Option<String> = "mapping_key",
        /// The name of the output.
        pub output_name: String = "output_name",
        /// The step.
        pub step_key: String = "step_key",
    }
}
