//! The methods of the launcher domain.

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::run::DagsterRun;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// See [`instance_launcher::submit_run`].
    pub async fn submit_run(&self, run_id: &RunId) -> Result<DagsterRun, InstanceError> {
        instance_launcher::submit_run(self, run_id).await
    }

    /// See [`instance_launcher::launch_run`].
    pub async fn launch_run(&self, run_id: &RunId) -> Result<DagsterRun, InstanceError> {
        instance_launcher::launch_run(self, run_id).await
    }

    /// See [`instance_launcher::cancel_run`].
    pub async fn cancel_run(&self, run_id: &RunId) -> Result<bool, InstanceError> {
        instance_launcher::cancel_run(self, run_id).await
    }
}
