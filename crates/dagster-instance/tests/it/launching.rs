//! Submitting and cancelling runs, with a launcher in this process.

use dagster_instance::event::DagsterEventType;
use dagster_instance::run::{DagsterRun, DagsterRunStatus};
use dagster_instance::serdes::deserialize_value;
use dagster_instance::{DagsterInstance, InstanceError, QueuedRunCoordinator, RunId};

use crate::support::{NotingLauncher, TestResult, event_types, hello, report};

#[tokio::test]
async fn a_submitted_run_is_launched_and_ends() -> TestResult {
    let launcher = NotingLauncher::default();
    let instance = DagsterInstance::builder().run_launcher(launcher.clone()).in_memory();
    let run = instance.create_run(hello()?).await?;
    instance.submit_run(&run.run_id).await?;
    assert_eq!(launcher.calls(), ["launch"]);
    let expected = [
        "ASSET_MATERIALIZATION_PLANNED",
        "PIPELINE_STARTING",
        "PIPELINE_START",
        "PIPELINE_SUCCESS",
    ];
    assert_eq!(event_types(&instance, &run.run_id).await?, expected);
    assert!(!instance.cancel_run(&run.run_id).await?, "it has ended");
    assert_eq!(launcher.calls(), ["launch"]);
    Ok(())
}

#[tokio::test]
async fn a_queued_run_is_cancelled_without_its_launcher() -> TestResult {
    let launcher = NotingLauncher::default();
    let builder = DagsterInstance::builder().run_launcher(launcher.clone());
    let instance = builder.run_coordinator(QueuedRunCoordinator).in_memory();
    let mut run = DagsterRun::new(RunId::from("r1"), "hello");
    // Only a run of a code location can be queued.
    run.remote_job_origin = Some(deserialize_value(
        r#"{"__class__": "ExternalPipelineOrigin", "pipeline_name": "hello",
            "external_repository_origin": {"__class__": "ExternalRepositoryOrigin",
                "repository_location_origin": {"__class__": "RegisteredRepositoryLocationOrigin",
                    "location_name": "shop"},
                "repository_name": "shop"}}"#,
    )?);
    run.job_code_origin = Some(deserialize_value(
        r#"{"__class__": "PipelinePythonOrigin", "pipeline_name": "hello", "repository_origin":
            {"__class__": "RepositoryPythonOrigin", "container_context": {}, "container_image": null,
                "code_pointer": {"__class__": "ModuleCodePointer", "fn_name": "defs", "module": "shop",
                    "working_directory": null},
                "entry_point": ["dagster"], "executable_path": "/usr/bin/python3"}}"#,
    )?);
    let run = instance.add_run(run).await?;
    let queued = instance.submit_run(&run.run_id).await?;
    assert_eq!(queued.status, DagsterRunStatus::Queued);

    assert!(instance.cancel_run(&run.run_id).await?);
    let canceled = instance.get_run_by_id(&run.run_id).await?.unwrap();
    assert_eq!(canceled.status, DagsterRunStatus::Canceled);
    let expected = ["PIPELINE_ENQUEUED", "PIPELINE_CANCELING", "PIPELINE_CANCELED"];
    assert_eq!(event_types(&instance, &run.run_id).await?, expected);
    assert_eq!(launcher.calls(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_run_that_has_begun_is_cancelled_by_its_launcher() -> TestResult {
    let launcher = NotingLauncher::default();
    let instance = DagsterInstance::builder().run_launcher(launcher.clone()).in_memory();
    let run = instance.create_run(hello()?).await?;
    report(&instance, &run.run_id, DagsterEventType::RunStart).await?;
    assert!(instance.cancel_run(&run.run_id).await?);
    assert_eq!(launcher.calls(), ["terminate"]);
    let started = instance.get_run_by_id(&run.run_id).await?.unwrap();
    assert_eq!(started.status, DagsterRunStatus::Started, "its worker reports the end");
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_not_there_is_one_error_everywhere() {
    let instance = DagsterInstance::ephemeral();
    let run_id = RunId::from("none");
    for outcome in [
        instance.submit_run(&run_id).await.map(drop),
        instance.launch_run(&run_id).await.map(drop),
        instance.cancel_run(&run_id).await.map(drop),
        instance.add_run_tags(&run_id, &[("a".to_owned(), "b".to_owned())].into()).await,
    ] {
        assert!(matches!(outcome, Err(InstanceError::RunNotFound { .. })), "{outcome:?}");
    }
}
