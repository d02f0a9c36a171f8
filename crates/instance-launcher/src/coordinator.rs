//! The coordinator that launches every run at once.

use async_trait::async_trait;
use instance_core::error::InstanceError;
use instance_core::launcher::RunCoordinator;
use instance_core::ops::LauncherOps;
use instance_core::run::{DagsterRun, DagsterRunStatus};

use crate::lifecycle::launch_run;

/// Launches every run as soon as it is submitted.
#[derive(Debug, Clone, Copy, Default)]
pub struct DefaultRunCoordinator;

#[async_trait]
impl RunCoordinator for DefaultRunCoordinator {
    async fn submit_run(
        &self,
        run: DagsterRun,
        ops: &dyn LauncherOps,
    ) -> Result<DagsterRun, InstanceError> {
        if run.status == DagsterRunStatus::NotStarted {
            return launch_run(ops, &run.run_id).await;
        }
        // Submitting a run twice must not start it twice.
        tracing::warn!(run_id = %run.run_id, status = %run.status, "submitted again and left alone");
        Ok(run)
    }
}
