//! File systems without shared memory, on which SQLite has no write-ahead logs. A library that is preloaded stands for one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use instance_core::StorageError;
use instance_core::storage::{EventStoreExt, SchemaState, SchemaUpgrade};
use instance_storage::OpenMode;
use tracing::field::Field;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, Registry};

use super::{fill, is_database, messages, run_ids};
use crate::support::{TestResult, files_below, later, line, open, prepared, query, run, whole};

/// The child finds a file system as `tests/faults/file_system.c` makes it.
fn with_fault(before: &str) -> String {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/file_system.c");
    format!(
        "{before}
        cc -shared -fPIC -o \"$directory/fault.so\" '{source}' -ldl
        FAULT_NO_SHARED_MEMORY=1 LD_PRELOAD=\"$directory/fault.so\" \"$@\""
    )
}

/// Whether the header of a file says that it has a write-ahead log.
fn has_log(path: &Path) -> std::io::Result<bool> {
    Ok(std::fs::read(path)?.get(18..20) == Some(&[2, 2]))
}

fn databases(directory: &Path) -> Vec<PathBuf> {
    let all = files_below(directory).into_iter().map(|path| directory.join(path));
    all.filter(|path| is_database(path)).collect()
}

/// The warnings of this process.
#[derive(Debug, Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == Level::WARN {
            event.record(&mut |_: &Field, value: &dyn std::fmt::Debug| {
                let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                said.push(format!("{value:?}"));
            });
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_shared_memory_files_have_rollback_journals() -> TestResult {
    let name = "as_found::journals::without_shared_memory_files_have_rollback_journals";
    let Some(directory) = prepared(name, false, &with_fault(""))? else {
        return Ok(());
    };
    let warnings = Warnings::default();
    tracing::subscriber::set_global_default(Registry::default().with(warnings.clone()))?;
    let home = directory.join("home");
    let storages = open(&home, OpenMode::CreateIfMissing).await?;
    fill(&storages, "r1").await?;
    // Readers and writers of two instances at once, as of two processes.
    let other = open(&home, OpenMode::MustExist).await?;
    for round in 0..10 {
        let texts: Vec<_> = (0..8).map(|number| format!("{round} {number}")).collect();
        let writing = texts.iter().enumerate().map(async |(number, text)| {
            let storages = if number % 2 == 0 { &storages } else { &other };
            let id = if number % 4 < 2 { "r1".to_owned() } else { format!("n{round}{number}") };
            storages.event_log_storage().store_event(&line(&id, text, round)).await?;
            storages.run_storage().add_run(&run(text, "j", &[]), later(0)).await
        });
        let reading = (0..4).map(async |_| {
            assert!(!messages(&other, "r1").await?.is_empty());
            run_ids(&storages).await.map(drop)
        });
        let (written, read) =
            futures_util::future::join(join_all(writing), join_all(reading)).await;
        for outcome in written.into_iter().chain(read) {
            outcome?;
        }
    }
    assert_eq!(run_ids(&storages).await?.len(), 81);
    assert_eq!(messages(&storages, "r1").await?.len(), 42);
    storages.dispose().await;
    other.dispose().await;
    let databases = databases(&home);
    assert_eq!(databases.len(), 4 + 40);
    for path in &databases {
        assert!(!has_log(path)?, "{}", path.display());
        let mode: String = sqlx::Row::get(&query(path, "PRAGMA integrity_check").await?[0], 0);
        assert_eq!(mode, "ok");
    }
    // Nothing is left of what was tried.
    assert_eq!(files_below(&home).iter().filter(|path| !is_database(path)).count(), 3);
    let said = warnings.0.lock().unwrap().join("\n");
    assert_eq!(said.matches("have rollback journals").count(), 1, "{said}");
    Ok(())
}

#[tokio::test]
async fn with_shared_memory_files_have_write_ahead_logs() -> TestResult {
    let directory = tempfile::TempDir::new()?;
    let storages = open(directory.path(), OpenMode::CreateIfMissing).await?;
    fill(&storages, "r1").await?;
    storages.dispose().await;
    let databases = databases(directory.path());
    assert_eq!(databases.len(), 4);
    for path in databases {
        assert!(has_log(&path)?, "{}", path.display());
    }
    Ok(())
}

/// A new file beside an index without a log is tried by itself: somebody may have changed the index alone.
#[tokio::test]
async fn a_new_run_beside_an_index_without_a_log_has_one_where_it_can() -> TestResult {
    let directory = tempfile::TempDir::new()?;
    let storages = open(directory.path(), OpenMode::CreateIfMissing).await?;
    fill(&storages, "r1").await?;
    storages.dispose().await;
    let runs = directory.path().join("history/runs");
    crate::support::execute(&runs.join("index.db"), "PRAGMA journal_mode = DELETE").await?;
    let storages = open(directory.path(), OpenMode::MustExist).await?;
    storages.event_log_storage().store_event(&line("r2", "kept", 0)).await?;
    assert_eq!(messages(&storages, "r2").await?, ["kept"]);
    storages.dispose().await;
    assert!(has_log(&runs.join("r2.db"))?);
    assert!(!has_log(&runs.join("index.db"))?);
    Ok(())
}

/// What was written elsewhere can be read here, and says how it could be written.
#[tokio::test]
async fn a_home_that_was_brought_here_can_be_read() -> TestResult {
    let name = "as_found::journals::a_home_that_was_brought_here_can_be_read";
    let Some(directory) = prepared(name, false, &with_fault(r#""$@""#))? else {
        return Ok(());
    };
    let homes = ["closed", "with_logs"].map(|form| directory.join(form));
    if !directory.join("fault.so").exists() {
        for home in &homes {
            let made = home.join("made");
            let storages = open(&made, OpenMode::CreateIfMissing).await?;
            fill(&storages, "r1").await?;
            if home.ends_with("closed") {
                storages.dispose().await;
            }
            for path in files_below(&made) {
                if made.join(&path).is_dir() {
                    std::fs::create_dir_all(home.join(&path))?;
                } else {
                    std::fs::copy(made.join(&path), home.join(&path))?;
                }
            }
            storages.dispose().await;
            std::fs::remove_dir_all(&made)?;
        }
        return Ok(());
    }
    for home in &homes {
        let storages = open(home, OpenMode::MustExist).await?;
        assert_eq!(run_ids(&storages).await?.len(), 1);
        assert_eq!(messages(&storages, "r1").await?, ["", "kept"]);
        let refused = [
            storages.run_storage().add_run(&run("r2", "j", &[]), later(0)).await,
            storages.event_log_storage().store_event(&line("r1", "lost", 0)).await.map(drop),
        ];
        for outcome in refused {
            let error = outcome.unwrap_err();
            assert!(matches!(error, StorageError::ReadOnly { .. }), "{}", whole(&error));
            assert!(error.to_string().contains("PRAGMA journal_mode=DELETE"), "{error}");
        }
        // Its schema is looked at in the same way, and not changed.
        let runs = storages.run_storage();
        for found in runs.schema_of_databases(&SchemaUpgrade::default()).await? {
            assert!(matches!(found.state, SchemaState::Current), "{:?}", found.state);
        }
        let error = runs.lock_schema().await.map(drop).unwrap_err();
        assert!(matches!(error, StorageError::ReadOnly { .. }), "{}", whole(&error));
        storages.dispose().await;
    }
    Ok(())
}
