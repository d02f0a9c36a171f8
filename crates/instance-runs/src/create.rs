//! Creating a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::AssetGraph;
use instance_core::code_location::PreparedRun;
use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::ops::RunOps;
use instance_core::run::{DagsterRun, DagsterRunStatus, JobPythonOrigin, RemoteJobOrigin};
use instance_core::serdes::{FrozenSet, Opaque};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};
use instance_core::storage::NewRun;
use instance_core::tags;
use tracing::{Instrument, Span};

use crate::construct::{Constructed, construct_run};
use crate::planned::planned_entries;
use crate::validate::validate_new;

/// The request for a new run. Only the name of the job is required; see [`CreateRun::new`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CreateRun {
    /// The name of the job.
    pub job_name: String,
    /// The id of the run, a UUID; `None` means a fresh one.
    pub run_id: Option<RunId>,
    /// The configuration of the run; `None` means an empty one.
    pub run_config: Option<Opaque>,
    /// The status to begin with.
    pub status: DagsterRunStatus,
    /// The tags of the run.
    pub tags: BTreeMap<String, String>,
    /// The first run of a group of re-executions; given together with `parent_run_id`, or not at all.
    pub root_run_id: Option<RunId>,
    /// The run that this one re-executes; given together with `root_run_id`, or not at all.
    pub parent_run_id: Option<RunId>,
    /// The steps to execute; `None` means all.
    pub step_keys_to_execute: Option<Vec<String>>,
    /// The execution plan. It needs a job snapshot; `None` means that the run has no planned events.
    pub execution_plan_snapshot: Option<ExecutionPlanSnapshot>,
    /// The snapshot of the job; `None` means that the run refers to none.
    pub job_snapshot: Option<JobSnap>,
    /// The snapshot of the job that this job is a part of. It needs a job snapshot.
    pub parent_job_snapshot: Option<JobSnap>,
    /// The assets to execute. A run that selects assets cannot select ops; `None` means no selection.
    pub asset_selection: Option<FrozenSet<AssetKey>>,
    /// The checks to execute. A run that selects checks cannot select ops; `None` and empty mean no selection.
    pub asset_check_selection: Option<FrozenSet<AssetCheckKey>>,
    /// The names of the selected ops; `None` means all.
    pub resolved_op_selection: Option<FrozenSet<String>>,
    /// The selection of ops as the user wrote it; `None` means no selection.
    pub op_selection: Option<Vec<String>>,
    /// Where the job is in a code location. A queued run needs it.
    pub remote_job_origin: Option<RemoteJobOrigin>,
    /// Where the Python code of the job is; `None` if it is not known.
    pub job_code_origin: Option<JobPythonOrigin>,
    /// What the code says of the assets of the plan, above all which partitions they have.
    /// [`log_asset_planned_events`](crate::log_asset_planned_events) says what `None` means.
    pub asset_graph: Option<Arc<dyn AssetGraph>>,
}

instance_core::setters! {
    impl CreateRun {
        /// The id of the run, a UUID; `None` means a fresh one.
        with_run_id(run_id: impl Into<Option<RunId>>);
        /// The configuration; `None` means an empty one.
        with_run_config(run_config: impl Into<Option<Opaque>>);
        /// The status to begin with.
        with_status(status: DagsterRunStatus);
        /// The tags.
        with_tags(tags: BTreeMap<String, String>);
        /// The first run of a chain of re-executions; goes with the parent.
        with_root_run_id(root_run_id: impl Into<Option<RunId>>);
        /// The run that this one re-executes; goes with the root.
        with_parent_run_id(parent_run_id: impl Into<Option<RunId>>);
        /// The steps to execute; `None` means all.
        with_step_keys_to_execute(step_keys_to_execute: impl Into<Option<Vec<String>>>);
        /// The plan; needs a job snapshot.
        with_execution_plan_snapshot(execution_plan_snapshot: impl Into<Option<ExecutionPlanSnapshot>>);
        /// The job.
        with_job_snapshot(job_snapshot: impl Into<Option<JobSnap>>);
        /// The job that the job is a part of; needs a job snapshot.
        with_parent_job_snapshot(parent_job_snapshot: impl Into<Option<JobSnap>>);
        /// The selected ops.
        with_resolved_op_selection(resolved_op_selection: impl Into<Option<FrozenSet<String>>>);
        /// The selection of ops as the user wrote it.
        with_op_selection(op_selection: impl Into<Option<Vec<String>>>);
        /// The Python code of the job.
        with_job_code_origin(job_code_origin: impl Into<Option<JobPythonOrigin>>);
        /// The assets to execute; excludes both selections of ops.
        with_asset_selection(asset_selection: impl Into<Option<FrozenSet<AssetKey>>>);
        /// The checks to execute; if not empty, excludes both selections of ops.
        with_asset_check_selection(asset_check_selection: impl Into<Option<FrozenSet<AssetCheckKey>>>);
        /// The code location's job.
        with_remote_job_origin(remote_job_origin: impl Into<Option<RemoteJobOrigin>>);
        /// What code says of the assets of the plan, their partitions above all.
        with_asset_graph(asset_graph: impl Into<Option<Arc<dyn AssetGraph>>>);
    }
}

impl CreateRun {
    /// A run of a job, with everything else left at its default.
    pub fn new(job_name: impl Into<String>) -> Self {
        Self {
            job_name: job_name.into(),
            run_id: None,
            run_config: None,
            status: DagsterRunStatus::NotStarted,
            tags: BTreeMap::new(),
            root_run_id: None,
            parent_run_id: None,
            step_keys_to_execute: None,
            execution_plan_snapshot: None,
            job_snapshot: None,
            parent_job_snapshot: None,
            asset_selection: None,
            asset_check_selection: None,
            resolved_op_selection: None,
            op_selection: None,
            remote_job_origin: None,
            job_code_origin: None,
            asset_graph: None,
        }
    }
}

impl From<PreparedRun> for CreateRun {
    /// The run of a plan that a code location has made. It executes the steps that the plan names.
    fn from(prepared: PreparedRun) -> Self {
        let PreparedRun { job, plan, .. } = prepared;
        Self {
            run_id: prepared.run_id,
            run_config: Some(prepared.run_config),
            tags: prepared.tags,
            step_keys_to_execute: Some(plan.step_keys_to_execute.clone()),
            execution_plan_snapshot: Some(plan),
            parent_job_snapshot: job.parent_job_snapshot,
            asset_selection: prepared.asset_selection,
            asset_check_selection: prepared.asset_check_selection,
            resolved_op_selection: prepared.resolved_op_selection,
            op_selection: prepared.op_selection,
            job_code_origin: job.job_code_origin,
            asset_graph: prepared.asset_graph,
            job_snapshot: Some(job.job_snapshot),
            ..Self::new(job.remote_job_origin.job_name.clone())
                .with_remote_job_origin(job.remote_job_origin)
        }
    }
}

/// Creates a run, and returns it as it is stored.
///
/// The run is stored with its snapshots and its planned events. A planned event announces an asset that the run is
/// going to materialise, or a check that it is going to evaluate. A run has none if another system reports its assets
/// (see [`tags::EXTERNALLY_MANAGED_ASSETS`]). Listeners are notified of the planned events. Nothing is launched.
///
/// Everything is stored in one transaction if one database holds runs and events. Otherwise the snapshots and the run
/// are stored in one transaction, and the events after it.
///
/// # Errors
///
/// - [`InstanceError::Invalid`] if arguments contradict each other, or if the run is larger than the instance allows;
///   [`InstanceError::Partitions`] if the run names partitions that its assets do not have; [`InstanceError::Storage`]
///   if a run of this id is stored already. Nothing is written then.
/// - [`InstanceError::EventsIncomplete`] if the run and its events are stored, but the events are missing in the
///   index across runs.
/// - [`InstanceError::Storage`] if a storage fails. Neither the run nor an event is written then, unless runs and
///   events are in several databases: the run may then be stored without its events.
// facade: boxed
pub async fn create_run(ops: &dyn RunOps, request: CreateRun) -> Result<DagsterRun, InstanceError> {
    // Made here, since a fresh id is recorded later. The current span may be one of the caller's if ours is filtered out.
    let run_id = request.run_id.as_ref().map(RunId::as_str);
    let span = tracing::debug_span!("create_run", run_id, job_name = %request.job_name);
    create(ops, request, span.clone()).instrument(span).await
}

/// What [`create_run`] does. The span gets the id of the run when the run has one.
async fn create(
    ops: &dyn RunOps,
    request: CreateRun,
    span: Span,
) -> Result<DagsterRun, InstanceError> {
    validate_new(&request)?;
    let request = with_location_tag(request);
    let has_fresh_id = request.run_id.is_none();
    let graph = request.asset_graph.clone();
    let Constructed { run, job_snapshots, execution_plan_snapshot, plan } =
        Box::pin(construct_run(ops, request)).await?;
    if has_fresh_id {
        span.record("run_id", run.run_id.as_str());
    }
    let events = match &plan {
        Some(plan) if !assets_are_externally_managed(&run) => {
            planned_entries(ops, &run, plan, graph.as_deref()).await?
        }
        _ => Vec::new(),
    };
    let new_run = NewRun::new(run.clone(), ops.clock().now())
        .with_job_snapshots(job_snapshots)
        .with_execution_plan_snapshot(execution_plan_snapshot)
        .with_events(events.clone());
    let stored = ops.run_event_store().add_run_with_events(new_run).await?;
    ops.event_listeners().notify_all(&events, &stored.ids);
    stored.into_result(&events)?;
    Ok(run)
}

/// The request with the tag of the code location that its job is from.
fn with_location_tag(mut request: CreateRun) -> CreateRun {
    if let Some(location) =
        request.remote_job_origin.as_ref().and_then(|job| job.repository_origin.location_name())
    {
        request.tags.insert(tags::CODE_LOCATION.to_owned(), location.to_owned());
    }
    request
}

/// Whether another system reports the events of a run's assets.
fn assets_are_externally_managed(run: &DagsterRun) -> bool {
    run.tags.get(tags::EXTERNALLY_MANAGED_ASSETS).is_some_and(|value| tags::boolean_value(value))
}
