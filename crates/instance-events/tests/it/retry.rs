//! Which failed runs are marked as ones that will be retried.

use instance_core::event::{
    DagsterEvent, DagsterEventType, EventLogEntry, JobFailureData, LogLevel, RunFailureReason,
};
use instance_core::ids::RunId;
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::serdes::UnknownFields;
use instance_core::settings::RunRetries;
use instance_core::tags;
use instance_core::testing::instance::TestInstance;
use instance_events::{auto_reexecution_should_retry_run, handle_new_event};

use crate::samples::{event, of_code_location};
use crate::support::TestResult;

/// Failed runs are retried twice.
fn retries() -> RunRetries {
    RunRetries::new().with_enabled(true).with_max_retries(2)
}

/// An instance that retries runs.
fn that_retries(retries: RunRetries) -> TestInstance {
    let mut instance = TestInstance::default();
    instance.settings.run_retries = retries;
    instance
}

fn run(id: &str, tags: &[(&str, &str)]) -> DagsterRun {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    DagsterRun { tags: tags.collect(), ..DagsterRun::new(RunId::from(id), "j") }
}

fn retry_of(id: &str, root: &str) -> DagsterRun {
    // A run of a group says so by tags as well, by which stores find it.
    let run = run(id, &[(tags::ROOT_RUN_ID, root), (tags::PARENT_RUN_ID, root)]);
    let root = Some(RunId::from(root));
    DagsterRun { root_run_id: root.clone(), parent_run_id: root, ..run }
}

fn failure(run_id: &str, reason: RunFailureReason) -> EventLogEntry {
    let data = JobFailureData {
        error: None,
        failure_reason: Some(reason),
        first_step_failure_event: None,
        unknown: UnknownFields::default(),
    };
    let event = DagsterEvent::new(DagsterEventType::RunFailure, "j").with_data(data);
    EventLogEntry::of_event(event, RunId::from(run_id), LogLevel::ERROR, 1.5)
}

/// Checks the tag of the run `r1` after its failure.
async fn check(retries: RunRetries, runs: Vec<DagsterRun>, expected: Option<&str>) -> TestResult {
    // The store tags a run with the reason that the event of its failure has.
    let of_step = |run: &DagsterRun| {
        run.tags.get(tags::RUN_FAILURE_REASON).is_some_and(|reason| reason == "STEP_FAILURE")
    };
    let reason = if runs.iter().any(of_step) {
        RunFailureReason::StepFailure
    } else {
        RunFailureReason::RunException
    };
    let fake = runs.into_iter().fold(that_retries(retries), TestInstance::with_run);
    handle_new_event(&fake, failure("r1", reason)).await?;
    let run = fake.run(&RunId::from("r1")).await;
    assert_eq!(run.tags.get(tags::WILL_RETRY).map(String::as_str), expected, "{run:?}");
    Ok(())
}

#[tokio::test]
async fn a_failed_run_is_marked_where_runs_are_retried() -> TestResult {
    check(retries(), vec![run("r1", &[])], Some("true")).await?;
    check(RunRetries::default(), vec![run("r1", &[])], None).await?;
    check(retries().with_max_retries(0), vec![run("r1", &[])], Some("false")).await
}

#[tokio::test]
async fn a_tag_of_the_run_says_how_often_it_is_retried() -> TestResult {
    for (value, expected) in [
        ("1", "true"),
        (" 1 ", "true"),
        ("0", "false"),
        ("-1", "false"),
        ("many", "false"),
        ("", "false"),
    ] {
        check(retries(), vec![run("r1", &[(tags::MAX_RETRIES, value)])], Some(expected)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn retries_of_the_group_are_counted() -> TestResult {
    let one = || vec![run("r1", &[]), retry_of("r2", "r1")];
    check(retries(), one(), Some("true")).await?;
    let two = [one(), vec![retry_of("r3", "r1")]].concat();
    check(retries(), two, Some("false")).await?;
    check(retries(), vec![retry_of("r1", "r0"), run("r0", &[])], Some("true")).await?;
    check(retries(), vec![retry_of("r1", "deleted")], Some("false")).await
}

#[tokio::test]
async fn failures_of_steps_are_retried_unless_settings_or_the_run_say_no() -> TestResult {
    let of_step = (tags::RUN_FAILURE_REASON, "STEP_FAILURE");
    let never = retries().with_retry_on_asset_or_op_failure(false);
    check(retries(), vec![run("r1", &[of_step])], Some("true")).await?;
    check(never, vec![run("r1", &[of_step])], Some("false")).await?;
    check(never, vec![run("r1", &[])], Some("true")).await?;
    for (value, expected) in
        [("false", "false"), ("NONE", "false"), ("0", "false"), ("", "false"), ("yes", "true")]
    {
        let tag = (tags::RETRY_ON_ASSET_OR_OP_FAILURE, value);
        check(retries(), vec![run("r1", &[of_step, tag])], Some(expected)).await?;
        check(never, vec![run("r1", &[of_step, tag])], Some(expected)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn only_failures_are_marked_and_only_of_runs_that_are_there() -> TestResult {
    let fake = that_retries(retries()).with_run(of_code_location(run("r1", &[])));
    for event_type in
        DagsterEventType::ALL.iter().filter(|kind| **kind != DagsterEventType::RunFailure)
    {
        let event = event(*event_type);
        let entry = EventLogEntry::of_event(event, RunId::from("r1"), LogLevel::INFO, 1.5);
        handle_new_event(&fake, entry).await?;
    }
    handle_new_event(&fake, failure("deleted", RunFailureReason::RunException)).await?;
    assert!(
        !fake.effects().iter().any(|effect| effect.starts_with("tag ")),
        "{:?}",
        fake.effects()
    );
    let unfinished = run("r1", &[]);
    assert_eq!(unfinished.status, DagsterRunStatus::NotStarted);
    assert!(!auto_reexecution_should_retry_run(&fake, &unfinished).await?);
    Ok(())
}
