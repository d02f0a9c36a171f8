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
use crate::planned::planned_entries;
use crate::validate::validate_new;

/// What a new run is to be. Only the name of the job is required; see [`CreateRun::of_job`].
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

impl CreateRun {
    /// A run of a job, with everything else left at its default.
    pub fn of_job(job_name: impl Into<String>) -> Self {
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
    validate_new(&request)?;
    let request = with_location_tag(request);
    let graph = request.asset_graph.clone();
    let Constructed { run, job_snapshots, execution_plan_snapshot, plan } =
        Box::pin(construct_run(ops, request)).await?;
    let events = match &plan {
        Some(plan) if !assets_are_externally_managed(&run) => {
            planned_entries(ops, &run, plan, graph.as_deref()).await?
        }
        _ => Vec::new(),
    };
    let new_run = NewRun {
        job_snapshots,
        execution_plan_snapshot,
        events: events.clone(),
        ..NewRun::of(run.clone(), ops.clock().now())
    };
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
