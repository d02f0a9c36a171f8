//! Managed runs: another system, such as Airflow, executes them, and several of its tasks may register the same run.

use std::collections::BTreeMap;

use instance_core::error::{InstanceError, StorageError};
use instance_core::ids::RunId;
use instance_core::ops::RunOps;
use instance_core::run::{DagsterRun, DagsterRunStatus, JobPythonOrigin};
use instance_core::serdes::{FrozenSet, Opaque, Pack, serialize_value};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};
use instance_core::storage::NewRun;

use crate::construct::construct_run;
use crate::create::CreateRun;
use crate::read::stored_run;

/// The request for a managed run; see [`RegisterManagedRun::new`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RegisterManagedRun {
    /// The name of the job.
    pub job_name: String,
    /// The id of the run, which need not be a UUID: the other system makes it. `None` means a fresh one.
    pub run_id: Option<RunId>,
    /// The configuration of the run; `None` means an empty one.
    pub run_config: Option<Opaque>,
    /// The names of the selected ops; `None` means all.
    pub resolved_op_selection: Option<FrozenSet<String>>,
    /// The selection of ops as the user wrote it; `None` means no selection.
    pub op_selection: Option<Vec<String>>,
    /// The steps to execute; `None` means all.
    pub step_keys_to_execute: Option<Vec<String>>,
    /// The tags of the run.
    pub tags: BTreeMap<String, String>,
    /// The first run of a group of re-executions; given together with `parent_run_id`, or not at all.
    pub root_run_id: Option<RunId>,
    /// The run that this one re-executes; given together with `root_run_id`, or not at all.
    pub parent_run_id: Option<RunId>,
    /// The snapshot of the job; `None` means that the run refers to none.
    pub job_snapshot: Option<JobSnap>,
    /// The execution plan. It needs a job snapshot.
    pub execution_plan_snapshot: Option<ExecutionPlanSnapshot>,
    /// The snapshot of the job that this job is a part of.
    pub parent_job_snapshot: Option<JobSnap>,
    /// Where the Python code of the job is; `None` if it is not known.
    pub job_code_origin: Option<JobPythonOrigin>,
}

instance_core::setters! {
    impl RegisterManagedRun {
        /// The configuration; `None` means an empty one.
        with_run_config(run_config: impl Into<Option<Opaque>>);
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
    }
}

impl RegisterManagedRun {
    /// A run of a job, with everything else left at its default.
    pub fn new(run_id: RunId, job_name: impl Into<String>) -> Self {
        Self {
            job_name: job_name.into(),
            run_id: Some(run_id),
            run_config: None,
            resolved_op_selection: None,
            op_selection: None,
            step_keys_to_execute: None,
            tags: BTreeMap::new(),
            root_run_id: None,
            parent_run_id: None,
            job_snapshot: None,
            execution_plan_snapshot: None,
            parent_job_snapshot: None,
            job_code_origin: None,
        }
    }

    fn into_request(self) -> CreateRun {
        CreateRun {
            run_id: self.run_id,
            run_config: self.run_config,
            status: DagsterRunStatus::Managed,
            tags: self.tags,
            root_run_id: self.root_run_id,
            parent_run_id: self.parent_run_id,
            step_keys_to_execute: self.step_keys_to_execute,
            execution_plan_snapshot: self.execution_plan_snapshot,
            job_snapshot: self.job_snapshot,
            parent_job_snapshot: self.parent_job_snapshot,
            resolved_op_selection: self.resolved_op_selection,
            op_selection: self.op_selection,
            job_code_origin: self.job_code_origin,
            ..CreateRun::new(self.job_name)
        }
    }
}

/// Stores a run that another system executes, in status `MANAGED`, and returns it as it is stored.
///
/// If the same run is stored already, it is returned. If several callers register one run at the same time, one of
/// them stores it, and all of them get it. The snapshots and the run are stored in one transaction.
///
/// # Errors
///
/// [`InstanceError::RunConflict`] if another run of this id is stored; [`InstanceError::Invalid`] if arguments
/// contradict each other; [`InstanceError::Storage`] if the storage fails. Nothing is written then.
#[tracing::instrument(level = "debug", skip_all, fields(run_id = request.run_id.as_ref().map(RunId::as_str), job_name = %request.job_name))]
pub async fn register_managed_run(
    ops: &dyn RunOps,
    request: RegisterManagedRun,
) -> Result<DagsterRun, InstanceError> {
    let constructed = construct_run(ops, request.into_request()).await?;
    let run = constructed.run;
    if let Some(stored) = stored_run(ops, &run.run_id).await? {
        return unless_it_differs(&run, stored);
    }
    let new_run = NewRun::new(run.clone(), ops.clock().now())
        .with_job_snapshots(constructed.job_snapshots)
        .with_execution_plan_snapshot(constructed.execution_plan_snapshot);
    match ops.run_event_store().add_run_with_events(new_run).await {
        Ok(_) => Ok(run),
        Err(StorageError::RunAlreadyExists { run_id }) => {
            let stored = stored_run(ops, &run_id).await?;
            let missing = || InstanceError::run_not_found(&run_id);
            unless_it_differs(&run, stored.ok_or_else(missing)?)
        }
        Err(error) => Err(error.into()),
    }
}

fn unless_it_differs(wanted: &DagsterRun, stored: DagsterRun) -> Result<DagsterRun, InstanceError> {
    let fields = differing_fields(wanted, &stored);
    if fields.is_empty() {
        return Ok(stored);
    }
    Err(InstanceError::RunConflict { run_id: wanted.run_id.clone(), fields })
}

/// The fields in which two runs differ, each with both values as they are stored.
fn differing_fields(wanted: &DagsterRun, stored: &DagsterRun) -> Vec<String> {
    fn compare<T: Pack>(name: &str, wanted: &T, stored: &T) -> Option<String> {
        let (wanted, stored) = (serialize_value(wanted), serialize_value(stored));
        (wanted != stored).then(|| format!("{name} (expected {wanted}, found {stored})"))
    }
    macro_rules! fields {
        ($($field:ident),* $(,)?) => {
            [$(compare(stringify!($field), &wanted.$field, &stored.$field)),*]
        };
    }
    let compared = fields![
        job_name,
        run_config,
        asset_selection,
        asset_check_selection,
        op_selection,
        resolved_op_selection,
        step_keys_to_execute,
        status,
        tags,
        root_run_id,
        parent_run_id,
        job_snapshot_id,
        execution_plan_snapshot_id,
        remote_job_origin,
        job_code_origin,
        has_repository_load_data,
        run_op_concurrency,
        partitions_subset,
    ];
    compared.into_iter().flatten().collect()
}
