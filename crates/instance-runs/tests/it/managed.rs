//! Runs that something else executes: registered once, however many do it, and never another one.

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::tags;
use instance_core::testing::instance::TestInstance;
use instance_runs::{CommandJob, RegisterManagedRun, register_managed_run};

use crate::support::{TestResult, overtake};

fn request() -> RegisterManagedRun {
    RegisterManagedRun::new(RunId::from("manual__2026-11-25"), "dag")
}

fn managed() -> DagsterRun {
    DagsterRun {
        status: DagsterRunStatus::Managed,
        ..DagsterRun::new(RunId::from("manual__2026-11-25"), "dag")
    }
}

#[tokio::test]
async fn a_run_is_stored_once_and_every_task_gets_it() -> TestResult {
    let fake = TestInstance::default();
    for _ in 0..3 {
        assert_eq!(register_managed_run(&fake, request()).await?, managed());
    }
    assert_eq!(fake.effects(), ["add_run manual__2026-11-25"]);
    Ok(())
}

#[tokio::test]
async fn its_snapshots_are_stored_with_it() -> TestResult {
    let fake = TestInstance::default();
    let snapshots = CommandJob::new("dag", &[], false)?.snapshots();
    let mut request = request();
    request.job_snapshot = Some(snapshots.job.clone());
    request.execution_plan_snapshot = Some(snapshots.execution_plan.clone());
    let run = register_managed_run(&fake, request).await?;
    assert_eq!(run.job_snapshot_id, Some(snapshots.job.snapshot_id()));
    assert_eq!(fake.effects().len(), 3, "{:?}", fake.effects());
    Ok(())
}

#[tokio::test]
async fn another_run_of_the_id_is_a_conflict_that_names_what_differs() -> TestResult {
    let fake = TestInstance::default().with_run(managed());
    let mut other = request();
    other.step_keys_to_execute = Some(vec!["a".to_owned()]);
    other.tags.insert("k".to_owned(), "v".to_owned());
    let error = register_managed_run(&fake, other).await.unwrap_err();
    let InstanceError::RunConflict { fields, .. } = &error else { return Err(error.into()) };
    assert_eq!(
        fields[..],
        [
            r#"step_keys_to_execute (expected ["a"], found null)"#,
            r#"tags (expected {"k": "v"}, found {})"#
        ]
    );
    assert_eq!(fake.effects(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn who_is_overtaken_gets_the_run_of_the_faster_one() -> TestResult {
    for (other, is_same) in
        [(managed(), true), (DagsterRun { job_name: "other".to_owned(), ..managed() }, false)]
    {
        let fake = TestInstance::default();
        overtake(&fake, other);
        let outcome = register_managed_run(&fake, request()).await;
        assert_eq!(outcome.ok(), is_same.then(managed));
        assert_eq!(fake.all_runs().len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn runs_of_airflow_have_the_time_of_their_execution() -> TestResult {
    let mut request = request();
    request.tags.insert(tags::IS_AIRFLOW_INGEST_PIPELINE.to_owned(), "true".to_owned());
    let run = register_managed_run(&TestInstance::default(), request.clone()).await?;
    let date = |run: &DagsterRun| run.tags.get(tags::AIRFLOW_EXECUTION_DATE).cloned();
    assert_eq!(date(&run).as_deref(), Some("2023-11-14T22:13:20.250000+00:00"));
    request.tags.insert(tags::AIRFLOW_EXECUTION_DATE.to_owned(), "then".to_owned());
    let run = register_managed_run(&TestInstance::default(), request).await?;
    assert_eq!(date(&run).as_deref(), Some("then"));
    Ok(())
}
