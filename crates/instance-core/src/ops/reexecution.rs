//! Creating the run that executes another one again: the request, and how a domain makes it that is not the one of runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::assets::AssetGraph;
use crate::code_location::{CodeLocation, RemoteJob};
use crate::error::InstanceError;
use crate::ids::RunId;
use crate::run::{DagsterRun, ReexecutionStrategy};
use crate::serdes::Opaque;

/// The request for a run that re-executes another one; see [`CreateReexecutedRun::new`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CreateReexecutedRun {
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
    /// The configuration of the run; `None` means that of the parent.
    pub run_config: Option<Opaque>,
    /// Whether the run takes over the tags of its parent. Tags that say how the parent fared are never taken over; tags
    /// of a backfill only while the backfill goes on.
    pub use_parent_run_tags: bool,
    /// The assets of the job's code; `None` if the job has no assets, or if their partitions do not matter.
    pub asset_graph: Option<Arc<dyn AssetGraph>>,
}

impl CreateReexecutedRun {
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
            run_config: None,
            use_parent_run_tags: false,
            asset_graph: None,
        }
    }
}

crate::setters! {
    impl CreateReexecutedRun {
        /// Tags beside those of the job, which they override.
        with_extra_tags(extra_tags: BTreeMap<String, String>);
        /// The id of the new run, a UUID; `None` means a fresh one.
        with_run_id(run_id: impl Into<Option<RunId>>);
        /// The configuration; `None` means that of the parent.
        with_run_config(run_config: impl Into<Option<Opaque>>);
        /// Whether the run gets the tags of its parent; see [`CreateReexecutedRun::use_parent_run_tags`].
        with_use_parent_run_tags(use_parent_run_tags: bool);
        /// The assets of the job's code; `None` if it has none, or none that matter.
        with_asset_graph(asset_graph: impl Into<Option<Arc<dyn AssetGraph>>>);
    }
}

/// Creates runs that execute others again. The facade hands them to the run domain.
#[async_trait]
pub trait RunReexecutor: std::fmt::Debug + Send + Sync {
    /// Creates a run that executes another one again, and returns it as it is stored. Nothing is launched. If the request has
    /// no graph of assets, the code location is asked for it.
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
        request: CreateReexecutedRun,
    ) -> Result<DagsterRun, InstanceError>;
}
