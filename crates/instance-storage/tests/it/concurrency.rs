//! Many callers at once: nothing is lost, and what fails takes nothing with it.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use instance_core::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, StepMaterializationData,
};
use instance_core::run::RunsFilter;
use instance_core::storage::RecordsForRun;
use instance_core::storage::{EventStoreExt, Only};
use instance_core::{AssetKey, RunId, StorageError};
use instance_storage::{OpenMode, Storages};
use sqlx::Row;

use crate::support::{Home, TestResult, entry, event, later, line, open, query, run};

async fn write_events(storages: Storages, writer: &'static str) -> Result<(), StorageError> {
    let events = storages.event_log_storage();
    for number in 0..200 {
        let message = format!("{writer}{number:03}");
        let stored = if number % 20 == 0 {
            let data = AssetMaterialization::new(AssetKey::new([writer]), None);
            DagsterEvent::new(DagsterEventType::AssetMaterialization, "j")
                .with_data(StepMaterializationData::from(data))
        } else {
            DagsterEvent::new(DagsterEventType::EngineEvent, "j")
        };
        events.store_event(&entry("shared", stored.with_message(message), number)).await?;
    }
    storages.dispose().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_instances_on_one_directory_lose_nothing() -> TestResult {
    let home = Home::new().await?;
    let first = open(home.directory.path(), OpenMode::CreateIfMissing).await?;
    let second = open(home.directory.path(), OpenMode::CreateIfMissing).await?;
    let first = tokio::spawn(write_events(first, "first"));
    let second = tokio::spawn(write_events(second, "second"));
    first.await??;
    second.await??;

    let page =
        home.events().get_records_for_run(&RecordsForRun::new(RunId::from("shared"))).await?;
    for writer in ["first", "second"] {
        let written = page.records.iter().map(|record| record.event_log_entry.message());
        let written: Vec<_> = written.filter(|message| message.starts_with(writer)).collect();
        let expected: Vec<_> = (0..200).map(|number| format!("{writer}{number:03}")).collect();
        assert_eq!(written, expected);
    }
    let ids: BTreeSet<_> = page.records.iter().map(|record| record.storage_id).collect();
    assert_eq!(ids.len(), 400);
    let indexed = query(&home.events_db("index"), "SELECT id FROM event_logs").await?;
    assert_eq!(indexed.len(), 20);
    let assets = home.events().get_asset_records(&Only::Any).await?;
    assert_eq!(assets.len(), 2);
    Ok(())
}

/// Every file is created by whoever comes first, while the others wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_instances_may_create_one_directory_at_once() -> TestResult {
    let home = Home::new().await?;
    let instances =
        try_join_all((0..8).map(|_| open(home.directory.path(), OpenMode::CreateIfMissing)))
            .await?;
    let created = instances.into_iter().enumerate().map(|(number, instance)| {
        tokio::spawn(async move {
            instance.create().await?;
            instance.run_storage().add_run(&run(&format!("r{number}"), "j", &[]), later(0)).await?;
            instance.run_storage().get_run_storage_id().await
        })
    });
    let mut ids = BTreeSet::new();
    for created in created.collect::<Vec<_>>() {
        ids.insert(created.await??);
    }
    assert_eq!(ids.len(), 1, "one store, one id");
    assert_eq!(home.runs().get_runs_count(&RunsFilter::default()).await?, 8);
    Ok(())
}

/// The file is there, empty and locked by a process that is about to create its tables.
/// The file of a run is created by one of them, and all write it; nothing is left beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_instances_may_begin_one_run_at_once() -> TestResult {
    let home = Home::new().await?;
    home.storages.create().await?;
    let opening = (0..8).map(|_| open(home.directory.path(), OpenMode::MustExist));
    let instances = try_join_all(opening).await?;
    for number in 0..20 {
        let run_id = format!("run{number}");
        let entries: Vec<_> = (0..8).map(|seconds| line(&run_id, "a line", seconds)).collect();
        let all = instances.iter().map(Storages::event_log_storage).collect::<Vec<_>>();
        let storing = all.iter().zip(&entries).map(|(events, entry)| events.store_event(entry));
        let ids: BTreeSet<_> = try_join_all(storing).await?.into_iter().collect();
        assert_eq!(ids.len(), 8);
        let mode = query(&home.events_db(&run_id), "PRAGMA journal_mode").await?;
        assert_eq!(mode[0].get::<String, _>(0), "wal");
    }
    for instance in &instances {
        instance.dispose().await;
    }
    home.storages.dispose().await;
    let unfinished: Vec<_> = home.files().into_iter().filter(|name| name.contains("new")).collect();
    assert_eq!(unfinished, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_finds_a_file_locked_waits_for_its_creator() -> TestResult {
    for _ in 0..40 {
        let home = Home::new().await?;
        let instances =
            try_join_all((0..8).map(|_| open(home.directory.path(), OpenMode::CreateIfMissing)))
                .await?;
        let reading = instances.into_iter().map(|instance| {
            tokio::spawn(async move { instance.run_storage().get_run_storage_id().await })
        });
        let mut ids = BTreeSet::new();
        for read in reading.collect::<Vec<_>>() {
            ids.insert(read.await??);
        }
        assert_eq!(ids.len(), 1, "one store, one id");
    }
    Ok(())
}

/// Events of many runs at once: more than files may be open.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_of_many_runs_may_be_stored_at_once() -> TestResult {
    let home = Home::new().await?;
    let events = home.events();
    let entries: Vec<_> = (0..120)
        .map(|n| event(&format!("run{}", n % 40), DagsterEventType::StepStart, n))
        .collect();
    let stored = try_join_all(entries.iter().map(|entry| events.store_event(entry))).await?;
    assert_eq!(stored.len(), 120);
    for number in 0..40 {
        let page = events
            .get_records_for_run(&RecordsForRun::new(RunId::from(format!("run{number}"))))
            .await?;
        assert_eq!(page.records.len(), 3, "run{number}");
    }
    Ok(())
}
