//! Making the run of a request: its snapshots, pools and partitions. Only [`construct_run_with_snapshots`] writes
//! anything.

use instance_core::assets::AssetGraph;
use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::ops::RunOps;
use instance_core::partitions::PartitionsSnap;
use instance_core::run::{DagsterRun, RemoteJobOrigin};
use instance_core::serdes::{Opaque, UnknownFields, serialize_value};
use instance_core::snap::{ExecutionPlanSnapshot, SnapshotBody};
use instance_core::tags;

use crate::create::CreateRun;
use crate::partitions::stored_subset;
use crate::pools::run_op_concurrency;
use crate::snapshots::{job_snapshots, plan_snapshot};
use crate::validate::validate;

/// A run that is not stored yet, with the snapshots that have to be stored before it.
#[derive(Debug)]
pub(crate) struct Constructed {
    pub(crate) run: DagsterRun,
    pub(crate) job_snapshots: Vec<SnapshotBody>,
    pub(crate) execution_plan_snapshot: Option<SnapshotBody>,
    /// The plan as the caller gave it.
    pub(crate) plan: Option<ExecutionPlanSnapshot>,
}

/// Makes the run of a request, stores its snapshots, and returns the run. The run itself is not stored.
///
/// The snapshots are stored in one transaction. Storing the same snapshot again changes nothing.
///
/// # Errors
///
/// [`InstanceError::Invalid`] if arguments contradict each other, or if the run is larger than the instance allows;
/// [`InstanceError::Partitions`] if the run names partitions that its assets do not have; [`InstanceError::Storage`]
/// if the storage fails. Nothing is written then.
#[tracing::instrument(level = "debug", skip_all, fields(run_id = request.run_id.as_ref().map(RunId::as_str), job_name = %request.job_name))]
pub async fn construct_run_with_snapshots(
    ops: &dyn RunOps,
    request: CreateRun,
) -> Result<DagsterRun, InstanceError> {
    let constructed = construct_run(ops, request).await?;
    let plan = constructed.execution_plan_snapshot.as_ref();
    ops.snapshot_store().add_snapshots(&constructed.job_snapshots, plan).await?;
    Ok(constructed.run)
}

/// Makes the run of a request.
pub(crate) async fn construct_run(
    ops: &dyn RunOps,
    request: CreateRun,
) -> Result<Constructed, InstanceError> {
    validate(&request)?;
    let graph = request.asset_graph.as_deref();
    let origin = request.remote_job_origin.as_ref();
    let mut tags = request.tags;
    if tags.contains_key(tags::IS_AIRFLOW_INGEST_PIPELINE) {
        tags.entry(tags::AIRFLOW_EXECUTION_DATE.to_owned()).or_insert_with(|| {
            // As Python's `isoformat` writes it, which leaves out microseconds that are zero.
            let now = ops.clock().now();
            let fraction = if now.timestamp_subsec_micros() == 0 { "" } else { "%.6f" };
            now.format(&format!("%Y-%m-%dT%H:%M:%S{fraction}%:z")).to_string()
        });
    }
    let job_snapshots = request
        .job_snapshot
        .as_ref()
        .map(|job| job_snapshots(job, request.parent_job_snapshot.as_ref()))
        .unwrap_or_default();
    // The snapshot of the job itself is the last one.
    let job_snapshot_id = job_snapshots.last().map(|snapshot| snapshot.id().clone());
    let (mut execution_plan_snapshot, mut run_op_concurrency_of_plan) = (None, None);
    let mut partitions_subset = None;
    if let (Some(plan), Some(job_id)) = (&request.execution_plan_snapshot, &job_snapshot_id) {
        let (completed, partitions) = match graph {
            Some(graph) => complete_plan(plan, graph, origin),
            None => (None, None),
        };
        let plan = completed.as_ref().unwrap_or(plan);
        execution_plan_snapshot = Some(plan_snapshot(plan, job_id));
        run_op_concurrency_of_plan = run_op_concurrency(plan);
        partitions_subset =
            partitions.map(|partitions| stored_subset(&partitions, &tags)).transpose()?.flatten();
    }
    let has_repository_load_data = request
        .execution_plan_snapshot
        .as_ref()
        .is_some_and(|plan| plan.repository_load_data.is_some());
    let run_id = request.run_id.unwrap_or_else(|| ops.ids().run_id());
    let run = DagsterRun {
        asset_check_selection: request.asset_check_selection,
        asset_selection: request.asset_selection,
        execution_plan_snapshot_id: execution_plan_snapshot
            .as_ref()
            .map(|snapshot| snapshot.id().clone()),
        remote_job_origin: request.remote_job_origin.map(Box::new),
        has_repository_load_data,
        parent_run_id: request.parent_run_id,
        partitions_subset: partitions_subset.map(Box::new),
        job_code_origin: request.job_code_origin.map(Box::new),
        job_snapshot_id,
        root_run_id: request.root_run_id,
        run_config: request.run_config.unwrap_or_else(|| Opaque::from(&serde_json::json!({}))),
        run_op_concurrency: run_op_concurrency_of_plan,
        op_selection: request.op_selection,
        resolved_op_selection: request.resolved_op_selection,
        status: request.status,
        step_keys_to_execute: request.step_keys_to_execute,
        tags,
        unknown: UnknownFields::default(),
        ..DagsterRun::new(run_id, request.job_name)
    };
    check_size(ops, &run)?;
    Ok(Constructed {
        run,
        job_snapshots,
        execution_plan_snapshot,
        plan: request.execution_plan_snapshot,
    })
}

fn check_size(ops: &dyn RunOps, run: &DagsterRun) -> Result<(), InstanceError> {
    let Some(limit) = ops.run_size_limit_bytes() else {
        return Ok(());
    };
    let size = serialize_value(run).len() as u64;
    if size <= limit {
        return Ok(());
    }
    Err(InstanceError::Invalid {
        what: "run",
        value: run.run_id.to_string(),
        reason: format!(
            "its body has {size} bytes, and the limit of this instance is {limit}; shorten its \
             configuration or its tags"
        ),
    })
}

/// Fills in what the code says of the assets that a plan makes, where an old version of Dagster left it out. Returns
/// the completed plan, `None` if nothing was missing; and the partitions of the last asset, which stand for those of
/// all.
fn complete_plan(
    plan: &ExecutionPlanSnapshot,
    graph: &dyn AssetGraph,
    origin: Option<&RemoteJobOrigin>,
) -> (Option<ExecutionPlanSnapshot>, Option<PartitionsSnap>) {
    let (mut completed, mut partitions) = (None, None);
    for (step_index, step) in plan.steps.iter().enumerate() {
        for (output_index, output) in step.outputs.iter().enumerate() {
            let properties = output.properties.as_ref();
            let key = properties.and_then(|properties| properties.asset_key.as_ref());
            let Some(node) = key.and_then(|key| graph.asset_node(key, origin)) else {
                continue;
            };
            partitions = node.partitions;
            if properties.is_some_and(|properties| properties.asset_execution_type.is_some()) {
                continue;
            }
            let plan = completed.get_or_insert_with(|| plan.clone());
            let output = plan
                .steps
                .get_mut(step_index)
                .and_then(|step| step.outputs.get_mut(output_index))
                .and_then(|output| output.properties.as_mut());
            if let Some(properties) = output {
                properties.asset_execution_type = Some(node.execution_type);
            }
        }
    }
    (completed, partitions)
}
