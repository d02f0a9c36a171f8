//! A served code location as those see it who know no gRPC.

use std::sync::Arc;

use async_trait::async_trait;
use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::AssetGraph;
use instance_core::code_location::{CodeLocation, CodeLocationError, RemoteJob, Workspace};
use instance_core::error::{BoxError, InstanceError};
use instance_core::run::{DagsterRun, GrpcServerCodeLocationOrigin};
use instance_core::serdes::Opaque;
use instance_core::snap::{ExecutionPlanSnapshot, KnownExecutionState};

use super::location::{ASSET_JOB, GrpcCodeLocation, JobPart};
use crate::launch::asset_graph_of_plan;

impl GrpcCodeLocation {
    /// A part of a job with the snapshot of the whole one, unless that is the job of all assets, which is large: so Dagster
    /// stores it with runs that nobody looks at while they are made.
    async fn part_with_parent(
        &self,
        job: &RemoteJob,
        part: JobPart,
    ) -> Result<RemoteJob, CodeLocationError> {
        let origin = &job.remote_job_origin;
        let mut found = self.part_of_job(origin, part).await?;
        if !origin.job_name.starts_with(ASSET_JOB) {
            let repository = &origin.repository_origin.repository_name;
            let whole = self.whole_job(repository, &origin.job_name).await?;
            found.parent_job_snapshot = Some(whole.job_snapshot);
        }
        Ok(found)
    }
}

#[async_trait]
impl CodeLocation for GrpcCodeLocation {
    async fn get_job(
        &self,
        job: &RemoteJob,
        asset_selection: &[AssetKey],
        asset_check_selection: &[AssetCheckKey],
    ) -> Result<RemoteJob, BoxError> {
        let part = JobPart {
            ops: None,
            assets: Some(asset_selection.to_vec()),
            checks: Some(asset_check_selection.to_vec()),
        };
        Ok(self.part_with_parent(job, part).await?)
    }

    async fn get_job_of_ops(
        &self,
        job: &RemoteJob,
        op_selection: &[String],
    ) -> Result<RemoteJob, BoxError> {
        let part = JobPart { ops: Some(op_selection.to_vec()), ..JobPart::default() };
        Ok(self.part_with_parent(job, part).await?)
    }

    async fn get_job_of_run(
        &self,
        repository: &str,
        run: &DagsterRun,
    ) -> Result<RemoteJob, BoxError> {
        let whole = self.whole_job(repository, &run.job_name).await?;
        let part = JobPart {
            ops: run.op_selection.clone(),
            assets: run.asset_selection.as_ref().map(|assets| assets.as_slice().to_vec()),
            checks: run.asset_check_selection.as_ref().map(|checks| checks.as_slice().to_vec()),
        };
        if part.is_whole() {
            return Ok(whole);
        }
        Ok(self.part_with_parent(&whole, part).await?)
    }

    async fn get_asset_graph(
        &self,
        repository: &str,
        plan: &ExecutionPlanSnapshot,
    ) -> Result<Option<Arc<dyn AssetGraph>>, BoxError> {
        match asset_graph_of_plan(self, repository, plan).await {
            Err(InstanceError::CodeLocation { source, .. }) => Err(source),
            answer => Ok(answer?),
        }
    }

    async fn get_execution_plan(
        &self,
        job: &RemoteJob,
        run_config: &Opaque,
        step_keys_to_execute: Option<&[String]>,
        known_state: Option<&KnownExecutionState>,
    ) -> Result<ExecutionPlanSnapshot, BoxError> {
        Ok(self.plan(job, run_config, step_keys_to_execute, known_state).await?)
    }
}

#[async_trait]
impl Workspace for GrpcCodeLocation {
    async fn code_location(&self, name: &str) -> Result<Arc<dyn CodeLocation>, BoxError> {
        self.has_name(name)?;
        Ok(Arc::new(self.clone()))
    }

    async fn code_server(&self, name: &str) -> Result<GrpcServerCodeLocationOrigin, BoxError> {
        self.has_name(name)?;
        Ok(self.target().origin(Some(name)))
    }
}
