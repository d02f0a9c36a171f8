//! Creating a run that re-executes another one: all steps, the steps that failed, or the assets that were not
//! materialised.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::code_location::CodeLocation;
use instance_core::error::{BoxError, InstanceError};
use instance_core::event::{DagsterEventType, EventSpecificData};
use instance_core::ids::RunId;
use instance_core::ops::{CreateReexecutedRun, RunOps};
use instance_core::run::{DagsterRun, ReexecutionStrategy};
use instance_core::scheduling::BulkActionStatus;
use instance_core::snap::{ExecutionPlanSnapshot, ExecutionStepSnap, StepOutputProperties};
use instance_core::storage::{Only, RecordsForRun};
use instance_core::tags;

use crate::create::{CreateRun, create_run};
use crate::known_state::resume_retry_state;

/// Creates a run that re-executes another one, and returns it as it is stored.
///
/// The code location makes the execution plan. The run is then stored as [`create_run`] stores it. Nothing is
/// launched.
///
/// # Errors
///
/// Those of [`prepare_reexecuted_run`], after which nothing is written, and those of [`create_run`].
// facade: boxed
#[tracing::instrument(level = "debug", skip_all, fields(parent_run_id = %request.parent_run.run_id, strategy = ?request.strategy))]
pub async fn create_reexecuted_run(
    ops: &dyn RunOps,
    code_location: &dyn CodeLocation,
    request: CreateReexecutedRun,
) -> Result<DagsterRun, InstanceError> {
    let request = Box::pin(prepare(ops, code_location, request)).await?;
    // What both hold at once is large.
    Box::pin(create_run(ops, request)).await
}

/// Asks a code location for all that a run needs to be created which re-executes another one. Nothing is stored.
///
/// # Errors
///
/// - [`InstanceError::NothingToReexecute`] if the strategy leaves nothing to do.
/// - [`InstanceError::Invalid`] if the strategy is [`ReexecutionStrategy::FromFailure`] and the parent has neither
///   failed nor been canceled, or if the execution plan of the parent, or of an ancestor, is needed and not stored.
/// - [`InstanceError::RunNotFound`] if an ancestor is needed and not stored.
/// - [`InstanceError::CodeLocation`] if the code location does not answer.
/// - [`InstanceError::Storage`] if the storage fails.
// facade: skip
#[tracing::instrument(level = "debug", skip_all, fields(parent_run_id = %request.parent_run.run_id, strategy = ?request.strategy))]
pub async fn prepare_reexecuted_run(
    ops: &dyn RunOps,
    code_location: &dyn CodeLocation,
    request: CreateReexecutedRun,
) -> Result<CreateRun, InstanceError> {
    prepare(ops, code_location, request).await
}

/// What [`prepare_reexecuted_run`] returns, for functions that have a span of their own.
async fn prepare(
    ops: &dyn RunOps,
    code_location: &dyn CodeLocation,
    request: CreateReexecutedRun,
) -> Result<CreateRun, InstanceError> {
    let mut tags = tags_of(ops, &request).await?;
    let CreateReexecutedRun {
        parent_run,
        mut remote_job,
        strategy,
        run_id,
        run_config,
        asset_graph,
        ..
    } = request;
    let run_config = run_config.unwrap_or_else(|| parent_run.run_config.clone());
    let nothing =
        |reason| InstanceError::NothingToReexecute { run_id: parent_run.run_id.clone(), reason };
    let (mut step_keys, mut known_state) = (None, None);
    match strategy {
        ReexecutionStrategy::AllSteps => {}
        ReexecutionStrategy::FromFailure => {
            let (steps, state) = resume_retry_state(ops, &parent_run).await?;
            if steps.is_empty() {
                return Err(nothing("no step of it failed, was interrupted or did not begin"));
            }
            (step_keys, known_state) = (Some(steps), Some(state));
            tags.insert(tags::RESUME_RETRY.to_owned(), "true".to_owned());
        }
        ReexecutionStrategy::FromAssetFailure => {
            let plan = plan_of(ops, &parent_run).await?;
            let (assets, checks) = get_keys_to_reexecute(ops, &parent_run.run_id, &plan).await?;
            if assets.is_empty() && checks.is_empty() {
                return Err(nothing(
                    "all of its assets were materialised and its checks evaluated",
                ));
            }
            let (assets, checks): (Vec<_>, Vec<_>) =
                (assets.into_iter().collect(), checks.into_iter().collect());
            let part = code_location.get_job(&remote_job, &assets, &checks).await;
            remote_job = part.map_err(unanswered("tell the part of the job"))?;
            tags.insert(tags::ASSET_RESUME_RETRY.to_owned(), "true".to_owned());
        }
    }
    let plan = code_location
        .get_execution_plan(&remote_job, &run_config, step_keys.as_deref(), known_state.as_ref())
        .await
        .map_err(unanswered("make the execution plan"))?;
    let root_run_id = parent_run.root_run_id.clone().unwrap_or_else(|| parent_run.run_id.clone());
    Ok(CreateRun {
        run_id,
        run_config: Some(run_config),
        tags,
        root_run_id: Some(root_run_id),
        parent_run_id: Some(parent_run.run_id.clone()),
        step_keys_to_execute: step_keys,
        execution_plan_snapshot: Some(plan),
        job_snapshot: Some(remote_job.job_snapshot),
        parent_job_snapshot: remote_job.parent_job_snapshot,
        asset_selection: remote_job.asset_selection,
        asset_check_selection: remote_job.asset_check_selection,
        resolved_op_selection: parent_run.resolved_op_selection.clone(),
        op_selection: parent_run.op_selection.clone(),
        remote_job_origin: Some(remote_job.remote_job_origin),
        job_code_origin: remote_job.job_code_origin,
        asset_graph,
        ..CreateRun::new(&parent_run.job_name)
    })
}

fn unanswered(action: &'static str) -> impl FnOnce(BoxError) -> InstanceError {
    move |source| InstanceError::CodeLocation { action, source }
}

async fn plan_of(
    ops: &dyn RunOps,
    run: &DagsterRun,
) -> Result<ExecutionPlanSnapshot, InstanceError> {
    let plan = match &run.execution_plan_snapshot_id {
        Some(id) => ops.snapshot_store().get_execution_plan_snapshot(id).await?,
        None => None,
    };
    plan.ok_or_else(|| InstanceError::Invalid {
        what: "run to re-execute",
        value: run.run_id.to_string(),
        reason: "its execution plan is not stored; re-execute all of its steps".to_owned(),
    })
}

/// Whether a re-execution does not take over this tag of its parent: it says how the parent fared, or which backfill
/// it belongs to.
fn is_left_out(key: &str) -> bool {
    let fared = [
        tags::RUN_FAILURE_REASON,
        tags::RETRY_NUMBER,
        tags::RESUME_RETRY,
        tags::WILL_RETRY,
        tags::AUTO_RETRY_RUN_ID,
    ];
    fared.contains(&key) || tags::RUN_METRICS.contains(&key) || OF_BACKFILL.contains(&key)
}

/// The tags by which a run belongs to a backfill.
const OF_BACKFILL: [&str; 3] =
    [tags::BACKFILL_ID, tags::PARENT_BACKFILL_ID, tags::ROOT_BACKFILL_ID];

async fn tags_of(
    ops: &dyn RunOps,
    request: &CreateReexecutedRun,
) -> Result<BTreeMap<String, String>, InstanceError> {
    let parent = &request.parent_run;
    let mut all = request.remote_job.tags.clone();
    if request.use_parent_run_tags {
        let belongs_to_backfill = match parent.tags.get(tags::BACKFILL_ID) {
            Some(id) => {
                let backfill = ops.backfill_store().get_backfill(id).await?;
                backfill.is_some_and(|backfill| backfill.status == BulkActionStatus::Requested)
            }
            None => false,
        };
        let is_kept =
            |key: &str| !is_left_out(key) || (belongs_to_backfill && OF_BACKFILL.contains(&key));
        all.extend(parent.tags.iter().filter(|(key, _)| is_kept(key)).map(owned));
    }
    all.extend(request.extra_tags.iter().map(owned));
    let root = parent.root_run_id.as_ref().unwrap_or(&parent.run_id);
    all.insert(tags::PARENT_RUN_ID.to_owned(), parent.run_id.to_string());
    all.insert(tags::ROOT_RUN_ID.to_owned(), root.to_string());
    Ok(all)
}

fn owned((key, value): (&String, &String)) -> (String, String) {
    (key.clone(), value.clone())
}

/// Returns the assets and the checks of a run that are not done, so that a re-execution has to make them.
///
/// - An asset is not done if it was not materialised, or if one of its blocking checks did not pass.
/// - A check is not done if it was not evaluated, or if its asset has a blocking check that did not pass.
///
/// A step that makes one of them may also be unable to leave out other assets and checks. These are returned, too.
/// Both sets are empty if everything is done.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all, fields(%run_id))]
pub async fn get_keys_to_reexecute(
    ops: &dyn RunOps,
    run_id: &RunId,
    plan: &ExecutionPlanSnapshot,
) -> Result<(BTreeSet<AssetKey>, BTreeSet<AssetCheckKey>), InstanceError> {
    let materialized = ops
        .event_store()
        .get_asset_partitions_for_run(run_id, &Only::one(DagsterEventType::AssetMaterialization))
        .await?;
    let mut done: BTreeSet<Entity> =
        materialized.into_iter().map(|(key, _)| Entity::Asset(key)).collect();
    let mut blocked = BTreeSet::new();
    let query = RecordsForRun::new(run_id.clone())
        .with_of_types(Only::one(DagsterEventType::AssetCheckEvaluation));
    for record in ops.event_store().get_records_for_run(&query).await?.records {
        let event = record.event_log_entry.dagster_event;
        let data = event.and_then(|event| event.event_specific_data).map(|data| *data);
        let Some(EventSpecificData::AssetCheckEvaluation(evaluation)) = data else {
            continue;
        };
        if evaluation.blocking == Some(true) && !evaluation.passed {
            blocked.insert(evaluation.asset_key);
        } else {
            let key = AssetCheckKey::new(evaluation.asset_key, evaluation.check_name);
            done.insert(Entity::Check(key));
        }
    }
    let is_left = |entity: &Entity| match entity {
        Entity::Asset(key) => blocked.contains(key) || !done.contains(entity),
        Entity::Check(key) => blocked.contains(&key.asset_key) || !done.contains(entity),
    };
    let (mut assets, mut checks) = (BTreeSet::new(), BTreeSet::new());
    let executed = plan.steps.iter().filter(|step| plan.step_keys_to_execute.contains(&step.key));
    for step in executed {
        let entities: Vec<_> = entities(step).collect();
        if !entities.iter().any(|(entity, _)| is_left(entity)) {
            continue;
        }
        for (entity, is_required) in entities {
            match entity {
                entity if !is_required && !is_left(&entity) => {}
                Entity::Asset(key) => drop(assets.insert(key)),
                Entity::Check(key) => drop(checks.insert(key)),
            }
        }
    }
    Ok((assets, checks))
}

/// An asset or a check.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Entity {
    Asset(AssetKey),
    Check(AssetCheckKey),
}

/// The assets and checks that a step makes, each with whether the step cannot leave it out.
fn entities(step: &ExecutionStepSnap) -> impl Iterator<Item = (Entity, bool)> {
    let entity = |properties: &StepOutputProperties| {
        let asset = properties.asset_key.clone().map(Entity::Asset);
        let check = || properties.asset_check_key.clone().map(Entity::Check);
        Some((asset.or_else(check)?, properties.is_required))
    };
    step.outputs.iter().filter_map(move |output| output.properties.as_ref().and_then(entity))
}
