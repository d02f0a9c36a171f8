//! What code locations are asked for: jobs, parts of jobs, and execution plans.

mod error;
pub mod payloads;
mod prepared;
mod workspace;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::assets::AssetGraph;
use crate::error::BoxError;
use crate::run::{DagsterRun, JobPythonOrigin, RemoteJobOrigin};
use crate::serdes::{FrozenSet, Opaque};
use crate::snap::{ExecutionPlanSnapshot, JobSnap, KnownExecutionState};

pub use error::{CodeLocationError, UserCodeError};
pub use prepared::PreparedRun;
pub use workspace::Workspace;

/// A job, or a part of one, as its code location describes it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RemoteJob {
    /// The tags that its runs get.
    pub tags: BTreeMap<String, String>,
    /// Its snapshot.
    pub job_snapshot: JobSnap,
    /// The snapshot of the job that it is a part of; `None` for a whole job.
    pub parent_job_snapshot: Option<JobSnap>,
    /// The assets that it is the part of; `None` for a whole job, and for a job of ops.
    pub asset_selection: Option<FrozenSet<AssetKey>>,
    /// The checks that it is the part of; `None` means those of the assets.
    pub asset_check_selection: Option<FrozenSet<AssetCheckKey>>,
    /// The ops that it is the part of, in the words of the user; `None` for a whole job, and for a part of assets.
    pub op_selection: Option<Vec<String>>,
    /// The names of these ops.
    pub resolved_op_selection: Option<FrozenSet<String>>,
    /// Where it is served.
    pub remote_job_origin: RemoteJobOrigin,
    /// Its Python code.
    pub job_code_origin: Option<JobPythonOrigin>,
}

impl RemoteJob {
    /// A whole job, by its snapshot and where it is served.
    pub const fn new(job_snapshot: JobSnap, remote_job_origin: RemoteJobOrigin) -> Self {
        Self {
            tags: BTreeMap::new(),
            job_snapshot,
            parent_job_snapshot: None,
            asset_selection: None,
            asset_check_selection: None,
            op_selection: None,
            resolved_op_selection: None,
            remote_job_origin,
            job_code_origin: None,
        }
    }
}

crate::setters! {
    impl RemoteJob {
        /// The tags that its runs get.
        with_tags(tags: BTreeMap<String, String>);
        /// The snapshot of the job that it is a part of; `None` for a whole job.
        with_parent_job_snapshot(parent_job_snapshot: impl Into<Option<JobSnap>>);
        /// The assets that it is the part of; `None` for a whole job, and for a job of ops.
        with_asset_selection(asset_selection: impl Into<Option<FrozenSet<AssetKey>>>);
        /// The checks that it is the part of; `None` means those of the assets.
        with_asset_check_selection(asset_check_selection: impl Into<Option<FrozenSet<AssetCheckKey>>>);
        /// The ops that it is the part of, in the words of the user.
        with_op_selection(op_selection: impl Into<Option<Vec<String>>>);
        /// The names of these ops.
        with_resolved_op_selection(resolved_op_selection: impl Into<Option<FrozenSet<String>>>);
        /// Its Python code.
        with_job_code_origin(job_code_origin: impl Into<Option<JobPythonOrigin>>);
    }
}

/// A code location, as whoever creates runs sees it.
#[async_trait]
pub trait CodeLocation: std::fmt::Debug + Send + Sync {
    /// The part of a job with these assets and checks alone.
    async fn get_job(
        &self,
        job: &RemoteJob,
        asset_selection: &[AssetKey],
        asset_check_selection: &[AssetCheckKey],
    ) -> Result<RemoteJob, BoxError>;

    /// The part of a job with these ops alone, in the words of the user, such as `*two`.
    async fn get_job_of_ops(
        &self,
        job: &RemoteJob,
        op_selection: &[String],
    ) -> Result<RemoteJob, BoxError>;

    /// The job of a run, as the code has it now: the part with the ops, assets and checks that the run selects, or else the
    /// whole job.
    ///
    /// # Errors
    ///
    /// [`CodeLocationError::NotServed`] if the code does not have the repository, or the job, any more.
    async fn get_job_of_run(
        &self,
        repository: &str,
        run: &DagsterRun,
    ) -> Result<RemoteJob, BoxError>;

    /// What the code says of the assets and checks of a plan; `None` if the plan has none.
    async fn get_asset_graph(
        &self,
        repository: &str,
        plan: &ExecutionPlanSnapshot,
    ) -> Result<Option<Arc<dyn AssetGraph>>, BoxError>;

    /// The plan of a run of a job. `None` for the steps means all steps. `None` for the known state means that
    /// nothing is known before the run.
    async fn get_execution_plan(
        &self,
        job: &RemoteJob,
        run_config: &Opaque,
        step_keys_to_execute: Option<&[String]>,
        known_state: Option<&KnownExecutionState>,
    ) -> Result<ExecutionPlanSnapshot, BoxError>;
}
