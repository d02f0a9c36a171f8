//! Runs that re-execute others: what of them is executed again, which tags they have, and what the code location
//! is asked for.

use std::collections::BTreeMap;

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::{AssetCheckEvaluation, AssetCheckSeverity};
use instance_core::error::InstanceError;
use instance_core::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, EventLogEntry, EventSpecificData,
    LogLevel, StepHandle, StepMaterializationData,
};
use instance_core::ids::{RunId, SnapshotId};
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::scheduling::{BulkActionStatus, PartitionBackfill};
use instance_core::serdes::{FrozenSet, Opaque, UnknownFields};
use instance_core::snap::{
    ExecutionPlanSnapshot, ExecutionStepOutputSnap, ExecutionStepSnap, StepKind,
    StepOutputProperties,
};
use instance_core::testing::instance::TestInstance;
use instance_runs::{
    CreateReexecutedRun, ReexecutionStrategy, create_reexecuted_run, get_keys_to_reexecute,
};
use serde_json::json;

use crate::code_location::{Asked, Fails, Location, plan, remote_job};
use crate::support::{FRESH_ID, TestResult};

fn asset(name: &str) -> AssetKey {
    AssetKey::new([name])
}

fn check(asset_name: &str, name: &str) -> AssetCheckKey {
    AssetCheckKey::new(asset(asset_name), name)
}

/// What a step makes: an asset, or a check of one, and whether it must.
#[derive(Debug, Clone, Copy)]
enum Makes {
    Asset(&'static str, bool),
    Check(&'static str, &'static str, bool),
    Other,
}

fn step(key: &str, outputs: &[Makes]) -> ExecutionStepSnap {
    let output = |makes: &Makes| ExecutionStepOutputSnap {
        dagster_type_key: "Any".to_owned(),
        name: format!("{makes:?}"),
        properties: match *makes {
            Makes::Asset(name, is_required) => Some(StepOutputProperties {
                is_required,
                ..StepOutputProperties::materializes(asset(name), false)
            }),
            Makes::Check(asset_name, name, is_required) => Some(StepOutputProperties {
                asset_check_key: Some(check(asset_name, name)),
                is_required,
                ..StepOutputProperties::plain()
            }),
            Makes::Other => None,
        },
        node_handle: None,
        unknown: UnknownFields::default(),
    };
    ExecutionStepSnap {
        inputs: Vec::new(),
        key: key.to_owned(),
        kind: StepKind::Compute,
        metadata_items: Vec::new(),
        outputs: outputs.iter().map(output).collect(),
        pool: None,
        node_handle_id: key.to_owned(),
        step_handle: None,
        tags: None,
        unknown: UnknownFields::default(),
    }
}

fn entry(run_id: &str, event_type: DagsterEventType, data: EventSpecificData) -> EventLogEntry {
    let event = DagsterEvent::new(event_type, "j").with_data(data);
    EventLogEntry::of_event(event, RunId::from(run_id), LogLevel::DEBUG, 1e9)
}

fn materialized(run_id: &str, name: &str) -> EventLogEntry {
    let data = StepMaterializationData::from(AssetMaterialization::new(asset(name), None));
    entry(run_id, DagsterEventType::AssetMaterialization, data.into())
}

fn evaluated(run_id: &str, of: &AssetCheckKey, passed: bool, blocking: bool) -> EventLogEntry {
    let data = AssetCheckEvaluation {
        asset_key: of.asset_key.clone(),
        blocking: Some(blocking),
        check_name: of.name.clone(),
        description: None,
        metadata: BTreeMap::new(),
        partition: None,
        severity: AssetCheckSeverity::Error,
        passed,
        target_materialization_data: None,
        unknown: UnknownFields::default(),
    };
    entry(run_id, DagsterEventType::AssetCheckEvaluation, data.into())
}

/// The assets and checks that are left to do of steps after entries of the run `r`.
async fn left(
    plan: &ExecutionPlanSnapshot,
    entries: impl IntoIterator<Item = EventLogEntry>,
) -> Result<(Vec<String>, Vec<String>), InstanceError> {
    let fake = TestInstance::default().with_entries(entries);
    let (assets, checks) = get_keys_to_reexecute(&fake, &RunId::from("r"), plan).await?;
    let check = |key: AssetCheckKey| format!("{}:{}", key.asset_key.to_user_string(), key.name);
    Ok((
        assets.iter().map(AssetKey::to_user_string).collect(),
        checks.into_iter().map(check).collect(),
    ))
}

fn keys(assets: &[&str], checks: &[&str]) -> (Vec<String>, Vec<String>) {
    let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
    (owned(assets), owned(checks))
}

#[tokio::test]
async fn what_was_not_materialised_or_evaluated_is_left() -> TestResult {
    let plan = plan(vec![
        step("one", &[Makes::Asset("a", true), Makes::Other]),
        step("two", &[Makes::Asset("b", true)]),
        step("three", &[Makes::Check("a", "c", true)]),
    ]);
    assert_eq!(left(&plan, []).await?, keys(&["a", "b"], &["a:c"]));
    let a = materialized("r", "a");
    assert_eq!(left(&plan, [a.clone()]).await?, keys(&["b"], &["a:c"]));
    let passed = evaluated("r", &check("a", "c"), true, true);
    assert_eq!(left(&plan, [a, passed.clone()]).await?, keys(&["b"], &[]));
    let of_another = [materialized("r2", "a"), materialized("r2", "b")];
    assert_eq!(left(&plan, of_another).await?, keys(&["a", "b"], &["a:c"]));
    let all = [materialized("r", "a"), materialized("r", "b"), passed];
    assert_eq!(left(&plan, all).await?, keys(&[], &[]));
    Ok(())
}

/// A blocking check that was not passed takes its asset, and all checks of that, into the next run; another
/// check that was not passed was evaluated, and that is all it was for.
#[tokio::test]
async fn only_checks_that_block_are_to_be_passed() -> TestResult {
    let plan = plan(vec![
        step("one", &[Makes::Asset("a", true)]),
        step("two", &[Makes::Check("a", "c", true)]),
        step("three", &[Makes::Check("a", "d", true)]),
        step("four", &[Makes::Asset("b", true)]),
        step("five", &[Makes::Check("b", "c", true)]),
    ]);
    let rest = [
        materialized("r", "a"),
        materialized("r", "b"),
        evaluated("r", &check("a", "d"), true, true),
        evaluated("r", &check("b", "c"), true, false),
    ];
    for (passed, blocking, expected) in [
        (true, true, keys(&[], &[])),
        (true, false, keys(&[], &[])),
        (false, false, keys(&[], &[])),
        (false, true, keys(&["a"], &["a:c", "a:d"])),
    ] {
        let outcome = evaluated("r", &check("a", "c"), passed, blocking);
        let entries = [&rest[..], &[outcome]].concat();
        assert_eq!(left(&plan, entries).await?, expected, "{passed} {blocking}");
    }
    // That it was passed in the end does not count.
    let twice = [
        evaluated("r", &check("a", "c"), false, true),
        evaluated("r", &check("a", "c"), true, true),
    ];
    let entries = [&rest[..], &twice].concat();
    assert_eq!(left(&plan, entries).await?, keys(&["a"], &["a:c", "a:d"]));
    Ok(())
}

/// A step that has something to do makes with it what it cannot leave out, though that is done.
#[tokio::test]
async fn required_outputs_of_a_step_come_with_the_others() -> TestResult {
    let plan = plan(vec![
        step(
            "one",
            &[
                Makes::Asset("required", true),
                Makes::Asset("optional", false),
                Makes::Check("required", "required", true),
                Makes::Check("required", "optional", false),
            ],
        ),
        step("two", &[Makes::Asset("beside", true)]),
    ]);
    let done = |names: &[&str], checks: &[&str]| {
        let assets = names.iter().map(|name| materialized("r", name));
        let passed =
            checks.iter().map(|name| evaluated("r", &check("required", name), true, false));
        assets.chain(passed).chain([materialized("r", "beside")]).collect::<Vec<_>>()
    };
    for (entries, expected) in [
        (done(&["required", "optional"], &["required", "optional"]), keys(&[], &[])),
        (
            done(&["required"], &["required", "optional"]),
            keys(&["optional", "required"], &["required:required"]),
        ),
        (
            done(&["optional"], &["required", "optional"]),
            keys(&["required"], &["required:required"]),
        ),
        (
            done(&["required", "optional"], &["required"]),
            keys(&["required"], &["required:optional", "required:required"]),
        ),
    ] {
        assert_eq!(left(&plan, entries).await?, expected);
    }
    Ok(())
}

#[tokio::test]
async fn steps_that_were_not_to_be_executed_leave_nothing() -> TestResult {
    let steps =
        vec![step("one", &[Makes::Asset("a", true)]), step("two", &[Makes::Asset("b", true)])];
    let plan = |keys: &[&str]| ExecutionPlanSnapshot {
        step_keys_to_execute: keys.iter().map(|key| (*key).to_owned()).collect(),
        ..plan(steps.clone())
    };
    for (executed, expected) in [
        (&["one", "two"][..], keys(&["a", "b"], &[])),
        (&["two"], keys(&["b"], &[])),
        (&[], keys(&[], &[])),
    ] {
        assert_eq!(left(&plan(executed), []).await?, expected, "{executed:?}");
    }
    Ok(())
}

fn config(config: &serde_json::Value) -> Opaque {
    Opaque::from(config)
}

/// A run of `j` that failed, with a configuration and a plan of two steps, of which the second is left.
fn failed() -> (DagsterRun, ExecutionPlanSnapshot) {
    let plan = plan(vec![
        step("one", &[Makes::Asset("a", true)]),
        step("two", &[Makes::Asset("b", true), Makes::Check("b", "c", true)]),
    ]);
    let run = DagsterRun {
        status: DagsterRunStatus::Failure,
        run_config: config(&json!({"of": "parent"})),
        execution_plan_snapshot_id: Some(plan.snapshot_id()),
        ..DagsterRun::new(RunId::from("r"), "j")
    };
    (run, plan)
}

/// An instance with that run, its plan and its log.
fn with_failed(run: &DagsterRun, plan: &ExecutionPlanSnapshot) -> TestInstance {
    let step_event = |event_type, key: &str| {
        let mut event = DagsterEvent::new(event_type, "j").with_step_key(key);
        event.step_handle = Some(StepHandle::top(key).into());
        EventLogEntry::of_event(event, run.run_id.clone(), LogLevel::DEBUG, 1e9)
    };
    TestInstance::default().with_run(run.clone()).with_plan(plan).with_entries([
        step_event(DagsterEventType::StepStart, "one"),
        materialized(run.run_id.as_str(), "a"),
        step_event(DagsterEventType::StepSuccess, "one"),
        step_event(DagsterEventType::StepStart, "two"),
        step_event(DagsterEventType::StepFailure, "two"),
    ])
}

fn request(
    run: &DagsterRun,
    strategy: ReexecutionStrategy,
) -> Result<CreateReexecutedRun, InstanceError> {
    Ok(CreateReexecutedRun::new(run.clone(), remote_job()?, strategy))
}

fn tags(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn all_steps_are_a_plan_of_the_whole_job() -> TestResult {
    let (mut parent, plan) = failed();
    parent.op_selection = Some(vec!["*two".to_owned()]);
    parent.resolved_op_selection = Some(FrozenSet::from_iter(["two".to_owned()]));
    let (fake, location) = (with_failed(&parent, &plan), Location::default());
    let run =
        create_reexecuted_run(&fake, &location, request(&parent, ReexecutionStrategy::AllSteps)?)
            .await?;
    assert_eq!(
        location.asked(),
        [Asked::Plan {
            job: "j".to_owned(),
            run_config: config(&json!({"of": "parent"})),
            steps: None,
            known_state: None
        }]
    );
    let job = remote_job()?;
    let expected = DagsterRun {
        tags: tags(&[
            ("of", "job"),
            ("dagster/parent_run_id", "r"),
            ("dagster/root_run_id", "r"),
            ("dagster/code_location", "defs"),
        ]),
        parent_run_id: Some(RunId::from("r")),
        root_run_id: Some(RunId::from("r")),
        run_config: config(&json!({"of": "parent"})),
        job_snapshot_id: Some(job.job_snapshot.snapshot_id()),
        execution_plan_snapshot_id: run.execution_plan_snapshot_id.clone(),
        remote_job_origin: Some(Box::new(job.remote_job_origin)),
        op_selection: parent.op_selection,
        resolved_op_selection: parent.resolved_op_selection,
        ..DagsterRun::new(RunId::from(FRESH_ID), "j")
    };
    assert_eq!(run, expected);
    assert!(run.execution_plan_snapshot_id.is_some());
    assert_eq!(fake.all_runs().len(), 2);
    assert_eq!(fake.all_runs()[1].dagster_run, run);
    Ok(())
}

#[tokio::test]
async fn from_failure_the_plan_is_of_the_steps_that_are_left() -> TestResult {
    for status in [DagsterRunStatus::Failure, DagsterRunStatus::Canceled] {
        let (mut parent, plan) = failed();
        parent.status = status;
        let (fake, location) = (with_failed(&parent, &plan), Location::default());
        let request = request(&parent, ReexecutionStrategy::FromFailure)?;
        let run = create_reexecuted_run(&fake, &location, request).await?;
        let two = vec!["two".to_owned()];
        let asked = location.asked();
        let [Asked::Plan { job, steps, known_state: Some(known), .. }] = &asked[..] else {
            return Err(format!("{asked:?}").into());
        };
        assert_eq!((job.as_str(), steps.as_ref()), ("j", Some(&two)));
        let past = known.parent_state.as_ref().map(|past| past.run_id.as_str());
        assert_eq!(past, Some("r"));
        assert_eq!(run.step_keys_to_execute, Some(two));
        assert_eq!(run.tags.get("dagster/is_resume_retry").map(String::as_str), Some("true"));
        assert!(!run.tags.contains_key("dagster/is_asset_resume_retry"));
    }
    Ok(())
}

#[tokio::test]
async fn from_asset_failure_the_plan_is_of_the_part_that_is_left() -> TestResult {
    let (parent, plan) = failed();
    let (fake, location) = (with_failed(&parent, &plan), Location::default());
    let request = request(&parent, ReexecutionStrategy::FromAssetFailure)?;
    let run = create_reexecuted_run(&fake, &location, request).await?;
    assert_eq!(
        location.asked(),
        [
            Asked::Job {
                job: "j".to_owned(),
                assets: vec![asset("b")],
                checks: vec![check("b", "c")]
            },
            Asked::Plan {
                job: "part".to_owned(),
                run_config: parent.run_config,
                steps: None,
                known_state: None
            },
        ]
    );
    assert_eq!(run.asset_selection, Some(FrozenSet::from_iter([asset("b")])));
    assert_eq!(run.asset_check_selection, Some(FrozenSet::from_iter([check("b", "c")])));
    assert_eq!(run.step_keys_to_execute, None);
    assert_eq!(run.tags.get("dagster/is_asset_resume_retry").map(String::as_str), Some("true"));
    assert!(!run.tags.contains_key("dagster/is_resume_retry"));
    // The job that it is a part of comes first, then the part, and the run refers to the part.
    let whole = remote_job()?.job_snapshot;
    let effects = fake.effects();
    assert_eq!(effects[0], format!("add_job_snapshot {}", whole.snapshot_id()));
    let part = run.job_snapshot_id.ok_or("no job")?;
    assert_eq!(effects[1], format!("add_job_snapshot {part}"));
    assert_ne!(part, whole.snapshot_id());
    Ok(())
}

/// A part of a job can be made of assets of a run that succeeded, or is still going on.
#[tokio::test]
async fn from_asset_failure_the_parent_may_be_in_any_state() -> TestResult {
    for status in [DagsterRunStatus::Success, DagsterRunStatus::Started] {
        let (mut parent, plan) = failed();
        parent.status = status;
        let fake = with_failed(&parent, &plan);
        let request = request(&parent, ReexecutionStrategy::FromAssetFailure)?;
        create_reexecuted_run(&fake, &Location::default(), request).await?;
    }
    Ok(())
}

/// Later ones count more: tags of the job, of the parent, those that are asked for, and those that say whose
/// re-execution the run is.
#[tokio::test]
async fn tags_come_from_the_job_the_parent_and_the_request() -> TestResult {
    let (mut parent, plan) = failed();
    parent.tags = tags(&[
        ("of", "parent"),
        ("more", "parent"),
        ("dagster/partition", "p"),
        ("dagster/root_run_id", "wrong"),
        ("dagster/failure_reason", "STEP_FAILURE"),
        ("dagster/retry_number", "1"),
        ("dagster/is_resume_retry", "true"),
        ("dagster/will_retry", "true"),
        ("dagster/auto_retry_run_id", "r9"),
        (".dagster/run_metrics", "true"),
        ("dagster/run_metrics", "true"),
        ("dagster/is_asset_resume_retry", "true"),
        ("dagster/max_retries", "3"),
    ]);
    let ids = [
        ("dagster/code_location", "defs"),
        ("dagster/parent_run_id", "r"),
        ("dagster/root_run_id", "r"),
    ];
    // Of the parent's tags those are left out that Dagster's `TAGS_TO_MAYBE_OMIT_ON_RETRY` names.
    let kept = [
        ("dagster/is_asset_resume_retry", "true"),
        ("dagster/max_retries", "3"),
        ("dagster/partition", "p"),
    ];
    for (uses_parent, extra, expected) in [
        (false, vec![], [&ids[..], &[("of", "job")]].concat()),
        (true, vec![], [&ids[..], &kept, &[("more", "parent"), ("of", "parent")]].concat()),
        (
            true,
            vec![("of", "request"), ("new", "request"), ("dagster/parent_run_id", "wrong")],
            [&ids[..], &kept, &[("more", "parent"), ("of", "request"), ("new", "request")]]
                .concat(),
        ),
        (
            false,
            vec![("dagster/retry_number", "2")],
            [&ids[..], &[("of", "job"), ("dagster/retry_number", "2")]].concat(),
        ),
    ] {
        let mut request = request(&parent, ReexecutionStrategy::AllSteps)?;
        request.use_parent_run_tags = uses_parent;
        request.extra_tags = tags(&extra);
        let fake = with_failed(&parent, &plan);
        let run = create_reexecuted_run(&fake, &Location::default(), request).await?;
        assert_eq!(run.tags, tags(&expected), "{uses_parent} {extra:?}");
    }
    Ok(())
}

fn backfill(status: BulkActionStatus) -> PartitionBackfill {
    PartitionBackfill::new("b", status, 1e9)
}

/// A run belongs to the backfill of its parent while that goes on, with all three tags of it.
#[tokio::test]
async fn tags_of_a_backfill_are_kept_while_it_goes_on() -> TestResult {
    let of_backfill = [
        ("dagster/backfill", "b"),
        ("dagster/parent_backfill_id", "p"),
        ("dagster/root_backfill_id", "q"),
    ];
    let (mut parent, plan) = failed();
    for (count, stored, are_kept) in [
        (3, Some(BulkActionStatus::Requested), true),
        (1, Some(BulkActionStatus::Requested), true),
        (3, Some(BulkActionStatus::Completed), false),
        (3, Some(BulkActionStatus::Canceling), false),
        (3, Some(BulkActionStatus::Failed), false),
        (3, None, false),
    ] {
        parent.tags = tags(&of_backfill[..count]);
        for uses_parent in [true, false] {
            let mut fake = with_failed(&parent, &plan);
            if let Some(status) = stored {
                fake = fake.with_backfill(&backfill(status));
            }
            let mut request = request(&parent, ReexecutionStrategy::AllSteps)?;
            request.use_parent_run_tags = uses_parent;
            let run = create_reexecuted_run(&fake, &Location::default(), request).await?;
            let found: Vec<_> = of_backfill
                .into_iter()
                .filter(|(key, value)| run.tags.get(*key).is_some_and(|found| found == value))
                .collect();
            let expected = if uses_parent && are_kept { &of_backfill[..count] } else { &[] };
            assert_eq!(found, expected, "{stored:?} {uses_parent}");
        }
    }
    // Whoever belongs to no backfill of its own keeps nothing of others.
    parent.tags = tags(&of_backfill[1..]);
    let mut request = request(&parent, ReexecutionStrategy::AllSteps)?;
    request.use_parent_run_tags = true;
    let fake = with_failed(&parent, &plan).with_backfill(&backfill(BulkActionStatus::Requested));
    let run = create_reexecuted_run(&fake, &Location::default(), request).await?;
    assert!(!run.tags.keys().any(|key| key.contains("backfill")), "{:?}", run.tags);
    Ok(())
}

/// The first run of all is the root, however often it was executed again.
#[tokio::test]
async fn the_root_of_a_chain_stays_its_root() -> TestResult {
    let (mut parent, plan) = failed();
    parent.root_run_id = Some(RunId::from("first"));
    parent.parent_run_id = Some(RunId::from("second"));
    let fake = with_failed(&parent, &plan);
    let request = request(&parent, ReexecutionStrategy::AllSteps)?;
    let run = create_reexecuted_run(&fake, &Location::default(), request).await?;
    assert_eq!(run.root_run_id, Some(RunId::from("first")));
    assert_eq!(run.parent_run_id, Some(RunId::from("r")));
    let tag = |key: &str| run.tags.get(key).map(String::as_str);
    assert_eq!(tag("dagster/root_run_id"), Some("first"));
    assert_eq!(tag("dagster/parent_run_id"), Some("r"));
    Ok(())
}

/// The configuration that is asked for takes the place of the parent's, even if it is empty.
#[tokio::test]
async fn the_configuration_may_be_another_one() -> TestResult {
    let (parent, plan) = failed();
    for (given, expected) in [
        (None, json!({"of": "parent"})),
        (Some(json!({"of": "request"})), json!({"of": "request"})),
        (Some(json!({})), json!({})),
    ] {
        let mut request = request(&parent, ReexecutionStrategy::AllSteps)?;
        request.run_config = given.as_ref().map(Opaque::from);
        let location = Location::default();
        let run = create_reexecuted_run(&with_failed(&parent, &plan), &location, request).await?;
        assert_eq!(run.run_config, config(&expected));
        let asked = location.asked();
        let [Asked::Plan { run_config, .. }] = &asked[..] else {
            return Err(format!("{asked:?}").into());
        };
        assert_eq!(*run_config, config(&expected));
    }
    Ok(())
}

/// The error of a re-execution, of which nothing was written.
async fn refused(
    fake: &TestInstance,
    location: &Location,
    request: CreateReexecutedRun,
) -> Result<InstanceError, Box<dyn std::error::Error>> {
    let runs = fake.all_runs().len();
    match create_reexecuted_run(fake, location, request).await {
        Ok(run) => Err(format!("created {}", run.run_id).into()),
        Err(error) => {
            assert_eq!(fake.effects(), Vec::<String>::new());
            assert_eq!(fake.all_runs().len(), runs);
            Ok(error)
        }
    }
}

#[tokio::test]
async fn where_nothing_is_left_nothing_is_created() -> TestResult {
    let (parent, _) = failed();
    let without = plan(Vec::new());
    let parent = DagsterRun { execution_plan_snapshot_id: Some(without.snapshot_id()), ..parent };
    for (strategy, reason) in [
        (ReexecutionStrategy::FromFailure, "no step of it failed"),
        (ReexecutionStrategy::FromAssetFailure, "all of its assets were materialised"),
    ] {
        let fake = with_failed(&parent, &without);
        let location = Location::default();
        let error = refused(&fake, &location, request(&parent, strategy)?).await?;
        assert!(matches!(error, InstanceError::NothingToReexecute { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(location.asked(), []);
    }
    Ok(())
}

#[tokio::test]
async fn only_what_failed_is_executed_again_from_its_failure() -> TestResult {
    for status in [
        DagsterRunStatus::Success,
        DagsterRunStatus::Started,
        DagsterRunStatus::Canceling,
        DagsterRunStatus::NotStarted,
    ] {
        let (mut parent, plan) = failed();
        parent.status = status;
        let fake = with_failed(&parent, &plan);
        let request = request(&parent, ReexecutionStrategy::FromFailure)?;
        let error = refused(&fake, &Location::default(), request).await?;
        let InstanceError::Invalid { value, reason, .. } = &error else {
            return Err(error.into());
        };
        assert_eq!(value, "r");
        assert!(reason.starts_with(&format!("it is {status};")), "{reason}");
    }
    Ok(())
}

#[tokio::test]
async fn a_parent_without_its_plan_is_refused() -> TestResult {
    for strategy in [ReexecutionStrategy::FromFailure, ReexecutionStrategy::FromAssetFailure] {
        for id in [None, Some(SnapshotId::from("missing"))] {
            let (mut parent, plan) = failed();
            parent.execution_plan_snapshot_id = id;
            let fake = with_failed(&parent, &plan);
            let location = Location::default();
            let error = refused(&fake, &location, request(&parent, strategy)?).await?;
            assert!(matches!(error, InstanceError::Invalid { .. }), "{error:?}");
            assert!(error.to_string().contains("its execution plan is not stored"), "{error}");
            assert_eq!(location.asked(), []);
        }
    }
    Ok(())
}

/// What a parent re-executed has to be there, as its outputs are used; and so has its plan.
#[tokio::test]
async fn an_ancestor_that_is_missing_is_named() -> TestResult {
    let (mut parent, plan) = failed();
    parent.parent_run_id = Some(RunId::from("gone"));
    parent.root_run_id = Some(RunId::from("gone"));
    let again = request(&parent, ReexecutionStrategy::FromFailure)?;
    let fake = with_failed(&parent, &plan);
    let error = refused(&fake, &Location::default(), again.clone()).await?;
    assert!(
        matches!(&error, InstanceError::RunNotFound { run_id } if run_id == "gone"),
        "{error:?}"
    );
    let ancestor = DagsterRun::new(RunId::from("gone"), "j");
    let fake = with_failed(&parent, &plan).with_run(ancestor.clone());
    let error = refused(&fake, &Location::default(), again.clone()).await?;
    assert!(matches!(&error, InstanceError::Invalid { value, .. } if value == "gone"), "{error:?}");
    let ancestor = DagsterRun {
        execution_plan_snapshot_id: parent.execution_plan_snapshot_id.clone(),
        ..ancestor
    };
    let fake = with_failed(&parent, &plan).with_run(ancestor);
    create_reexecuted_run(&fake, &Location::default(), again).await?;
    Ok(())
}

#[tokio::test]
async fn a_code_location_that_does_not_answer_is_the_error() -> TestResult {
    for (strategy, fails, action, count) in [
        (ReexecutionStrategy::AllSteps, Fails::AtPlans, "make the execution plan", 1),
        (ReexecutionStrategy::FromFailure, Fails::AtPlans, "make the execution plan", 1),
        (ReexecutionStrategy::FromAssetFailure, Fails::AtPlans, "make the execution plan", 2),
        (ReexecutionStrategy::FromAssetFailure, Fails::AtJobs, "tell the part of the job", 1),
    ] {
        let (parent, plan) = failed();
        let location = Location::that_fails(fails);
        let fake = with_failed(&parent, &plan);
        let error = refused(&fake, &location, request(&parent, strategy)?).await?;
        let InstanceError::CodeLocation { action: found, source } = &error else {
            return Err(error.into());
        };
        assert_eq!((*found, source.to_string().as_str()), (action, "it is gone"));
        assert_eq!(location.asked().len(), count);
    }
    Ok(())
}
