//! The methods of the launcher domain.

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::launcher::CheckRunHealthResult;
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

    /// See [`instance_launcher::resume_run`].
    pub async fn resume_run(
        &self,
        run_id: &RunId,
        attempt_number: u32,
    ) -> Result<DagsterRun, InstanceError> {
        instance_launcher::resume_run(self, run_id, attempt_number).await
    }

    /// See [`instance_launcher::count_resume_run_attempts`].
    pub async fn count_resume_run_attempts(&self, run_id: &RunId) -> Result<usize, InstanceError> {
        instance_launcher::count_resume_run_attempts(self, run_id).await
    }

    /// See [`instance_launcher::cancel_run`].
    pub async fn cancel_run(&self, run_id: &RunId) -> Result<bool, InstanceError> {
        instance_launcher::cancel_run(self, run_id).await
    }

    /// See [`instance_launcher::force_cancel_run`].
    pub async fn force_cancel_run(&self, run_id: &RunId) -> Result<DagsterRun, InstanceError> {
        instance_launcher::force_cancel_run(self, run_id).await
    }

    /// See [`instance_launcher::check_run_worker_health`].
    pub async fn check_run_worker_health(
        &self,
        run_id: &RunId,
    ) -> Result<CheckRunHealthResult, InstanceError> {
        instance_launcher::check_run_worker_health(self, run_id).await
    }

    /// See [`instance_launcher::find_lost_worker`].
    pub async fn find_lost_worker(
        &self,
        run_id: &RunId,
    ) -> Result<Option<CheckRunHealthResult>, InstanceError> {
        instance_launcher::find_lost_worker(self, run_id).await
    }

    /// See [`instance_launcher::fail_run_without_worker`].
    pub async fn fail_run_without_worker(
        &self,
        run_id: &RunId,
    ) -> Result<Option<CheckRunHealthResult>, InstanceError> {
        instance_launcher::fail_run_without_worker(self, run_id).await
    }
}
