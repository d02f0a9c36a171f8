//! Events that wait for others: when they are stored, and what becomes of those that cannot be.

use std::time::Duration;

use futures_util::FutureExt as _;
use instance_core::error::InstanceError;
use instance_core::event::NewEvent;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EventBatchMetadata, EventLogEntry, LogLevel,
};
use instance_core::ids::RunId;
use instance_core::settings::{BatchedEvents, EventBatching};
use instance_core::testing::instance::TestInstance;
use instance_events::{add_event_listener, flush_events, handle_new_event};

use crate::support::{Failure, TestResult, fail};

fn fake(of: BatchedEvents, size: usize) -> TestInstance {
    let mut instance = TestInstance::default();
    instance.settings.event_batching =
        EventBatching::new().with_of(of).with_size(size).with_max_delay(Duration::from_secs(1));
    instance
}

fn event(run_id: &str, event_type: DagsterEventType, message: &str) -> NewEvent {
    let event = DagsterEvent::new(event_type, "j").with_message(message);
    EventLogEntry::of_event(event, RunId::from(run_id), LogLevel::INFO, 1.5).into()
}

fn step(message: &str) -> NewEvent {
    event("r1", DagsterEventType::StepStart, message)
}

fn in_batch(event: NewEvent, id: &str, is_end: bool) -> NewEvent {
    event.with_batch(Some(EventBatchMetadata::new(id, is_end)))
}

async fn handle_all(fake: &TestInstance, messages: &[&str]) -> Result<(), InstanceError> {
    for message in messages {
        handle_new_event(fake, step(message)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_no_events_with_it() -> TestResult {
    let fake = fake(BatchedEvents::OfBatches, 10);
    handle_new_event(&fake, in_batch(step("of another caller"), "b1", false)).await?;
    let last = handle_new_event(&fake, in_batch(step("last"), "b1", true));
    assert!(last.now_or_never().is_none(), "it was stored before anybody could go away");
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(fake.effects(), ["store of another caller, last"]);
    Ok(())
}

#[tokio::test]
async fn a_listener_that_panics_takes_no_events_with_it() -> TestResult {
    let fake = fake(BatchedEvents::OfBatches, 10);
    add_event_listener(
        &fake,
        &RunId::from("r1"),
        std::sync::Arc::new(|_| panic!("a test's listener")),
    );
    handle_new_event(&fake, in_batch(step("of r1"), "b1", false)).await?;
    let other = event("r2", DagsterEventType::StepStart, "of r2");
    handle_new_event(&fake, in_batch(other, "b1", true)).await?;
    assert_eq!(fake.effects(), ["store of r1", "store of r2"]);
    Ok(())
}

#[tokio::test]
async fn without_batching_nothing_waits() -> TestResult {
    let fake = fake(BatchedEvents::None, 10);
    handle_new_event(&fake, in_batch(step("a"), "b1", false)).await?;
    handle_new_event(&fake, step("b")).await?;
    assert_eq!(fake.effects(), ["store a", "store b"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn batches_are_stored_when_they_are_full_or_end_and_nothing_else_waits() -> TestResult {
    let fake = fake(BatchedEvents::OfBatches, 2);
    handle_new_event(&fake, in_batch(step("a1"), "a", false)).await?;
    handle_new_event(&fake, in_batch(step("b1"), "b", false)).await?;
    handle_new_event(&fake, step("alone")).await?;
    assert_eq!(fake.effects(), ["store alone"]);
    handle_new_event(&fake, in_batch(step("a2"), "a", false)).await?;
    handle_new_event(&fake, in_batch(step("a3"), "a", false)).await?;
    handle_new_event(&fake, in_batch(step("b2"), "b", true)).await?;
    handle_new_event(&fake, in_batch(step("a4"), "a", true)).await?;
    handle_new_event(&fake, in_batch(step("c1"), "c", true)).await?;
    assert_eq!(
        fake.effects(),
        ["store alone", "store a1, a2", "store b1, b2", "store a3, a4", "store c1"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_nobody_ends_is_stored_after_a_while() -> TestResult {
    for of in [BatchedEvents::OfBatches, BatchedEvents::Every] {
        let fake = fake(of, 10);
        handle_new_event(&fake, in_batch(step("a"), "b1", false)).await?;
        tokio::time::sleep(Duration::from_millis(600)).await;
        handle_new_event(&fake, in_batch(step("b"), "b1", false)).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(fake.effects(), Vec::<String>::new());
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(fake.effects(), ["store a, b"], "the first one waits longest");
        handle_new_event(&fake, in_batch(step("c"), "b1", false)).await?;
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert_eq!(fake.effects().len(), 1, "each batch waits anew");
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(fake.effects()[1..], ["store c"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_event_waits_with_those_of_its_run_until_its_run_changes() -> TestResult {
    let fake = fake(BatchedEvents::Every, 3);
    add_event_listener(&fake, &RunId::from("r1"), fake.noting_listener("listener"));
    handle_all(&fake, &["a", "b"]).await?;
    handle_new_event(&fake, event("r2", DagsterEventType::StepStart, "other")).await?;
    assert_eq!(fake.effects(), Vec::<String>::new());
    handle_new_event(&fake, event("r1", DagsterEventType::RunSuccess, "end")).await?;
    assert_eq!(
        fake.effects(),
        [
            "store a, b, end",
            "change r1 PIPELINE_SUCCESS at 1970-01-01 00:00:01.500 UTC",
            "listener hears 1 a",
            "listener hears 2 b",
            "listener hears 3 end",
        ]
    );
    handle_all(&fake, &["c", "d", "e", "f"]).await?;
    assert_eq!(fake.effects()[5..], ["store c, d, e"]);
    flush_events(&fake).await?;
    assert_eq!(fake.all_entries().len(), 8, "{:?}", fake.effects());
    flush_events(&fake).await?;
    assert_eq!(fake.all_entries().len(), 8, "nothing is stored twice");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_stored_now_waits_in_its_order() -> TestResult {
    let fake = fake(BatchedEvents::Every, 2);
    fail(&fake, Failure::Storing);
    handle_new_event(&fake, step("a")).await?;
    let error = handle_new_event(&fake, step("b")).await.unwrap_err();
    assert!(matches!(error, InstanceError::EventsWaiting { waiting: 2, .. }), "{error}");
    let error = handle_new_event(&fake, step("c")).await.unwrap_err();
    assert!(matches!(error, InstanceError::EventsWaiting { waiting: 3, .. }), "{error}");
    assert!(flush_events(&fake).await.is_err());
    assert_eq!(fake.effects(), Vec::<String>::new());
    fail(&fake, Failure::Nothing);
    handle_new_event(&fake, step("d")).await?;
    assert_eq!(fake.effects(), ["store a, b, c, d"]);
    flush_events(&fake).await?;
    assert_eq!(fake.effects().len(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_stored_is_tried_again_by_itself() -> TestResult {
    let fake = fake(BatchedEvents::OfBatches, 10);
    fail(&fake, Failure::Storing);
    let error = handle_new_event(&fake, in_batch(step("a"), "b1", true)).await.unwrap_err();
    assert!(matches!(error, InstanceError::EventsWaiting { waiting: 1, .. }), "{error}");
    tokio::time::sleep(Duration::from_mins(10)).await;
    fail(&fake, Failure::Nothing);
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(fake.effects(), ["store a"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_more_are_taken_than_memory_may_hold() -> TestResult {
    let fake = fake(BatchedEvents::Every, 1);
    fail(&fake, Failure::Storing);
    for number in 0..100 {
        let error = handle_new_event(&fake, step(&number.to_string())).await.unwrap_err();
        assert!(
            matches!(error, InstanceError::EventsWaiting { waiting, .. } if waiting == number + 1)
        );
    }
    let error = handle_new_event(&fake, step("one too many")).await.unwrap_err();
    assert!(matches!(error, InstanceError::EventsWaiting { waiting: 100, .. }), "{error}");
    fail(&fake, Failure::Nothing);
    flush_events(&fake).await?;
    assert_eq!(fake.all_entries().len(), 100, "the one that was not taken is not there");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_that_is_refused_takes_no_other_with_it() -> TestResult {
    let fake = fake(BatchedEvents::Every, 4);
    fail(&fake, Failure::Entries("bad"));
    handle_all(&fake, &["a", "bad one", "b"]).await?;
    let error = handle_new_event(&fake, step("c")).await.unwrap_err();
    assert_eq!(error.to_string(), "event: not this one");
    assert_eq!(fake.effects(), ["store a", "store b", "store c"]);
    flush_events(&fake).await?;
    assert_eq!(fake.all_entries().len(), 3, "what was refused does not come again");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_several_runs_keeps_their_order() -> TestResult {
    let fake = fake(BatchedEvents::OfBatches, 10);
    for (run_id, message, is_end) in
        [("r1", "a", false), ("r1", "b", false), ("r2", "c", false), ("r1", "d", true)]
    {
        let event = event(run_id, DagsterEventType::StepStart, message);
        handle_new_event(&fake, in_batch(event, "b1", is_end)).await?;
    }
    assert_eq!(fake.effects(), ["store a, b", "store c", "store d"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_be_changed_has_its_events_stored_once() -> TestResult {
    let fake = fake(BatchedEvents::Every, 10);
    fail(&fake, Failure::Changing);
    handle_new_event(&fake, step("a")).await?;
    let end = event("r1", DagsterEventType::RunSuccess, "end");
    assert!(handle_new_event(&fake, end).await.is_err());
    assert_eq!(fake.effects(), ["store a, end"]);
    Ok(())
}

#[tokio::test]
async fn many_writers_at_once_lose_nothing_and_each_keeps_its_order() -> TestResult {
    let fake = fake(BatchedEvents::Every, 7);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..16 {
        let fake = fake.clone();
        writers.spawn(async move {
            for number in 0..50 {
                let run_id = format!("r{}", writer % 3);
                let message = format!("{writer}-{number}");
                let event = event(&run_id, DagsterEventType::StepStart, &message);
                handle_new_event(&fake, event).await?;
                tokio::task::yield_now().await;
            }
            Ok::<_, InstanceError>(())
        });
    }
    for outcome in writers.join_all().await {
        outcome?;
    }
    flush_events(&fake).await?;
    let entries = fake.all_entries();
    assert_eq!(entries.len(), 16 * 50);
    for writer in 0..16 {
        let prefix = format!("{writer}-");
        let numbers: Vec<u32> = entries
            .iter()
            .filter_map(|entry| entry.message().strip_prefix(&prefix)?.parse().ok())
            .collect();
        assert_eq!(numbers, (0..50).collect::<Vec<_>>());
    }
    Ok(())
}
