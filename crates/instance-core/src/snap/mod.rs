//! Snapshots: what a job and its execution plan looked like when a run was created.
//!
//! A snapshot's id is the hash of its text, so the field order and the defaults here are exact.

mod body;
mod config_schema;
mod config_types;
mod dagster_types;
mod dep_structure;
mod execution_plan;
mod job;
mod mode;
mod nodes;
mod step_input_source;

pub use body::SnapshotBody;
pub use config_schema::{ConfigField, ConfigSchemaBuilder, ConfigType};
pub use config_types::{
    ConfigEnumValueSnap, ConfigFieldSnap, ConfigScalarKind, ConfigSchemaSnapshot, ConfigTypeKind,
    ConfigTypeSnap,
};
pub use dagster_types::{DagsterTypeKind, DagsterTypeNamespaceSnapshot, DagsterTypeSnap};
pub use dep_structure::{
    DependencyStructureSnapshot, InputDependencySnap, NodeInvocationSnap, OutputHandleSnap,
};
pub use execution_plan::{
    AssetExecutionType, ExecutionPlanMetadataItemSnap, ExecutionPlanSnapshot,
    ExecutionStepInputSnap, ExecutionStepOutputSnap, ExecutionStepSnap, KnownExecutionState,
    PastExecutionState, StepKind, StepOutputProperties,
};
pub use job::{JobLineageSnap, JobSnap};
pub use mode::{LoggerDefSnap, ModeDefSnap, ResourceDefSnap};
pub use nodes::{
    GraphDefSnap, InputDefSnap, InputMappingSnap, NodeDefsSnapshot, OpDefSnap, OutputDefSnap,
    OutputMappingSnap,
};
pub use step_input_source::{
    FromConfig, FromDefaultValue, FromDirectInputValue, FromDynamicCollect, FromInputManager,
    FromLoadableAsset, FromMultipleSources, FromMultipleSourcesLoadSingleSource,
    FromPendingDynamicStepOutput, FromStepOutput, FromUnresolvedStepOutput, StepInputSource,
    UnresolvedStepOutputHandle,
};
