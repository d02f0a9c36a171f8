//! What the stores in memory promise beyond the suite: every method is atomic, and time comes from the clock.

use std::error::Error;
use std::sync::Arc;

use chrono::TimeDelta;
use instance_core::assets::{
    AssetCheckEvaluation, AssetCheckEvaluationPlanned, AssetCheckSeverity,
};
use instance_core::clock::Clock;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EventLogEntry, EventSpecificData, LogLevel,
};
use instance_core::memory::MemoryStores;
use instance_core::run::{DagsterRun, RunRecord, RunsFilter};
use instance_core::serdes::UnknownFields;
use instance_core::storage::EventStoreExt;
use instance_core::storage::{
    AssetCheckExecutionRecordStatus, ConcurrencySlotStatus, NewRun, Only, RecordsForRun, RunsPage,
};
use instance_core::testing::clock::{ManualClock, SequentialIds};
use instance_core::{AssetCheckKey, AssetKey, RunId, StorageError};

type TestResult = Result<(), Box<dyn Error>>;

fn entry(event: DagsterEvent) -> EventLogEntry {
    EventLogEntry::of_event(event, RunId::from("r1"), LogLevel::INFO, 1.5)
}

fn event(event_type: DagsterEventType) -> EventLogEntry {
    entry(DagsterEvent::new(event_type, "j"))
}

fn of_check(event_type: DagsterEventType, data: EventSpecificData) -> EventLogEntry {
    entry(DagsterEvent::new(event_type, "j").with_data(data))
}

fn planned() -> EventLogEntry {
    let data = AssetCheckEvaluationPlanned {
        asset_key: AssetKey::new(["a"]),
        check_name: "c".to_owned(),
        partitions_subset: None,
        unknown: UnknownFields::default(),
    };
    of_check(DagsterEventType::AssetCheckEvaluationPlanned, data.into())
}

fn evaluated(passed: bool) -> EventLogEntry {
    let data = AssetCheckEvaluation {
        asset_key: AssetKey::new(["a"]),
        blocking: None,
        check_name: "c".to_owned(),
        description: None,
        metadata: std::collections::BTreeMap::new(),
        partition: None,
        severity: AssetCheckSeverity::Error,
        passed,
        target_materialization_data: None,
        unknown: UnknownFields::default(),
    };
    of_check(DagsterEventType::AssetCheckEvaluation, data.into())
}

async fn record(stores: &MemoryStores, run_id: &str) -> Result<Option<RunRecord>, StorageError> {
    let filter = RunsFilter::new().with_run_ids(Only::one(RunId::from(run_id)));
    Ok(stores.run_storage().get_run_records(&filter, &RunsPage::default()).await?.pop())
}

async fn log_length(stores: &MemoryStores) -> Result<usize, StorageError> {
    let query = RecordsForRun::new(RunId::from("r1"));
    Ok(stores.event_log_storage().get_records_for_run(&query).await?.records.len())
}

#[tokio::test]
async fn an_evaluation_of_a_check_that_is_planned_twice_leaves_nothing() -> TestResult {
    let stores = MemoryStores::default();
    let run = DagsterRun::new(RunId::from("r1"), "j");
    let new = |events| NewRun::new(run.clone(), chrono::DateTime::UNIX_EPOCH).with_events(events);
    let start = event(DagsterEventType::RunStart);

    // Both plans are among the entries.
    let all = vec![planned(), planned(), evaluated(true)];
    let refused = stores.run_event_store().add_run_with_events(new(all)).await;
    assert!(matches!(refused, Err(StorageError::Duplicate { rows: 2, .. })), "{refused:?}");
    assert_eq!((record(&stores, "r1").await?, log_length(&stores).await?), (None, 0));

    // One of them is stored.
    stores.run_event_store().add_run_with_events(new(vec![planned()])).await?;
    let before = record(&stores, "r1").await?;
    let later = [start.clone(), planned(), evaluated(true)];
    let refused = stores.run_event_store().store_run_events(&later).await;
    assert!(matches!(refused, Err(StorageError::Duplicate { rows: 2, .. })), "{refused:?}");
    let refused = stores.event_log_storage().store_event_batch(&later).await;
    assert!(matches!(refused, Err(StorageError::Duplicate { rows: 2, .. })), "{refused:?}");
    assert_eq!((record(&stores, "r1").await?, log_length(&stores).await?), (before, 1));

    // Without the second plan the same call is stored, and an evaluation may be corrected.
    let later = [start, evaluated(true), evaluated(false)];
    stores.run_event_store().store_run_events(&later).await?;
    let keys = [AssetCheckKey::new(AssetKey::new(["a"]), "c")];
    let found =
        stores.event_log_storage().get_latest_asset_check_execution_by_key(&keys, None).await?;
    assert_eq!(found[0].status, AssetCheckExecutionRecordStatus::Failed);
    assert_eq!(log_length(&stores).await?, 4);
    Ok(())
}

#[tokio::test]
async fn a_run_that_cannot_be_changed_takes_the_events_of_others_with_it() -> TestResult {
    let stores = MemoryStores::default();
    let run = DagsterRun::new(RunId::from("r1"), "j");
    stores.run_storage().add_run(&run, chrono::DateTime::UNIX_EPOCH).await?;
    let before = record(&stores, "r1").await?;
    // A run that does not say where its job is cannot be queued.
    let entries = [event(DagsterEventType::RunStart), event(DagsterEventType::RunEnqueued)];
    let refused = stores.run_event_store().store_run_events(&entries).await;
    assert!(matches!(refused, Err(StorageError::Invalid { .. })), "{refused:?}");
    assert_eq!((record(&stores, "r1").await?, log_length(&stores).await?), (before, 0));
    Ok(())
}

#[tokio::test]
async fn times_that_no_caller_gives_are_those_of_the_clock() -> TestResult {
    let clock = Arc::new(ManualClock::default());
    let stores = MemoryStores::new(Arc::<ManualClock>::clone(&clock), &SequentialIds::from(0xabc));
    let id = stores.run_storage().get_run_storage_id().await?;
    assert_eq!(id, "00000000-0000-0000-0000-000000000abc");

    let began = clock.now();
    let (events, run_id) = (stores.event_log_storage(), RunId::from("r1"));
    let waits = events.claim_concurrency_slot("pool", &run_id, "s", None).await?;
    assert_eq!((waits.enqueued_timestamp, waits.assigned_timestamp), (Some(began), None));
    clock.advance(TimeDelta::seconds(90));
    events.set_concurrency_slots("pool", 1).await?;
    let given = events.claim_concurrency_slot("pool", &run_id, "s", None).await?;
    assert_eq!(
        (given.enqueued_timestamp, given.assigned_timestamp),
        (Some(began), Some(clock.now()))
    );

    stores.run_storage().add_run(&DagsterRun::new(run_id, "j"), began).await?;
    let added = record(&stores, "r1").await?.ok_or("no run")?;
    assert_eq!((added.create_timestamp, added.update_timestamp), (began, clock.now()));
    Ok(())
}

#[tokio::test]
async fn no_more_steps_have_slots_than_a_changed_limit_allows() -> TestResult {
    let events = MemoryStores::default().event_log_storage();
    let run_id = RunId::from("r1");
    let has_slot = async |step: &str| {
        let claim = events.claim_concurrency_slot("pool", &run_id, step, None).await;
        claim.map(|claim| claim.slot_status == ConcurrencySlotStatus::Claimed)
    };
    events.set_concurrency_slots("pool", 2).await?;
    assert!(has_slot("a").await? && has_slot("b").await? && !has_slot("c").await?);
    // Both keep what they have; one of the slots goes when it is free.
    events.set_concurrency_slots("pool", 1).await?;
    events.free_concurrency_slots(&run_id, Some("b")).await?;
    assert!(!has_slot("c").await?);
    events.set_concurrency_slots("pool", 2).await?;
    assert!(has_slot("c").await? && !has_slot("d").await?);
    Ok(())
}

#[tokio::test]
async fn clones_are_the_same_stores_and_others_are_not() -> TestResult {
    let stores = MemoryStores::default();
    let run = DagsterRun::new(RunId::from("r1"), "j");
    stores.clone().run_storage().add_run(&run, chrono::DateTime::UNIX_EPOCH).await?;
    assert!(record(&stores, "r1").await?.is_some());
    assert!(record(&MemoryStores::default(), "r1").await?.is_none());
    Ok(())
}
