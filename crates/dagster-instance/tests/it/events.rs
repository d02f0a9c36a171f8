//! Events: what is stored, who hears of it, and what waits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use dagster_instance::event::{DagsterEventType, EventBatchMetadata, NewEvent};
use dagster_instance::run::DagsterRunStatus;
use dagster_instance::settings::{BatchedEvents, EventBatching};
use dagster_instance::{DagsterInstance, EventListener, RunId, WatchEventLogs, WatchUntil};

use crate::support::{TestResult, entry, event_types, hello, report};

/// A listener, and what it has heard.
fn listener() -> (EventListener, Arc<Mutex<Vec<String>>>) {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&heard);
    let listener: EventListener = Arc::new(move |record| {
        let event = record.event_log_entry.dagster_event.as_ref();
        let event_type = event.map(|event| event.event_type_value.clone());
        noted.lock().unwrap().extend(event_type);
    });
    (listener, heard)
}

#[tokio::test]
async fn a_run_follows_its_events_and_listeners_hear_them() -> TestResult {
    let instance = DagsterInstance::ephemeral();
    let run = instance.create_run(hello()?).await?;
    let (listener, heard) = listener();
    instance.add_event_listener(&run.run_id, listener);
    for (event_type, status) in [
        (DagsterEventType::RunStart, DagsterRunStatus::Started),
        (DagsterEventType::StepStart, DagsterRunStatus::Started),
        (DagsterEventType::RunSuccess, DagsterRunStatus::Success),
    ] {
        report(&instance, &run.run_id, event_type).await?;
        let stored = instance.get_run_by_id(&run.run_id).await?.unwrap();
        assert_eq!(stored.status, status, "after {event_type}");
    }
    assert_eq!(*heard.lock().unwrap(), ["PIPELINE_START", "STEP_START", "PIPELINE_SUCCESS"]);
    Ok(())
}

#[tokio::test]
async fn a_listener_that_panics_breaks_neither_create_run_nor_a_report() -> TestResult {
    let instance = DagsterInstance::ephemeral();
    let run_id = RunId::from("7a1c2f00-0000-4000-8000-000000000001");
    let (listener, heard) = listener();
    instance.add_event_listener(&run_id, Arc::new(|_| panic!("a listener that is wrong")));
    instance.add_event_listener(&run_id, listener);

    let mut request = hello()?;
    request.run_id = Some(run_id.clone());
    let run = instance.create_run(request).await?;
    assert_eq!(run.run_id, run_id);
    assert!(instance.has_run(&run_id).await?);
    report(&instance, &run_id, DagsterEventType::RunStart).await?;
    assert_eq!(*heard.lock().unwrap(), ["ASSET_MATERIALIZATION_PLANNED", "PIPELINE_START"]);
    assert_eq!(event_types(&instance, &run_id).await?, *heard.lock().unwrap());
    Ok(())
}

#[tokio::test]
async fn a_run_is_followed_to_its_end() -> TestResult {
    let instance = DagsterInstance::ephemeral();
    let run = instance.create_run(hello()?).await?;
    let follow = WatchEventLogs::new(run.run_id.clone()).with_until(WatchUntil::RunEnds);
    let mut events = instance.watch_event_logs(follow).await?;
    let follower = tokio::spawn(async move {
        let mut types = Vec::new();
        while let Some(record) = events.next().await {
            let event = record.unwrap().event_log_entry.dagster_event;
            types.extend(event.map(|event| event.event_type_value));
        }
        types
    });
    for event_type in [DagsterEventType::RunStart, DagsterEventType::RunFailure] {
        report(&instance, &run.run_id, event_type).await?;
    }
    let expected = ["ASSET_MATERIALIZATION_PLANNED", "PIPELINE_START", "PIPELINE_FAILURE"];
    assert_eq!(follower.await?, expected);
    Ok(())
}

/// An instance in which events of batches wait until there are three.
fn batching() -> DagsterInstance {
    let batching = EventBatching::new()
        .with_of(BatchedEvents::OfBatches)
        .with_size(3)
        .with_max_delay(Duration::from_hours(1));
    DagsterInstance::builder().event_batching(batching).in_memory()
}

fn of_batch(run_id: &RunId, event_type: DagsterEventType, is_end: bool) -> NewEvent {
    let batch = EventBatchMetadata::new("b", is_end);
    NewEvent::new(entry(run_id, event_type)).with_batch(Some(batch))
}

#[tokio::test]
async fn events_of_a_batch_wait_for_others_and_are_stored_when_the_instance_is_disposed_of()
-> TestResult {
    let instance = batching();
    let run_id = RunId::from("r1");
    let step = DagsterEventType::StepStart;
    for expected in [0, 0, 3, 3] {
        instance.handle_new_event(of_batch(&run_id, step, false)).await?;
        assert_eq!(event_types(&instance, &run_id).await?.len(), expected);
    }
    instance.dispose().await?;
    assert_eq!(event_types(&instance, &run_id).await?.len(), 4);
    Ok(())
}

#[tokio::test]
async fn the_end_of_a_batch_stores_it_and_so_does_flushing() -> TestResult {
    let instance = batching();
    let run_id = RunId::from("r1");
    let step = DagsterEventType::StepStart;
    instance.handle_new_event(of_batch(&run_id, step, false)).await?;
    instance.handle_new_event(of_batch(&run_id, step, true)).await?;
    assert_eq!(event_types(&instance, &run_id).await?.len(), 2);
    instance.handle_new_event(of_batch(&run_id, step, false)).await?;
    assert_eq!(event_types(&instance, &run_id).await?.len(), 2);
    instance.flush_events().await?;
    assert_eq!(event_types(&instance, &run_id).await?.len(), 3);
    Ok(())
}
