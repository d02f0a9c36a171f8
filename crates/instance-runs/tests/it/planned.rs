//! The events that announce what a run is going to materialise.

use std::collections::BTreeMap;

use instance_core::asset_key::AssetKey;
use instance_core::event::{DagsterEventType, LogLevel};
use instance_core::ids::RunId;
use instance_core::run::DagsterRun;
use instance_core::snap::{ExecutionPlanSnapshot, StepOutputProperties};
use instance_runs::{CommandJob, CreateRun, create_run, log_asset_planned_events};

use crate::fake::{FRESH_ID, Fake, TestResult};

fn request(
    assets: &[AssetKey],
    partitioned: bool,
) -> Result<CreateRun, instance_core::InstanceError> {
    let snapshots = CommandJob::new("demo", assets, partitioned)?.snapshots();
    let mut request = CreateRun::of_job("demo");
    request.job_snapshot = Some(snapshots.job);
    request.execution_plan_snapshot = Some(snapshots.execution_plan);
    Ok(request)
}

fn tags(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The assets and partitions of the events, in their order.
fn announced(fake: &Fake) -> Vec<(String, Option<String>)> {
    let of = |event: &instance_core::event::DagsterEvent| {
        let key = event.asset_key().map(|key| key.to_user_string()).unwrap_or_default();
        (key, event.partition().map(str::to_owned))
    };
    fake.events().iter().map(|(event, ..)| of(event)).collect()
}

#[tokio::test]
async fn each_asset_is_announced_once_by_key_ascending() -> TestResult {
    let fake = Fake::default();
    let assets = [AssetKey::new(["c"]), AssetKey::new(["a", "x"]), AssetKey::new(["B"])];
    create_run(&fake, request(&assets, false)?).await?;
    let keys: Vec<_> = announced(&fake).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["B", "a/x", "c"]);
    let (event, run_id, level) = &fake.events()[1];
    assert_eq!((run_id.as_str(), *level), (FRESH_ID, LogLevel::DEBUG));
    assert_eq!(event.event_type(), Some(DagsterEventType::AssetMaterializationPlanned));
    assert_eq!(event.message.as_deref(), Some(r#"demo intends to materialize asset ["a", "x"]"#));
    assert_eq!(
        (event.step_key.as_deref(), event.job_name.as_str(), event.pid),
        (Some("command"), "demo", None)
    );
    Ok(())
}

#[tokio::test]
async fn only_partitioned_assets_are_announced_with_the_partition_of_the_run() -> TestResult {
    let partition: &[(&str, &str)] = &[("dagster/partition", "b/ü")];
    for (partitioned, run_tags, expected) in [
        (true, partition, Some("b/ü")),
        (false, partition, None),
        (true, &[], None),
        (true, &[("dagster/asset_partition_range_start", "a")], None),
    ] {
        let fake = Fake::default();
        let mut request = request(&[AssetKey::new(["a"])], partitioned)?;
        request.tags = tags(run_tags);
        create_run(&fake, request).await?;
        assert_eq!(
            announced(&fake),
            [("a".to_owned(), expected.map(str::to_owned))],
            "{partitioned} {run_tags:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn assets_that_another_system_manages_are_not_announced() -> TestResult {
    for (value, expected) in [("true", 0), ("True", 0), ("false", 1), ("", 1), ("1", 1)] {
        let fake = Fake::default();
        let mut request = request(&[AssetKey::new(["a"])], false)?;
        request.tags = tags(&[("dagster/defer_asset_events", value)]);
        create_run(&fake, request).await?;
        assert_eq!(fake.events().len(), expected, "{value:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_run_without_assets_announces_nothing() -> TestResult {
    let fake = Fake::default();
    create_run(&fake, request(&[], false)?).await?;
    assert_eq!(fake.events(), []);
    Ok(())
}

#[tokio::test]
async fn steps_that_are_not_executed_announce_nothing() -> TestResult {
    let plan = |change: fn(&mut ExecutionPlanSnapshot)| -> Result<_, instance_core::InstanceError> {
        let mut plan =
            CommandJob::new("demo", &[AssetKey::new(["a"])], false)?.snapshots().execution_plan;
        change(&mut plan);
        Ok(plan)
    };
    let run = DagsterRun::new(RunId::from("r"), "demo");
    for (expected, plan) in [
        (1, plan(|_| {})?),
        (0, plan(|plan| plan.step_keys_to_execute.clear())?),
        (0, plan(|plan| plan.steps[0].outputs[0].properties = None)?),
        (
            0,
            plan(|plan| plan.steps[0].outputs[0].properties = Some(StepOutputProperties::plain()))?,
        ),
    ] {
        let fake = Fake::default();
        log_asset_planned_events(&fake, &run, &plan).await?;
        assert_eq!(fake.events().len(), expected, "{plan:?}");
    }
    Ok(())
}
