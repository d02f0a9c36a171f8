//! Creating a run.

use std::collections::BTreeMap;

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::ops::RunOps;
use instance_core::run::{DagsterRun, DagsterRunStatus, JobPythonOrigin, RemoteJobOrigin};
use instance_core::serdes::{FrozenSet, Opaque, UnknownFields};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};
use instance_core::tags;

use crate::planned::log_asset_planned_events;
use crate::snapshots::{ensure_persisted_execution_plan_snapshot, ensure_persisted_job_snapshot};

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
    pub asset_selection: Option<Vec<AssetKey>>,
    /// The checks to execute; if not empty, excludes both selections of ops.
    pub asset_check_selection: Option<Vec<AssetCheckKey>>,
    /// The selected ops.
    pub resolved_op_selection: Option<Vec<String>>,
    /// The selection of ops as the user wrote it.
    pub op_selection: Option<Vec<String>>,
    /// The code location's job.
    pub remote_job_origin: Option<RemoteJobOrigin>,
    /// The Python code of the job.
    pub job_code_origin: Option<JobPythonOrigin>,
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
        }
    }
}

/// Creates a run: stores its snapshots, the run, and the events that announce what it is going to
/// materialise.
///
/// Snapshots are stored first, then the run, then the events, so that nothing ever refers to what is
/// not there. Errors: [`InstanceError::Invalid`] for arguments that contradict each other, before
/// anything is written; a run of the same id exists.
#[tracing::instrument(skip_all, fields(job_name = %request.job_name))]
pub async fn create_run(ops: &dyn RunOps, request: CreateRun) -> Result<DagsterRun, InstanceError> {
    let plan = request.execution_plan_snapshot.clone();
    let run = construct_run_with_snapshots(ops, request).await?;
    ops.run_store().add_run(&run, ops.clock().now()).await?;
    if let Some(plan) = plan.filter(|_| !assets_are_externally_managed(&run)) {
        log_asset_planned_events(ops, &run, &plan).await?;
    }
    Ok(run)
}

/// Checks a request and makes the run of it, with its snapshots stored and the run itself not.
pub async fn construct_run_with_snapshots(
    ops: &dyn RunOps,
    request: CreateRun,
) -> Result<DagsterRun, InstanceError> {
    validate(&request)?;
    let job_snapshot_id = match &request.job_snapshot {
        Some(snapshot) => Some(
            ensure_persisted_job_snapshot(ops, snapshot, request.parent_job_snapshot.as_ref())
                .await?,
        ),
        None => None,
    };
    let execution_plan_snapshot_id = match (&request.execution_plan_snapshot, &job_snapshot_id) {
        (Some(plan), Some(job_id)) => {
            Some(ensure_persisted_execution_plan_snapshot(ops, plan, job_id).await?)
        }
        _ => None,
    };
    let mut tags = request.tags;
    if let Some(location) =
        request.remote_job_origin.as_ref().and_then(|job| job.repository_origin.location_name())
    {
        tags.insert(tags::CODE_LOCATION.to_owned(), location.to_owned());
    }
    let run_id = request.run_id.unwrap_or_else(|| ops.ids().run_id());
    Ok(DagsterRun {
        asset_check_selection: request.asset_check_selection.map(FrozenSet::from_iter),
        asset_selection: request.asset_selection.map(FrozenSet::from_iter),
        execution_plan_snapshot_id,
        remote_job_origin: request.remote_job_origin.map(Box::new),
        has_repository_load_data: request
            .execution_plan_snapshot
            .as_ref()
            .is_some_and(|plan| plan.repository_load_data.is_some()),
        parent_run_id: request.parent_run_id,
        job_code_origin: request.job_code_origin.map(Box::new),
        job_snapshot_id,
        root_run_id: request.root_run_id,
        run_config: request.run_config.unwrap_or_else(|| Opaque::from(&serde_json::json!({}))),
        op_selection: request.op_selection,
        resolved_op_selection: request.resolved_op_selection.map(FrozenSet::from_iter),
        status: request.status,
        step_keys_to_execute: request.step_keys_to_execute,
        tags,
        unknown: UnknownFields::default(),
        ..DagsterRun::new(run_id, request.job_name)
    })
}

fn validate(request: &CreateRun) -> Result<(), InstanceError> {
    let invalid = |what: &'static str, value: String, reason: &str| {
        Err(InstanceError::Invalid { what, value, reason: reason.to_owned() })
    };
    if request.job_name.is_empty() {
        return invalid("job name", String::new(), "a run needs the name of its job");
    }
    if let Some(run_id) = request.run_id.as_ref().filter(|run_id| !run_id.is_uuid()) {
        return invalid("run id", run_id.to_string(), "it has to be a UUID");
    }
    if request.root_run_id.is_some() != request.parent_run_id.is_some() {
        let given = request.root_run_id.as_ref().or(request.parent_run_id.as_ref());
        return invalid(
            "root or parent run",
            given.map(ToString::to_string).unwrap_or_default(),
            "a re-execution names both its root run and its parent run",
        );
    }
    if request.parent_job_snapshot.is_some() && request.job_snapshot.is_none() {
        return invalid(
            "parent job snapshot",
            request.job_name.clone(),
            "it needs a job snapshot beside it",
        );
    }
    if request.execution_plan_snapshot.is_some() && request.job_snapshot.is_none() {
        return invalid(
            "execution plan snapshot",
            request.job_name.clone(),
            "it needs a job snapshot beside it",
        );
    }
    let selects_assets = request.asset_selection.is_some()
        || request.asset_check_selection.as_ref().is_some_and(|checks| !checks.is_empty());
    if selects_assets && (request.op_selection.is_some() || request.resolved_op_selection.is_some())
    {
        return invalid(
            "op selection",
            request.op_selection.as_ref().map(|ops| ops.join(", ")).unwrap_or_default(),
            "a run selects either ops, or assets and checks",
        );
    }
    tags::validate_run_tags(&request.tags)?;
    Ok(())
}

fn assets_are_externally_managed(run: &DagsterRun) -> bool {
    run.tags
        .get(tags::EXTERNALLY_MANAGED_ASSETS)
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
}
