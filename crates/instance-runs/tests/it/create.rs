//! Creating runs.

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::command::CommandSpec;
use instance_core::error::{InstanceError, StorageError};
use instance_core::ids::{RunId, SnapshotId};
use instance_core::ops::ClockAccess;
use instance_core::run::{
    DagsterRun, DagsterRunStatus, JobPythonOrigin, ModuleCodePointer, RegisteredCodeLocationOrigin,
    RemoteJobOrigin, RemoteRepositoryOrigin, RepositoryPythonOrigin,
};
use instance_core::serdes::{FrozenSet, Opaque, UnknownFields};
use instance_core::snap::{JobLineageSnap, JobSnap};
use instance_core::testing::instance::TestInstance;
use instance_runs::{
    CommandJob, CommandJobSnapshots, CreateRun, construct_run_with_snapshots, create_run,
};
use serde_json::json;

use crate::support::{FRESH_ID, TestResult, events, overtake};

const ID: &str = "11ba45cd-0ff4-4c97-9043-022db056be22";

fn snapshots(assets: &[&str]) -> Result<CommandJobSnapshots, InstanceError> {
    let keys: Vec<_> = assets.iter().map(|asset| AssetKey::new([*asset])).collect();
    Ok(CommandJob::new("demo", &keys, false)?.snapshots())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn check_key() -> AssetCheckKey {
    AssetCheckKey {
        asset_key: AssetKey::new(["a"]),
        name: "c".to_owned(),
        unknown: UnknownFields::default(),
    }
}

#[tokio::test]
async fn a_run_of_a_name_alone_has_defaults() -> TestResult {
    let fake = TestInstance::default();
    let run = create_run(&fake, CreateRun::new("demo")).await?;
    assert_eq!(run, DagsterRun::new(RunId::from(FRESH_ID), "demo"));
    assert_eq!(fake.effects(), [format!("add_run {FRESH_ID}")]);
    let stored = fake.all_runs();
    assert_eq!((&stored[0].dagster_run, stored[0].create_timestamp), (&run, fake.clock().now()));
    Ok(())
}

fn code_origin() -> JobPythonOrigin {
    JobPythonOrigin {
        job_name: "demo".to_owned(),
        repository_origin: RepositoryPythonOrigin {
            code_pointer: ModuleCodePointer {
                fn_name: "defs".to_owned(),
                module: "m".to_owned(),
                working_directory: None,
                unknown: UnknownFields::default(),
            }
            .into(),
            container_context: None,
            container_image: None,
            entry_point: None,
            executable_path: "python".to_owned(),
            unknown: UnknownFields::default(),
        },
        unknown: UnknownFields::default(),
    }
}

#[tokio::test]
async fn what_is_asked_for_stands_in_the_run() -> TestResult {
    let fake = TestInstance::default();
    let origin = RemoteJobOrigin {
        repository_origin: RemoteRepositoryOrigin {
            code_location_origin: RegisteredCodeLocationOrigin {
                location_name: "defs".to_owned(),
                unknown: UnknownFields::default(),
            }
            .into(),
            repository_name: "r".to_owned(),
            unknown: UnknownFields::default(),
        },
        job_name: "demo".to_owned(),
        unknown: UnknownFields::default(),
    };
    let mut request = CreateRun::new("demo");
    request.run_id = Some(RunId::from(ID));
    request.run_config = Some(Opaque::from(&json!({"ops": {}})));
    request.status = DagsterRunStatus::Queued;
    request.tags = [("a".to_owned(), "1".to_owned())].into();
    request.root_run_id = Some(RunId::from("root"));
    request.parent_run_id = Some(RunId::from("parent"));
    request.step_keys_to_execute = Some(texts(&["b", "a"]));
    request.op_selection = Some(texts(&["*b"]));
    request.resolved_op_selection = Some(texts(&["b", "a"]).into_iter().collect());
    request.remote_job_origin = Some(origin.clone());
    request.job_code_origin = Some(code_origin());
    let run = create_run(&fake, request).await?;
    let expected = DagsterRun {
        run_config: Opaque::from(&json!({"ops": {}})),
        status: DagsterRunStatus::Queued,
        tags: [("a", "1"), ("dagster/code_location", "defs")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        root_run_id: Some(RunId::from("root")),
        parent_run_id: Some(RunId::from("parent")),
        step_keys_to_execute: Some(texts(&["b", "a"])),
        op_selection: Some(texts(&["*b"])),
        resolved_op_selection: Some(FrozenSet::from_iter(["a".to_owned(), "b".to_owned()])),
        remote_job_origin: Some(Box::new(origin)),
        job_code_origin: Some(Box::new(code_origin())),
        ..DagsterRun::new(RunId::from(ID), "demo")
    };
    assert_eq!(run, expected);
    Ok(())
}

#[tokio::test]
async fn selected_assets_and_checks_stand_in_the_run() -> TestResult {
    let fake = TestInstance::default();
    let mut request = CreateRun::new("demo");
    request.asset_selection =
        Some(FrozenSet::from_iter(["b", "a", "b"].map(|key| AssetKey::new([key]))));
    request.asset_check_selection = Some(FrozenSet::from_iter([check_key()]));
    let run = create_run(&fake, request).await?;
    assert_eq!(
        run.asset_selection,
        Some(FrozenSet::from_iter([AssetKey::new(["a"]), AssetKey::new(["b"])]))
    );
    assert_eq!(run.asset_check_selection, Some(FrozenSet::from_iter([check_key()])));
    assert_eq!(run.resolved_op_selection, None);
    Ok(())
}

/// An empty selection of checks means "no checks", and goes with a selection of ops.
#[tokio::test]
async fn no_checks_may_be_selected_beside_ops() -> TestResult {
    let mut request = CreateRun::new("demo");
    request.asset_check_selection = Some(FrozenSet::default());
    request.op_selection = Some(texts(&["a"]));
    let run = create_run(&TestInstance::default(), request).await?;
    assert_eq!(run.asset_check_selection, Some(FrozenSet::default()));
    Ok(())
}

#[tokio::test]
async fn snapshots_are_stored_before_the_run_and_the_run_before_its_events() -> TestResult {
    let fake = TestInstance::default();
    let job = CommandJob::new("demo", &[AssetKey::new(["a"]), AssetKey::new(["b"])], false)?;
    let CommandJobSnapshots { job: job_snapshot, execution_plan } = job.snapshots();
    let run =
        create_run(&fake, job.create_run(&CommandSpec::new(vec!["true".to_owned()])?)).await?;
    assert_eq!(run.job_snapshot_id, Some(job_snapshot.snapshot_id()));
    assert_eq!(run.execution_plan_snapshot_id, Some(execution_plan.snapshot_id()));
    assert_eq!(
        fake.effects(),
        [
            format!("add_job_snapshot {}", job_snapshot.snapshot_id()),
            format!("add_execution_plan_snapshot {}", execution_plan.snapshot_id()),
            format!("add_run {FRESH_ID}"),
            r#"store demo intends to materialize asset ["a"], demo intends to materialize asset ["b"]"#
                .to_owned(),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn snapshots_that_are_stored_are_not_stored_again() -> TestResult {
    let fake = TestInstance::default();
    let job = CommandJob::new("demo", &[], false)?;
    let command = CommandSpec::new(vec!["true".to_owned()])?;
    for id in [ID, FRESH_ID] {
        let mut request = job.create_run(&command);
        request.run_id = Some(RunId::from(id));
        create_run(&fake, request).await?;
    }
    let effects = fake.effects();
    assert_eq!(effects.iter().filter(|effect| effect.starts_with("add_job_snapshot")).count(), 1);
    assert_eq!(effects.iter().filter(|effect| effect.starts_with("add_execution_plan")).count(), 1);
    assert_eq!(effects.iter().filter(|effect| effect.starts_with("add_run")).count(), 2);
    Ok(())
}

#[tokio::test]
async fn the_job_that_a_job_is_a_part_of_is_stored_first() -> TestResult {
    let fake = TestInstance::default();
    let parent = snapshots(&["a", "b"])?.job;
    let part = JobSnap {
        lineage_snapshot: Some(JobLineageSnap {
            asset_check_selection: None,
            asset_selection: None,
            parent_snapshot_id: parent.snapshot_id(),
            op_selection: None,
            resolved_op_selection: None,
            unknown: UnknownFields::default(),
        }),
        ..snapshots(&["a"])?.job
    };
    let mut request = CreateRun::new("demo");
    request.job_snapshot = Some(part.clone());
    request.parent_job_snapshot = Some(parent.clone());
    let run = construct_run_with_snapshots(&fake, request).await?;
    assert_eq!(run.job_snapshot_id, Some(part.snapshot_id()));
    let added = |id: SnapshotId| format!("add_job_snapshot {id}");
    assert_eq!(fake.effects(), [added(parent.snapshot_id()), added(part.snapshot_id())]);
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_not_stored_announces_nothing() -> TestResult {
    let fake = TestInstance::default();
    overtake(&fake, DagsterRun::new(RunId::from(FRESH_ID), "j"));
    let job = CommandJob::new("demo", &[AssetKey::new(["a"])], false)?;
    let error = create_run(&fake, job.create_run(&CommandSpec::new(vec!["true".to_owned()])?))
        .await
        .unwrap_err();
    assert!(
        matches!(error, InstanceError::Storage(StorageError::RunAlreadyExists { .. })),
        "{error:?}"
    );
    assert_eq!(events(&fake), []);
    Ok(())
}

#[tokio::test]
async fn arguments_that_contradict_each_other_are_refused_before_anything_is_written() -> TestResult
{
    async fn check(expected_error: &str, change: impl FnOnce(&mut CreateRun)) -> TestResult {
        let fake = TestInstance::default();
        let CommandJobSnapshots { job, execution_plan } = snapshots(&["a"])?;
        let mut request = CreateRun::new("demo");
        request.job_snapshot = Some(job);
        request.execution_plan_snapshot = Some(execution_plan);
        change(&mut request);
        let outcome = create_run(&fake, request).await;
        assert_eq!(
            outcome.map(drop).map_err(|error| error.to_string()),
            Err(expected_error.to_owned())
        );
        assert_eq!(fake.effects(), Vec::<String>::new());
        Ok(())
    }

    let both = "a re-execution names both its root run and its parent run";
    let either = "a run selects either ops, or assets and checks";
    check("job name \"\": a run needs the name of its job", |request| {
        request.job_name.clear();
    })
    .await?;
    check("run id \"../x\": it has to be a UUID", |request| {
        request.run_id = Some(RunId::from("../x"));
    })
    .await?;
    check("run id \"\": it has to be a UUID", |request| {
        request.run_id = Some(RunId::runless());
    })
    .await?;
    check(&format!("root or parent run \"r\": {both}"), |request| {
        request.root_run_id = Some(RunId::from("r"));
    })
    .await?;
    check(&format!("root or parent run \"p\": {both}"), |request| {
        request.parent_run_id = Some(RunId::from("p"));
    })
    .await?;
    check("execution plan snapshot \"demo\": it needs a job snapshot beside it", |request| {
        request.job_snapshot = None;
    })
    .await?;
    check("parent job snapshot \"demo\": it needs a job snapshot beside it", |request| {
        request.parent_job_snapshot = request.job_snapshot.take();
        request.execution_plan_snapshot = None;
    })
    .await?;
    check(&format!("op selection \"a, *b\": {either}"), |request| {
        request.asset_selection = Some(FrozenSet::default());
        request.op_selection = Some(texts(&["a", "*b"]));
    })
    .await?;
    check(&format!("op selection \"\": {either}"), |request| {
        request.asset_selection = Some(FrozenSet::from_iter([AssetKey::new(["a"])]));
        request.resolved_op_selection = Some(FrozenSet::default());
    })
    .await?;
    check(&format!("op selection \"a\": {either}"), |request| {
        request.asset_check_selection = Some(FrozenSet::from_iter([check_key()]));
        request.op_selection = Some(texts(&["a"]));
    })
    .await
}
