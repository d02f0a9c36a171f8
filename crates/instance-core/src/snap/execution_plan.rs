//! The snapshot of an execution plan: the steps of a run.

use std::collections::BTreeMap;

use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::event::{AnyStepHandle, NodeHandle, StepOutputHandle};
use crate::ids::{RunId, SnapshotId};
use crate::serdes::{FrozenSet, Opaque, SetOrder, UnknownFields, serialize_value};
use crate::snap::StepInputSource;
use crate::{serdes_class, serdes_enum};

serdes_class! {
    /// The steps of a run, as planned.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ExecutionPlanSnapshot = "ExecutionPlanSnapshot" {
        /// Whether outputs outlive the process of their step.
        pub artifacts_persisted: bool = "artifacts_persisted" [or_default],
        /// The name of the executor.
        pub executor_name: Option<String> = "executor_name",
        /// What is known before the run begins, such as the outputs of a run that it re-executes.
        pub initial_known_state: Option<KnownExecutionState> = "initial_known_state",
        /// The job.
        pub job_snapshot_id: SnapshotId = "pipeline_snapshot_id",
        /// What the job's repository needs to be loaded.
        pub repository_load_data: Option<Opaque> = "repository_load_data" [skip],
        /// The version of this format.
        pub snapshot_version: Option<i64> = "snapshot_version",
        /// The steps to execute.
        pub step_keys_to_execute: Vec<String> = "step_keys_to_execute",
        /// All steps.
        pub steps: Vec<ExecutionStepSnap> = "steps",
    }
}

impl ExecutionPlanSnapshot {
    /// The id: the hash of the text.
    pub fn snapshot_id(&self) -> SnapshotId {
        SnapshotId::of_text(&serialize_value(self))
    }
}

serdes_class! {
    /// What is known of a run before it begins.
    #[derive(Debug, Clone, PartialEq)]
    pub struct KnownExecutionState = "KnownExecutionState" {
        /// The keys of dynamic outputs, by step and output.
        pub dynamic_mappings: Opaque = "dynamic_mappings",
        /// The state of the run that it re-executes.
        pub parent_state: Option<Box<PastExecutionState>> = "parent_state",
        /// How often steps were tried before.
        pub previous_retry_attempts: BTreeMap<String, i64> = "previous_retry_attempts",
        /// The outputs that are there.
        pub ready_outputs: FrozenSet<StepOutputHandle> = "ready_outputs",
        /// The versions of outputs.
        pub step_output_versions: Vec<Opaque> = "step_output_versions",
    }
}

serdes_class! {
    /// What is known of the run that a run re-executes.
    #[derive(Debug, Clone, PartialEq)]
    pub struct PastExecutionState = "PastExecutionState" {
        /// The state of the run that it re-executed itself.
        pub parent_state: Option<Box<PastExecutionState>> = "parent_state",
        /// The outputs that it made.
        pub produced_outputs: FrozenSet<StepOutputHandle> = "produced_outputs",
        /// The run.
        pub run_id: RunId = "run_id",
    }
}

impl KnownExecutionState {
    /// Nothing is known. This is the state of a run that re-executes no other.
    pub fn empty() -> Self {
        Self {
            dynamic_mappings: Opaque::from(&serde_json::json!({})),
            parent_state: None,
            previous_retry_attempts: BTreeMap::new(),
            ready_outputs: FrozenSet::default(),
            step_output_versions: Vec::new(),
            unknown: UnknownFields::default(),
        }
    }
}

impl SetOrder for StepOutputHandle {
    fn python_str(&self) -> String {
        let mapping_key =
            self.mapping_key.as_ref().map_or("None".to_owned(), |key| format!("'{key}'"));
        format!(
            "StepOutputHandle(step_key='{}', output_name='{}', mapping_key={mapping_key})",
            self.step_key, self.output_name
        )
    }
}

serdes_enum! {
    /// The kind of a step.
    pub enum StepKind = "StepKind" {
        /// Executes its node.
        Compute = "COMPUTE",
        /// Executes once for each key of a dynamic output, which is not there yet.
        UnresolvedMapped = "UNRESOLVED_MAPPED",
        /// Executes for all keys of a dynamic output, which is not there yet.
        UnresolvedCollect = "UNRESOLVED_COLLECT",
    }
}

serdes_class! {
    /// A step.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ExecutionStepSnap = "ExecutionStepSnap" {
        /// The inputs.
        pub inputs: Vec<ExecutionStepInputSnap> = "inputs",
        /// The key.
        pub key: String = "key",
        /// The kind.
        pub kind: StepKind = "kind",
        /// The metadata.
        pub metadata_items: Vec<ExecutionPlanMetadataItemSnap> = "metadata_items",
        /// The outputs.
        pub outputs: Vec<ExecutionStepOutputSnap> = "outputs",
        /// The pool whose slots it needs.
        pub pool: Option<String> = "pool" [skip],
        /// The node, as text.
        pub node_handle_id: String = "solid_handle_id",
        /// The step and its node.
        pub step_handle: Option<AnyStepHandle> = "step_handle",
        /// The tags.
        pub tags: Option<BTreeMap<String, String>> = "tags",
    }
}

serdes_class! {
    /// A labelled text on a step.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ExecutionPlanMetadataItemSnap = "ExecutionPlanMetadataItemSnap" {
        /// The label.
        pub key: String = "key",
        /// The text.
        pub value: String = "value",
    }
}

serdes_class! {
    /// An input of a step.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ExecutionStepInputSnap = "ExecutionStepInputSnap" {
        /// The key of its type.
        pub dagster_type_key: String = "dagster_type_key",
        /// The name.
        pub name: String = "name",
        /// How its value is found.
        pub source: Option<StepInputSource> = "source",
        /// The outputs that feed it.
        pub upstream_output_handles: Vec<StepOutputHandle> = "upstream_output_handles",
    }
}

serdes_class! {
    /// An output of a step.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ExecutionStepOutputSnap = "ExecutionStepOutputSnap" {
        /// The key of its type.
        pub dagster_type_key: String = "dagster_type_key",
        /// The name.
        pub name: String = "name",
        /// What the output stands for; `None` in plans of old versions.
        pub properties: Option<StepOutputProperties> = "properties",
        /// The node.
        pub node_handle: Option<NodeHandle> = "solid_handle",
    }
}

serdes_enum! {
    /// What executing an asset does.
    pub enum AssetExecutionType = "AssetExecutionType" {
        /// It is only looked at.
        Observation = "OBSERVATION",
        /// Nothing: it is not executable.
        Unexecutable = "UNEXECUTABLE",
        /// It is written anew.
        Materialization = "MATERIALIZATION",
    }
}

serdes_class! {
    /// What an output stands for.
    #[derive(Debug, Clone, PartialEq)]
    pub struct StepOutputProperties = "StepOutputProperties" {
        /// The check that the output reports.
        pub asset_check_key: Option<AssetCheckKey> = "asset_check_key",
        /// What the step does to the asset.
        pub asset_execution_type: Option<AssetExecutionType> = "asset_execution_type",
        /// The asset that the output is.
        pub asset_key: Option<AssetKey> = "asset_key",
        /// Whether the output is an asset.
        pub is_asset: bool = "is_asset" [or_default],
        /// Whether that asset has partitions.
        pub is_asset_partitioned: Option<bool> = "is_asset_partitioned" [or_some],
        /// Whether the output may come several times, each with a key.
        pub is_dynamic: bool = "is_dynamic" [or_default],
        /// Whether the output must come.
        pub is_required: bool = "is_required" [or_default],
        /// A field of old versions, always `false` today.
        pub should_materialize_deprecated: bool = "should_materialize" [or_default],
    }
}

impl StepOutputProperties {
    /// An output that is required and is no asset.
    pub fn plain() -> Self {
        Self {
            asset_check_key: None,
            asset_execution_type: None,
            asset_key: None,
            is_asset: false,
            is_asset_partitioned: Some(false),
            is_dynamic: false,
            is_required: true,
            should_materialize_deprecated: false,
            unknown: UnknownFields::default(),
        }
    }

    /// An output that is the evaluation of a check.
    pub fn evaluates(check_key: AssetCheckKey) -> Self {
        Self { asset_check_key: Some(check_key), ..Self::plain() }
    }

    /// An output that is an asset which the step materialises.
    pub fn materializes(asset_key: AssetKey, is_partitioned: bool) -> Self {
        Self {
            asset_execution_type: Some(AssetExecutionType::Materialization),
            asset_key: Some(asset_key),
            is_asset: true,
            is_asset_partitioned: Some(is_partitioned),
            ..Self::plain()
        }
    }
}
