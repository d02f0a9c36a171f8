//! The methods of `instance-launcher`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-launcher` instead.

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::run::DagsterRun;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Asks the worker of a run to stop. `false` if the run has ended, or has no worker that this
    /// launcher could reach; a run that has ended is not changed.
    pub async fn cancel_run(&self, run_id: &RunId) -> Result<bool, InstanceError> {
        instance_launcher::cancel_run(self, run_id).await
    }

    /// Gives a run to the launcher; returns the run as it is once its worker was started.
    ///
    /// If the launcher fails, the run is marked as failed, with the error among its events.
    pub async fn launch_run(&self, run_id: &RunId) -> Result<DagsterRun, InstanceError> {
        instance_launcher::launch_run(self, run_id).await
    }

    /// Gives a created run to the coordinator, which launches it now or later.
    ///
    /// If the coordinator fails, the run is marked as failed, with the error among its events.
    pub async fn submit_run(&self, run_id: &RunId) -> Result<DagsterRun, InstanceError> {
        instance_launcher::submit_run(self, run_id).await
    }
}
