//! Dagster's watcher in one process hears of what Dagster stores in another one, soon and of everything, whatever
//! we do with the same file meanwhile.

use std::path::Path;
use std::time::Duration;

use dagster_instance::{DagsterInstance, RunId, WatchEventLogs};
use dagster_instance_tests::speed::Dagster;
use dagster_instance_tests::{Home, python};
use instance_core::clock::{IdSource as _, RandomIds};
use instance_core::error::BoxError;
use instance_core::event::{EventLogEntry, LogLevel};
use instance_core::storage::RecordsForRun;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

type TestResult<T = ()> = Result<T, BoxError>;

/// How many events Dagster stores, and the seconds between two of them at least and at most.
const EVENTS: usize = 20;
const PAUSE: (f64, f64) = (0.01, 0.1);

/// How many seconds an event may take to Dagster's watcher. Without our care it takes until the file is closed.
const FEW_SECONDS: f64 = 4.0;

/// How often somebody looks who does not follow.
const LOOK_EVERY: Duration = Duration::from_millis(20);

const CONSOLIDATED: &str = "event_log_storage:
  module: dagster._core.storage.event_log
  class: ConsolidatedSqliteEventLogStorage
  config:
    base_dir: ";

/// What we do with the file of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum We {
    /// Follow the run, in two processes as it were.
    Follow,
    /// Have stored an event, and have the file open.
    HaveWritten,
    /// Read it again and again.
    Read,
}

fn dagster() -> TestResult<Dagster> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/time_instance.py");
    Dagster::start(&python().display().to_string(), &script.display().to_string())
}

async fn open(home: &Path) -> TestResult<DagsterInstance> {
    Ok(DagsterInstance::builder().home(home).open().await?)
}

fn follow(instance: DagsterInstance, run_id: RunId) -> JoinHandle<TestResult> {
    tokio::spawn(async move {
        let mut stream = instance.watch_event_logs(WatchEventLogs::new(run_id)).await?;
        while let Some(record) = stream.next().await {
            record?;
        }
        Ok(())
    })
}

fn read(instance: DagsterInstance, run_id: RunId) -> JoinHandle<TestResult> {
    tokio::spawn(async move {
        let query = RecordsForRun::new(run_id);
        loop {
            instance.get_records_for_run(&query).await?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
}

/// The seconds after which each event came to Dagster's watcher.
fn delays(written: &Value, seen: &Value) -> TestResult<Vec<f64>> {
    let written: Vec<(f64, f64)> = serde_json::from_value(written["written"].clone())?;
    let seen: Vec<(f64, String)> = serde_json::from_value(seen["seen"].clone())?;
    let mut delays = Vec::new();
    for (at, message) in seen {
        // What we have stored ourselves has no number.
        if let Ok(number) = message.parse::<usize>() {
            delays.push(at - written[number].1);
        }
    }
    Ok(delays)
}

async fn dagster_hears_of_all_while(
    we: We,
    home: &Path,
    dagsters: &mut [Dagster; 2],
) -> TestResult {
    let [watcher, writer] = dagsters;
    let (instance, other) = (open(home).await?, open(home).await?);
    let run_id = RandomIds.run_id();
    let line = |text: &str| {
        EventLogEntry::of_message(text.to_owned(), run_id.clone(), LogLevel::INFO, 1.7e9)
    };
    // The file is there, so that Dagster's watcher and our reader find it.
    instance.handle_new_event(line("the first")).await?;
    watcher.seconds(&json!({"task": "watch", "home": home, "run_id": run_id.as_str()}))?;
    let tasks = match we {
        We::Follow => {
            vec![follow(instance.clone(), run_id.clone()), follow(other.clone(), run_id.clone())]
        }
        We::HaveWritten => Vec::new(),
        We::Read => vec![read(instance.clone(), run_id.clone())],
    };
    instance.handle_new_event(line("the second")).await?;
    let write = json!({"task": "write", "home": home, "run_id": run_id.as_str(), "count": EVENTS, "seed": 7, "pause": PAUSE});
    let written = tokio::task::block_in_place(|| writer.answer(&write))?;
    let seen = json!({"task": "seen", "home": home, "run_id": run_id.as_str(), "last": (EVENTS - 1).to_string()});
    let seen = tokio::task::block_in_place(|| watcher.answer(&seen))?;
    let delays = delays(&written, &seen)?;
    assert_eq!(delays.len(), EVENTS, "{we:?}: some were lost");
    assert!(delays.iter().all(|delay| *delay < FEW_SECONDS), "{we:?}: {delays:?}");
    for task in tasks {
        assert!(!task.is_finished(), "{we:?}");
        task.abort();
    }
    instance.dispose().await?;
    Ok(other.dispose().await?)
}

async fn dagster_hears_of_all(home: &Home) -> TestResult {
    open(home.path()).await?.create_storages().await?;
    let mut dagsters = [dagster()?, dagster()?];
    for we in [We::Follow, We::HaveWritten, We::Read] {
        dagster_hears_of_all_while(we, home.path(), &mut dagsters).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dagster_hears_of_its_own_events_in_files_of_runs() -> TestResult {
    dagster_hears_of_all(&Home::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn dagster_hears_of_its_own_events_in_one_file() -> TestResult {
    let home = Home::new();
    let settings = format!("{CONSOLIDATED}{}\n", home.path().join("events").display());
    std::fs::write(home.path().join("dagster.yaml"), settings)?;
    dagster_hears_of_all(&home).await
}
