//! How the value of a step's input is found.

use crate::event::{NodeHandle, StepOutputHandle, UnresolvedStepHandle};
use crate::serdes::FrozenSet;
use crate::{serdes_class, serdes_union};

serdes_union! {
    /// How the value of a step's input is found.
    pub enum StepInputSource {
        /// In the configuration.
        Config(FromConfig),
        /// In the input's own default.
        DefaultValue(FromDefaultValue),
        /// In what the caller passed.
        DirectInputValue(FromDirectInputValue),
        /// In all keys of a dynamic output.
        DynamicCollect(FromDynamicCollect),
        /// In what an IO manager loads.
        InputManager(FromInputManager),
        /// In an asset of another run.
        LoadableAsset(FromLoadableAsset),
        /// In several of these.
        MultipleSources(FromMultipleSources),
        /// In several of these, of which one is loaded.
        MultipleSourcesLoadSingleSource(FromMultipleSourcesLoadSingleSource),
        /// In one key of a dynamic output, which is not there yet.
        PendingDynamicStepOutput(FromPendingDynamicStepOutput),
        /// In an output of a step.
        StepOutput(FromStepOutput),
        /// In an output of a step, which is not there yet.
        UnresolvedStepOutput(FromUnresolvedStepOutput),
    }
}

/// Declares a source that is known by its node and input alone.
macro_rules! of_node {
    ($(#[$meta:meta])* $name:ident = $class:literal) => {
        serdes_class! {
            $(#[$meta])*
            #[derive(Debug, Clone, PartialEq)]
            pub struct $name = $class {
                /// The name of the input.
                pub input_name: String = "input_name",
                /// The node; `None` in old versions.
                pub node_handle: Option<NodeHandle> = "solid_handle",
            }
        }
    };
}

of_node!(
    /// The value is in the configuration.
    FromConfig = "FromConfig"
);
of_node!(
    /// The value is the input's own default.
    FromDefaultValue = "FromDefaultValue"
);
of_node!(
    /// An IO manager loads the value.
    FromInputManager = "FromRootInputManager"
);

serdes_class! {
    /// The caller passed the value.
    #[derive(Debug, Clone, PartialEq)]
    pub struct FromDirectInputValue = "FromDirectInputValue" {
        /// The name of the input.
        pub input_name: String = "input_name",
    }
}

serdes_class! {
    /// The value is all keys of a dynamic output.
    #[derive(Debug, Clone, PartialEq)]
    pub struct FromDynamicCollect = "FromDynamicCollect" {
        /// The name of the input.
        pub input_name: String = "input_name",
        /// The node; `None` in old versions.
        pub node_handle: Option<NodeHandle> = "solid_handle",
        /// Where the keys are.
        pub source: Box<StepInputSource> = "source",
    }
}

serdes_class! {
    /// The value is an asset of another run.
    #[derive(Debug, Clone, PartialEq)]
    pub struct FromLoadableAsset = "FromSourceAsset" {
        /// The name of the input.
        pub input_name: Option<String> = "input_name",
        /// The steps that come before.
        pub ordering_step_keys: FrozenSet<String> = "ordering_step_keys",
        /// The node; `None` in old versions.
        pub node_handle: Option<NodeHandle> = "solid_handle",
    }
}

serdes_class! {
    /// The value is made of several.
    #[derive(Debug, Clone, PartialEq)]
    pub struct FromMultipleSources = "FromMultipleSources" {
        /// The name of the input.
        pub input_name: String = "input_name",
        /// The node; `None` in old versions.
        pub node_handle: Option<NodeHandle> = "solid_handle",
        /// Where they are.
        pub sources: Vec<StepInputSource> = "sources",
    }
}

serdes_class! {
    /// The step waits for several, and loads one of them.
    #[derive(Debug, Clone, PartialEq)]
    pub struct FromMultipleSourcesLoadSingleSource = "FromMultipleSourcesLoadSingleSource" {
        /// The one that it loads.
        pub source_to_load_from: Box<StepInputSource> = "source_to_load_from",
        /// All that it waits for.
        pub sources: Vec<StepInputSource> = "sources",
    }
}

serdes_class! {
    /// The value is one key of a dynamic output, which is not there yet.
    #[derive(Debug, Clone, PartialEq)]
    pub struct FromPendingDynamicStepOutput = "FromPendingDynamicStepOutput" {
        /// The name of the input.
        pub input_name: String = "input_name",
        /// The node; `None` in old versions.
        pub node_handle: Option<NodeHandle> = "solid_handle",
        /// The output.
        pub step_output_handle: StepOutputHandle = "step_output_handle",
    }
}

serdes_class! {
    /// The value is an output of a step.
    #[derive(Debug, Clone, PartialEq)]
    pub struct FromStepOutput = "FromStepOutput" {
        /// Whether the input collects several outputs.
        pub fan_in: bool = "fan_in" [or_default],
        /// The name of the input.
        pub input_name: String = "input_name",
        /// The node; `None` in old versions.
        pub node_handle: Option<NodeHandle> = "solid_handle",
        /// The output.
        pub step_output_handle: StepOutputHandle = "step_output_handle",
    }
}

serdes_class! {
    /// The value is an output of a step, which is not there yet.
    #[derive(Debug, Clone, PartialEq)]
    pub struct FromUnresolvedStepOutput = "FromUnresolvedStepOutput" {
        /// The name of the input.
        pub input_name: String = "input_name",
        /// The node; `None` in old versions.
        pub node_handle: Option<NodeHandle> = "solid_handle",
        /// The output.
        pub unresolved_step_output_handle: UnresolvedStepOutputHandle = "unresolved_step_output_handle",
    }
}

serdes_class! {
    /// An output of the steps that a dynamic output will lead to.
    #[derive(Debug, Clone, PartialEq)]
    pub struct UnresolvedStepOutputHandle = "UnresolvedStepOutputHandle" {
        /// The name of the output.
        pub output_name: String = "output_name",
        /// The dynamic output.
        pub resolved_by_output_name: String = "resolved_by_output_name",
        /// The step of the dynamic output.
        pub resolved_by_step_key: String = "resolved_by_step_key",
        /// The steps.
        pub unresolved_step_handle: UnresolvedStepHandle = "unresolved_step_handle",
    }
}
