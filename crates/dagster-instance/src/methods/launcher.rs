//! The methods of `instance-launcher`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-launcher` instead.

use std::sync::Arc;

use instance_core::code_location::Workspace;
use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::launcher::CheckRunHealthResult;
use instance_core::run::DagsterRun;
use instance_launcher::RunDeletion;
use instance_launcher::keepers::KeeperLease;
use instance_launcher::queue::{QueueKeeper, RunQueue};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Returns whether a run could be resumed if its worker is gone: the launcher resumes runs of its kind, or the newest worker
    /// of this run was Dagster's own, as a process.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunNotFound`] if there is no such run. [`InstanceError::Launch`] if it could not be found out.
    pub async fn can_resume_run(&self, run_id: &RunId) -> Result<bool, InstanceError> {
        instance_launcher::can_resume_run(self, run_id).await
    }

    /// Asks the coordinator to cancel a run, and returns whether the request reached anything.
    ///
    /// The coordinator takes a run out of the queue, or asks the launcher to stop the worker of a run that was launched.
    /// `false` means that the run has ended, or that nothing was there to be asked. The run is not changed then.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunNotFound`] if there is no such run; [`InstanceError::Launch`] if the launcher could not ask
    /// the worker; otherwise what kept the coordinator from cancelling the run.
    pub async fn cancel_run(&self, run_id: &RunId) -> Result<bool, InstanceError> {
        instance_launcher::cancel_run(self, run_id).await
    }

    /// Asks the launcher for the health of the worker of a run, and returns its answer.
    ///
    /// The answer is [`WorkerStatus::Unknown`](instance_core::launcher::WorkerStatus::Unknown) if the launcher cannot tell. A worker that is gone is no fault if the run
    /// has ended.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunNotFound`] if there is no such run; [`InstanceError::Launch`] if the launcher could not find
    /// out; [`InstanceError::Storage`] if the storage fails.
    pub async fn check_run_worker_health(
        &self,
        run_id: &RunId,
    ) -> Result<CheckRunHealthResult, InstanceError> {
        instance_launcher::check_run_worker_health(self, run_id).await
    }

    /// Returns how often a run was resumed, by any process. A run that does not exist was resumed 0 times.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn count_resume_run_attempts(&self, run_id: &RunId) -> Result<usize, InstanceError> {
        instance_launcher::count_resume_run_attempts(self, run_id).await
    }

    /// Deletes a run with its tags and its events, unless its worker may be at work. With `force`, such a worker is stopped
    /// before.
    ///
    /// A run that is queued is taken out of the queue first, so that no daemon launches it meanwhile. `force` asks the
    /// worker to stop, waits up to 30 seconds for the end of the run, and then deletes the run, whatever the worker does.
    /// `delete_run` of the run domain deletes a run without a question, as Dagster does.
    ///
    /// # Errors
    ///
    /// - [`InstanceError::RunNotFound`] if there is no such run.
    /// - [`InstanceError::Invalid`] if the worker runs, or if nobody can tell whether it does, and `force` is `false`. The
    ///   run is not changed then.
    /// - [`InstanceError::Launch`] if the launcher could not look at the worker, and `force` is `false`.
    /// - [`InstanceError::Storage`] if the storage fails. The run is still there then; call again.
    pub async fn delete_run_and_worker(
        &self,
        run_id: &RunId,
        force: bool,
    ) -> Result<RunDeletion, InstanceError> {
        instance_launcher::delete_run_and_worker(self, run_id, force).await
    }

    /// Reports that a run has failed if it has not ended and its worker is known to be gone. Returns the health of that
    /// worker.
    ///
    /// `None` means that the run has ended, or that its worker is not known to be gone. The run is not changed then.
    /// Dagster's monitoring of runs does the same.
    ///
    /// # Errors
    ///
    /// Those of [`check_run_worker_health`](Self::check_run_worker_health), and those of reporting the failure.
    pub async fn fail_run_without_worker(
        &self,
        run_id: &RunId,
    ) -> Result<Option<CheckRunHealthResult>, InstanceError> {
        instance_launcher::fail_run_without_worker(self, run_id).await
    }

    /// Returns the health of the worker of a run if the run has not ended and the worker is known to be gone.
    ///
    /// `None` means that the run has ended, or that its worker is not known to be gone. The run is not changed in either
    /// case.
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

    /// Reports a run as canceled at once, whatever its worker does. Returns the run as it is afterwards.
    ///
    /// A run that is queued or has started is asked to stop before, as [`cancel_run`](Self::cancel_run) does it. Processes that the run has
    /// started may go on. A run that has ended is not changed. Dagster's UI does the same when a user forces the
    /// termination of a run.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunNotFound`] if there is no such run; otherwise what kept the report from being stored. A worker
    /// that could not be asked to stop is no error of this function; that error is among the events of the run.
    pub async fn force_cancel_run(&self, run_id: &RunId) -> Result<DagsterRun, InstanceError> {
        instance_launcher::force_cancel_run(self, run_id).await
    }

    /// The leases of all duties that keepers of this project do or did, by duty. It is empty if there never was one.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_keeper_leases(&self) -> Result<Vec<KeeperLease>, InstanceError> {
        instance_launcher::keepers::get_keeper_leases(self).await
    }

    /// Gives a run to the launcher, which starts its worker. Returns the run as it was when the worker started.
    ///
    /// # Errors
    ///
    /// [`InstanceError::RunNotFound`] if there is no such run; [`InstanceError::Launch`] if no worker was started,
    /// whatever the reason. The run has then failed, and the error is among its events.
    pub async fn launch_run(&self, run_id: &RunId) -> Result<DagsterRun, InstanceError> {
        instance_launcher::launch_run(self, run_id).await
    }

    /// Gives a run to the launcher, as [`launch_run`](Self::launch_run) does, together with the workspace, in which the launcher finds the run's code
    /// location.
    ///
    /// # Errors
    ///
    /// Those of [`launch_run`](Self::launch_run).
    pub async fn launch_run_with_workspace(
        &self,
        run_id: &RunId,
        workspace: Arc<dyn Workspace>,
    ) -> Result<DagsterRun, InstanceError> {
        instance_launcher::launch_run_with_workspace(self, run_id, workspace).await
    }

    /// The process that takes runs from the queue. `None` if there was none, or if the last one has given the queue back.
    ///
    /// It is read as it is stored: the last sign tells how long ago the process was alive.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_queue_keeper(&self) -> Result<Option<QueueKeeper>, InstanceError> {
        instance_launcher::queue::get_queue_keeper(self).await
    }

    /// Reads the queue of runs: the runs that wait, those that are in progress, and how full the limits are.
    ///
    /// Nothing is changed. A pool without a limit of its own that will get the default of the instance counts as if it had it.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if the instance has no queue; [`InstanceError::Config`] if its configuration is wrong;
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_run_queue(&self) -> Result<RunQueue, InstanceError> {
        instance_launcher::queue::get_run_queue(self).await
    }

    /// Has the launcher start another worker for a run whose worker is gone. Returns the run as it was before.
    ///
    /// `attempt_number` counts the attempts to resume this run; the first attempt is 1.
    ///
    /// # Errors
    ///
    /// - [`InstanceError::RunNotFound`] if there is no such run.
    /// - [`InstanceError::Invalid`] if the run was not launched, or has ended. It is not changed then.
    /// - [`InstanceError::Launch`] if no worker was started, for instance by a launcher that does not resume runs. The
    ///   run has then failed, and the error is among its events.
    pub async fn resume_run(
        &self,
        run_id: &RunId,
        attempt_number: u32,
    ) -> Result<DagsterRun, InstanceError> {
        instance_launcher::resume_run(self, run_id, attempt_number).await
    }

    /// Returns whether the daemon that monitors runs resumes this run if its worker is lost: runs are monitored, and the
    /// run was resumed less often than the settings allow.
    ///
    /// A run that does not exist was never resumed.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn run_will_resume(&self, run_id: &RunId) -> Result<bool, InstanceError> {
        instance_launcher::run_will_resume(self, run_id).await
    }

    /// Gives a run to the coordinator, which launches it now or later. Returns the run as it is afterwards.
    ///
    /// A run that was submitted before is returned unchanged.
    ///
    /// # Errors
    ///
    /// - [`InstanceError::RunNotFound`] if there is no such run.
    /// - [`InstanceError::Invalid`] if the coordinator takes only runs that say where their code is, and this run does not.
    ///   The run is not changed then.
    /// - [`InstanceError::Launch`], or any other error of the coordinator, if it did not take the run. The run has then
    ///   failed, and the error is among its events. If the coordinator launches runs at once, both are there twice, as in
    ///   Dagster: [`launch_run`](Self::launch_run) has reported them before.
    pub async fn submit_run(&self, run_id: &RunId) -> Result<DagsterRun, InstanceError> {
        instance_launcher::submit_run(self, run_id).await
    }

    /// Gives a run to the coordinator, as [`submit_run`](Self::submit_run) does, together with the workspace. A run whose code location is a server
    /// that is started for the workspace can be launched at once by it alone.
    ///
    /// # Errors
    ///
    /// Those of [`submit_run`](Self::submit_run).
    pub async fn submit_run_with_workspace(
        &self,
        run_id: &RunId,
        workspace: Arc<dyn Workspace>,
    ) -> Result<DagsterRun, InstanceError> {
        instance_launcher::submit_run_with_workspace(self, run_id, workspace).await
    }
}
