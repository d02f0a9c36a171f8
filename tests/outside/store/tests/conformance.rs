//! The core's whole suite on the journal. After each case the journal is opened again, and must lead to the same state.

use std::fmt::Write as _;

use instance_core::run::RunsFilter;
use instance_core::scheduling::BulkActionsFilter;
use instance_core::storage::{
    BackfillsPage, EventLogStorage, InstigatorFilter, Only, RunEventStore, RunStorage, RunsPage,
    ScheduleStorage, Stores,
};
use instance_core::{StorageError, StorageId};
use outside_store::Journal;
use tempfile::TempDir;

/// The stores of a journal in a directory of their own.
struct Made {
    stores: Stores,
    directory: TempDir,
}

macro_rules! as_ref {
    ($($store:ident),*) => {
        $(
            impl AsRef<dyn $store> for Made {
                fn as_ref(&self) -> &dyn $store {
                    self.stores.as_ref()
                }
            }
        )*
    };
}

as_ref!(RunStorage, EventLogStorage, ScheduleStorage, RunEventStore);

async fn journal() -> Made {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = Journal::open(&directory.path().join("journal")).await.expect("a journal");
    Made { stores: journal.stores(), directory }
}

/// What is stored, as text.
async fn state(stores: &Stores) -> Result<String, StorageError> {
    let (runs, events, schedules) =
        (&stores.run_storage, &stores.event_log_storage, &stores.schedule_storage);
    let mut text = String::new();
    let mut add = |what: &dyn std::fmt::Debug| writeln!(text, "{what:?}").expect("text");
    add(&runs.get_run_storage_id().await?);
    add(&runs.get_run_records(&RunsFilter::default(), &RunsPage::default()).await?);
    add(&runs.get_backfills(&BulkActionsFilter::default(), &BackfillsPage::default()).await?);
    add(&runs.get_daemon_heartbeats().await?);
    add(&events.get_logs_for_all_runs_by_log_id(StorageId(0), &Only::Any, None).await?);
    add(&events.get_asset_records(&Only::Any).await?);
    let pools: Vec<String> = events.get_concurrency_keys().await?.into_iter().collect();
    add(&events.get_concurrency_infos(&pools, None).await?);
    add(&schedules.all_instigator_state(&InstigatorFilter::default()).await?);
    add(&schedules.get_ticks_by_ids(&(0..100).collect::<Vec<_>>()).await?);
    // The last of all characters is kept twice when it was read, as the codec marks other things with it; its text is
    // the same.
    Ok(text.replace(r"\u{10ffff}\u{10ffff}", r"\u{10ffff}"))
}

impl Drop for Made {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let (stores, path) = (self.stores.clone(), self.directory.path().join("journal"));
        let both = async move {
            let again = Journal::open(&path).await?;
            Ok::<_, StorageError>((state(&stores).await?, state(&again.stores()).await?))
        };
        // A case drops its store within its runtime, which cannot wait for another one.
        let compared = std::thread::spawn(|| {
            tokio::runtime::Builder::new_current_thread()
                .build()
                .map(|runtime| runtime.block_on(both))
        });
        let (before, after) =
            compared.join().expect("a thread").expect("a runtime").expect("state");
        assert!(before == after, "the journal leads to another state:\n{before}\nand\n{after}");
    }
}

instance_core::storage_tests!(journal);

/// A process that is killed while it writes a line leaves a part of it.
#[tokio::test]
async fn a_line_that_was_not_written_to_its_end_is_cut_off() {
    use instance_core::RunId;
    use instance_core::run::DagsterRun;

    let made = journal().await;
    let path = made.directory.path().join("journal");
    let added = |id: &str| DagsterRun::new(RunId::from(id), "j");
    let epoch = chrono::DateTime::UNIX_EPOCH;
    made.stores.run_storage.add_run(&added("r1"), epoch).await.expect("a run");
    let whole = std::fs::read(&path).expect("a journal");
    made.stores.run_storage.add_run(&added("r2"), epoch).await.expect("a run");
    let more = std::fs::read(&path).expect("a journal");

    let torn = made.directory.path().join("torn");
    std::fs::write(&torn, &more[..more.len() - 10]).expect("a file");
    let again = Journal::open(&torn).await.expect("a journal").stores();
    assert!(again.run_storage.has_run(&RunId::from("r1")).await.expect("an answer"));
    assert!(!again.run_storage.has_run(&RunId::from("r2")).await.expect("an answer"));
    assert_eq!(std::fs::read(&torn).expect("a journal"), whole);
    again.run_storage.add_run(&added("r3"), epoch).await.expect("a run");
    let third = Journal::open(&torn).await.expect("a journal").stores();
    assert!(third.run_storage.has_run(&RunId::from("r3")).await.expect("an answer"));
}

/// A line that is none of ours is an error that shows the line, and not a state without it.
#[tokio::test]
async fn a_line_that_is_not_known_is_an_error() {
    let made = journal().await;
    let path = made.directory.path().join("journal");
    let text = std::fs::read_to_string(&path).expect("a journal");
    for (line, expected) in [
        ("[\"run_storage.teleport\",\"1 0\"]", "the change run_storage.teleport of the journal"),
        ("[\"run_storage.add_run\",\"1 0\"]", "it is too short"),
        ("nonsense", "line of the journal nonsense"),
    ] {
        let other = made.directory.path().join("other");
        std::fs::write(&other, format!("{text}{line}\n")).expect("a file");
        let error = Journal::open(&other).await.expect_err(line).to_string();
        assert!(error.contains(expected), "{error}");
    }
}
