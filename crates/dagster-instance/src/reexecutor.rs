//! Executing a run again for the launcher domain: the run domain creates the new run.

use async_trait::async_trait;
use instance_core::code_location::CodeLocation;
use instance_core::error::InstanceError;
use instance_core::ops::{CreateReexecutedRun, RunReexecutor};
use instance_core::run::DagsterRun;

use crate::instance::DagsterInstance;

#[async_trait]
impl RunReexecutor for DagsterInstance {
    async fn reexecute(
        &self,
        location: &dyn CodeLocation,
        request: CreateReexecutedRun,
    ) -> Result<DagsterRun, InstanceError> {
        let origin = &request.remote_job.remote_job_origin.repository_origin;
        let repository = origin.repository_name.clone();
        // What each of them holds is large.
        let prepared = Box::pin(instance_runs::prepare_reexecuted_run(self, location, request));
        let mut run = prepared.await?;
        if run.asset_graph.is_none()
            && let Some(plan) = &run.execution_plan_snapshot
        {
            let graph = location.get_asset_graph(&repository, plan).await.map_err(|source| {
                InstanceError::CodeLocation { action: "tell its assets", source }
            })?;
            run = run.with_asset_graph(graph);
        }
        Box::pin(instance_runs::create_run(self, run)).await
    }
}
