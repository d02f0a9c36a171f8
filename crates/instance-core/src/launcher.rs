//! Launching runs: what a coordinator and a launcher are to the instance, and it to them.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::{BoxError, InstanceError};
use crate::ids::RunId;
use crate::ops::{LauncherOps, RunWorkerOps};
use crate::run::DagsterRun;

/// What a launcher is given for a run.
#[derive(Clone)]
pub struct LaunchRunContext {
    /// The run, in status `STARTING`.
    pub dagster_run: DagsterRun,
    /// The instance, for the worker to report to for as long as it lives.
    pub instance: Arc<dyn RunWorkerOps>,
}

impl std::fmt::Debug for LaunchRunContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LaunchRunContext")
            .field("run_id", &self.dagster_run.run_id)
            .finish_non_exhaustive()
    }
}

/// Starts the worker of a run.
#[async_trait]
pub trait RunLauncher: std::fmt::Debug + Send + Sync + 'static {
    /// Starts the worker and returns without waiting for its end. On an error no worker runs.
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError>;

    /// Asks the worker of a run to stop, and has it reported that the run is being canceled, in an
    /// order that leaves the run's end the last word. `false` if there is no such worker.
    async fn terminate(&self, run_id: &RunId) -> Result<bool, BoxError>;
}

/// Decides when a run is launched.
#[async_trait]
pub trait RunCoordinator: std::fmt::Debug + Send + Sync + 'static {
    /// Takes a run in; returns it as it is afterwards.
    async fn submit_run(
        &self,
        run: DagsterRun,
        ops: &dyn LauncherOps,
    ) -> Result<DagsterRun, InstanceError>;
}
