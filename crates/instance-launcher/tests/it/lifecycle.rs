//! Runs from their submission to their end, with launchers that work and launchers that do not.

use async_trait::async_trait;
use instance_core::error::InstanceError;
use instance_core::event::DagsterEventType;
use instance_core::ids::RunId;
use instance_core::launcher::{CancelRunContext, RunCoordinator, SubmitRunContext};
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::settings::RunMonitoringSettings;
use instance_core::testing::launching::ToldLauncher;
use instance_launcher::{
    cancel_run, count_resume_run_attempts, dispose, force_cancel_run, launch_run, resume_run,
    run_will_resume, submit_run,
};

use crate::support::{TestResult, add_run, errors, launching, refuse};

#[tokio::test]
async fn a_submitted_run_is_launched_while_it_is_starting() -> TestResult {
    let launcher = ToldLauncher::default();
    let fake = launching(launcher.clone());
    let run_id = add_run(&fake, DagsterRunStatus::NotStarted);
    let run = submit_run(&fake, &run_id).await?;
    assert_eq!(run.status, DagsterRunStatus::Starting);
    assert_eq!(fake.event_types(&run_id), ["PIPELINE_STARTING"]);
    assert_eq!(launcher.calls(), ["launch STARTING"]);
    Ok(())
}

#[tokio::test]
async fn a_run_that_cannot_be_launched_has_failed_with_the_reason() {
    let fake = launching(ToldLauncher::that_fails());
    let run_id = add_run(&fake, DagsterRunStatus::NotStarted);
    let error = submit_run(&fake, &run_id).await.expect_err("the launcher fails");
    assert!(matches!(error, InstanceError::Launch { .. }), "{error:?}");
    assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Failure);
    let types = fake.event_types(&run_id);
    // Dagster reports it by the launch and by the submission, too.
    let failure = ["ENGINE_EVENT", "PIPELINE_FAILURE"];
    assert_eq!(types, [&["PIPELINE_STARTING"][..], &failure, &failure].concat());
    assert!(errors(&fake, &run_id).contains("the cluster is full"));
}

#[tokio::test]
async fn a_run_whose_start_cannot_be_reported_has_failed_and_is_not_launched() {
    let launcher = ToldLauncher::default();
    let fake = launching(launcher.clone());
    refuse(&fake, DagsterEventType::RunStarting);
    for is_submitted in [true, false] {
        let run_id = add_run(&fake, DagsterRunStatus::NotStarted);
        let outcome = if is_submitted {
            submit_run(&fake, &run_id).await
        } else {
            launch_run(&fake, &run_id).await
        };
        assert!(matches!(outcome, Err(InstanceError::Launch { .. })), "{outcome:?}");
        let failure = ["ENGINE_EVENT", "PIPELINE_FAILURE"];
        let times = if is_submitted { 2 } else { 1 };
        assert_eq!(fake.event_types(&run_id), failure.repeat(times));
    }
    assert_eq!(launcher.calls(), [""; 0]);
}

#[tokio::test]
async fn the_first_error_is_returned_where_the_failure_cannot_be_reported_either() {
    let fake = launching(ToldLauncher::that_fails());
    refuse(&fake, DagsterEventType::EngineEvent);
    let run_id = add_run(&fake, DagsterRunStatus::NotStarted);
    let error = submit_run(&fake, &run_id).await.expect_err("the launcher fails");
    assert!(matches!(error, InstanceError::Launch { .. }), "{error:?}");
    // Its end is reported all the same.
    assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Failure);
}

/// A coordinator whose queue is away.
#[derive(Debug)]
struct BrokenCoordinator;

#[async_trait]
impl RunCoordinator for BrokenCoordinator {
    async fn submit_run(&self, context: SubmitRunContext) -> Result<DagsterRun, InstanceError> {
        Err(away(&context.dagster_run))
    }

    async fn cancel_run(&self, context: CancelRunContext) -> Result<bool, InstanceError> {
        Err(away(&context.dagster_run))
    }
}

fn away(run: &DagsterRun) -> InstanceError {
    InstanceError::Invalid {
        what: "run",
        value: run.run_id.to_string(),
        reason: "the queue is away".to_owned(),
    }
}

#[tokio::test]
async fn a_run_that_the_coordinator_does_not_take_has_failed_with_the_reason() {
    let fake = launching(ToldLauncher::default()).with_run_coordinator(BrokenCoordinator);
    let run_id = add_run(&fake, DagsterRunStatus::NotStarted);
    let error = submit_run(&fake, &run_id).await.expect_err("the coordinator fails");
    assert!(matches!(error, InstanceError::Invalid { .. }), "{error:?}");
    assert_eq!(fake.event_types(&run_id), ["ENGINE_EVENT", "PIPELINE_FAILURE"]);
    assert!(errors(&fake, &run_id).contains("the queue is away"));
}

#[tokio::test]
async fn a_run_that_has_ended_is_not_cancelled_again() -> TestResult {
    let launcher = ToldLauncher::default();
    let fake = launching(launcher.clone());
    for status in [DagsterRunStatus::Success, DagsterRunStatus::Failure, DagsterRunStatus::Canceled]
    {
        let run_id = add_run(&fake, status);
        assert!(!cancel_run(&fake, &run_id).await?);
        assert_eq!(force_cancel_run(&fake, &run_id).await?.status, status);
        assert_eq!(fake.event_types(&run_id), [""; 0]);
    }
    assert_eq!(launcher.calls(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_not_there_is_named() {
    let fake = launching(ToldLauncher::default());
    let run_id = RunId::from("nobody");
    let answers = [
        submit_run(&fake, &run_id).await.err(),
        launch_run(&fake, &run_id).await.err(),
        resume_run(&fake, &run_id, 1).await.err(),
        cancel_run(&fake, &run_id).await.err(),
        force_cancel_run(&fake, &run_id).await.err(),
    ];
    for error in answers {
        let is_right =
            matches!(&error, Some(InstanceError::RunNotFound { run_id }) if run_id == "nobody");
        assert!(is_right, "{error:?}");
    }
}

#[tokio::test]
async fn force_marks_a_run_whose_worker_cannot_be_asked() -> TestResult {
    let fake = launching(ToldLauncher::that_fails());
    let run_id = add_run(&fake, DagsterRunStatus::Started);
    let error = cancel_run(&fake, &run_id).await.expect_err("the launcher fails");
    assert!(matches!(error, InstanceError::Launch { .. }), "{error:?}");
    assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Started);
    let run = force_cancel_run(&fake, &run_id).await?;
    assert_eq!(run.status, DagsterRunStatus::Canceled);
    assert_eq!(fake.event_types(&run_id), ["ENGINE_EVENT", "PIPELINE_CANCELED"]);
    let messages = fake.messages(&run_id);
    assert!(
        messages[1].starts_with("This pipeline was forcibly marked as canceled"),
        "{messages:?}"
    );
    assert!(errors(&fake, &run_id).contains("the cluster is full"));
    Ok(())
}

#[tokio::test]
async fn force_asks_only_workers_of_runs_that_have_started() -> TestResult {
    let launcher = ToldLauncher::default();
    let fake = launching(launcher.clone());
    for status in
        [DagsterRunStatus::NotStarted, DagsterRunStatus::Starting, DagsterRunStatus::Canceling]
    {
        let run_id = add_run(&fake, status);
        assert_eq!(force_cancel_run(&fake, &run_id).await?.status, DagsterRunStatus::Canceled);
        assert_eq!(fake.event_types(&run_id), ["PIPELINE_CANCELED"]);
    }
    assert_eq!(launcher.calls(), [""; 0]);
    let run_id = add_run(&fake, DagsterRunStatus::Started);
    force_cancel_run(&fake, &run_id).await?;
    assert_eq!(launcher.calls(), ["terminate STARTED"]);
    Ok(())
}

#[tokio::test]
async fn a_lost_run_is_resumed_as_often_as_the_settings_allow() -> TestResult {
    let mut fake = launching(ToldLauncher::default());
    let run_id = add_run(&fake, DagsterRunStatus::Started);
    for (monitoring, expect) in [
        (RunMonitoringSettings::new().with_max_resume_run_attempts(1), false),
        (RunMonitoringSettings::new().with_enabled(true), false),
        (RunMonitoringSettings::new().with_enabled(true).with_max_resume_run_attempts(1), true),
    ] {
        fake.settings.run_monitoring = monitoring;
        assert_eq!(run_will_resume(&fake, &run_id).await?, expect, "{monitoring:?}");
    }
    // An attempt is counted, whatever comes of it.
    resume_run(&fake, &run_id, 1).await.expect_err("this launcher resumes nothing");
    assert!(!run_will_resume(&fake, &run_id).await?);
    Ok(())
}

#[tokio::test]
async fn only_runs_that_were_launched_and_go_on_can_be_resumed() {
    let fake = launching(ToldLauncher::default());
    for status in
        [DagsterRunStatus::NotStarted, DagsterRunStatus::Queued, DagsterRunStatus::Success]
    {
        let run_id = add_run(&fake, status);
        let error = resume_run(&fake, &run_id, 1).await.expect_err("not in progress");
        assert!(error.to_string().contains(status.as_str()), "{error}");
        assert_eq!(fake.run(&run_id).await.status, status);
    }
}

#[tokio::test]
async fn a_launcher_that_resumes_no_runs_says_so_and_the_run_has_failed() -> TestResult {
    let fake = launching(ToldLauncher::default());
    let run_id = add_run(&fake, DagsterRunStatus::Started);
    assert_eq!(count_resume_run_attempts(&fake, &run_id).await?, 0);
    let error = resume_run(&fake, &run_id, 1).await.expect_err("not supported");
    assert!(matches!(error, InstanceError::Launch { .. }), "{error:?}");
    assert_eq!(count_resume_run_attempts(&fake, &run_id).await?, 1);
    assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Failure);
    let errors = errors(&fake, &run_id);
    assert!(errors.contains("ToldLauncher does not resume runs"), "{errors}");
    Ok(())
}

#[tokio::test]
async fn the_launcher_is_told_of_the_end_of_the_instance() {
    let launcher = ToldLauncher::default();
    dispose(&launching(launcher.clone())).await;
    assert_eq!(launcher.calls(), ["dispose"]);
}
