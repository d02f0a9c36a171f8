//! Creating a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::AssetGraph;
use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::ops::RunOps;
use instance_core::run::{DagsterRun, DagsterRunStatus, JobPythonOrigin, RemoteJobOrigin};
use instance_core::serdes::{FrozenSet, Opaque};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};
use instance_core::storage::NewRun;
use instance_core::tags;

use crate::construct::{Constructed, construct_run};
use crate::planned::{notify, planned_entries};

/// What a new run is to be. Only the name of the job is required; see [`CreateRun::new`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CreateRun {
    /// The name of the job.
    pub job_name: String,
    /// The id of the run, a UUID; `None` means a fresh one.
    pub run_id: Option<RunId>,
    /// The configuration; `None` means an empty one.
    pub run_config: Option<Opaque>,
    /// The status to begin with.
    pub status: DagsterRunStatus,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// The first run of a chain of re-executions; goes with `parent_run_id`.
    pub root_run_id: Option<RunId>,
    /// The run that this one re-executes; goes with `root_run_id`.
    pub parent_run_id: Option<RunId>,
    /// The steps to execute; `None` means all.
    pub step_keys_to_execute: Option<Vec<String>>,
    /// The plan; needs a job snapshot.
    pub execution_plan_snapshot: Option<ExecutionPlanSnapshot>,
    /// The job.
    pub job_snapshot: Option<JobSnap>,
    /// The job that the job is a part of; needs a job snapshot.
    pub parent_job_snapshot: Option<JobSnap>,
    /// The assets to execute; excludes both selections of ops.
    pub asset_selection: Option<FrozenSet<AssetKey>>,
    /// The checks to execute; if not empty, excludes both selections of ops.
    pub asset_check_selection: Option<FrozenSet<AssetCheckKey>>,
    /// The selected ops.
    pub resolved_op_selection: Option<FrozenSet<String>>,
    /// The selection of ops as the user wrote it.
    pub op_selection: Option<Vec<String>>,
    /// The code location's job.
    pub remote_job_origin: Option<RemoteJobOrigin>,
    /// The Python code of the job.
    pub job_code_origin: Option<JobPythonOrigin>,
    /// What code says of the assets of the plan, their partitions above all; see
    /// [`log_asset_planned_events`](crate::log_asset_planned_events) for `None`.
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

/// Creates a run: stores its snapshots, the run, and the events that announce what it is going to materialise and
/// to check.
///
/// Where one database holds runs and events, that is one transaction; else the snapshots and the run are one, and
/// the events come behind it, so that nothing ever refers to what is not there. A run whose assets another system
/// reports (see [`tags::EXTERNALLY_MANAGED_ASSETS`]) announces nothing.
///
/// # Errors
///
/// [`InstanceError::Invalid`] for arguments that contradict each other, [`InstanceError::Partitions`] for partitions
/// that are none, and a run of the same id; nothing is written then. With [`InstanceError::EventsIncomplete`] the run
/// and its events are stored, and the events are not found across runs.
// facade: boxed
#[tracing::instrument(skip_all, fields(job_name = %request.job_name))]
pub async fn create_run(ops: &dyn RunOps, request: CreateRun) -> Result<DagsterRun, InstanceError> {
    let request = validated(request)?;
    let graph = request.asset_graph.clone();
    let Constructed { run, job_snapshots, execution_plan_snapshot, plan } =
        Box::pin(construct_run(ops, request)).await?;
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
    notify(ops, &run.run_id, &events, stored)?;
    Ok(run)
}

/// The request with what follows from it, if it is one that a run can be created for.
fn validated(mut request: CreateRun) -> Result<CreateRun, InstanceError> {
    let invalid = |what: &'static str, value: String, reason: &str| {
        Err(InstanceError::invalid(what, value, reason))
    };
    if let Some(run_id) = request.run_id.as_ref().filter(|run_id| !run_id.is_uuid()) {
        return invalid("run id", run_id.to_string(), "it has to be a UUID");
    }
    if request.parent_job_snapshot.is_some() && request.job_snapshot.is_none() {
        return invalid(
            "parent job snapshot",
            request.job_name.clone(),
            "it needs a job snapshot beside it",
        );
    }
    let selects_assets = request.asset_selection.is_some()
        || request.asset_check_selection.as_ref().is_some_and(|checks| !checks.is_empty());
    if selects_assets && (request.op_selection.is_some() || request.resolved_op_selection.is_some())
    {
        let resolved = request.resolved_op_selection.as_ref().map(FrozenSet::as_slice);
        let ops = request.op_selection.as_deref().or(resolved);
        return invalid(
            "op selection",
            ops.map(|ops| ops.join(", ")).unwrap_or_default(),
            "a run selects either ops, or assets and checks",
        );
    }
    if request.asset_graph.as_ref().is_some_and(|graph| graph.is_remote())
        && request.remote_job_origin.is_none()
    {
        return invalid(
            "asset graph",
            request.job_name.clone(),
            "it is one of code locations, so the run has to say where its job is: give its remote job \
             origin",
        );
    }
    if let Some(location) =
        request.remote_job_origin.as_ref().and_then(|job| job.repository_origin.location_name())
    {
        request.tags.insert(tags::CODE_LOCATION.to_owned(), location.to_owned());
    }
    Ok(request)
}

/// Whether another system reports the events of a run's assets.
fn assets_are_externally_managed(run: &DagsterRun) -> bool {
    run.tags.get(tags::EXTERNALLY_MANAGED_ASSETS).is_some_and(|value| tags::boolean_value(value))
}
