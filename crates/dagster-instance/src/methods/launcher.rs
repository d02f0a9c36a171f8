//! The methods of `instance-launcher`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-launcher` instead.

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::launcher::CheckRunHealthResult;
use instance_core::run::DagsterRun;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Asks the coordinator to cancel a run: a run in a queue is taken out of it, and the worker of a run that was
    /// launched is asked to stop. `false` if the run has ended, or nothing that could be asked is reached; the run
    /// is not changed then.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunNotFound`]; or what kept the coordinator or the launcher from asking.
    pub async fn cancel_run(&self, run_id: &RunId) -> Result<bool, InstanceError> {
        instance_launcher::cancel_run(self, run_id).await
    }

    /// Asks the launcher how the worker of a run is. [`WorkerStatus::Unknown`](instance_core::launcher::WorkerStatus::Unknown) if the launcher cannot tell.
    ///
    /// The run itself may have ended: a worker that is gone is right then.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunNotFound`]; or [`InstanceError::Launch`] if the launcher could not look.
    pub async fn check_run_worker_health(
        &self,
        run_id: &RunId,
    ) -> Result<CheckRunHealthResult, InstanceError> {
        instance_launcher::check_run_worker_health(self, run_id).await
    }

    /// How often a run was resumed, by whichever program; `0` for a run that is not stored.
    ///
    /// # Errors
    ///
    /// Those of the event log.
    pub async fn count_resume_run_attempts(&self, run_id: &RunId) -> Result<usize, InstanceError> {
        instance_launcher::count_resume_run_attempts(self, run_id).await
    }

    /// Marks a run as failed if its worker is known to be gone, as Dagster's monitoring of runs does. Returns what
    /// is wrong with the worker; `None` if the run has ended, or its worker is not known to be gone. The run is not
    /// changed then.
    ///
    /// # Errors
    ///
    /// Those of [`check_run_worker_health`](Self::check_run_worker_health); or what kept the run from being marked.
    pub async fn fail_run_without_worker(
        &self,
        run_id: &RunId,
    ) -> Result<Option<CheckRunHealthResult>, InstanceError> {
        instance_launcher::fail_run_without_worker(self, run_id).await
    }

    /// What is wrong with the worker of a run that has not ended; `None` if the run has ended, or its worker is not
    /// known to be gone.
    ///
    /// # Errors
    ///
    /// Those of [`check_run_worker_health`](Self::check_run_worker_health).
    pub async fn find_lost_worker(
        &self,
        run_id: &RunId,
    ) -> Result<Option<CheckRunHealthResult>, InstanceError> {
        instance_launcher::find_lost_worker(self, run_id).await
    }

    /// Cancels a run and marks it as canceled at once, whatever its worker does, as Dagster's UI does when it is
    /// told to force the termination. What the run has started may go on. Returns the run as it is afterwards; a
    /// run that has ended is not changed.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunNotFound`]; or what kept the run from being marked. A worker that could not be asked is
    /// no error; it is among the run's events.
    pub async fn force_cancel_run(&self, run_id: &RunId) -> Result<DagsterRun, InstanceError> {
        instance_launcher::force_cancel_run(self, run_id).await
    }

    /// Gives a run to the launcher. Returns the run as it was when its worker was started.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunNotFound`]; or [`InstanceError::Launch`] for whatever kept the worker from being
    /// started. The run is then marked as failed, with the error among its events.
    pub async fn launch_run(&self, run_id: &RunId) -> Result<DagsterRun, InstanceError> {
        instance_launcher::launch_run(self, run_id).await
    }

    /// Has the launcher start another worker for a run whose worker is gone, as the attempt of this number; the
    /// first is 1. Returns the run as it was before.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunNotFound`]; [`InstanceError::Invalid`] for a run that was not launched, or that has
    /// ended; or [`InstanceError::Launch`] if no worker could be started, as by a launcher that does not resume
    /// runs. The run is then marked as failed, with the error among its events.
    pub async fn resume_run(
        &self,
        run_id: &RunId,
        attempt_number: u32,
    ) -> Result<DagsterRun, InstanceError> {
        instance_launcher::resume_run(self, run_id, attempt_number).await
    }

    /// Gives a created run to the coordinator, which launches it now or later. Returns the run as it is
    /// afterwards; a run that was submitted before is left alone.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunNotFound`]; or what kept the coordinator from taking the run in. The run is then
    /// marked as failed, with the error among its events.
    pub async fn submit_run(&self, run_id: &RunId) -> Result<DagsterRun, InstanceError> {
        instance_launcher::submit_run(self, run_id).await
    }
}
