//! Cases about what the events of a run add up to.

use crate::event::{DagsterEvent, DagsterEventType, EngineEventData, EventLogEntry};
use crate::ids::RunId;
use crate::run::{
    DagsterRunStatsSnapshot, RunStepKeyStatsSnapshot, RunStepMarker, StepEventStatus,
};
use crate::storage::EventStoreExt;
use crate::storage::{EventStore, Only};
use crate::testing::samples::{
    MANY, entry, event, line, materialized, numbered, stamp, step_event,
};

fn step(key: &str, event_type: DagsterEventType, seconds: u32) -> EventLogEntry {
    step_event("r1", event_type, key, seconds)
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

/// Statistics of these steps; of all if there are none.
async fn of_steps(storage: &dyn EventStore, step_keys: &[&str]) -> Vec<RunStepKeyStatsSnapshot> {
    let step_keys = step_keys.iter().map(|key| (*key).to_owned()).collect();
    let step_keys = Only::any_if_empty(step_keys);
    storage.get_step_stats_for_run(&RunId::from("r1"), &step_keys).await.unwrap()
}

/// A run of which nothing was reported has counts of zero and no times.
pub async fn a_run_without_events_has_no_stats(storage: &dyn EventStore) {
    storage.store_event(&event("r2", DagsterEventType::RunStart, 1)).await.unwrap();
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
    assert_eq!(storage.get_stats_for_run(&RunId::from("r1")).await.unwrap(), expected);
    assert_eq!(of_steps(storage, &[]).await, []);
}

/// Events are counted by type, and of several times the last one counts, to the microsecond.
pub async fn stats_of_a_run_count_and_take_the_last_time(storage: &dyn EventStore) {
    let at = |timestamp, event_type| EventLogEntry { timestamp, ..event("r1", event_type, 0) };
    let batch = [
        event("r1", DagsterEventType::RunEnqueued, 1),
        event("r1", DagsterEventType::RunStarting, 2),
        at(stamp(3) + 0.999_999, DagsterEventType::RunStart),
        at(stamp(3), DagsterEventType::RunStart),
        event("r1", DagsterEventType::StepSuccess, 4),
        event("r1", DagsterEventType::StepSuccess, 5),
        event("r1", DagsterEventType::StepFailure, 6),
        event("r1", DagsterEventType::StepExpectationResult, 7),
        at(stamp(8) + 0.25, DagsterEventType::RunFailure),
        event("r1", DagsterEventType::RunCanceled, 9),
        event("r2", DagsterEventType::StepSuccess, 9),
        materialized("r1", "a", Some("p"), 9),
        materialized("r1", "a", Some("q"), 9),
        line("r1", "x", 10),
    ];
    storage.store_event_batch(&batch).await.unwrap();
    let expected = DagsterRunStatsSnapshot {
        run_id: RunId::from("r1"),
        steps_succeeded: 2,
        steps_failed: 1,
        materializations: 2,
        expectations: 1,
        enqueued_time: Some(stamp(1)),
        launch_time: Some(stamp(2)),
        start_time: Some(stamp(3) + 0.999_999),
        end_time: Some(stamp(8) + 0.25),
    };
    assert_eq!(storage.get_stats_for_run(&RunId::from("r1")).await.unwrap(), expected);
}

/// Times before 1970 are times.
pub async fn stats_of_a_run_may_be_of_any_time(storage: &dyn EventStore) {
    for (run, timestamp) in [("r1", -1.5), ("r2", -86_400.000_001), ("r3", 253_402_300_799.0)] {
        let entry = EventLogEntry { timestamp, ..event(run, DagsterEventType::RunStart, 0) };
        storage.store_event(&entry).await.unwrap();
        let stats = storage.get_stats_for_run(&RunId::from(run)).await.unwrap();
        assert_eq!(stats.start_time, Some(timestamp), "{run}");
    }
}

/// Steps come in the order in which they began, each with its status, times and attempts; asked for by
/// their keys, those come that there are.
pub async fn a_step_that_runs_succeeds_or_is_skipped(storage: &dyn EventStore) {
    let batch = [
        step("b", DagsterEventType::StepStart, 1),
        step("a", DagsterEventType::StepStart, 2),
        step("b", DagsterEventType::StepSuccess, 3),
        step("c", DagsterEventType::StepSkipped, 4),
        step_event("r2", DagsterEventType::StepStart, "d", 4),
    ];
    storage.store_event_batch(&batch).await.unwrap();
    let expected = [
        RunStepKeyStatsSnapshot {
            status: Some(StepEventStatus::Success),
            start_time: Some(stamp(1)),
            end_time: Some(stamp(3)),
            attempts: 1,
            attempts_list: vec![span(None, Some(1), Some(3))],
            ..blank("b")
        },
        RunStepKeyStatsSnapshot {
            status: Some(StepEventStatus::InProgress),
            start_time: Some(stamp(2)),
            attempts: 1,
            partial_attempt_start: Some(stamp(2)),
            ..blank("a")
        },
        RunStepKeyStatsSnapshot {
            status: Some(StepEventStatus::Skipped),
            end_time: Some(stamp(4)),
            attempts: 1,
            attempts_list: vec![span(None, Some(4), Some(4))],
            ..blank("c")
        },
    ];
    assert_eq!(of_steps(storage, &[]).await, expected);
    assert_eq!(of_steps(storage, &["c", "none"]).await, expected[2..]);
    assert_eq!(of_steps(storage, &["B"]).await, []);
}

/// Each attempt of a step has a time of its own.
pub async fn a_step_that_is_tried_again_has_several_attempts(storage: &dyn EventStore) {
    let batch = [
        step("a", DagsterEventType::StepStart, 1),
        step("a", DagsterEventType::StepUpForRetry, 2),
        step("a", DagsterEventType::StepRestarted, 5),
        step("a", DagsterEventType::StepFailure, 7),
    ];
    storage.store_event_batch(&batch).await.unwrap();
    let expected = RunStepKeyStatsSnapshot {
        status: Some(StepEventStatus::Failure),
        start_time: Some(stamp(1)),
        end_time: Some(stamp(7)),
        attempts: 2,
        attempts_list: vec![span(None, Some(1), Some(2)), span(None, Some(5), Some(7))],
        ..blank("a")
    };
    assert_eq!(of_steps(storage, &[]).await, [expected]);
}

/// Spans are joined by their name; a step that has nothing but spans has not begun.
pub async fn spans_are_joined_by_their_name_and_alone_make_no_step(storage: &dyn EventStore) {
    let batch = [
        marker("a", Some("imports"), None, 1),
        marker("a", None, Some("imports"), 2),
        marker("b", Some("imports"), None, 3),
        step("a", DagsterEventType::StepStart, 4),
        marker("a", None, Some("never_began"), 5),
    ];
    storage.store_event_batch(&batch).await.unwrap();
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
    assert_eq!(of_steps(storage, &[]).await, [expected]);
}

/// More steps than one statement may bind are asked for.
pub async fn any_number_of_steps_may_be_asked_for(storage: &dyn EventStore) {
    let batch = ["a", "b", "c"].map(|key| step(key, DagsterEventType::StepStart, 1));
    storage.store_event_batch(&batch).await.unwrap();
    let mut keys = numbered("none", MANY);
    keys.insert(0, "c".to_owned());
    keys.push("a".to_owned());
    let found =
        storage.get_step_stats_for_run(&RunId::from("r1"), &Only::These(keys)).await.unwrap();
    let found: Vec<_> = found.iter().map(|step| step.step_key.as_str()).collect();
    assert_eq!(found, ["a", "c"]);
}

/// A list without a step finds no statistics.
pub async fn a_list_without_a_step_finds_none(storage: &dyn EventStore) {
    storage.store_event(&step("a", DagsterEventType::StepStart, 1)).await.unwrap();
    let none = Only::These(Vec::new());
    let found = storage.get_step_stats_for_run(&RunId::from("r1"), &none).await.unwrap();
    assert_eq!(found, []);
}
