//! Planned events: they announce which assets a run is going to materialise, and which checks it is going to evaluate.

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::{AssetCheckEvaluationPlanned, AssetGraph};
use instance_core::clock::timestamp_of;
use instance_core::error::InstanceError;
use instance_core::event::{
    AssetMaterializationPlannedData, DagsterEvent, DagsterEventType, EventLogEntry, LogLevel,
};
use instance_core::ops::RunOps;
use instance_core::partitions::{DynamicPartitionKeys, PartitionsSnap};
use instance_core::run::DagsterRun;
use instance_core::serdes::UnknownFields;
use instance_core::snap::{ExecutionPlanSnapshot, ExecutionStepSnap};
use instance_core::tags;

use crate::partitions::{dynamic_keys, subset_for_events};

/// Stores the planned events of a run, and notifies its listeners.
///
/// There is one planned event for each asset that a step of the plan will materialise, or one for each partition of
/// it if the run is of partitions; and one for each check that a step will evaluate. They are stored in the order of
/// the keys, all of them or none.
///
/// The graph says which partitions an asset has. Without a graph, the plan says whether an asset has partitions, and
/// the tag of the run says which one is meant.
///
/// # Errors
///
/// [`InstanceError::Partitions`] if an asset does not have the partitions that the run names;
/// [`InstanceError::Invalid`] if the run is of a range of partitions and no graph is given;
/// [`InstanceError::Storage`] if the storage fails. No event is stored then. [`InstanceError::EventsIncomplete`] if
/// the events are stored, but are missing in the index across runs.
#[tracing::instrument(level = "debug", skip_all, fields(run_id = %run.run_id))]
pub async fn log_asset_planned_events(
    ops: &dyn RunOps,
    run: &DagsterRun,
    plan: &ExecutionPlanSnapshot,
    graph: Option<&dyn AssetGraph>,
) -> Result<(), InstanceError> {
    let entries = planned_entries(ops, run, plan, graph).await?;
    if entries.is_empty() {
        return Ok(());
    }
    let stored = ops.event_store().store_events(&entries).await?;
    ops.event_listeners().notify_all(&entries, &stored.ids);
    stored.into_result(&entries)
}

/// The entries of the planned events of a run, in the order in which they are stored.
pub(crate) async fn planned_entries(
    ops: &dyn RunOps,
    run: &DagsterRun,
    plan: &ExecutionPlanSnapshot,
    graph: Option<&dyn AssetGraph>,
) -> Result<Vec<EventLogEntry>, InstanceError> {
    let planned: Vec<Planned<'_>> = plan
        .steps
        .iter()
        .filter(|step| plan.step_keys_to_execute.contains(&step.key))
        .flat_map(|step| Planned::of_step(step, run, graph))
        .collect();
    let partitions = planned.iter().filter_map(|planned| planned.partitions.as_ref());
    let dynamic = dynamic_keys(ops, partitions).await?;
    let mut events = Vec::new();
    for planned in &planned {
        for event in planned.events(ops, run, &dynamic)? {
            events.push((planned.order(), event));
        }
    }
    // All runs change assets in the same order, so that two new runs never wait for each other in a circle.
    events.sort_by(|(left, _), (right, _)| left.cmp(right));
    let timestamp = timestamp_of(ops.clock().now());
    let entry =
        |event| EventLogEntry::of_event(event, run.run_id.clone(), LogLevel::DEBUG, timestamp);
    Ok(events.into_iter().map(|(_, event)| entry(event)).collect())
}

/// What a step makes with one of its outputs.
enum Entity<'a> {
    Asset(&'a AssetKey),
    Check(&'a AssetCheckKey),
}

/// An asset or check that a step is going to write, with its partitions.
struct Planned<'a> {
    step_key: &'a str,
    entity: Entity<'a>,
    /// `None` if it has no partitions, or if the run is of none.
    partitions: Option<PartitionsSnap>,
    /// Whether it has partitions, but nobody says which.
    has_unknown_partitions: bool,
}

impl<'a> Planned<'a> {
    fn of_step(
        step: &'a ExecutionStepSnap,
        run: &DagsterRun,
        graph: Option<&dyn AssetGraph>,
    ) -> Vec<Self> {
        let origin = run.remote_job_origin.as_deref();
        let known = graph.filter(|_| run.is_partitioned());
        let planned = |entity, partitions, has_unknown_partitions| Self {
            step_key: &step.key,
            entity,
            partitions,
            has_unknown_partitions,
        };
        let mut all = Vec::new();
        for properties in step.outputs.iter().filter_map(|output| output.properties.as_ref()) {
            if let Some(key) = &properties.asset_key {
                let node = known.and_then(|graph| graph.asset_node(key, origin));
                let is_partitioned = properties.is_asset_partitioned == Some(true);
                let partitions = node.and_then(|node| node.partitions);
                let is_unknown = graph.is_none() && is_partitioned;
                all.push(planned(Entity::Asset(key), partitions, is_unknown));
            }
            if let Some(key) = &properties.asset_check_key {
                let node = known.and_then(|graph| graph.asset_check_node(key, origin));
                let partitions = node.and_then(|node| node.partitions);
                all.push(planned(Entity::Check(key), partitions, false));
            }
        }
        all
    }

    /// The key by which planned events are ordered.
    fn order(&self) -> String {
        match self.entity {
            Entity::Asset(key) => key.to_db_string(),
            Entity::Check(key) => key.to_db_string(),
        }
    }

    fn events(
        &self,
        ops: &dyn RunOps,
        run: &DagsterRun,
        dynamic: &DynamicPartitionKeys,
    ) -> Result<Vec<DagsterEvent>, InstanceError> {
        let subset = subset_for_events(ops, run, self.partitions.as_ref(), dynamic)?;
        match self.entity {
            Entity::Asset(key) => {
                let keys = match subset {
                    None if self.has_unknown_partitions => vec![partition_of_tag(run, key)?],
                    None => vec![None],
                    Some(subset) => subset.keys(dynamic)?.into_iter().map(Some).collect(),
                };
                let event = |partition| {
                    log_materialization_planned_event_for_asset(run, key, self.step_key, partition)
                };
                Ok(keys.into_iter().map(event).collect())
            }
            Entity::Check(key) => {
                let job_name = &run.job_name;
                let event =
                    DagsterEvent::new(DagsterEventType::AssetCheckEvaluationPlanned, job_name)
                        .with_message(format!(
                            "{job_name} intends to execute asset check {} on asset {}",
                            key.name,
                            key.asset_key.to_db_string()
                        ))
                        .with_data(AssetCheckEvaluationPlanned {
                            asset_key: key.asset_key.clone(),
                            check_name: key.name.clone(),
                            partitions_subset: subset,
                            unknown: UnknownFields::default(),
                        })
                        .with_step_key(self.step_key);
                Ok(vec![event])
            }
        }
    }
}

/// The partition that the tag of a run names; `None` if the run has no such tag.
fn partition_of_tag(run: &DagsterRun, key: &AssetKey) -> Result<Option<String>, InstanceError> {
    if run.tags.contains_key(tags::ASSET_PARTITION_RANGE_START) {
        return Err(InstanceError::Invalid {
            what: "range of partitions of asset",
            value: key.to_user_string(),
            reason: "nobody says which partitions are in it: give the asset graph".to_owned(),
        });
    }
    Ok(run.tags.get(tags::PARTITION).cloned())
}

/// Makes the event that announces that a run is going to materialise an asset, or one partition of it.
///
/// `None` for the partition means the whole asset. The event is not stored.
// facade: method
pub fn log_materialization_planned_event_for_asset(
    run: &DagsterRun,
    asset_key: &AssetKey,
    step_key: &str,
    partition: Option<String>,
) -> DagsterEvent {
    let job_name = &run.job_name;
    DagsterEvent::new(DagsterEventType::AssetMaterializationPlanned, job_name)
        .with_message(format!(
            "{job_name} intends to materialize asset {}",
            asset_key.to_db_string()
        ))
        .with_data(AssetMaterializationPlannedData {
            asset_key: asset_key.clone(),
            partition,
            partitions_subset: None,
            unknown: UnknownFields::default(),
        })
        .with_step_key(step_key)
}
