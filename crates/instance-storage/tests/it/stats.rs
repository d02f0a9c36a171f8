//! What the events of a run add up to.

use instance_core::event::{DagsterEvent, DagsterEventType, EngineEventData, EventLogEntry};
use instance_core::run::{
    DagsterRunStatsSnapshot, RunStepKeyStatsSnapshot, RunStepMarker, StepEventStatus,
};
use instance_core::{RunId, StorageError};

use crate::support::{Home, TestResult, entry, event, stamp};

fn step(key: &str, event_type: DagsterEventType, seconds: u32) -> EventLogEntry {
    entry("r1", DagsterEvent::new(event_type, "j").with_step_key(key), seconds)
}

fn marker(key: &str, start: Option<&str>, end: Option<&str>, seconds: u32) -> EventLogEntry {
    let data = EngineEventData {
        marker_start: start.map(str::to_owned),
        marker_end: end.map(str::to_owned),
        ..EngineEventData::default()
    };
    let event =
        DagsterEvent::new(DagsterEventType::EngineEvent, "j").with_step_key(key).with_data(data);
    entry("r1", event, seconds)
}

fn span(key: Option<&str>, start: Option<u32>, end: Option<u32>) -> RunStepMarker {
    RunStepMarker {
        start_time: start.map(stamp),
        end_time: end.map(stamp),
        key: key.map(str::to_owned),
    }
}

/// A step of which nothing is known but that it is there.
fn blank(key: &str) -> RunStepKeyStatsSnapshot {
    RunStepKeyStatsSnapshot {
        run_id: RunId::from("r1"),
        step_key: key.to_owned(),
        status: None,
        start_time: None,
        end_time: None,
        materialization_events: Vec::new(),
        expectation_results: Vec::new(),
        attempts: 0,
        partial_attempt_start: None,
        attempts_list: Vec::new(),
        markers: Vec::new(),
    }
}

async fn step_stats(
    entries: &[EventLogEntry],
    step_keys: &[&str],
) -> Result<Vec<RunStepKeyStatsSnapshot>, Box<dyn std::error::Error>> {
    let home = Home::new().await?;
    home.events().store_event_batch(entries).await?;
    let step_keys: Vec<String> = step_keys.iter().map(|key| (*key).to_owned()).collect();
    let stats: Result<_, StorageError> =
        home.events().get_step_stats_for_run(&RunId::from("r1"), &step_keys).await;
    Ok(stats?)
}

#[tokio::test]
async fn a_run_without_events_has_no_stats() -> TestResult {
    let home = Home::new().await?;
    let stats = home.events().get_stats_for_run(&RunId::from("r1")).await?;
    let expected = DagsterRunStatsSnapshot {
        run_id: RunId::from("r1"),
        steps_succeeded: 0,
        steps_failed: 0,
        materializations: 0,
        expectations: 0,
        enqueued_time: None,
        launch_time: None,
        start_time: None,
        end_time: None,
    };
    assert_eq!(stats, expected);
    assert_eq!(home.events().get_step_stats_for_run(&RunId::from("r1"), &[]).await?, []);
    Ok(())
}

#[tokio::test]
async fn stats_of_a_run_count_and_take_the_last_time() -> TestResult {
    let home = Home::new().await?;
    let batch = [
        event("r1", DagsterEventType::RunEnqueued, 1),
        event("r1", DagsterEventType::RunStarting, 2),
        event("r1", DagsterEventType::RunStart, 3),
        event("r1", DagsterEventType::StepSuccess, 4),
        event("r1", DagsterEventType::StepSuccess, 5),
        event("r1", DagsterEventType::StepFailure, 6),
        event("r1", DagsterEventType::StepExpectationResult, 7),
        EventLogEntry {
            timestamp: stamp(8) + 0.25,
            ..event("r1", DagsterEventType::RunFailure, 8)
        },
        event("r1", DagsterEventType::RunCanceled, 9),
        event("r2", DagsterEventType::StepSuccess, 9),
    ];
    home.events().store_event_batch(&batch).await?;
    let stats = home.events().get_stats_for_run(&RunId::from("r1")).await?;
    let expected = DagsterRunStatsSnapshot {
        run_id: RunId::from("r1"),
        steps_succeeded: 2,
        steps_failed: 1,
        materializations: 0,
        expectations: 1,
        enqueued_time: Some(stamp(1)),
        launch_time: Some(stamp(2)),
        start_time: Some(stamp(3)),
        end_time: Some(stamp(8) + 0.25),
    };
    assert_eq!(stats, expected);
    Ok(())
}

#[tokio::test]
async fn a_step_that_runs_succeeds_or_is_skipped() -> TestResult {
    let entries = [
        step("a", DagsterEventType::StepStart, 1),
        step("b", DagsterEventType::StepStart, 2),
        step("a", DagsterEventType::StepSuccess, 3),
        step("c", DagsterEventType::StepSkipped, 4),
    ];
    let expected = [
        RunStepKeyStatsSnapshot {
            status: Some(StepEventStatus::Success),
            start_time: Some(stamp(1)),
            end_time: Some(stamp(3)),
            attempts: 1,
            attempts_list: vec![span(None, Some(1), Some(3))],
            ..blank("a")
        },
        RunStepKeyStatsSnapshot {
            status: Some(StepEventStatus::InProgress),
            start_time: Some(stamp(2)),
            attempts: 1,
            partial_attempt_start: Some(stamp(2)),
            ..blank("b")
        },
        RunStepKeyStatsSnapshot {
            status: Some(StepEventStatus::Skipped),
            end_time: Some(stamp(4)),
            attempts: 1,
            attempts_list: vec![span(None, Some(4), Some(4))],
            ..blank("c")
        },
    ];
    assert_eq!(step_stats(&entries, &[]).await?, expected);
    assert_eq!(step_stats(&entries, &["c", "none"]).await?, expected[2..]);
    Ok(())
}

#[tokio::test]
async fn a_step_that_is_tried_again_has_several_attempts() -> TestResult {
    let entries = [
        step("a", DagsterEventType::StepStart, 1),
        step("a", DagsterEventType::StepUpForRetry, 2),
        step("a", DagsterEventType::StepRestarted, 5),
        step("a", DagsterEventType::StepFailure, 7),
    ];
    let expected = RunStepKeyStatsSnapshot {
        status: Some(StepEventStatus::Failure),
        start_time: Some(stamp(1)),
        end_time: Some(stamp(7)),
        attempts: 2,
        attempts_list: vec![span(None, Some(1), Some(2)), span(None, Some(5), Some(7))],
        ..blank("a")
    };
    assert_eq!(step_stats(&entries, &[]).await?, [expected]);
    Ok(())
}

#[tokio::test]
async fn spans_are_joined_by_their_name_and_alone_make_no_step() -> TestResult {
    let entries = [
        marker("a", Some("imports"), None, 1),
        marker("a", None, Some("imports"), 2),
        marker("b", Some("imports"), None, 3),
        step("a", DagsterEventType::StepStart, 4),
        marker("a", None, Some("never_began"), 5),
    ];
    let expected = RunStepKeyStatsSnapshot {
        status: Some(StepEventStatus::InProgress),
        start_time: Some(stamp(4)),
        attempts: 1,
        partial_attempt_start: Some(stamp(4)),
        markers: vec![
            span(Some("imports"), Some(1), Some(2)),
            span(Some("never_began"), None, Some(5)),
        ],
        ..blank("a")
    };
    assert_eq!(step_stats(&entries, &[]).await?, [expected]);
    Ok(())
}
