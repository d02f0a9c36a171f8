//! The run itself, as its body is stored.

use std::collections::BTreeMap;

use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::ids::{RunId, SnapshotId};
use crate::partitions::PartitionsSubset;
use crate::run::{DagsterRunStatus, JobPythonOrigin, RemoteJobOrigin};
use crate::serdes::{FrozenSet, Opaque, UnknownFields};
use crate::{serdes_class, tags};

serdes_class! {
    /// One execution of a job.
    #[derive(Debug, Clone, PartialEq)]
    pub struct DagsterRun = "PipelineRun" {
        /// The checks to execute; `None` means those of the selected assets, empty means none.
        pub asset_check_selection: Option<FrozenSet<AssetCheckKey>> = "asset_check_selection",
        /// The assets to execute; `None` in a run of ops.
        pub asset_selection: Option<FrozenSet<AssetKey>> = "asset_selection",
        /// The plan of the run, if one was made.
        pub execution_plan_snapshot_id: Option<SnapshotId> = "execution_plan_snapshot_id",
        /// The code location's job, by which another process can launch the run.
        pub remote_job_origin: Option<Box<RemoteJobOrigin>> = "external_pipeline_origin",
        /// Whether the plan carries data that its repository needs to be loaded.
        pub has_repository_load_data: bool = "has_repository_load_data" [or_default],
        /// A field of old versions, always `None` today.
        pub mode: Option<String> = "mode" [obsolete],
        /// The run that this one re-executes.
        pub parent_run_id: Option<RunId> = "parent_run_id",
        /// The partitions of the run, where they can be written in a compact form.
        pub partitions_subset: Option<Box<PartitionsSubset>> = "partitions_subset",
        /// The Python code of the job.
        pub job_code_origin: Option<Box<JobPythonOrigin>> = "pipeline_code_origin",
        /// The name of the job.
        pub job_name: String = "pipeline_name",
        /// The snapshot of the job.
        pub job_snapshot_id: Option<SnapshotId> = "pipeline_snapshot_id",
        /// The first run of a chain of re-executions.
        pub root_run_id: Option<RunId> = "root_run_id",
        /// The configuration, a mapping.
        pub run_config: Opaque = "run_config",
        /// The id of the run.
        pub run_id: RunId = "run_id",
        /// The pools that the run's steps need.
        pub run_op_concurrency: Option<RunOpConcurrency> = "run_op_concurrency",
        /// The selection of ops as the user wrote it.
        pub op_selection: Option<Vec<String>> = "solid_selection",
        /// The selected ops.
        pub resolved_op_selection: Option<FrozenSet<String>> = "solids_to_execute",
        /// The status. The column of the same name is the one to trust.
        pub status: DagsterRunStatus = "status",
        /// The steps to execute; `None` means all.
        pub step_keys_to_execute: Option<Vec<String>> = "step_keys_to_execute",
        /// The tags of the run.
        pub tags: BTreeMap<String, String> = "tags",
    }
}

serdes_class! {
    /// The pools that a run's first steps wait for.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct RunOpConcurrency = "RunOpConcurrency" {
        /// All pools of the run; `None` in runs of old versions.
        pub all_pools: Option<FrozenSet<String>> = "all_pools",
        /// Whether some first step needs no pool.
        pub has_unconstrained_root_nodes: bool = "has_unconstrained_root_nodes" [or_default],
        /// How many first steps wait for each pool.
        pub root_key_counts: BTreeMap<String, i64> = "root_key_counts",
    }
}

impl DagsterRun {
    /// A run of a job in status `NOT_STARTED`, with no selection, plan, config or tags.
    pub fn new(run_id: RunId, job_name: impl Into<String>) -> Self {
        Self {
            asset_check_selection: None,
            asset_selection: None,
            execution_plan_snapshot_id: None,
            remote_job_origin: None,
            has_repository_load_data: false,
            mode: None,
            parent_run_id: None,
            partitions_subset: None,
            job_code_origin: None,
            job_name: job_name.into(),
            job_snapshot_id: None,
            root_run_id: None,
            run_config: Opaque::from(&serde_json::json!({})),
            run_id,
            run_op_concurrency: None,
            op_selection: None,
            resolved_op_selection: None,
            status: DagsterRunStatus::NotStarted,
            step_keys_to_execute: None,
            tags: BTreeMap::new(),
            unknown: UnknownFields::default(),
        }
    }

    /// The tags as rows of `run_tags`: the run's own tags, and those by which Dagster finds the runs of a
    /// repository or a pool.
    pub fn tags_for_storage(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        if let Some(origin) = &self.remote_job_origin {
            all.insert(tags::REPOSITORY_LABEL.to_owned(), origin.repository_origin.label());
        }
        let pools = self.run_op_concurrency.iter().filter_map(|pools| pools.all_pools.as_ref());
        for pool in pools.flat_map(FrozenSet::as_slice) {
            all.insert(format!("{}{pool}", tags::POOL_PREFIX), "true".to_owned());
        }
        all.extend(self.tags.clone());
        all
    }

    /// Whether Dagster can read the run in its status. A queued run has to say where its job is.
    pub fn is_readable(&self) -> bool {
        self.status != DagsterRunStatus::Queued || self.remote_job_origin.is_some()
    }

    /// Whether the run's tags name a partition or a range of partitions.
    pub fn is_partitioned(&self) -> bool {
        [tags::PARTITION, tags::ASSET_PARTITION_RANGE_START, tags::ASSET_PARTITION_RANGE_END]
            .iter()
            .any(|tag| self.tags.contains_key(*tag))
    }
}
