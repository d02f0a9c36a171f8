//! Handling entries: the order of storing, changing runs and telling listeners; and reading back.

use instance_core::event::{DagsterEventType, EventLogEntry, LogLevel};
use instance_core::ids::RunId;
use instance_core::ops::ClockAccess;
use instance_core::storage::{Only, RecordsForRun, time_of_change};
use instance_core::testing::instance::TestInstance;
use instance_events::{
    add_event_listener, all_logs, get_records_for_run, handle_new_event, handle_new_events,
    logs_after, should_store_event, store_event,
};

use crate::samples::event;
use crate::support::{Failure, TestResult, that_fails};

fn entry(run_id: &str, event_type: DagsterEventType, message: &str) -> EventLogEntry {
    let event = event(event_type).with_message(message);
    EventLogEntry::of_event(event, RunId::from(run_id), LogLevel::INFO, 1_700_000_001.5)
}

fn line(run_id: &str, text: &str) -> EventLogEntry {
    EventLogEntry {
        dagster_event: None,
        user_message: text.to_owned(),
        ..entry(run_id, DagsterEventType::EngineEvent, "")
    }
}

#[tokio::test]
async fn those_of_one_run_are_stored_then_each_changes_its_run_and_is_heard_in_order() -> TestResult
{
    let fake = TestInstance::default();
    add_event_listener(&fake, &RunId::from("r1"), fake.noting_listener("first"));
    add_event_listener(&fake, &RunId::from("r1"), fake.noting_listener("second"));
    add_event_listener(&fake, &RunId::from("r2"), fake.noting_listener("other"));
    let entries = vec![
        entry("r1", DagsterEventType::RunStart, "start"),
        entry("r1", DagsterEventType::StepStart, "step"),
        line("r1", "line"),
        entry("r3", DagsterEventType::RunStart, "unheard"),
        entry("r1", DagsterEventType::RunCanceling, "stop"),
    ];
    handle_new_events(&fake, entries.clone()).await?;
    assert_eq!(
        fake.effects(),
        [
            "store start, step, line",
            "change r1 PIPELINE_START at 2023-11-14 22:13:21.500 UTC",
            "first hears 1 start",
            "second hears 1 start",
            "first hears 2 step",
            "second hears 2 step",
            "first hears 3 line",
            "second hears 3 line",
            "store unheard",
            "change r3 PIPELINE_START at 2023-11-14 22:13:21.500 UTC",
            "store stop",
            "change r1 PIPELINE_CANCELING at 2023-11-14 22:13:21.500 UTC",
            "first hears 5 stop",
            "second hears 5 stop",
        ]
    );
    assert_eq!(fake.all_entries(), entries);
    Ok(())
}

#[tokio::test]
async fn listeners_of_a_run_are_forgotten_when_it_has_ended() -> TestResult {
    for (event_type, expected) in [
        (DagsterEventType::RunSuccess, 0),
        (DagsterEventType::RunFailure, 0),
        (DagsterEventType::RunCanceled, 0),
        (DagsterEventType::RunCanceling, 1),
        (DagsterEventType::StepFailure, 1),
    ] {
        let fake = TestInstance::default();
        add_event_listener(&fake, &RunId::from("r1"), fake.noting_listener("listener"));
        handle_new_event(&fake, entry("r1", event_type, "end")).await?;
        assert!(
            fake.effects().contains(&"listener hears 1 end".to_owned()),
            "{event_type}: the end is heard"
        );
        handle_new_event(&fake, line("r1", "after")).await?;
        let heard = fake
            .effects()
            .iter()
            .filter(|effect| effect.ends_with("after") && effect.contains("hears"))
            .count();
        assert_eq!(heard, expected, "{event_type}");
    }
    Ok(())
}

#[tokio::test]
async fn types_that_change_no_run_and_types_of_the_future_change_none() -> TestResult {
    for event_type in DagsterEventType::ALL
        .iter()
        .filter(|kind| **kind != DagsterEventType::AssetFailedToMaterialize)
    {
        let fake = TestInstance::default();
        handle_new_event(&fake, entry("r1", *event_type, "m")).await?;
        let changes = fake.effects().iter().filter(|effect| effect.starts_with("change ")).count();
        assert_eq!(changes, usize::from(event_type.run_status().is_some()), "{event_type}");
    }
    let fake = TestInstance::default();
    let mut future = entry("r1", DagsterEventType::RunSuccess, "m");
    if let Some(event) = &mut future.dagster_event {
        event.event_type_value = "RUN_TELEPORTED".to_owned();
    }
    handle_new_event(&fake, future).await?;
    assert_eq!(fake.effects(), ["store m"]);
    Ok(())
}

#[test]
fn a_time_outside_of_the_calendar_becomes_the_time_of_the_clock() {
    let fake = TestInstance::default();
    let entry = EventLogEntry { timestamp: 1e300, ..entry("r1", DagsterEventType::RunStart, "m") };
    let at = time_of_change(&entry, fake.clock());
    assert_eq!(at.to_string(), "2023-11-14 22:13:20.250 UTC");
}

#[tokio::test]
async fn what_is_not_stored_changes_no_run_and_is_not_heard() -> TestResult {
    let fake = that_fails(Failure::Entries("m"));
    add_event_listener(&fake, &RunId::from("r1"), fake.noting_listener("listener"));
    let error =
        handle_new_event(&fake, entry("r1", DagsterEventType::RunStart, "m")).await.unwrap_err();
    assert_eq!(error.to_string(), "event: not this one");
    assert_eq!(fake.effects(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_run_that_cannot_be_changed_is_an_error_of_its_event() -> TestResult {
    let fake = that_fails(Failure::Changing);
    add_event_listener(&fake, &RunId::from("r1"), fake.noting_listener("listener"));
    let outcome = handle_new_event(&fake, entry("r1", DagsterEventType::RunStart, "m")).await;
    assert!(outcome.is_err());
    assert_eq!(fake.effects(), ["store m", "listener hears 1 m"], "the event stays stored");
    Ok(())
}

#[tokio::test]
async fn logs_are_read_back_whole_or_by_type() -> TestResult {
    let fake = TestInstance::default();
    let entries = vec![
        entry("r1", DagsterEventType::RunStart, "start"),
        line("r1", "line"),
        entry("r2", DagsterEventType::RunStart, "other"),
        entry("r1", DagsterEventType::StepStart, "step"),
    ];
    handle_new_events(&fake, entries.clone()).await?;
    let run_id = RunId::from("r1");
    let of_run = [&entries[0], &entries[1], &entries[3]].map(Clone::clone);
    assert_eq!(all_logs(&fake, &run_id, &Only::Any).await?, of_run);
    assert_eq!(
        all_logs(&fake, &run_id, &Only::one(DagsterEventType::StepStart)).await?,
        of_run[2..]
    );
    assert_eq!(all_logs(&fake, &RunId::from("none"), &Only::Any).await?, []);
    assert_eq!(logs_after(&fake, &run_id, None, &Only::Any, None).await?, of_run);
    assert_eq!(logs_after(&fake, &run_id, Some(0), &Only::Any, None).await?, of_run[1..]);
    assert_eq!(logs_after(&fake, &run_id, Some(0), &Only::Any, Some(1)).await?, of_run[1..2]);
    assert_eq!(logs_after(&fake, &run_id, Some(u64::MAX), &Only::Any, None).await?, []);
    let page = get_records_for_run(&fake, &RecordsForRun::new(run_id)).await?;
    assert_eq!(
        page.records.iter().map(|record| record.storage_id.0).collect::<Vec<_>>(),
        [1, 2, 4]
    );
    Ok(())
}

#[tokio::test]
async fn failures_to_materialise_are_not_kept() -> TestResult {
    let fake = TestInstance::default();
    let failed = entry("r1", DagsterEventType::AssetFailedToMaterialize, "failed");
    let done = entry("r1", DagsterEventType::AssetMaterialization, "done");
    assert!(!should_store_event(&failed));
    assert!(should_store_event(&done) && should_store_event(&line("r1", "line")));
    store_event(&fake, &failed).await?;
    handle_new_event(&fake, failed.clone()).await?;
    handle_new_events(&fake, vec![failed.clone(), done.clone(), failed]).await?;
    assert_eq!(fake.effects(), ["store done"]);
    Ok(())
}

#[tokio::test]
async fn storing_alone_changes_and_tells_nothing() -> TestResult {
    let fake = TestInstance::default();
    add_event_listener(&fake, &RunId::from("r1"), fake.noting_listener("listener"));
    store_event(&fake, &entry("r1", DagsterEventType::RunSuccess, "end")).await?;
    assert_eq!(fake.effects(), ["store end"]);
    Ok(())
}
