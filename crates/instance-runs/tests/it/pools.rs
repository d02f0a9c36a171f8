//! The pools that stand in a run.

use instance_core::event::StepOutputHandle;
use instance_core::run::RunOpConcurrency;
use instance_core::serdes::{FrozenSet, UnknownFields, serialize_value};
use instance_core::snap::{
    ExecutionPlanSnapshot, ExecutionStepInputSnap, ExecutionStepSnap, FromLoadableAsset,
    StepInputSource,
};
use instance_core::testing::instance::TestInstance;
use instance_runs::{CommandJob, CreateRun, create_run};

use crate::support::TestResult;

/// A step with a pool, behind other steps.
fn step(
    base: &ExecutionStepSnap,
    key: &str,
    pool: Option<&str>,
    behind: &[&str],
) -> ExecutionStepSnap {
    let handle = |key: &&str| StepOutputHandle {
        mapping_key: None,
        output_name: "result".to_owned(),
        step_key: (*key).to_owned(),
        unknown: UnknownFields::default(),
    };
    let input = ExecutionStepInputSnap {
        dagster_type_key: "Any".to_owned(),
        name: "in".to_owned(),
        source: None,
        upstream_output_handles: behind.iter().map(handle).collect(),
        unknown: UnknownFields::default(),
    };
    ExecutionStepSnap {
        key: key.to_owned(),
        inputs: vec![input],
        pool: pool.map(str::to_owned),
        ..base.clone()
    }
}

async fn pools(
    change: impl FnOnce(&mut ExecutionPlanSnapshot, &ExecutionStepSnap),
) -> Result<Option<RunOpConcurrency>, Box<dyn std::error::Error>> {
    let snapshots = CommandJob::new("demo", &[], false)?.snapshots();
    let mut plan = snapshots.execution_plan;
    let base = plan.steps.remove(0);
    change(&mut plan, &base);
    let mut request = CreateRun::new("demo");
    request.job_snapshot = Some(snapshots.job);
    request.execution_plan_snapshot = Some(plan);
    let run = Box::pin(create_run(&TestInstance::default(), request)).await?;
    Ok(run.run_op_concurrency)
}

fn execute(plan: &mut ExecutionPlanSnapshot, keys: &[&str]) {
    plan.step_keys_to_execute = keys.iter().map(|key| (*key).to_owned()).collect();
}

#[tokio::test]
async fn pools_of_steps_that_wait_for_nothing_are_counted() -> TestResult {
    let found = pools(|plan, base| {
        plan.steps = vec![
            step(base, "a", Some("p"), &[]),
            step(base, "b", Some("p"), &[]),
            step(base, "c", Some("q"), &["a"]),
            step(base, "d", None, &["c"]),
        ];
        execute(plan, &["a", "b", "c", "d"]);
    })
    .await?
    .ok_or("no pools")?;
    assert_eq!(
        serialize_value(&found),
        r#"{"__class__": "RunOpConcurrency", "all_pools": {"__set__": ["p", "q"]}, "has_unconstrained_root_nodes": false, "root_key_counts": {"p": 2}}"#
    );
    Ok(())
}

#[tokio::test]
async fn steps_that_are_not_executed_do_not_count() -> TestResult {
    let found = pools(|plan, base| {
        plan.steps = vec![
            step(base, "a", Some("p"), &[]),
            step(base, "b", Some("q"), &["a"]),
            step(base, "c", None, &["a"]),
        ];
        execute(plan, &["b", "c"]);
    })
    .await?
    .ok_or("no pools")?;
    assert_eq!(found.all_pools, Some(FrozenSet::mutable(["q".to_owned()])));
    assert_eq!(found.root_key_counts.into_iter().collect::<Vec<_>>(), [("q".to_owned(), 1)]);
    assert!(found.has_unconstrained_root_nodes);
    Ok(())
}

#[tokio::test]
async fn a_run_without_pools_says_nothing_of_them() -> TestResult {
    let found = pools(|plan, base| {
        plan.steps = vec![step(base, "a", None, &[])];
        execute(plan, &["a"]);
    })
    .await?;
    assert_eq!(found, None);
    Ok(())
}

#[tokio::test]
async fn old_plans_name_pools_by_tags_and_assets_may_wait_for_steps() -> TestResult {
    let found = pools(|plan, base| {
        let mut tagged = step(base, "a", None, &[]);
        let tag = ("dagster/concurrency_key".to_owned(), "p".to_owned());
        tagged.tags = Some([tag].into());
        let mut behind = step(base, "b", Some("q"), &[]);
        behind.inputs[0].source = Some(StepInputSource::LoadableAsset(FromLoadableAsset {
            input_name: None,
            ordering_step_keys: FrozenSet::from_iter(["a".to_owned()]),
            node_handle: None,
            unknown: UnknownFields::default(),
        }));
        plan.steps = vec![tagged, behind];
        execute(plan, &["a", "b"]);
    })
    .await?
    .ok_or("no pools")?;
    assert_eq!(found.root_key_counts.into_iter().collect::<Vec<_>>(), [("p".to_owned(), 1)]);
    Ok(())
}
