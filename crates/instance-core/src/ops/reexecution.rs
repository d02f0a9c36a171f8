//! Creating the run that executes another one again, as a domain needs it that is not the one of runs.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::code_location::{CodeLocation, RemoteJob};
use crate::error::InstanceError;
use crate::ids::RunId;
use crate::run::{DagsterRun, ReexecutionStrategy};

/// The request for a run that executes another one again, with its configuration; see [`ReexecuteRun::new`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReexecuteRun {
    /// The run that is executed again.
    pub parent_run: DagsterRun,
    /// The job of the run, as its code location describes it now.
    pub remote_job: RemoteJob,
    /// Which part of the run is executed again.
    pub strategy: ReexecutionStrategy,
    /// Further tags. They override those of the job and of the parent.
    pub extra_tags: BTreeMap<String, String>,
    /// The id of the new run, a UUID; `None` means a fresh one.
    pub run_id: Option<RunId>,
    /// Whether the run takes over the tags of its parent, but for those that say how the parent fared.
    pub use_parent_run_tags: bool,
}

impl ReexecuteRun {
    /// A re-execution of a run, with everything else left at its default.
    pub const fn new(
        parent_run: DagsterRun,
        remote_job: RemoteJob,
        strategy: ReexecutionStrategy,
    ) -> Self {
        Self {
            parent_run,
            remote_job,
            strategy,
            extra_tags: BTreeMap::new(),
            run_id: None,
            use_parent_run_tags: false,
        }
    }
}

crate::setters! {
    impl ReexecuteRun {
        /// Tags beside those of the job, which they override.
        with_extra_tags(extra_tags: BTreeMap<String, String>);
        /// The id of the new run, a UUID; `None` means a fresh one.
        with_run_id(run_id: impl Into<Option<RunId>>);
        /// Whether the run gets the tags of its parent; see [`ReexecuteRun::use_parent_run_tags`].
        with_use_parent_run_tags(use_parent_run_tags: bool);
    }
}

/// Creates runs that execute others again. The facade hands them to the run domain.
#[async_trait]
pub trait RunReexecutor: std::fmt::Debug + Send + Sync {
    /// Creates a run that executes another one again, and returns it as it is stored. Nothing is launched.
    ///
    /// # Errors
    ///
    /// Nothing is written, unless the error is [`InstanceError::EventsIncomplete`], or a store fails that keeps runs and
    /// events apart. If a run with the id of the request is there already, it is
    /// [`StorageError::RunAlreadyExists`](crate::error::StorageError::RunAlreadyExists). If the code location does not
    /// answer, [`InstanceError::CodeLocation`].
    async fn reexecute(
        &self,
        location: &dyn CodeLocation,
        request: ReexecuteRun,
    ) -> Result<DagsterRun, InstanceError>;
}
