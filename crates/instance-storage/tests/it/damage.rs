//! Files and rows that are not what they should be: named errors, and nothing changed.

use std::error::Error;
use std::path::Path;

use instance_core::error::ErrorKind;
use instance_core::event::DagsterEventType;
use instance_core::run::{DagsterRunStatus, RunsFilter};
use instance_core::storage::EventStoreExt;
use instance_core::storage::{InstigatorFilter, Only, RecordsForRun, RunsPage};
use instance_core::{RunId, SnapshotId, StorageError};
use instance_storage::OpenMode;
use tempfile::TempDir;

use crate::support::{Home, TestResult, event, execute, files_below, later, open, run, whole};

/// A home with one run and one event, closed.
async fn filled() -> Result<Home, Box<dyn Error>> {
    let home = Home::new().await?;
    home.storages.create().await?;
    home.runs().add_run(&run("r1", "j", &[]), later(0)).await?;
    home.events().store_event(&event("r1", DagsterEventType::RunStart, 0)).await?;
    home.storages.dispose().await;
    Ok(home)
}

#[tokio::test]
async fn an_instance_that_must_exist_is_not_created() -> TestResult {
    let directory = TempDir::new()?;
    let missing = directory.path().join("missing");
    for path in [directory.path(), missing.as_path()] {
        let error = open(path, OpenMode::MustExist).await.map(drop).unwrap_err();
        assert!(matches!(error, StorageError::Unsupported { .. }), "{error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    assert_eq!(files_below(directory.path()), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_file_of_another_revision_is_refused_and_not_changed() -> TestResult {
    let home = filled().await?;
    for (file, path) in [
        ("history/runs.db", home.runs_db()),
        ("history/runs/index.db", home.events_db("index")),
        ("schedules/schedules.db", home.directory.path().join("schedules/schedules.db")),
    ] {
        execute(&path, "UPDATE alembic_version SET version_num = 'abc123'").await?;
        let before = std::fs::read(&path)?;
        let storages = open(home.directory.path(), OpenMode::MustExist).await?;
        let error = match file {
            "history/runs.db" => {
                storages.run_storage().add_run(&run("r2", "j", &[]), later(0)).await.unwrap_err()
            }
            "history/runs/index.db" => {
                storages.event_log_storage().get_asset_records(&Only::Any).await.unwrap_err()
            }
            _ => storages
                .schedule_storage()
                .all_instigator_state(&InstigatorFilter::default())
                .await
                .unwrap_err(),
        };
        storages.dispose().await;
        let StorageError::Revision { database, found, expected, .. } = &error else {
            panic!("{file}: {error:?}");
        };
        assert!(Path::new(database).ends_with(file), "{database}");
        assert_eq!((found.as_str(), *expected), ("abc123", "29b539ebc72a"));
        assert!(whole(&error).contains("newer version"), "{error}");
        assert_eq!(std::fs::read(&path)?, before, "{file} was changed");
    }
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() -> TestResult {
    let home = filled().await?;
    let garbage: Vec<u8> =
        (0..8_192_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    for path in [home.runs_db(), home.events_db("index"), home.events_db("r1")] {
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
        }
        std::fs::write(&path, &garbage)?;
    }
    let storages = open(home.directory.path(), OpenMode::MustExist).await?;
    let all = RunsFilter::default();
    let errors = [
        (
            home.runs_db(),
            storages.run_storage().get_run_records(&all, &RunsPage::default()).await.map(drop),
        ),
        (
            home.events_db("index"),
            storages.event_log_storage().get_asset_records(&Only::Any).await.map(drop),
        ),
        (
            home.events_db("r1"),
            storages
                .event_log_storage()
                .get_records_for_run(&RecordsForRun::new(RunId::from("r1")))
                .await
                .map(drop),
        ),
        (
            home.events_db("r1"),
            storages
                .event_log_storage()
                .store_event(&event("r1", DagsterEventType::StepStart, 0))
                .await
                .map(drop),
        ),
    ];
    for (path, outcome) in errors {
        let error = outcome.unwrap_err();
        let text = whole(&error);
        assert!(text.contains(&path.display().to_string()), "{text}");
        assert!(text.contains("not a database"), "{text}");
        assert_eq!(std::fs::read(&path)?, garbage, "{} was changed", path.display());
    }
    Ok(())
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named() -> TestResult {
    #[track_caller]
    fn check(outcome: Result<(), StorageError>, place: (&str, &str, &str), database: &Path) {
        let error = outcome.unwrap_err();
        let StorageError::Decode { database: named, table, column, row, .. } = &error else {
            panic!("{place:?}: {error:?}");
        };
        assert_eq!((*table, *column, row.as_str()), place);
        assert_eq!(Path::new(named), database);
        assert!(error.source().is_some(), "{error:?}");
    }

    let home = filled().await?;
    let all = RunsFilter::default();
    let runs_db = home.runs_db();
    let storages = open(home.directory.path(), OpenMode::MustExist).await?;
    let (runs, events) = (storages.run_storage(), storages.event_log_storage());
    let read_runs = async || runs.get_run_records(&all, &RunsPage::default()).await.map(drop);

    for (column, value) in [
        ("run_body", "'garbage'"),
        ("run_body", "x'ff00'"),
        ("run_body", "NULL"),
        ("status", "'PAUSED'"),
        ("create_timestamp", "'yesterday'"),
        ("update_timestamp", "'2023-11-14T22:13:20+02:00'"),
        ("start_time", "'noon'"),
    ] {
        execute(&runs_db, &format!("UPDATE runs SET {column} = {value}")).await?;
        check(read_runs().await, ("runs", column, "1"), &runs_db);
        execute(&runs_db, "DELETE FROM runs").await?;
        runs.add_run(&run("r1", "j", &[]), later(0)).await?;
        read_runs().await?;
    }

    // A change of the run does not go on without its body, either.
    execute(&runs_db, "UPDATE runs SET run_body = '{}'").await?;
    let success = instance_core::event::DagsterEvent::new(DagsterEventType::RunSuccess, "j");
    let changed = runs.handle_run_event(&RunId::from("r1"), &success, later(1)).await;
    check(changed, ("runs", "run_body", "1"), &runs_db);

    let insert = "INSERT INTO snapshots (snapshot_id, snapshot_body, snapshot_type) VALUES ('bad', x'00', 'PIPELINE')";
    execute(&runs_db, insert).await?;
    let snapshot = runs.get_job_snapshot(&SnapshotId::from("bad")).await.map(drop);
    check(snapshot, ("snapshots", "snapshot_body", "bad"), &runs_db);

    let shard = home.events_db("r1");
    execute(&shard, "UPDATE event_logs SET event = '{\"__class__\": \"EventLogEntry\"}'").await?;
    let log = events.get_records_for_run(&RecordsForRun::new(RunId::from("r1"))).await.map(drop);
    check(log, ("event_logs", "event", "1"), &shard);

    let index = home.events_db("index");
    execute(
        &index,
        "INSERT INTO asset_keys (asset_key, last_materialization) VALUES ('[\"a\"]', 'x')",
    )
    .await?;
    check(
        events.get_asset_records(&Only::Any).await.map(drop),
        ("asset_keys", "last_materialization", "1"),
        &index,
    );
    execute(&index, "UPDATE asset_keys SET asset_key = 'not json', last_materialization = NULL")
        .await?;
    check(
        events.get_asset_records(&Only::Any).await.map(drop),
        ("asset_keys", "asset_key", "1"),
        &index,
    );
    Ok(())
}

#[tokio::test]
async fn a_snapshot_of_another_text_is_an_error_of_its_row() -> TestResult {
    use std::io::Write;

    let home = filled().await?;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b'['; 1_000_000])?;
    let body: Vec<_> = encoder.finish()?.iter().map(|byte| format!("{byte:02x}")).collect();
    let insert = format!(
        "INSERT INTO snapshots (snapshot_id, snapshot_body, snapshot_type) VALUES ('deep', x'{}', 'PIPELINE')",
        body.concat()
    );
    execute(&home.runs_db(), &insert).await?;
    let storages = open(home.directory.path(), OpenMode::MustExist).await?;
    let outcome = storages.run_storage().get_job_snapshot(&SnapshotId::from("deep")).await;
    assert!(matches!(outcome, Err(StorageError::Decode { .. })), "{outcome:?}");
    Ok(())
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named() -> TestResult {
    let directory = TempDir::new()?;
    std::fs::write(directory.path().join("history"), "a file")?;
    let storages = open(directory.path(), OpenMode::CreateIfMissing).await?;
    let error = storages.run_storage().get_runs_count(&RunsFilter::default()).await.unwrap_err();
    assert!(matches!(error, StorageError::Io { .. }), "{error:?}");
    assert!(error.to_string().contains("history"), "{error}");
    Ok(())
}

/// What stays until somebody mends it is not tried again and again, as a full disk is.
#[tokio::test]
async fn a_table_that_is_missing_is_no_passing_fault() -> TestResult {
    let home = filled().await?;
    execute(&home.events_db("index"), "DROP TABLE asset_keys").await?;
    execute(&home.runs_db(), "DROP TABLE runs").await?;
    let storages = open(home.directory.path(), OpenMode::MustExist).await?;
    let run_error = storages.run_storage().has_run(&RunId::from("r1")).await.unwrap_err();
    let asset_error = storages.event_log_storage().get_asset_records(&Only::Any).await.unwrap_err();
    for error in [run_error, asset_error] {
        assert_eq!(error.kind(), ErrorKind::Backend, "{error:?}");
        assert!(!error.is_temporary(), "{error:?}");
        assert!(whole(&error).contains("no such table"), "{}", whole(&error));
    }
    Ok(())
}

#[tokio::test]
async fn a_run_that_cannot_be_read_does_not_keep_the_queue_from_being_read() -> TestResult {
    let home = filled().await?;
    let storages = open(home.directory.path(), OpenMode::MustExist).await?;
    let runs = storages.run_storage();
    let mut second = run("r2", "j", &[]);
    second.status = DagsterRunStatus::Starting;
    runs.add_run(&second, later(0)).await?;
    let set = "UPDATE runs SET status = 'STARTED', run_body = '{' WHERE run_id = 'r1'";
    execute(&home.runs_db(), set).await?;
    let rows = runs.get_active_rows().await?;
    let ids: Vec<_> = rows.iter().map(|row| row.storage_id).collect();
    assert_eq!(ids.len(), 2);
    for (id, read) in runs.get_active_runs(&ids).await? {
        let row = rows.iter().find(|row| row.storage_id == id).ok_or("a row")?;
        match read {
            Ok(record) => assert_eq!(record.dagster_run.run_id.as_str(), "r2"),
            Err(error) => {
                assert_eq!(row.run_id.as_str(), "r1");
                let decode = matches!(error, StorageError::Decode { column: "run_body", .. });
                assert!(decode, "{error:?}");
            }
        }
    }
    storages.dispose().await;
    Ok(())
}
