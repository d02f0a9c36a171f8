//! Executing a run of real code again: the launcher domain asks its code, the run domain decides what is left to do.

use std::collections::BTreeMap;

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::run::{CodeLocationOrigin, DagsterRun};
use instance_core::serdes::Opaque;
use instance_launcher::{GrpcCodeLocation, GrpcTarget};
use instance_runs::{CreateReexecutedRun, CreateRun, ReexecutionStrategy};

use crate::instance::DagsterInstance;

/// How a run is to be executed again; see [`RetryRequest::new`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RetryRequest {
    /// The run.
    pub run_id: RunId,
    /// Which part of it.
    pub strategy: ReexecutionStrategy,
    /// Tags beside those of the job and of the run. They take the place of tags with the same keys.
    pub tags: BTreeMap<String, String>,
    /// The configuration; `None` means that of the run.
    pub run_config: Option<Opaque>,
    /// Whether the new run takes over the tags of the run; see [`CreateReexecutedRun::use_parent_run_tags`].
    pub use_parent_run_tags: bool,
    /// The id of the new run, a UUID; `None` means a fresh one.
    pub new_run_id: Option<RunId>,
}

impl RetryRequest {
    /// Executes a run again, with its tags and its configuration, as Dagster's UI does.
    pub const fn new(run_id: RunId, strategy: ReexecutionStrategy) -> Self {
        Self {
            run_id,
            strategy,
            tags: BTreeMap::new(),
            run_config: None,
            use_parent_run_tags: true,
            new_run_id: None,
        }
    }
}

impl DagsterInstance {
    /// Opens the code location that a run is from, by what the run says of it: the address of a server.
    ///
    /// # Errors
    ///
    /// - [`InstanceError::Invalid`] if the run does not name the address of a server.
    /// - Those of [`open_code_location`](Self::open_code_location).
    pub async fn open_code_location_of_run(
        &self,
        run: &DagsterRun,
    ) -> Result<GrpcCodeLocation, InstanceError> {
        let invalid = |reason: String| InstanceError::invalid("run", run.run_id.as_str(), reason);
        let Some(job) = &run.remote_job_origin else {
            return Err(invalid("it does not say where its code is".to_owned()));
        };
        let origin = &job.repository_origin.code_location_origin;
        let name = job.repository_origin.location_name().unwrap_or_default();
        let target = match origin {
            CodeLocationOrigin::GrpcServer(server) => GrpcTarget::of_origin(server),
            _ => None,
        };
        let target = target.ok_or_else(|| {
            invalid(format!(
                "it is from the code location {name:?}, and does not name the address of its server; name a server \
                 that has its code"
            ))
        })?;
        self.open_at(target, name, origin.clone()).await
    }

    /// Asks a code location for all that a run needs to be created which executes another run again. Nothing is stored.
    ///
    /// # Errors
    ///
    /// - [`InstanceError::NothingToReexecute`] if the strategy leaves nothing to do.
    /// - [`InstanceError::RunNotFound`] if there is no such run.
    /// - [`InstanceError::Invalid`] if the run has not ended, or does not say where its code is; or if the strategy is
    ///   [`ReexecutionStrategy::FromFailure`] and the run has neither failed nor been canceled.
    /// - [`InstanceError::CodeLocation`] if the location does not answer, does not have the job any more, or finds the
    ///   configuration wrong; and if its server was replaced meanwhile.
    /// - [`InstanceError::Storage`] if the storage fails.
    pub async fn prepare_retry(
        &self,
        location: &GrpcCodeLocation,
        request: RetryRequest,
    ) -> Result<CreateRun, InstanceError> {
        let RetryRequest { run_id, strategy, .. } = request;
        let parent = self.get_run_by_id(&run_id).await?;
        let parent = parent.ok_or_else(|| InstanceError::run_not_found(&run_id))?;
        if !parent.status.is_finished() {
            let reason =
                format!("it is {}; a run is executed again when it has ended", parent.status);
            return Err(InstanceError::invalid("run", run_id.as_str(), reason));
        }
        let job = instance_launcher::job_of_run(self, location, &parent).await?;
        let repository = job.remote_job_origin.repository_origin.repository_name.clone();
        let asked = CreateReexecutedRun::new(parent, job, strategy)
            .with_extra_tags(request.tags)
            .with_run_config(request.run_config)
            .with_use_parent_run_tags(request.use_parent_run_tags);
        // What both hold at once is large.
        let prepared = Box::pin(instance_runs::prepare_reexecuted_run(self, location, asked));
        let mut run = prepared.await?.with_run_id(request.new_run_id);
        if let Some(plan) = &run.execution_plan_snapshot {
            let graph = instance_launcher::asset_graph_of_plan(location, &repository, plan).await?;
            run = run.with_asset_graph(graph);
        }
        instance_launcher::ensure_current(location).await?;
        Ok(run)
    }

    /// Creates a run that executes another one again, and gives it to the coordinator, which launches it now or later. Returns
    /// the new run as it is afterwards.
    ///
    /// What is stored is what Dagster's UI stores.
    ///
    /// # Errors
    ///
    /// Those of [`prepare_retry`](Self::prepare_retry), after which no run was created, those of
    /// [`create_run`](Self::create_run) and of [`submit_run`](Self::submit_run).
    pub async fn retry_run(
        &self,
        location: &GrpcCodeLocation,
        request: RetryRequest,
    ) -> Result<DagsterRun, InstanceError> {
        let run = self.prepare_retry(location, request).await?;
        let run = self.create_run(run).await?;
        self.submit_run(&run.run_id).await
    }
}
