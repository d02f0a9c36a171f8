//! Homes that cannot be written: all is read, nothing is tried, and a write says why not.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use instance_core::error::ErrorKind;
use instance_core::event::DagsterEventType;
use instance_core::storage::{EventRecordsFilter, EventStoreExt, InstigatorFilter, Only, Order};
use instance_core::{RunId, StorageError};
use instance_storage::{OpenMode, Storages};

use super::{fill, is_database, messages, run_ids};
use crate::support::{TestResult, execute, files_below, later, line, open, prepared, run, whole};

/// The child of the first part makes homes; that of the second part finds them read-only.
const MOUNTED: &str = r#""$@"
    mount --bind "$directory" "$directory"; mount -o remount,ro,bind "$directory"; "$@""#;

/// The rights hold a user without capabilities, even if it is named root.
const WITHOUT_RIGHTS: &str = r#""$@"
    chmod -R a-w "$directory"; setpriv --bounding-set -all --inh-caps -all "$@"
    chmod -R u+rw "$directory""#;

/// What is there, with sizes and times.
pub(super) fn stand(
    directory: &Path,
) -> Result<BTreeMap<String, (u64, SystemTime)>, Box<dyn Error>> {
    let mut found = BTreeMap::new();
    for path in files_below(directory) {
        let file = std::fs::metadata(directory.join(&path))?;
        found.insert(path, (file.len(), file.modified()?));
    }
    Ok(found)
}

/// The forms in which a home may be found.
const FORMS: [&str; 5] = ["closed", "with_logs", "without_shm", "empty_logs", "journals"];

async fn make(directory: &Path) -> TestResult {
    for form in FORMS {
        let home = directory.join(form);
        let made = home.join("made");
        let storages = open(&made, OpenMode::CreateIfMissing).await?;
        fill(&storages, "r1").await?;
        if form == "closed" || form == "journals" || form == "empty_logs" {
            storages.dispose().await;
        }
        // A copy of what stands there while a writer has it open: what was written is in the logs alone.
        for path in files_below(&made) {
            let (from, to) = (made.join(&path), home.join(&path));
            if from.is_dir() {
                std::fs::create_dir_all(&to)?;
            } else if form != "without_shm" || !path.ends_with("-shm") {
                std::fs::copy(&from, &to)?;
            }
            if is_database(&path) && form == "empty_logs" {
                std::fs::write(format!("{}-wal", to.display()), "")?;
            }
            if is_database(&path) && form == "journals" {
                execute(&to, "PRAGMA journal_mode = DELETE").await?;
            }
        }
        storages.dispose().await;
        std::fs::remove_dir_all(&made)?;
    }
    Ok(())
}

async fn check(home: &Path) -> TestResult {
    let before = stand(home)?;
    let storages = open(home, OpenMode::MustExist).await?;
    assert_eq!(run_ids(&storages).await?.into_iter().collect::<Vec<_>>(), ["r1"]);
    assert_eq!(messages(&storages, "r1").await?, ["", "kept"]);
    let (runs, events) = (storages.run_storage(), storages.event_log_storage());
    assert_eq!(events.get_dynamic_partitions("p").await?, ["a"]);
    assert_eq!(events.get_asset_records(&Only::Any).await?.len(), 0);
    assert_eq!(events.get_all_run_ids().await?, [RunId::from("r1")]);
    let starts = EventRecordsFilter::new(DagsterEventType::RunStart);
    assert_eq!(events.get_event_records(&starts, None, Order::Descending).await?.len(), 1);
    let schedules = storages.schedule_storage();
    assert_eq!(schedules.all_instigator_state(&InstigatorFilter::default()).await?.len(), 0);
    for revision in [
        runs.schema_revision().await?,
        events.schema_revision().await?,
        schedules.schema_revision().await?,
    ] {
        assert_eq!(revision, "29b539ebc72a");
    }

    let refused = [
        ("runs.db", runs.add_run(&run("r2", "j", &[]), later(0)).await),
        ("r1.db", events.store_event(&line("r1", "lost", 2)).await.map(drop)),
        ("r2.db", events.store_event(&line("r2", "lost", 2)).await.map(drop)),
        ("index.db", events.add_dynamic_partitions("p", &["b".to_owned()]).await),
        ("index.db", events.delete_events(&RunId::from("none")).await),
    ];
    for (file, outcome) in refused {
        let Err(error) = outcome else {
            return Err(format!("{file} was written").into());
        };
        let StorageError::ReadOnly { database, why, .. } = &error else {
            return Err(format!("{file}: {}", whole(&error)).into());
        };
        assert!(Path::new(database).ends_with(file), "{database} and not {file}");
        assert!(why.contains("read-only; make") || why.contains("give the right"), "{why}");
        assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Backend, false));
    }
    storages.dispose().await;
    assert_eq!(stand(home)?, before, "{}", home.display());
    Ok(())
}

async fn made_or_checked(directory: &Path) -> TestResult {
    if !directory.join(FORMS[0]).exists() {
        return make(directory).await;
    }
    for form in FORMS {
        check(&directory.join(form)).await.map_err(|error| format!("{form}: {error}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_read_only_file_system_is_read_and_left_as_it_is() -> TestResult {
    let name = "as_found::read_only::a_read_only_file_system_is_read_and_left_as_it_is";
    match prepared(name, true, MOUNTED)? {
        Some(directory) => made_or_checked(&directory).await,
        None => Ok(()),
    }
}

#[tokio::test]
async fn a_home_of_somebody_else_is_read_and_left_as_it_is() -> TestResult {
    let name = "as_found::read_only::a_home_of_somebody_else_is_read_and_left_as_it_is";
    match prepared(name, true, WITHOUT_RIGHTS)? {
        Some(directory) => made_or_checked(&directory).await,
        None => Ok(()),
    }
}

/// A reader that may write the directory and not the files would leave files of its own beside them, which their owner then
/// cannot write.
#[tokio::test]
async fn nothing_is_created_beside_files_that_cannot_be_written() -> TestResult {
    const FILES: &str = r#""$@"
        find "$directory" -type f -exec chmod a-w {} +
        setpriv --bounding-set -all --inh-caps -all "$@"
    chmod -R u+rw "$directory""#;
    let name = "as_found::read_only::nothing_is_created_beside_files_that_cannot_be_written";
    let Some(directory) = prepared(name, true, FILES)? else {
        return Ok(());
    };
    if !directory.join("history").exists() {
        let storages = open(&directory, OpenMode::CreateIfMissing).await?;
        fill(&storages, "r1").await?;
        storages.dispose().await;
        return Ok(());
    }
    let before = stand(&directory)?;
    let storages = open(&directory, OpenMode::MustExist).await?;
    assert_eq!(messages(&storages, "r1").await?, ["", "kept"]);
    assert_eq!(run_ids(&storages).await?.len(), 1);
    let error = storages.run_storage().add_run(&run("r2", "j", &[]), later(0)).await.unwrap_err();
    assert!(matches!(error, StorageError::ReadOnly { .. }), "{error:?}");
    // The file of a new run could be created; it gets the revision of the index, which is read.
    storages.event_log_storage().store_event(&line("r2", "new", 0)).await?;
    storages.dispose().await;
    let mut after = stand(&directory)?;
    after.retain(|path, _| before.contains_key(path) && path != "history/runs");
    let mut before = before;
    before.remove("history/runs");
    assert_eq!(after, before);
    Ok(())
}

/// Files that were never created are read as what they would be: empty.
#[tokio::test]
async fn what_is_missing_in_a_read_only_home_is_empty() -> TestResult {
    let name = "as_found::read_only::what_is_missing_in_a_read_only_home_is_empty";
    let Some(directory) = prepared(name, true, MOUNTED)? else {
        return Ok(());
    };
    if !directory.join("history").exists() {
        let storages = open(&directory, OpenMode::CreateIfMissing).await?;
        storages.run_storage().add_run(&run("r1", "j", &[]), later(0)).await?;
        storages.dispose().await;
        std::fs::create_dir(directory.join("history/runs"))?;
        std::fs::write(directory.join("history/runs/r1.db"), "")?;
        return Ok(());
    }
    let before = stand(&directory)?;
    let storages = open(&directory, OpenMode::MustExist).await?;
    assert_eq!(run_ids(&storages).await?.len(), 1);
    assert_eq!(messages(&storages, "r1").await?, [""; 0]);
    let events = storages.event_log_storage();
    assert_eq!(events.get_asset_records(&Only::Any).await?.len(), 0);
    assert_eq!(events.get_dynamic_partitions("p").await?, [""; 0]);
    let schedules = storages.schedule_storage();
    assert_eq!(schedules.all_instigator_state(&InstigatorFilter::default()).await?.len(), 0);
    let error = events.add_dynamic_partitions("p", &["b".to_owned()]).await.unwrap_err();
    assert!(matches!(error, StorageError::ReadOnly { .. }), "{error:?}");
    storages.dispose().await;
    assert_eq!(stand(&directory)?, before);
    Ok(())
}

/// A log that cannot be read is an error: without it, what is read would be old.
#[tokio::test]
async fn a_log_that_cannot_be_read_is_an_error() -> TestResult {
    const LOG: &str = r#""$@"
        chmod -R a-w "$directory"; chmod 000 "$directory"/history/runs.db-wal
        setpriv --bounding-set -all --inh-caps -all "$@"
    chmod -R u+rw "$directory""#;
    let name = "as_found::read_only::a_log_that_cannot_be_read_is_an_error";
    let Some(directory) = prepared(name, true, LOG)? else {
        return Ok(());
    };
    if !directory.join("history").exists() {
        return made_with_its_logs(&directory).await;
    }
    let storages = open(&directory, OpenMode::MustExist).await?;
    let error = run_ids(&storages).await.unwrap_err();
    let text = whole(&error);
    assert!(text.contains("write-ahead log") && text.contains("runs.db-wal"), "{text}");
    Ok(())
}

/// A journal that a writer left in the middle of a write can be undone only by a writer.
#[tokio::test]
async fn a_write_that_was_left_in_the_middle_is_an_error() -> TestResult {
    let name = "as_found::read_only::a_write_that_was_left_in_the_middle_is_an_error";
    let Some(directory) = prepared(name, true, MOUNTED)? else {
        return Ok(());
    };
    let runs_db = directory.join("history/runs.db");
    if !runs_db.exists() {
        let storages = open(&directory.join("made"), OpenMode::CreateIfMissing).await?;
        fill(&storages, "r1").await?;
        storages.dispose().await;
        let made = directory.join("made/history/runs.db");
        execute(&made, "PRAGMA journal_mode = DELETE").await?;
        half_written(&made, &directory).await?;
        return Ok(());
    }
    let storages = open(&directory, OpenMode::MustExist).await?;
    let error = run_ids(&storages).await.unwrap_err();
    let text = whole(&error);
    assert!(text.contains("runs.db") && text.contains("readonly"), "{text}");
    Ok(())
}

/// A copy as a crash leaves it: the writer has written pages, and the journal that undoes them is there.
async fn half_written(made: &Path, directory: &Path) -> TestResult {
    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;

    let options = SqliteConnectOptions::new().filename(made).pragma("cache_size", "1");
    let mut connection = options.connect().await?;
    for sql in [
        "PRAGMA cache_spill = 1",
        "BEGIN EXCLUSIVE",
        "UPDATE runs SET run_body = hex(randomblob(100000))",
        "INSERT INTO run_tags (run_id, key, value) SELECT 'r1', hex(randomblob(3000)), 'x' FROM snapshots \
         UNION ALL SELECT 'r1', hex(randomblob(3000)), 'y'",
    ] {
        sqlx::query(sql).execute(&mut connection).await?;
    }
    std::fs::create_dir_all(directory.join("history"))?;
    for ending in ["", "-journal"] {
        let from = format!("{}{ending}", made.display());
        std::fs::copy(from, directory.join(format!("history/runs.db{ending}")))?;
    }
    Ok(())
}

/// A home with a run, as it stands while a writer has it open: its logs have all that was written.
pub(super) async fn made_with_its_logs(directory: &Path) -> TestResult {
    let made = directory.join("made");
    let storages = open(&made, OpenMode::CreateIfMissing).await?;
    fill(&storages, "r1").await?;
    copied(&made, directory)?;
    storages.dispose().await;
    Ok(std::fs::remove_dir_all(made)?)
}

fn copied(from: &Path, to: &Path) -> TestResult {
    for path in files_below(from) {
        let (from, to): (PathBuf, PathBuf) = (from.join(&path), to.join(&path));
        if from.is_dir() {
            std::fs::create_dir_all(&to)?;
        } else {
            std::fs::copy(&from, &to)?;
        }
    }
    Ok(())
}

/// A reader without the locks of the writers beside it finds what they write, and nothing that was never there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_view_shows_what_others_write() -> TestResult {
    const TWO_VIEWS: &str = r#"mkdir "$directory/live" "$directory/seen"
        mount --bind "$directory/live" "$directory/seen"
        mount -o remount,ro,bind "$directory/seen"; "$@""#;
    let name = "as_found::read_only::a_read_only_view_shows_what_others_write";
    let Some(directory) = prepared(name, true, TWO_VIEWS)? else {
        return Ok(());
    };
    let writer = open(&directory.join("live"), OpenMode::CreateIfMissing).await?;
    fill(&writer, "r1").await?;
    writer.dispose().await;
    let reader: Storages = open(&directory.join("seen"), OpenMode::MustExist).await?;
    let expect = async |count: usize| -> TestResult {
        assert_eq!(run_ids(&reader).await?.len(), count);
        assert_eq!(messages(&reader, "r1").await?.len(), count + 1);
        Ok(())
    };
    expect(1).await?;
    for number in 2..12 {
        let id = format!("r{number}");
        writer.run_storage().add_run(&run(&id, "j", &[]), later(0)).await?;
        writer.event_log_storage().store_event(&line("r1", &id, 2)).await?;
        // While the writer has it open, what it wrote is in its log.
        expect(number).await?;
        if number % 3 == 0 {
            writer.dispose().await;
            expect(number).await?;
        }
    }
    writer.dispose().await;
    Ok(())
}
