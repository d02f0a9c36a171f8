//! Runs that we create and the real Dagster executes: a whole one, one that failed there and is re-executed by us,
//! and one of a partition.

use dagster_instance::storage::{Only, RecordsForRun};
use dagster_instance::{
    CreateReexecutedRun, DagsterInstance, InstanceError, ReexecutionStrategy, tags,
};
use dagster_instance_tests::{Home, PythonJob, execute};
use instance_core::error::BoxError;
use instance_core::event::DagsterEventType;
use instance_core::run::DagsterRun;

use crate::postgres::TestDatabase;

type TestResult = Result<(), BoxError>;

/// The run of a whole job.
async fn create(
    instance: &DagsterInstance,
    job: &PythonJob,
    run_tags: &[(&str, &str)],
) -> Result<DagsterRun, BoxError> {
    let mut request = job.whole_run().await?;
    request.tags.extend(run_tags.iter().map(|(key, value)| ((*key).into(), (*value).into())));
    Ok(instance.create_run(request).await?)
}

/// The run as it is stored now.
async fn stored(instance: &DagsterInstance, run: &DagsterRun) -> Result<DagsterRun, BoxError> {
    Ok(instance.get_run_by_id(&run.run_id).await?.ok_or("the run is gone")?)
}

async fn open(home: &Home) -> Result<DagsterInstance, InstanceError> {
    let instance = DagsterInstance::builder().home(home.path()).open().await?;
    instance.create_storages().await?;
    Ok(instance)
}

/// A job of ops: to its end, and failed and re-executed from there.
async fn ops_are_executed(home: &Home) -> TestResult {
    let instance = open(home).await?;
    let job = PythonJob::named("pipeline");
    let run = create(&instance, &job, &[]).await?;
    let executed = execute(home, &run.run_id);
    assert_eq!(executed.status, "SUCCESS", "{executed:?}");
    assert_eq!(executed.steps, ["extract", "transform", "load"]);

    let run = create(&instance, &job, &[("fail", "once")]).await?;
    let executed = execute(home, &run.run_id);
    assert_eq!(executed.status, "FAILURE", "{executed:?}");
    assert_eq!(executed.steps, ["extract", "transform"]);
    let failed = stored(&instance, &run).await?;
    assert_eq!(failed.tags.get(tags::RUN_FAILURE_REASON).map(String::as_str), Some("STEP_FAILURE"));

    let mut request =
        CreateReexecutedRun::new(failed, job.remote_job()?, ReexecutionStrategy::FromFailure);
    request.use_parent_run_tags = true;
    let again = instance.create_reexecuted_run(&job, request).await?;
    assert_eq!(
        again.step_keys_to_execute.as_deref(),
        Some(&["transform", "load"].map(str::to_owned)[..])
    );
    let executed = execute(home, &again.run_id);
    assert_eq!(executed.status, "SUCCESS", "{executed:?}");
    assert_eq!(executed.steps, ["transform", "load"], "what succeeded is not executed again");
    let group = instance.get_run_group(&again.run_id).await?.ok_or("no group")?;
    assert_eq!((group.root_run_id, group.runs.len()), (run.run_id, 2));

    let succeeded = stored(&instance, &again).await?;
    let request =
        CreateReexecutedRun::new(succeeded, job.remote_job()?, ReexecutionStrategy::FromFailure);
    assert!(instance.create_reexecuted_run(&job, request).await.is_err(), "it has not failed");
    Ok(instance.dispose().await?)
}

/// Assets: what was not materialised is materialised by another run, with the checks of it.
async fn assets_are_executed(home: &Home) -> TestResult {
    let instance = open(home).await?;
    let job = PythonJob::named("refresh");
    let run = create(&instance, &job, &[("fail", "once")]).await?;
    let executed = execute(home, &run.run_id);
    assert_eq!(executed.status, "FAILURE", "{executed:?}");
    let failed = stored(&instance, &run).await?;
    let mut request =
        CreateReexecutedRun::new(failed, job.remote_job()?, ReexecutionStrategy::FromAssetFailure);
    request.asset_graph = Some(job.asset_graph()?);
    let again = instance.create_reexecuted_run(&job, request).await?;
    let planned = instance
        .get_asset_keys_for_run(
            &again.run_id,
            &Only::one(DagsterEventType::AssetMaterializationPlanned),
        )
        .await?;
    let planned: Vec<_> = planned.iter().map(ToString::to_string).collect();
    assert_eq!(planned, ["cleaned"], "the other one was materialised");
    let executed = execute(home, &again.run_id);
    assert_eq!(executed.status, "SUCCESS", "{executed:?}");
    assert!(executed.events.iter().any(|event| event == "ASSET_CHECK_EVALUATION"), "{executed:?}");
    Ok(instance.dispose().await?)
}

/// A range of partitions.
async fn partitions_are_executed(home: &Home) -> TestResult {
    let instance = open(home).await?;
    let job = PythonJob::named("daily_job");
    let day = [(tags::PARTITION, "2024-01-05")];
    let run = create(&instance, &job, &day).await?;
    assert!(run.partitions_subset.is_some());
    let query = RecordsForRun::new(run.run_id.clone())
        .with_of_types(Only::one(DagsterEventType::AssetMaterializationPlanned));
    let planned = instance.get_records_for_run(&query).await?.records;
    let event = planned[0].event_log_entry.dagster_event.as_deref();
    assert_eq!(event.and_then(|event| event.partition()), Some("2024-01-05"));
    let executed = execute(home, &run.run_id);
    assert_eq!(executed.status, "SUCCESS", "{executed:?}");
    Ok(instance.dispose().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn dagster_executes_runs_of_ours_in_sqlite() -> TestResult {
    let home = Home::new();
    ops_are_executed(&home).await?;
    assets_are_executed(&home).await?;
    partitions_are_executed(&home).await
}

#[tokio::test(flavor = "multi_thread")]
async fn dagster_executes_runs_of_ours_in_postgres() -> TestResult {
    let database = TestDatabase::new("execution");
    let home = database.home();
    ops_are_executed(&home).await?;
    assets_are_executed(&home).await
}
