//! Runs of commands whose record fails somewhere: each ends, and says why.

use instance_core::event::DagsterEventType;
use instance_core::ids::RunId;
use instance_core::run::DagsterRunStatus;
use instance_core::storage::ComputeIoType;
use instance_core::testing::instance::{TestInstance, at_once};
use instance_launcher::{CommandOutcome, OutputSink, ProcessRunLauncher, submit_run};

use crate::process::{add_command, launcher_with_output, wait_for};
use crate::support::{LogFailure, TestResult, add_run, captured, errors, launching, refuse};

/// Checks that a run has failed without its command having been executed.
async fn check_not_executed(configure: impl Fn(TestInstance) -> TestInstance) {
    let directory = tempfile::tempdir().expect("directory");
    let mark = directory.path().join("executed");
    let launcher = ProcessRunLauncher::new();
    let fake = configure(launching(launcher.clone()));
    let run_id = add_command(&fake, &["touch", &mark.to_string_lossy()]);
    // Where the launch itself fails, there is no outcome.
    if submit_run(&fake, &run_id).await.is_ok() {
        let outcome = launcher.wait(&run_id).await.expect("the launcher's run");
        assert_eq!((outcome.command, outcome.canceled), (CommandOutcome::Skipped, false));
        let error = outcome.error.expect("the reason").to_string();
        assert!(error.contains("cannot write memory"), "{error}");
    }
    check_failed(&fake, &run_id, "cannot write memory");
    assert!(!mark.exists(), "the command was executed");
}

fn check_failed(fake: &TestInstance, run_id: &RunId, reason: &str) {
    assert_eq!(at_once(fake.run(run_id)).status, DagsterRunStatus::Failure);
    let types = fake.event_types(run_id);
    assert_eq!(types.last().map(String::as_str), Some("PIPELINE_FAILURE"), "{types:?}");
    let errors = errors(fake, run_id);
    assert!(errors.contains(reason), "{errors:?} lacks {reason:?}");
}

#[tokio::test]
async fn a_run_whose_output_cannot_be_captured_has_failed() {
    check_not_executed(|fake| fake.with_compute_log_manager(LogFailure::Begin)).await;
}

#[tokio::test]
async fn a_run_whose_beginning_cannot_be_reported_has_failed() {
    for refused in
        [DagsterEventType::RunStart, DagsterEventType::LogsCaptured, DagsterEventType::StepStart]
    {
        check_not_executed(|fake| {
            refuse(&fake, refused);
            fake
        })
        .await;
    }
}

#[tokio::test]
async fn a_worker_that_cannot_be_recorded_is_not_started() {
    let launcher = ProcessRunLauncher::new();
    let fake = launching(launcher.clone());
    refuse(&fake, DagsterEventType::EngineEvent);
    let run_id = add_command(&fake, &["true"]);
    submit_run(&fake, &run_id).await.expect_err("refused");
    assert!(launcher.wait(&run_id).await.is_none());
    assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Failure);
}

#[tokio::test]
async fn a_run_without_a_command_has_failed() {
    let fake = launching(ProcessRunLauncher::new());
    let run_id = add_run(&fake, DagsterRunStatus::NotStarted);
    submit_run(&fake, &run_id).await.expect_err("no command");
    check_failed(&fake, &run_id, "names no command");
}

#[tokio::test]
async fn a_command_goes_on_when_its_output_cannot_be_stored_and_the_events_say_so() -> TestResult {
    let (launcher, mut output) = launcher_with_output();
    let fake = launching(launcher.clone()).with_compute_log_manager(LogFailure::Write);
    let run_id = add_command(&fake, &["sh", "-c", "echo one; echo two"]);
    submit_run(&fake, &run_id).await?;
    let outcome = launcher.wait(&run_id).await.ok_or("no outcome")?;
    assert!(outcome.command.is_success());
    assert!(outcome.error.is_some());
    assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Success);
    assert!(errors(&fake, &run_id).contains("cannot write memory"));
    wait_for(&mut output, "two").await;
    assert_eq!(captured(&fake, ComputeIoType::Stdout), "");
    Ok(())
}

#[tokio::test]
async fn the_end_is_reported_even_if_the_end_of_the_step_is_not() -> TestResult {
    for (refused, script, status) in [
        (DagsterEventType::StepSuccess, "exit 0", DagsterRunStatus::Success),
        (DagsterEventType::StepFailure, "exit 3", DagsterRunStatus::Failure),
    ] {
        let launcher = ProcessRunLauncher::new();
        let fake = launching(launcher.clone());
        refuse(&fake, refused);
        let run_id = add_command(&fake, &["sh", "-c", script]);
        submit_run(&fake, &run_id).await?;
        let outcome = launcher.wait(&run_id).await.ok_or("no outcome")?;
        assert!(outcome.error.is_some(), "{outcome:?}");
        assert_eq!(fake.run(&run_id).await.status, status);
    }
    Ok(())
}

#[tokio::test]
async fn a_worker_that_panics_ends_its_run() -> TestResult {
    let sink = OutputSink::new(|_, _| panic!("the screen is broken"));
    let launcher = ProcessRunLauncher::new().with_output(sink);
    let fake = launching(launcher.clone());
    let run_id = add_command(&fake, &["sh", "-c", "echo one; exec sleep 1000"]);
    submit_run(&fake, &run_id).await?;
    let outcome = launcher.wait(&run_id).await.ok_or("no outcome")?;
    assert!(outcome.error.is_some(), "{outcome:?}");
    check_failed(&fake, &run_id, "the screen is broken");
    Ok(())
}
