//! Disks and limits that fail while the storages are used: clear errors, nothing lost, and everything goes
//! on when the cause is gone.
//!
//! What the system has to hold against us (a full disk, a read-only one, few files) is set up for a child
//! process, which is this test again: root cannot be refused a write otherwise, and what is mounted in a
//! namespace of the child's own goes away with it.
use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use futures_util::future::join_all;
use instance_core::event::DagsterEventType;
use instance_core::run::RunsFilter;
use instance_core::storage::EventStoreExt;
use instance_core::storage::{RecordsForRun, RunsPage};
use instance_core::{RunId, StorageError};
use instance_storage::{OpenMode, Storages};

use crate::support::{Home, TestResult, event, later, line, open, prepared, run, whole};

/// Longer than anything here may take; whoever waits so long waits forever.
const FOREVER: Duration = Duration::from_mins(1);

async fn bounded<T>(doing: impl Future<Output = T>) -> Result<T, &'static str> {
    tokio::time::timeout(FOREVER, doing).await.map_err(|_| "it hangs")
}

async fn messages(storages: &Storages, run_id: &str) -> Result<Vec<String>, StorageError> {
    let query = RecordsForRun::new(RunId::from(run_id));
    let page = storages.event_log_storage().get_records_for_run(&query).await?;
    Ok(page.records.iter().map(|record| record.event_log_entry.message().to_owned()).collect())
}

async fn run_ids(storages: &Storages) -> Result<BTreeSet<String>, StorageError> {
    let all = RunsFilter::default();
    let ids = storages.run_storage().get_run_ids(&all, &RunsPage::default()).await?;
    Ok(ids.iter().map(ToString::to_string).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_an_error_and_loses_nothing() -> TestResult {
    const MOUNT: &str = r#"mount -t tmpfs -o size=2m tmpfs "$directory"; "$@""#;
    let name = "a_full_disk_is_an_error_and_loses_nothing";
    let Some(directory) = prepared(&format!("bad_days::{name}"), true, MOUNT)? else {
        return Ok(());
    };
    let ballast = directory.join("ballast");
    let storages = open(&directory, OpenMode::CreateIfMissing).await?;
    storages.create().await?;
    std::fs::write(&ballast, vec![0; 512 * 1_024])?;

    let (mut stored, mut refused) = (BTreeSet::new(), BTreeSet::new());
    let mut lines = Vec::new();
    let mut number = 0;
    while refused.is_empty() {
        // Many at once, so that they share transactions; one of them is small, and may fit where others do not.
        let (runs, events) = (storages.run_storage(), storages.event_log_storage());
        let new: Vec<_> = (number..number + 16)
            .map(|number| run(&format!("r{number}"), "j", &[("filler", &"x".repeat(2_000))]))
            .collect();
        let texts: Vec<_> =
            (number..number + 16).map(|n| format!("{n}{}", "y".repeat(2_000))).collect();
        let entries: Vec<_> = texts.iter().map(|text| line("log", text, 0)).collect();
        let adding = join_all(new.iter().map(|run| runs.add_run(run, later(0))));
        let storing = join_all(entries.iter().map(|entry| events.store_event(entry)));
        let (added, written) = bounded(futures_util::future::join(adding, storing)).await?;
        for (run, outcome) in new.iter().zip(added) {
            let id = run.run_id.to_string();
            match outcome {
                Ok(()) => stored.insert(id),
                Err(error) => {
                    assert!(whole(&error).contains("full"), "{}", whole(&error));
                    assert!(whole(&error).contains("runs.db"), "{}", whole(&error));
                    refused.insert(id)
                }
            };
        }
        for (text, outcome) in texts.into_iter().zip(written) {
            match outcome {
                Ok(_) => lines.push(text),
                Err(error) => assert!(whole(&error).contains("full"), "{}", whole(&error)),
            }
        }
        number += 16;
        assert!(number < 10_000, "the disk is never full");
    }
    assert!(!stored.is_empty());
    // What was stored can be read while the disk is full.
    assert_eq!(bounded(run_ids(&storages)).await??, stored);

    std::fs::remove_file(&ballast)?;
    // The same instance goes on, and nothing of what was refused stands in its way.
    for id in &refused {
        bounded(storages.run_storage().add_run(&run(id, "j", &[]), later(1))).await??;
    }
    bounded(storages.event_log_storage().store_event(&line("log", "last", 0))).await??;
    lines.push("last".to_owned());
    bounded(storages.dispose()).await?;
    let storages = open(&directory, OpenMode::MustExist).await?;
    assert_eq!(run_ids(&storages).await?, &stored | &refused);
    let (found, lines): (BTreeSet<_>, BTreeSet<_>) =
        (messages(&storages, "log").await?.into_iter().collect(), lines.into_iter().collect());
    // A line may be there although its caller was told otherwise, if the index was full; none is lost.
    assert!(found.is_superset(&lines));
    storages.dispose().await;
    Ok(())
}

/// Runs with a file of their own each: ten times as many as there may be files.
const SHARDS: usize = 600;
/// How many of them are written, and read, at once.
const AT_ONCE: usize = 120;

/// Whoever needs the file of a run waits until there is room for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_runs_take_256_files() -> TestResult {
    const LIMIT: &str = r#"mount -t tmpfs tmpfs "$directory"; ulimit -n 256; "$@""#;
    let Some(directory) = prepared("bad_days::hundreds_of_runs_take_256_files", true, LIMIT)?
    else {
        return Ok(());
    };
    let storages = open(&directory, OpenMode::CreateIfMissing).await?;
    storages.create().await?;
    let events = storages.event_log_storage();
    let ids: Vec<_> = (0..SHARDS).map(|number| format!("run{number}")).collect();
    for ids in ids.chunks(AT_ONCE) {
        let entries: Vec<_> =
            ids.iter().map(|id| event(id, DagsterEventType::RunStart, 0)).collect();
        let storing = join_all(entries.iter().map(|entry| events.store_event(entry)));
        for outcome in bounded(storing).await? {
            outcome?;
        }
    }
    for ids in ids.chunks(AT_ONCE) {
        let reading = join_all(ids.iter().map(|id| messages(&storages, id)));
        for found in bounded(reading).await? {
            assert_eq!(found?.len(), 1);
        }
    }
    let entries: Vec<_> = ids.iter().map(|id| line(id, "more", 1)).collect();
    assert_eq!(bounded(events.store_event_batch(&entries)).await??.len(), SHARDS);
    assert_eq!(events.get_all_run_ids().await?.len(), SHARDS);
    bounded(storages.dispose()).await?;
    Ok(())
}

/// A home with two runs, of which the first has a long log.
async fn filled() -> Result<Home, Box<dyn Error>> {
    let home = Home::new().await?;
    home.storages.create().await?;
    let entries: Vec<_> = (0..2_000)
        .map(|number| line("bad", &format!("{number} {}", "z".repeat(200)), number))
        .collect();
    home.events().store_event_batch(&entries).await?;
    home.events().store_event(&line("good", "kept", 0)).await?;
    home.storages.dispose().await;
    Ok(home)
}

async fn check_damaged(home: &Home, words: &[&str]) -> TestResult {
    let path = home.events_db("bad");
    let before = std::fs::read(&path)?;
    let storages = open(home.directory.path(), OpenMode::MustExist).await?;
    let Err(error) = bounded(messages(&storages, "bad")).await? else {
        return Err("the damage was not noticed".into());
    };
    let text = whole(&error);
    assert!(text.contains(&path.display().to_string()), "{text}");
    assert!(words.iter().any(|word| text.contains(word)), "{text}");
    // Other runs are not touched by it, and both can be written at once.
    assert_eq!(bounded(messages(&storages, "good")).await??, ["kept"]);
    let events = storages.event_log_storage();
    let lines = [line("bad", "new", 0), line("good", "new", 0)];
    let outcomes = bounded(join_all(lines.iter().map(|line| events.store_event(line)))).await?;
    assert!(outcomes[1].is_ok(), "{outcomes:?}");
    assert_eq!(bounded(messages(&storages, "good")).await??, ["kept", "new"]);
    bounded(storages.dispose()).await?;
    if outcomes[0].is_err() {
        assert_eq!(std::fs::read(&path)?, before, "the file was changed");
    }
    Ok(())
}

#[tokio::test]
async fn garbage_in_the_middle_of_a_run_is_an_error_of_that_run() -> TestResult {
    let home = filled().await?;
    let path = home.events_db("bad");
    let mut bytes = std::fs::read(&path)?;
    let middle = bytes.len() / 2;
    for (place, byte) in bytes[middle..middle + 3 * 4_096].iter_mut().enumerate() {
        *byte = u8::try_from(place * 31 % 251)?;
    }
    std::fs::write(&path, bytes)?;
    check_damaged(&home, &["malformed", "cannot be read"]).await
}

#[tokio::test]
async fn a_truncated_run_is_an_error_of_that_run() -> TestResult {
    let home = filled().await?;
    let path = home.events_db("bad");
    let bytes = std::fs::read(&path)?;
    std::fs::write(&path, &bytes[..bytes.len() / 2 + 100])?;
    check_damaged(&home, &["malformed"]).await
}
