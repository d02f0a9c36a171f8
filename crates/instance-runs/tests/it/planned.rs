//! The events that announce what a run is going to materialise.

use std::collections::BTreeMap;
use std::sync::Arc;

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::{AssetCheckNode, AssetGraph, AssetNode};
use instance_core::error::InstanceError;
use instance_core::event::{DagsterEventType, EventSpecificData, LogLevel};
use instance_core::ids::RunId;
use instance_core::partitions::{
    DynamicPartitionsSnap, PartitionsSnap, PartitionsSubset, StaticPartitionsSnap,
};
use instance_core::run::{DagsterRun, RemoteJobOrigin};
use instance_core::serdes::{UnknownFields, serialize_value};
use instance_core::snap::{AssetExecutionType, ExecutionPlanSnapshot, StepOutputProperties};
use instance_core::testing::instance::TestInstance;
use instance_runs::{CommandJob, CreateRun, create_run, log_asset_planned_events};

use crate::support::{FRESH_ID, TestResult, events};

fn request(
    assets: &[AssetKey],
    partitioned: bool,
) -> Result<CreateRun, instance_core::InstanceError> {
    let snapshots = CommandJob::new("demo", assets, partitioned)?.snapshots();
    let mut request = CreateRun::new("demo");
    request.job_snapshot = Some(snapshots.job);
    request.execution_plan_snapshot = Some(snapshots.execution_plan);
    Ok(request)
}

fn tags(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The assets and partitions of the events, in their order.
fn announced(fake: &TestInstance) -> Vec<(String, Option<String>)> {
    let of = |event: &instance_core::event::DagsterEvent| {
        let key = event.asset_key().map(|key| key.to_user_string()).unwrap_or_default();
        (key, event.partition().map(str::to_owned))
    };
    events(fake).iter().map(|(event, ..)| of(event)).collect()
}

#[tokio::test]
async fn each_asset_is_announced_once_by_key_ascending() -> TestResult {
    let fake = TestInstance::default();
    let assets = [AssetKey::new(["c"]), AssetKey::new(["a", "x"]), AssetKey::new(["B"])];
    create_run(&fake, request(&assets, false)?).await?;
    let keys: Vec<_> = announced(&fake).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["B", "a/x", "c"]);
    let (event, run_id, level) = &events(&fake)[1];
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
    for (partitioned, run_tags, expected) in
        [(true, partition, Some("b/ü")), (false, partition, None), (true, &[], None)]
    {
        let fake = TestInstance::default();
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
    for (value, expected) in [
        ("true", 0),
        ("True", 0),
        ("1", 0),
        ("yes", 0),
        ("false", 1),
        ("None", 1),
        ("0", 1),
        ("", 1),
    ] {
        let fake = TestInstance::default();
        let mut request = request(&[AssetKey::new(["a"])], false)?;
        request.tags = tags(&[("dagster/defer_asset_events", value)]);
        create_run(&fake, request).await?;
        assert_eq!(events(&fake).len(), expected, "{value:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_run_without_assets_announces_nothing() -> TestResult {
    let fake = TestInstance::default();
    create_run(&fake, request(&[], false)?).await?;
    assert_eq!(events(&fake), []);
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
        let fake = TestInstance::default();
        log_asset_planned_events(&fake, &run, &plan, None).await?;
        assert_eq!(events(&fake).len(), expected, "{plan:?}");
    }
    Ok(())
}

/// One definition of partitions for every asset and check.
#[derive(Debug)]
struct Graph(PartitionsSnap);

impl AssetGraph for Graph {
    fn asset_node(&self, _: &AssetKey, _: Option<&RemoteJobOrigin>) -> Option<AssetNode> {
        Some(AssetNode::new(AssetExecutionType::Observation).with_partitions(self.0.clone()))
    }

    fn asset_check_node(
        &self,
        _: &AssetCheckKey,
        _: Option<&RemoteJobOrigin>,
    ) -> Option<AssetCheckNode> {
        Some(AssetCheckNode::new().with_partitions(self.0.clone()))
    }
}

fn letters() -> PartitionsSnap {
    let partition_keys = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    StaticPartitionsSnap { partition_keys, unknown: UnknownFields::default() }.into()
}

fn customers() -> PartitionsSnap {
    let name = "customers".to_owned();
    DynamicPartitionsSnap { name, unknown: UnknownFields::default() }.into()
}

const START: &str = "dagster/asset_partition_range_start";
const END: &str = "dagster/asset_partition_range_end";

async fn planned(
    graph: PartitionsSnap,
    run_tags: &[(&str, &str)],
) -> Result<(TestInstance, DagsterRun), InstanceError> {
    let fake = TestInstance::default().with_dynamic_partitions("customers", &["x", "y", "z"]);
    let mut request = request(&[AssetKey::new(["a"])], true)?;
    request.tags = tags(run_tags);
    request.asset_graph = Some(Arc::new(Graph(graph)));
    let run = create_run(&fake, request).await?;
    Ok((fake, run))
}

#[tokio::test]
async fn each_partition_of_the_run_is_announced() -> TestResult {
    let of_a = |keys: &[&str]| -> Vec<_> {
        keys.iter().map(|key| ("a".to_owned(), Some((*key).to_owned()))).collect()
    };
    for (graph, run_tags, expected) in [
        (letters(), &[("dagster/partition", "b")][..], of_a(&["b"])),
        // Whether a single key is one of the definition is not asked, as in Dagster.
        (letters(), &[("dagster/partition", "unknown")], of_a(&["unknown"])),
        (letters(), &[(START, "b"), (END, "d")], of_a(&["b", "c", "d"])),
        (customers(), &[(START, "y"), (END, "z")], of_a(&["y", "z"])),
        (letters(), &[], vec![("a".to_owned(), None)]),
    ] {
        let (fake, _) = planned(graph, run_tags).await?;
        assert_eq!(announced(&fake), expected, "{run_tags:?}");
    }
    Ok(())
}

#[tokio::test]
async fn only_subsets_that_are_short_stand_in_the_run() -> TestResult {
    let tags = &[(START, "y"), (END, "z")];
    let (_, run) = planned(customers(), tags).await?;
    let subset = run.partitions_subset.as_deref();
    assert!(matches!(subset, Some(PartitionsSubset::KeyRanges(_))), "{subset:?}");
    let (_, run) = planned(letters(), &[(START, "a"), (END, "b")]).await?;
    assert_eq!(run.partitions_subset, None);
    Ok(())
}

#[tokio::test]
async fn partitions_that_are_none_are_refused_before_anything_is_written() -> TestResult {
    for (graph, run_tags, part) in [
        (letters(), &[(START, "a"), (END, "unknown")][..], "do not exist: unknown"),
        (letters(), &[(START, "a")], "it has one end"),
        (letters(), &[(END, "a")], "it has one end"),
        (
            customers(),
            &[("dagster/partition", "x"), (START, "x"), (END, "y")],
            "one partition or of a range",
        ),
    ] {
        let fake = TestInstance::default();
        let mut request = request(&[AssetKey::new(["a"])], true)?;
        request.tags = tags(run_tags);
        request.asset_graph = Some(Arc::new(Graph(graph)));
        let error = create_run(&fake, request).await.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert_eq!(fake.effects(), Vec::<String>::new());
    }
    let mut request = request(&[AssetKey::new(["a"])], true)?;
    request.tags = tags(&[(START, "a"), (END, "b")]);
    let error = create_run(&TestInstance::default(), request).await.unwrap_err().to_string();
    assert!(error.contains("give the asset graph"), "{error}");
    Ok(())
}

#[tokio::test]
async fn checks_are_announced_with_the_partitions_of_the_run() -> TestResult {
    let mut request = request(&[AssetKey::new(["b"])], true)?;
    let plan = request.execution_plan_snapshot.as_mut().ok_or("no plan")?;
    let mut output = plan.steps[0].outputs[0].clone();
    output.properties = Some(StepOutputProperties {
        asset_check_key: Some(AssetCheckKey::new(AssetKey::new(["b"]), "c")),
        ..StepOutputProperties::plain()
    });
    plan.steps[0].outputs.insert(0, output);
    request.tags = tags(&[("dagster/partition", "b")]);
    request.asset_graph = Some(Arc::new(Graph(letters())));
    let fake = TestInstance::default();
    create_run(&fake, request).await?;
    // Assets come first: their keys are lists, those of checks are objects.
    let [asset, check] = &events(&fake)[..] else { return Err("not two events".into()) };
    assert_eq!(asset.0.event_type(), Some(DagsterEventType::AssetMaterializationPlanned));
    let message = "demo intends to execute asset check c on asset [\"b\"]";
    assert_eq!(check.0.message.as_deref(), Some(message));
    let Some(EventSpecificData::AssetCheckEvaluationPlanned(data)) =
        check.0.event_specific_data.as_deref()
    else {
        return Err("no data of a check".into());
    };
    assert_eq!((data.asset_key.to_user_string(), data.check_name.as_str()), ("b".to_owned(), "c"));
    let subset = data.partitions_subset.as_ref().ok_or("no partitions")?;
    assert_eq!(
        serialize_value(subset),
        r#"{"__class__": "DefaultPartitionsSubset", "subset": {"__set__": ["b"]}}"#
    );
    Ok(())
}

#[tokio::test]
async fn plans_of_old_versions_are_completed_with_what_code_says() -> TestResult {
    let mut request = request(&[AssetKey::new(["a"])], false)?;
    let plan = request.execution_plan_snapshot.as_mut().ok_or("no plan")?;
    properties_of(plan)?.asset_execution_type = None;
    let given = plan.snapshot_id();
    properties_of(plan)?.asset_execution_type = Some(AssetExecutionType::Observation);
    let completed = plan.snapshot_id();
    properties_of(plan)?.asset_execution_type = None;
    request.asset_graph = Some(Arc::new(Graph(letters())));
    let run = create_run(&TestInstance::default(), request.clone()).await?;
    assert_eq!(run.execution_plan_snapshot_id, Some(completed));
    request.asset_graph = None;
    let run = create_run(&TestInstance::default(), request).await?;
    assert_eq!(run.execution_plan_snapshot_id, Some(given));
    Ok(())
}

fn properties_of(
    plan: &mut ExecutionPlanSnapshot,
) -> Result<&mut StepOutputProperties, Box<dyn std::error::Error>> {
    plan.steps[0].outputs[0].properties.as_mut().ok_or_else(|| "no properties".into())
}

#[tokio::test]
async fn listeners_hear_what_is_announced() -> TestResult {
    let fake = TestInstance::default();
    fake.event_listeners.add(&RunId::from(FRESH_ID), fake.noting_listener("somebody"));
    create_run(&fake, request(&[AssetKey::new(["a"]), AssetKey::new(["b"])], false)?).await?;
    let heard = fake.effects().into_iter().filter(|effect| effect.starts_with("somebody"));
    assert_eq!(
        heard.collect::<Vec<_>>(),
        [
            r#"somebody hears 1 demo intends to materialize asset ["a"]"#,
            r#"somebody hears 2 demo intends to materialize asset ["b"]"#,
        ]
    );
    for (event, ..) in events(&fake) {
        assert_eq!(event.event_type(), Some(DagsterEventType::AssetMaterializationPlanned));
    }
    Ok(())
}
