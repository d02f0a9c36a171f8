//! Those who follow runs are woken, whoever stores the events: this process, or another one on the same files.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join;
use instance_core::event::DagsterEventType;
use instance_core::settings::{StorageSettings, StoreSettings};
use instance_core::storage::EventStoreExt;
use instance_core::storage::{EventLogStorage, EventSignal, NewRun, RecordsForRun};
use instance_core::{RunId, StorageError};
use instance_storage::{OpenMode, StorageContext, Storages};
use tempfile::TempDir;
use tokio::time::{Instant, timeout};

use crate::support::{TestResult, event, later, line, run};

/// Longer than anything here may take; whoever waits so long waits forever.
const FOREVER: Duration = Duration::from_mins(1);

/// How soon a notice is to be there, on a machine that has other things to do. Without notices it would be a
/// second.
const SOON: Duration = Duration::from_millis(300);

/// The two layouts of SQLite in files, each below a directory of its own.
fn layouts(directory: &Path) -> [StorageSettings; 2] {
    let consolidated = directory.join("consolidated");
    [
        StorageSettings::sqlite_below(&directory.join("sharded")),
        StorageSettings::sqlite_below(&consolidated)
            .with_event_log_storage(StoreSettings::ConsolidatedSqlite(consolidated.clone())),
    ]
}

async fn opened(settings: &StorageSettings) -> Result<Storages, StorageError> {
    Storages::open(settings, OpenMode::CreateIfMissing, StorageContext::default()).await
}

async fn count(events: &dyn EventLogStorage, run_id: &RunId) -> Result<usize, StorageError> {
    Ok(events.get_records_for_run(&RecordsForRun::new(run_id.clone())).await?.records.len())
}

/// Waits until a run has so many events, as those who follow it do.
async fn follow(
    events: &dyn EventLogStorage,
    signal: &mut dyn EventSignal,
    run_id: &RunId,
    expected: usize,
) -> Result<(), StorageError> {
    while count(events, run_id).await? < expected {
        signal.changed(false).await;
    }
    Ok(())
}

/// How long it takes until one who begins to follow a run, and has read what there is, finds what another one
/// stores.
async fn delay(
    reader: &dyn EventLogStorage,
    writer: &dyn EventLogStorage,
    run_id: &RunId,
) -> Result<Duration, Box<dyn std::error::Error>> {
    let before = count(reader, run_id).await?;
    let mut signal = reader.watch_run(run_id).await?;
    let seen = async {
        follow(reader, &mut *signal, run_id, before + 1).await?;
        Ok::<_, StorageError>(Instant::now())
    };
    let stored = async {
        writer.store_event(&line(run_id.as_str(), "x", 0)).await?;
        Ok::<_, StorageError>(Instant::now())
    };
    let (seen, stored) = timeout(FOREVER, join(seen, stored)).await?;
    Ok(seen?.saturating_duration_since(stored?))
}

/// Each of these writes would be found after a second if there were no notices, as none of the watchers has had
/// reason to look more often.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_store_is_noticed() -> TestResult {
    let directory = TempDir::new()?;
    for settings in layouts(directory.path()) {
        let (reading, writing) = (opened(&settings).await?, opened(&settings).await?);
        let (reader, writer) = (reading.event_log_storage(), writing.event_log_storage());
        // Files of runs are new at times, and are there at others.
        for runs in [1, 10] {
            let mut delays = Vec::new();
            for number in 0..20 {
                let run_id = RunId::from(format!("r{}", number % runs));
                delays.push(delay(&*reader, &*writer, &run_id).await?);
            }
            delays.sort_unstable();
            assert!(delays[10] < SOON, "{settings:?}: {delays:?}");
        }
        reading.dispose().await;
        writing.dispose().await;
    }
    Ok(())
}

/// Both ways at once: each is the reader of what the other one stores.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_may_follow_one_another() -> TestResult {
    let directory = TempDir::new()?;
    for settings in layouts(directory.path()) {
        let (first, second) = (opened(&settings).await?, opened(&settings).await?);
        let turns = |mine: Arc<dyn EventLogStorage>, is_first: bool| async move {
            let run_id = RunId::from("r1");
            let mut signal = mine.watch_run(&run_id).await?;
            for turn in 0..20 {
                if (turn % 2 == 0) == is_first {
                    mine.store_event(&line("r1", "x", 0)).await?;
                }
                follow(&*mine, &mut *signal, &run_id, turn + 1).await?;
            }
            Ok::<_, StorageError>(())
        };
        let both =
            join(turns(first.event_log_storage(), true), turns(second.event_log_storage(), false));
        let (one, other) = timeout(FOREVER, both).await?;
        one?;
        other?;
        first.dispose().await;
        second.dispose().await;
    }
    Ok(())
}

/// Where the operating system tells nothing, it is looked from time to time.
#[tokio::test]
async fn a_directory_that_cannot_be_watched_is_looked_at() -> TestResult {
    for layout in 0..2 {
        let directory = TempDir::new()?;
        let home = directory.path().join("home");
        // Root may watch whatever there is; this is not there, and cannot be made.
        std::fs::write(&home, "")?;
        let settings = &layouts(&home)[layout];
        let (reading, writing) = (opened(settings).await?, opened(settings).await?);
        let (reader, run_id) = (reading.event_log_storage(), RunId::from("r1"));
        let mut signal = reader.watch_run(&run_id).await?;
        std::fs::remove_file(&home)?;
        let writer = writing.event_log_storage();
        for expected in 1..=3 {
            writer.store_event(&line("r1", "x", 0)).await?;
            timeout(FOREVER, follow(&*reader, &mut *signal, &run_id, expected)).await??;
        }
    }
    Ok(())
}

/// Nobody has to tell a process what it has stored itself: the signal is there when the call returns, whichever
/// call it was.
#[tokio::test]
async fn what_a_process_stores_itself_is_signalled_when_it_is_stored() -> TestResult {
    let directory = TempDir::new()?;
    let [sharded, consolidated] = layouts(directory.path());
    for storages in [
        opened(&sharded).await?,
        opened(&consolidated).await?,
        Storages::in_memory(StorageContext::default()),
    ] {
        let (events, together) = (storages.event_log_storage(), storages.run_event_store());
        let mut signal = events.watch_run(&RunId::from("r1")).await?;
        let mut is_signalled = || signal.changed(true).now_or_never().is_some();

        let mut new = NewRun::new(run("r1", "j", &[]), later(0));
        new.events = vec![line("r1", "x", 0)];
        together.add_run_with_events(new).await?;
        assert!(is_signalled(), "a new run");
        events.store_event(&line("r1", "x", 0)).await?;
        assert!(is_signalled(), "an event");
        events.store_event(&event("r1", DagsterEventType::RunStart, 0)).await?;
        assert!(is_signalled(), "an event of the index");
        events.store_event_batch(&[line("r2", "x", 0), line("r1", "x", 0)]).await?;
        assert!(is_signalled(), "several events");
        together.store_run_events(&[event("r1", DagsterEventType::RunSuccess, 0)]).await?;
        assert!(is_signalled(), "an event that changes the run");
        storages.dispose().await;
    }
    Ok(())
}

/// Where nobody else can store anything, there is no signal without a reason.
#[tokio::test]
async fn nothing_and_other_runs_are_not_signalled_in_memory() -> TestResult {
    let storages = Storages::in_memory(StorageContext::default());
    let events = storages.event_log_storage();
    let mut signal = events.watch_run(&RunId::from("r1")).await?;
    assert_eq!(signal.changed(false).now_or_never(), None);
    events.store_event(&line("r2", "x", 0)).await?;
    assert_eq!(signal.changed(false).now_or_never(), None);
    events.store_event(&line("r1", "x", 0)).await?;
    assert_eq!(signal.changed(false).now_or_never(), Some(()));
    assert_eq!(signal.changed(true).now_or_never(), None);
    Ok(())
}
