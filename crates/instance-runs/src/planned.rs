//! The events that announce which assets a run is going to materialise.

use instance_core::asset_key::AssetKey;
use instance_core::error::InstanceError;
use instance_core::event::{
    AssetMaterializationPlannedData, DagsterEvent, DagsterEventType, LogLevel,
};
use instance_core::ops::RunOps;
use instance_core::run::DagsterRun;
use instance_core::serdes::UnknownFields;
use instance_core::snap::ExecutionPlanSnapshot;
use instance_core::tags;

/// Reports a planned materialisation for each asset that the plan's steps will write, by key
/// ascending, all or none.
///
/// An asset with partitions is planned for the partition that the run's tag names.
pub async fn log_asset_planned_events(
    ops: &dyn RunOps,
    run: &DagsterRun,
    plan: &ExecutionPlanSnapshot,
) -> Result<(), InstanceError> {
    let executed = plan.steps.iter().filter(|step| plan.step_keys_to_execute.contains(&step.key));
    let mut planned: Vec<(String, DagsterEvent)> = executed
        .flat_map(|step| {
            step.outputs.iter().map(|output| (step.key.as_str(), output.properties.as_ref()))
        })
        .filter_map(|(step_key, properties)| {
            let properties = properties?;
            let asset_key = properties.asset_key.as_ref()?;
            let partition = run
                .tags
                .get(tags::PARTITION)
                .filter(|_| properties.is_asset_partitioned == Some(true));
            Some((
                asset_key.to_db_string(),
                planned_event(run, step_key, asset_key, partition.cloned()),
            ))
        })
        .collect();
    planned.sort_by(|(left, _), (right, _)| left.cmp(right));
    let events = planned.into_iter().map(|(_, event)| event).collect();
    ops.report_dagster_events(events, &run.run_id, LogLevel::DEBUG).await
}

fn planned_event(
    run: &DagsterRun,
    step_key: &str,
    asset_key: &AssetKey,
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
