//! What code servers are asked and answer, as text: the classes of the payloads of gRPC calls.
//!
//! They are sent and never stored, so [`classes`](crate::classes) does not list them. The names are Dagster's stored
//! names. What nobody here needs is carried.

mod args;
mod repository;
mod results;

pub use args::{
    CanCancelExecutionRequest, CancelExecutionRequest, ExecuteRemoteJobArgs, ExecuteRunArgs,
    ExecutionPlanSnapshotArgs, JobSubsetSnapshotArgs, PartitionArgs, PartitionNamesArgs,
    ResumeRunArgs,
};
pub use repository::{
    AssetCheckNodeSnap, AssetNodeSnap, JobDataSnap, JobRefSnap, ListRepositoriesResponse,
    LoadableRepositorySymbol, RepositoryErrorSnap,
};
pub use results::{
    CanCancelExecutionResult, CancelExecutionResult, ExecutionPlanSnapshotErrorData,
    GetCurrentImageResult, GetCurrentRunsResult, PartitionConfigSnap, PartitionExecutionErrorSnap,
    PartitionNamesSnap, PartitionTagsSnap, RemoteJobSubsetResult, ShutdownServerResult,
    StartRunResult,
};
