//! What code servers and workers are asked.

use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::ids::{RunId, SnapshotId};
use crate::instance_ref::InstanceRef;
use crate::run::{JobPythonOrigin, RemoteJobOrigin, RemoteRepositoryOrigin};
use crate::serdes::{FrozenSet, Opaque, UnknownFields};
use crate::serdes_class;
use crate::snap::KnownExecutionState;

serdes_class! {
    /// The question for the plan of a run.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ExecutionPlanSnapshotArgs = "ExecutionPlanSnapshotArgs" {
        /// The checks of the part of the job; `None` means those of the assets.
        pub asset_check_selection: Option<FrozenSet<AssetCheckKey>> = "asset_check_selection",
        /// The assets of the part of the job; `None` for a whole job.
        pub asset_selection: Option<FrozenSet<AssetKey>> = "asset_selection",
        /// The instance, which the code may open; `None` if there is no reference to it.
        pub instance_ref: Option<InstanceRef> = "instance_ref",
        /// What is known before the run.
        pub known_state: Option<KnownExecutionState> = "known_state",
        /// Always `default`; jobs have no modes any more.
        pub mode: String = "mode",
        /// The job.
        pub job_origin: RemoteJobOrigin = "pipeline_origin",
        /// The id of the job's snapshot. The server writes it into the plan as it is.
        pub job_snapshot_id: SnapshotId = "pipeline_snapshot_id",
        /// The configuration of the run.
        pub run_config: Opaque = "run_config",
        /// The selected ops, in the user's words; empty for all.
        pub op_selection: Vec<String> = "solid_selection",
        /// The steps; `None` means all.
        pub step_keys_to_execute: Option<Vec<String>> = "step_keys_to_execute",
    }
}

serdes_class! {
    /// The question for a part of a job.
    #[derive(Debug, Clone, PartialEq)]
    pub struct JobSubsetSnapshotArgs = "PipelineSubsetSnapshotArgs" {
        /// The checks; `None` means those of the assets.
        pub asset_check_selection: Option<FrozenSet<AssetCheckKey>> = "asset_check_selection",
        /// The assets, as a list; `None` means no selection by assets.
        pub asset_selection: Option<Vec<AssetKey>> = "asset_selection",
        /// Whether the answer also has the snapshot of the whole job.
        pub include_parent_snapshot: bool = "include_parent_snapshot",
        /// The job.
        pub job_origin: RemoteJobOrigin = "pipeline_origin",
        /// The ops, in the user's words; `None` means no selection by ops.
        pub op_selection: Option<Vec<String>> = "solid_selection",
    }
}

serdes_class! {
    /// The question for the configuration or the tags of one partition.
    #[derive(Debug, Clone, PartialEq)]
    pub struct PartitionArgs = "PartitionArgs" {
        /// The instance, which knows the keys of dynamic partitions.
        pub instance_ref: Option<InstanceRef> = "instance_ref",
        /// The job.
        pub job_name: Option<String> = "job_name",
        /// The key of the partition.
        pub partition_name: String = "partition_name",
        /// The job, as old servers name it.
        pub partition_set_name: String = "partition_set_name",
        /// The repository.
        pub repository_origin: RemoteRepositoryOrigin = "repository_origin",
    }
}

impl PartitionArgs {
    /// The question for one partition of a job.
    pub fn new(
        repository_origin: RemoteRepositoryOrigin,
        job_name: &str,
        partition_name: impl Into<String>,
    ) -> Self {
        Self {
            instance_ref: None,
            job_name: Some(job_name.to_owned()),
            partition_name: partition_name.into(),
            partition_set_name: partition_set_name(job_name),
            repository_origin,
            unknown: UnknownFields::default(),
        }
    }
}

serdes_class! {
    /// The question for the keys of a job's partitions.
    #[derive(Debug, Clone, PartialEq)]
    pub struct PartitionNamesArgs = "PartitionNamesArgs" {
        /// The job.
        pub job_name: Option<String> = "job_name",
        /// The job, as old servers name it.
        pub partition_set_name: String = "partition_set_name",
        /// The repository.
        pub repository_origin: RemoteRepositoryOrigin = "repository_origin",
    }
}

impl PartitionNamesArgs {
    /// The question for the keys of a job's partitions.
    pub fn new(repository_origin: RemoteRepositoryOrigin, job_name: &str) -> Self {
        Self {
            job_name: Some(job_name.to_owned()),
            partition_set_name: partition_set_name(job_name),
            repository_origin,
            unknown: UnknownFields::default(),
        }
    }
}

/// The name under which old servers know the partitions of a job.
fn partition_set_name(job_name: &str) -> String {
    format!("{job_name}_partition_set")
}

serdes_class! {
    /// The request to a code server to start the worker of a run.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ExecuteRemoteJobArgs = "ExecuteExternalPipelineArgs" {
        /// The instance that has the run.
        pub instance_ref: Option<InstanceRef> = "instance_ref",
        /// The job.
        pub job_origin: RemoteJobOrigin = "pipeline_origin",
        /// The run.
        pub run_id: RunId = "pipeline_run_id",
    }
}

serdes_class! {
    /// What a process that executes one run is told.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ExecuteRunArgs = "ExecuteRunArgs" {
        /// The instance that has the run; `None` means the one of the process's own `DAGSTER_HOME`.
        pub instance_ref: Option<InstanceRef> = "instance_ref",
        /// The Python code of the job.
        pub job_origin: JobPythonOrigin = "pipeline_origin",
        /// The run.
        pub run_id: RunId = "pipeline_run_id",
        /// Whether the process ends with an error code if the run fails; only `true` or nothing.
        pub set_exit_code_on_failure: Option<bool> = "set_exit_code_on_failure",
    }
}

serdes_class! {
    /// What a process that resumes one run is told.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ResumeRunArgs = "ResumeRunArgs" {
        /// The instance that has the run; `None` means the one of the process's own `DAGSTER_HOME`.
        pub instance_ref: Option<InstanceRef> = "instance_ref",
        /// The Python code of the job.
        pub job_origin: JobPythonOrigin = "pipeline_origin",
        /// The run.
        pub run_id: RunId = "pipeline_run_id",
        /// Whether the process ends with an error code if the run fails; only `true` or nothing.
        pub set_exit_code_on_failure: Option<bool> = "set_exit_code_on_failure",
    }
}

serdes_class! {
    /// The request to stop the worker of a run.
    #[derive(Debug, Clone, PartialEq)]
    pub struct CancelExecutionRequest = "CancelExecutionRequest" {
        /// The run.
        pub run_id: RunId = "run_id",
    }
}

serdes_class! {
    /// The question whether the server has the worker of a run.
    #[derive(Debug, Clone, PartialEq)]
    pub struct CanCancelExecutionRequest = "CanCancelExecutionRequest" {
        /// The run.
        pub run_id: RunId = "run_id",
    }
}
