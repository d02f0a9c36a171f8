//! When lines are stored, and what happens when they come too fast or cannot be stored.

use std::sync::Arc;
use std::time::Duration;

use instance_core::event::{DagsterEventType, EngineEventData, EventSpecificData};
use instance_core::ids::RunId;
use instance_core::testing::instance::TestInstance;
use instance_events::add_event_listener;
use instance_events::run_log_layer::{RunLogLayer, RunLogOptions, run_span, step_span};
use tracing::Dispatch;
use tracing::subscriber::set_default;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use super::{Notes, capture, capture_all, run, stored_lines};
use crate::support::{Failure, TestResult, that_fails};

#[tokio::test(start_paused = true)]
async fn lines_are_stored_together_when_they_are_many_or_have_waited() -> TestResult {
    let fake = Arc::new(TestInstance::default());
    let options =
        RunLogOptions::default().with_batch_lines(3).with_maximum_delay(Duration::from_secs(5));
    let (_guard, logs) = capture(&fake, options);
    let span = run_span(&run("r1"));
    let log = |numbers: std::ops::Range<u8>| {
        span.in_scope(|| numbers.for_each(|number| tracing::info!("{number}")));
    };

    log(0..7);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(fake.effects(), ["store 0, 1, 2", "store 3, 4, 5"], "full batches do not wait");
    log(7..8);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(fake.effects()[2..], ["store 6, 7"], "the first of a batch waits longest");
    log(8..9);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(fake.effects().len(), 3, "each batch waits anew");
    log(9..11);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(fake.effects()[3..], ["store 8, 9, 10"], "a batch that becomes full stops waiting");
    log(11..12);
    logs.flush().await?;
    assert_eq!(fake.effects()[4..], ["store 11"], "nothing waits that is asked for");
    logs.flush().await?;
    assert_eq!(fake.effects().len(), 5, "nothing is stored twice");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_a_delay_that_ends_lines_wait_for_a_flush() -> TestResult {
    let fake = Arc::new(TestInstance::default());
    let (_guard, logs) = capture(&fake, RunLogOptions::default().with_maximum_delay(Duration::MAX));
    run_span(&run("r1")).in_scope(|| tracing::info!("a"));
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(fake.effects(), Vec::<String>::new());
    logs.flush().await?;
    assert_eq!(fake.effects(), ["store a"]);
    Ok(())
}

#[tokio::test]
async fn lines_that_find_no_place_are_counted_where_they_are_missing() -> TestResult {
    let fake = Arc::new(TestInstance::default());
    let options = RunLogOptions::default().with_capacity(3).with_maximum_delay(Duration::MAX);
    let (_guard, logs) = capture(&fake, options);
    // Nothing is stored in between, as this task does not wait.
    run_span(&run("r1")).in_scope(|| (0..5).for_each(|number| tracing::info!("{number}")));
    step_span(&run("r2"), "load").in_scope(|| tracing::info!("of another run"));
    logs.flush().await?;
    assert_eq!(fake.all_entries().len(), 5, "what is missing was said when the flush returned");
    run_span(&run("r1")).in_scope(|| tracing::info!("later"));
    logs.flush().await?;
    let left_out = "Lines left out here, as they came faster than they were stored:";
    assert_eq!(
        stored_lines(&fake),
        [
            "r1 - 20 0".to_owned(),
            "r1 - 20 1".to_owned(),
            "r1 - 20 2".to_owned(),
            format!("r1 - 30 {left_out} 2"),
            format!("r2 - 30 {left_out} 1"),
            "r1 - 20 later".to_owned(),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_line_that_cannot_be_stored_takes_no_other_with_it() -> TestResult {
    let fake = Arc::new(that_fails(Failure::Entries("bad")));
    let (_guard, logs) = capture_all(&fake);
    step_span(&run("r1"), "load").in_scope(|| {
        for message in ["good", "bad", "better", "bad as well", "best"] {
            tracing::info!("{message}");
        }
    });
    run_span(&run("r2")).in_scope(|| tracing::info!("of another run"));

    let error = logs.flush().await.err().ok_or("no error")?;
    assert_eq!(error.to_string(), "event: not this one");
    let failed = "Exception while writing logger call to event log";
    assert_eq!(
        stored_lines(&fake),
        [
            "r1 load 20 good".to_owned(),
            format!("r1 load 40 {failed}"),
            "r1 load 20 better".to_owned(),
            "r1 load 20 best".to_owned(),
            "r2 - 20 of another run".to_owned(),
        ]
    );
    let entries = fake.all_entries();
    let event = entries[1].dagster_event.as_ref().ok_or("no event")?;
    assert_eq!(event.event_type(), Some(DagsterEventType::EngineEvent));
    assert_eq!(event.job_name, "demo");
    let Some(EventSpecificData::EngineEvent(EngineEventData { error: Some(error), .. })) =
        event.event_specific_data.as_deref()
    else {
        return Err("no error".into());
    };
    assert_eq!(error.message, "event: not this one\n");

    logs.flush().await?;
    logs.close().await?;
    Ok(())
}

#[tokio::test]
async fn a_log_that_takes_nothing_is_told_to_the_program() -> TestResult {
    let fake = Arc::new(that_fails(Failure::Entries("r1")));
    let (layer, logs) = RunLogLayer::new(Arc::clone(&fake) as Arc<_>);
    let notes = Notes::default();
    let subscriber =
        Registry::default().with(layer).with(notes.clone().with_filter(LevelFilter::WARN));
    let _guard = set_default(subscriber);
    let span = run_span(&run("r1"));
    span.in_scope(|| ["a", "b", "c"].map(|message| tracing::info!("{message}")));
    run_span(&run("r2")).in_scope(|| tracing::info!("of another run"));

    // The warnings are of no run even where what is polled on this thread is within a span.
    let entered = span.enter();
    assert!(logs.flush().await.is_err());
    drop(entered);
    assert_eq!(stored_lines(&fake), ["r2 - 20 of another run"]);
    let notes = notes.all();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(
        notes[0].starts_with("[] WARN message=that lines of a run's log are lost"),
        "{notes:?}"
    );
    assert!(notes[1].starts_with("[] WARN message=lines of a run's log are lost"), "{notes:?}");
    assert!(notes[1].contains("run_id=\"r1\" lines=3 error=event: not this one"), "{notes:?}");
    assert!(logs.close().await.is_ok(), "an error is returned once");
    Ok(())
}

#[tokio::test]
async fn threads_of_a_run_log_together() -> TestResult {
    let fake = Arc::new(TestInstance::default());
    let (layer, logs) = RunLogLayer::new(Arc::clone(&fake) as Arc<_>);
    let dispatch = Dispatch::new(Registry::default().with(layer));
    let thread = |name: String| {
        let span = tracing::dispatcher::with_default(&dispatch, || step_span(&run("r1"), &name));
        let dispatch = dispatch.clone();
        move || {
            tracing::dispatcher::with_default(&dispatch, || {
                span.in_scope(|| (0..500).for_each(|number| tracing::info!("{number}")));
            });
        }
    };
    std::thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            scope.spawn(thread(name.to_owned()));
        }
    });
    logs.close().await?;
    let entries = fake.all_entries();
    assert_eq!(entries.len(), 2_000);
    for name in ["a", "b", "c", "d"] {
        let of_thread = entries.iter().filter(|entry| entry.step_key() == Some(name));
        let numbers: Vec<_> = of_thread.map(|entry| entry.user_message.clone()).collect();
        let expected: Vec<_> = (0..500).map(|number| number.to_string()).collect();
        assert_eq!(numbers, expected, "{name}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_captured_is_stored_when_the_layer_is_gone() -> TestResult {
    let fake = Arc::new(TestInstance::default());
    let (guard, logs) = capture(&fake, RunLogOptions::default().with_maximum_delay(Duration::MAX));
    let span = run_span(&run("r1"));
    span.in_scope(|| tracing::info!("a"));
    drop((guard, span));
    // Until there is nothing else to do.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(fake.effects(), ["store a"], "nothing can come that it would wait for");
    logs.flush().await?;
    logs.close().await?;
    Ok(())
}

#[tokio::test]
async fn what_is_logged_after_the_close_is_not_stored() -> TestResult {
    let fake = Arc::new(TestInstance::default());
    let (_guard, logs) = capture_all(&fake);
    let span = run_span(&run("r1"));
    span.in_scope(|| tracing::info!("a"));
    let closing = tokio::spawn(logs.close());
    tokio::task::yield_now().await;
    span.in_scope(|| tracing::info!("b"));
    closing.await??;
    assert_eq!(fake.effects(), ["store a"]);
    Ok(())
}

#[tokio::test]
async fn a_listener_that_panics_stops_no_lines() -> TestResult {
    let fake = Arc::new(TestInstance::default());
    let (_guard, logs) = capture_all(&fake);
    add_event_listener(&*fake, &RunId::from("r1"), Arc::new(|_| panic!("a test's listener")));
    run_span(&run("r1")).in_scope(|| tracing::info!("a"));
    run_span(&run("r2")).in_scope(|| tracing::info!("b"));
    logs.flush().await?;
    run_span(&run("r2")).in_scope(|| tracing::info!("c"));
    logs.close().await?;
    assert_eq!(fake.effects(), ["store a", "store b", "store c"]);
    Ok(())
}

#[test]
fn a_runtime_that_has_ended_is_an_error() -> TestResult {
    let fake = Arc::new(TestInstance::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let entered = runtime.enter();
    let (_guard, logs) = capture_all(&fake);
    run_span(&run("r1")).in_scope(|| tracing::info!("a"));
    drop(entered);
    drop(runtime);
    let other = tokio::runtime::Builder::new_current_thread().build()?;
    assert!(other.block_on(logs.flush()).is_err());
    assert!(other.block_on(logs.close()).is_err());
    Ok(())
}
