//! Launching runs: the traits of coordinators and launchers, and the contexts that their methods get.
//!
//! Each method gets a context of its own. A context can grow without breaking those who implement the traits. The
//! names are Dagster's.

mod launch_state;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::code_location::Workspace;
use crate::error::{BoxError, InstanceError};
use crate::ops::LauncherOps;
use crate::run::DagsterRun;

pub use launch_state::{
    LaunchDeadline, LaunchState, LaunchStateContext, LaunchTimeOver, LaunchUncertain,
};

/// Contexts are shown by their run: the instance has nothing to show.
macro_rules! debug_by_run {
    ($($context:ident),* $(,)?) => {
        $(
            impl fmt::Debug for $context {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.debug_struct(stringify!($context))
                        .field("run_id", &self.dagster_run.run_id)
                        .finish_non_exhaustive()
                }
            }
        )*
    };
}

debug_by_run!(
    LaunchRunContext,
    LaunchStateContext,
    ResumeRunContext,
    TerminateRunContext,
    CheckRunHealthContext,
    RunWorkerDebugInfoContext,
    SubmitRunContext,
    CancelRunContext,
);

/// What [`RunLauncher::launch_run`] is given.
#[derive(Clone)]
#[non_exhaustive]
pub struct LaunchRunContext {
    /// The run, in status `STARTING`.
    pub dagster_run: DagsterRun,
    /// The instance, for the worker to report to for as long as it lives.
    pub instance: Arc<dyn LauncherOps>,
    /// The workspace, in which the run's code location is found by its name; `None` if there is none.
    pub workspace: Option<Arc<dyn Workspace>>,
    /// Until when the worker may be started: [`LaunchTimeOver`] is the error afterwards. `None` is any time. It is looked at
    /// right before the call that starts the worker, which has no more time than what is left.
    pub deadline: Option<LaunchDeadline>,
}

impl LaunchRunContext {
    /// The launch of a run, without a workspace, at any time.
    pub fn new(dagster_run: DagsterRun, instance: Arc<dyn LauncherOps>) -> Self {
        Self { dagster_run, instance, workspace: None, deadline: None }
    }
}

crate::setters! {
    impl LaunchRunContext {
        /// The workspace.
        with_workspace(workspace: impl Into<Option<Arc<dyn Workspace>>>);
        /// Until when the worker may be started.
        with_deadline(deadline: impl Into<Option<LaunchDeadline>>);
    }
}

/// What [`RunLauncher::resume_run`] is given.
#[derive(Clone)]
#[non_exhaustive]
pub struct ResumeRunContext {
    /// The run, whose worker is gone.
    pub dagster_run: DagsterRun,
    /// The instance, for the new worker to report to for as long as it lives.
    pub instance: Arc<dyn LauncherOps>,
    /// Which attempt to resume the run this is; the first is 1. `None` if it is not known.
    pub resume_attempt_number: Option<u32>,
}

impl ResumeRunContext {
    /// The resumption of a run.
    pub fn new(dagster_run: DagsterRun, instance: Arc<dyn LauncherOps>) -> Self {
        Self { dagster_run, instance, resume_attempt_number: None }
    }

    /// The same with the number of the attempt; the first is 1.
    #[must_use]
    pub const fn with_resume_attempt_number(mut self, number: u32) -> Self {
        self.resume_attempt_number = Some(number);
        self
    }
}

/// What [`RunLauncher::terminate`] is given.
#[derive(Clone)]
#[non_exhaustive]
pub struct TerminateRunContext {
    /// The run as it was when it was asked to stop. Its tags may say where its worker is.
    pub dagster_run: DagsterRun,
    /// The instance, to read from and to report to.
    pub instance: Arc<dyn LauncherOps>,
}

impl TerminateRunContext {
    /// The termination of a run.
    pub fn new(dagster_run: DagsterRun, instance: Arc<dyn LauncherOps>) -> Self {
        Self { dagster_run, instance }
    }
}

/// What [`RunLauncher::check_run_worker_health`] is given.
#[derive(Clone)]
#[non_exhaustive]
pub struct CheckRunHealthContext {
    /// The run. Its tags may say where its worker is.
    pub dagster_run: DagsterRun,
    /// The instance, to read from.
    pub instance: Arc<dyn LauncherOps>,
}

impl CheckRunHealthContext {
    /// The check of a run's worker.
    pub fn new(dagster_run: DagsterRun, instance: Arc<dyn LauncherOps>) -> Self {
        Self { dagster_run, instance }
    }
}

/// What [`RunLauncher::get_run_worker_debug_info`] is given.
#[derive(Clone)]
#[non_exhaustive]
pub struct RunWorkerDebugInfoContext {
    /// The run. Its tags may say where its worker is.
    pub dagster_run: DagsterRun,
    /// The instance, to read from.
    pub instance: Arc<dyn LauncherOps>,
    /// Whether the last lines that the worker printed are wanted, too; `true` by default.
    pub include_container_logs: bool,
}

impl RunWorkerDebugInfoContext {
    /// The question about a run's worker, with what it printed.
    pub fn new(dagster_run: DagsterRun, instance: Arc<dyn LauncherOps>) -> Self {
        Self { dagster_run, instance, include_container_logs: true }
    }

    /// The same without what the worker printed.
    #[must_use]
    pub const fn without_container_logs(mut self) -> Self {
        self.include_container_logs = false;
        self
    }
}

/// What [`RunCoordinator::submit_run`] is given.
#[derive(Clone)]
#[non_exhaustive]
pub struct SubmitRunContext {
    /// The run, as it was when it was submitted.
    pub dagster_run: DagsterRun,
    /// The instance, to report to, and to launch the run.
    pub instance: Arc<dyn LauncherOps>,
    /// The workspace, for whoever launches the run at once; `None` if there is none.
    pub workspace: Option<Arc<dyn Workspace>>,
}

impl SubmitRunContext {
    /// The submission of a run, without a workspace.
    pub fn new(dagster_run: DagsterRun, instance: Arc<dyn LauncherOps>) -> Self {
        Self { dagster_run, instance, workspace: None }
    }
}

crate::setters! {
    impl SubmitRunContext {
        /// The workspace.
        with_workspace(workspace: impl Into<Option<Arc<dyn Workspace>>>);
    }
}

/// What [`RunCoordinator::cancel_run`] is given.
#[derive(Clone)]
#[non_exhaustive]
pub struct CancelRunContext {
    /// The run, as it was when it was asked to stop.
    pub dagster_run: DagsterRun,
    /// The instance, to report to, and whose launcher reaches the run's worker.
    pub instance: Arc<dyn LauncherOps>,
}

impl CancelRunContext {
    /// The cancellation of a run.
    pub fn new(dagster_run: DagsterRun, instance: Arc<dyn LauncherOps>) -> Self {
        Self { dagster_run, instance }
    }
}

/// How the worker of a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkerStatus {
    /// It works.
    Running,
    /// There is no such worker (any more).
    NotFound,
    /// It has ended with an error.
    Failed,
    /// It has ended without an error.
    Success,
    /// It cannot be said from here.
    Unknown,
}

impl WorkerStatus {
    /// Dagster's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::NotFound => "NOT_FOUND",
            Self::Failed => "FAILED",
            Self::Success => "SUCCESS",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether the worker is known to be gone without success. It will report nothing more.
    pub const fn is_lost(self) -> bool {
        matches!(self, Self::NotFound | Self::Failed)
    }
}

impl fmt::Display for WorkerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a check of a run's worker has found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckRunHealthResult {
    /// How the worker is.
    pub status: WorkerStatus,
    /// More about it, for people; `None` if there is no more to say.
    pub msg: Option<String>,
    /// Whether the worker is expected to come back by itself; `None` if that is not known.
    pub transient: Option<bool>,
    /// Which worker it is, in the launcher's own words; `None` if the launcher does not tell them apart.
    pub run_worker_id: Option<String>,
}

impl CheckRunHealthResult {
    /// A status about which there is no more to say.
    pub const fn new(status: WorkerStatus) -> Self {
        Self { status, msg: None, transient: None, run_worker_id: None }
    }

    /// The same with a message for people.
    #[must_use]
    pub fn with_msg(mut self, msg: impl Into<String>) -> Self {
        self.msg = Some(msg.into());
        self
    }

    /// The same with whether the worker is expected to come back by itself.
    #[must_use]
    pub const fn with_transient(mut self, transient: bool) -> Self {
        self.transient = Some(transient);
        self
    }

    /// The same with the worker's name.
    #[must_use]
    pub fn with_run_worker_id(mut self, run_worker_id: impl Into<String>) -> Self {
        self.run_worker_id = Some(run_worker_id.into());
        self
    }
}

/// The text by which Dagster reports it, such as `FAILED: 'exited with status 1'`.
impl fmt::Display for CheckRunHealthResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: '{}'", self.status, self.msg.as_deref().unwrap_or("None"))
    }
}

/// A launcher was asked for what it does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the run launcher {launcher} does not {capability}; {remedy}")]
#[non_exhaustive]
pub struct UnsupportedByLauncher {
    /// The type of the launcher.
    pub launcher: &'static str,
    /// What it cannot do.
    pub capability: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Starts the workers of runs, and knows about them.
///
/// Two methods are required. Dagster calls the others only where the launcher says that it has them. So a launcher
/// that implements one of them also implements its `supports_..` method.
#[async_trait]
pub trait RunLauncher: fmt::Debug + Send + Sync + 'static {
    /// Starts the worker of a run and returns without waiting for its end.
    ///
    /// # Errors
    ///
    /// The worker could not be started. No worker runs then, and the caller reports that the run has failed.
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError>;

    /// Says what became of the launch of a run that is `STARTING`, for whoever does not know it: the process that launched it
    /// may have ended before it had an answer. [`LaunchState::Unknown`], which launchers answer by default, is always safe:
    /// the run then fails after a time, if no worker reports that it has started.
    ///
    /// # Errors
    ///
    /// It could not be found out. That is as good as [`LaunchState::Unknown`].
    async fn launch_state(&self, _context: LaunchStateContext) -> Result<LaunchState, BoxError> {
        Ok(LaunchState::Unknown)
    }

    /// Asks the worker of a run to stop, and sees that the run is reported as being canceled. The event that ends
    /// the run stays the last one. `false` if this launcher reaches no such worker; the run is not changed then.
    ///
    /// # Errors
    ///
    /// The worker could not be asked.
    async fn terminate(&self, context: TerminateRunContext) -> Result<bool, BoxError>;

    /// Whether the launcher has [`resume_run`](Self::resume_run).
    fn supports_resume_run(&self) -> bool {
        false
    }

    /// Whether the launcher has [`resume_run`](Self::resume_run) for runs such as this one. A launcher that has it for some
    /// kinds of runs alone says so here.
    fn supports_resume_of(&self, _run: &DagsterRun) -> bool {
        self.supports_resume_run()
    }

    /// Starts another worker for a run whose worker is gone. The new worker continues where the run's events end.
    ///
    /// # Errors
    ///
    /// No worker could be started, and the caller reports that the run has failed. [`UnsupportedByLauncher`] where
    /// the launcher does not have this.
    async fn resume_run(&self, _context: ResumeRunContext) -> Result<(), BoxError> {
        Err(Box::new(UnsupportedByLauncher {
            launcher: std::any::type_name::<Self>(),
            capability: "resume runs",
            remedy: "where runs are monitored, allow no attempts to resume them",
        }))
    }

    /// Whether the launcher has [`check_run_worker_health`](Self::check_run_worker_health).
    fn supports_check_run_worker_health(&self) -> bool {
        false
    }

    /// Looks at the worker of a run. The status of the run plays no part: if the run has ended, it is right that
    /// its worker is gone.
    ///
    /// # Errors
    ///
    /// The worker could not be looked at. [`UnsupportedByLauncher`] where the launcher does not have this.
    async fn check_run_worker_health(
        &self,
        _context: CheckRunHealthContext,
    ) -> Result<CheckRunHealthResult, BoxError> {
        Err(Box::new(UnsupportedByLauncher {
            launcher: std::any::type_name::<Self>(),
            capability: "check the workers of runs",
            remedy: "do not monitor its runs",
        }))
    }

    /// What is known about a worker and helps people to find out why it failed; `None` if nothing is known.
    ///
    /// # Errors
    ///
    /// It could not be looked up.
    async fn get_run_worker_debug_info(
        &self,
        _context: RunWorkerDebugInfoContext,
    ) -> Result<Option<String>, BoxError> {
        Ok(None)
    }

    /// Waits until the runs that this launcher launched have ended. A launcher whose workers do not depend on
    /// this process has nothing to wait for.
    ///
    /// # Errors
    ///
    /// They have not ended in time; the error names them.
    async fn join(&self, _timeout: Duration) -> Result<(), BoxError> {
        Ok(())
    }

    /// Lets go of what the launcher holds. The workers of runs go on.
    async fn dispose(&self) {}
}

/// Decides when a run is launched.
#[async_trait]
pub trait RunCoordinator: fmt::Debug + Send + Sync + 'static {
    /// Takes a run in, and returns the run as it is afterwards. A run that was submitted before is not changed.
    ///
    /// # Errors
    ///
    /// The run could not be taken in, and the caller reports that it has failed.
    async fn submit_run(&self, context: SubmitRunContext) -> Result<DagsterRun, InstanceError>;

    /// Takes a run out of the queue and reports that it is canceled, or asks the worker of a launched run to stop.
    /// `false` if neither could be done; the run is not changed then.
    ///
    /// # Errors
    ///
    /// The run could not be canceled. [`InstanceError::Launch`] comes from the launcher.
    async fn cancel_run(&self, context: CancelRunContext) -> Result<bool, InstanceError>;

    /// Whether it takes only runs that say where their code is, so that another process can launch them: those with
    /// `remote_job_origin` and `job_code_origin`. Other runs are then refused before it is asked.
    fn requires_origins(&self) -> bool {
        false
    }

    /// Lets go of what the coordinator holds. Runs in its queue stay there.
    async fn dispose(&self) {}
}
