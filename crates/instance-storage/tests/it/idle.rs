//! Files of events that nobody uses are closed, so that the close of another program is the last one again.

use std::path::Path;
use std::time::Duration;

use instance_core::RunId;
use instance_core::settings::{StorageSettings, StoreSettings};
use instance_core::storage::EventStoreExt;
use instance_core::storage::RecordsForRun;
use instance_storage::{OpenMode, StorageContext, Storages};
use tokio::time::{sleep, timeout};

use crate::support::{Home, TestResult, files_below, line};

/// Longer than a file stays open unused.
const LONG: Duration = Duration::from_mins(1);

/// Waits until no file below a directory has a write-ahead log, as SQLite removes it with the last close.
async fn closed(directory: &Path, but_not: &str) -> TestResult {
    let looking = async {
        while files_below(directory)
            .iter()
            .any(|file| file.ends_with("-wal") && !file.ends_with(but_not))
        {
            sleep(Duration::from_millis(50)).await;
        }
    };
    Ok(timeout(LONG, looking).await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_a_run_is_closed_and_opened_again() -> TestResult {
    let home = Home::new().await?;
    let events = home.events();
    let count = async || {
        let query = RecordsForRun::new(RunId::from("r1"));
        Ok::<_, Box<dyn std::error::Error>>(events.get_records_for_run(&query).await?.records.len())
    };
    for stored in 1..=2 {
        events.store_event(&line("r1", "x", 0)).await?;
        assert_eq!(count().await?, stored);
        assert!(home.files().iter().any(|file| file.ends_with("r1.db-wal")));
        closed(home.directory.path(), "runs.db-wal").await?;
    }
    assert_eq!(count().await?, 2);
    closed(home.directory.path(), "runs.db-wal").await?;
    // Somebody else wipes the log meanwhile: it begins again.
    std::fs::remove_file(home.events_db("r1"))?;
    assert_eq!(count().await?, 0);
    events.store_event(&line("r1", "x", 0)).await?;
    assert_eq!(count().await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_all_events_is_closed_and_opened_again() -> TestResult {
    let directory = tempfile::TempDir::new()?;
    let settings = StorageSettings::sqlite_below(directory.path())
        .with_event_log_storage(StoreSettings::ConsolidatedSqlite(directory.path().to_owned()));
    let storages =
        Storages::open(&settings, OpenMode::CreateIfMissing, StorageContext::default()).await?;
    let events = storages.event_log_storage();
    for _ in 0..2 {
        events.store_event(&line("r1", "x", 0)).await?;
        closed(directory.path(), "runs.db-wal").await?;
    }
    let log = events.get_records_for_run(&RecordsForRun::new(RunId::from("r1"))).await?;
    assert_eq!(log.records.len(), 2);
    Ok(())
}
