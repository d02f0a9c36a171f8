//! Following the events of a run.

use std::time::Duration;

use futures_util::StreamExt;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EventLogCursor, EventLogEntry, LogLevel,
};
use instance_core::ids::{RunId, StorageId};
use instance_core::ops::RunStoreAccess;
use instance_core::run::DagsterRun;
use instance_core::storage::Only;
use instance_core::testing::instance::TestInstance;
use instance_events::{
    EventLogWatch, WatchEventLogs, WatchUntil, end_watch_event_logs, handle_new_event,
    watch_event_logs,
};

use crate::support::{Failure, TestResult, fail};

fn request() -> WatchEventLogs {
    WatchEventLogs::new(RunId::from("r1"))
}

fn fake() -> TestInstance {
    TestInstance::default().with_run(DagsterRun::new(RunId::from("r1"), "j"))
}

async fn store(fake: &TestInstance, event_type: DagsterEventType, message: &str) -> TestResult {
    let event = DagsterEvent::new(event_type, "j").with_message(message);
    let entry = EventLogEntry::of_event(event, RunId::from("r1"), LogLevel::INFO, 1.5);
    Ok(handle_new_event(fake, entry).await?)
}

async fn step(fake: &TestInstance, message: &str) -> TestResult {
    store(fake, DagsterEventType::StepStart, message).await
}

/// The message of the next event, if one comes soon.
async fn next(watch: &mut EventLogWatch) -> Option<String> {
    let next = tokio::time::timeout(Duration::from_secs(5), watch.next()).await.ok()??;
    next.ok().map(|record| record.event_log_entry.message().to_owned())
}

async fn all(watch: EventLogWatch) -> Vec<String> {
    watch
        .map(|record| {
            record.map_or_else(
                |error| error.to_string(),
                |record| record.event_log_entry.message().to_owned(),
            )
        })
        .collect()
        .await
}

#[tokio::test(start_paused = true)]
async fn events_come_as_they_are_stored_each_once_and_of_the_run_alone() -> TestResult {
    let fake = fake();
    step(&fake, "a").await?;
    let mut watch = watch_event_logs(&fake, request()).await?;
    assert_eq!(next(&mut watch).await.as_deref(), Some("a"));
    assert_eq!(next(&mut watch).await, None, "there is no more yet");
    step(&fake, "b").await?;
    let other = DagsterEvent::new(DagsterEventType::StepStart, "j").with_message("other");
    let other = EventLogEntry::of_event(other, RunId::from("r2"), LogLevel::INFO, 1.5);
    handle_new_event(&fake, other).await?;
    step(&fake, "c").await?;
    assert_eq!(next(&mut watch).await.as_deref(), Some("b"));
    assert_eq!(next(&mut watch).await.as_deref(), Some("c"));
    store(&fake, DagsterEventType::RunSuccess, "end").await?;
    assert_eq!(next(&mut watch).await.as_deref(), Some("end"));
    step(&fake, "after the end").await?;
    assert_eq!(next(&mut watch).await.as_deref(), Some("after the end"), "it was not asked to end");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_stream_ends_with_the_run_if_it_is_to() -> TestResult {
    for (end, ends) in [
        (DagsterEventType::RunSuccess, true),
        (DagsterEventType::RunFailure, true),
        (DagsterEventType::RunCanceled, true),
        (DagsterEventType::RunCanceling, false),
    ] {
        let fake = fake();
        let watch = watch_event_logs(&fake, request().with_until(WatchUntil::RunEnds)).await?;
        let following = tokio::spawn(all(watch));
        step(&fake, "a").await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        store(&fake, end, "end").await?;
        let ended = tokio::time::timeout(Duration::from_mins(1), following).await;
        assert_eq!(ended.is_ok(), ends, "{end}");
        if let Ok(events) = ended {
            assert_eq!(events?, ["a", "end"], "{end}");
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_run_that_has_ended_comes_whole() -> TestResult {
    let fake = fake();
    for number in 0..1_000 {
        step(&fake, &number.to_string()).await?;
    }
    store(&fake, DagsterEventType::RunSuccess, "end").await?;
    step(&fake, "cleaned up").await?;
    for page_size in [0, 1, 250, 1_002, 5_000] {
        let mut request = request().with_until(WatchUntil::RunEnds);
        request.page_size = page_size;
        let events = all(watch_event_logs(&fake, request).await?).await;
        assert_eq!(events.len(), 1_002, "pages of {page_size}");
        assert_eq!(events[1_001], "cleaned up");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_row_changes_behind_its_last_event_ends_then() -> TestResult {
    let fake = fake();
    fail(&fake, Failure::Changing);
    // Another process has stored the event, and the run is yet to change.
    assert!(store(&fake, DagsterEventType::RunSuccess, "end").await.is_err());
    let watch = watch_event_logs(&fake, request().with_until(WatchUntil::RunEnds)).await?;
    let mut following = tokio::spawn(all(watch));
    let early = tokio::time::timeout(Duration::from_secs(3), &mut following).await;
    assert!(early.is_err(), "the run has not ended");
    fake.run_store().delete_run(&RunId::from("r1")).await?;
    assert_eq!(tokio::time::timeout(Duration::from_secs(3), following).await??, ["end"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_not_there_has_ended() -> TestResult {
    let watch =
        watch_event_logs(&TestInstance::default(), request().with_until(WatchUntil::RunEnds))
            .await?;
    assert_eq!(all(watch).await, Vec::<String>::new());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_behind_a_cursor_and_takes_the_types_that_are_wanted() -> TestResult {
    let fake = fake();
    for message in ["a", "b", "c"] {
        step(&fake, message).await?;
    }
    store(&fake, DagsterEventType::RunSuccess, "end").await?;
    for (cursor, expected) in [
        (EventLogCursor::StorageId(StorageId(2)), &["c", "end"][..]),
        (EventLogCursor::Offset(1), &["b", "c", "end"]),
        (EventLogCursor::StorageId(StorageId(4)), &[]),
    ] {
        let watch =
            watch_event_logs(&fake, request().with_until(WatchUntil::RunEnds).with_cursor(cursor))
                .await?;
        assert_eq!(all(watch).await, expected, "{cursor:?}");
    }
    let mut ends = request().with_until(WatchUntil::RunEnds);
    ends.of_types = Only::one(DagsterEventType::RunSuccess);
    assert_eq!(all(watch_event_logs(&fake, ends).await?).await, ["end"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn it_is_ended_from_elsewhere() -> TestResult {
    let fake = fake();
    step(&fake, "a").await?;
    step(&fake, "b").await?;
    let mut watch = watch_event_logs(&fake, request()).await?;
    let handle = watch.handle();
    assert_eq!(next(&mut watch).await.as_deref(), Some("a"));
    end_watch_event_logs(&handle);
    assert!(watch.next().await.is_none(), "what was not handed out does not come");
    let watch = watch_event_logs(&fake, request()).await?;
    let handle = watch.handle();
    let following = tokio::spawn(all(watch));
    tokio::time::sleep(Duration::from_secs(1)).await;
    end_watch_event_logs(&handle);
    assert_eq!(following.await?, ["a", "b"], "one that waits is woken");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_error_ends_it() -> TestResult {
    let fake = fake();
    step(&fake, "a").await?;
    let mut watch = watch_event_logs(&fake, request()).await?;
    assert_eq!(next(&mut watch).await.as_deref(), Some("a"));
    let waiting = tokio::spawn(async move { (watch.next().await, watch.next().await.is_none()) });
    tokio::task::yield_now().await;
    step(&fake, "b").await?;
    fail(&fake, Failure::Storing);
    let (error, is_over) = waiting.await?;
    assert!(error.is_some_and(|record| record.is_err()) && is_over);
    Ok(())
}
