//! Files that others write while they are read from here without a lock: they are left as they are, and a writer never
//! notices.

use std::path::Path;
use std::time::{Duration, SystemTime};

use instance_core::StorageError;
use instance_storage::OpenMode;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::read_only::{made_with_its_logs, stand};
use super::{fill, run_ids};
use crate::support::{TestResult, execute, later, open, prepared, query, run, whole};

/// Waits for a file that another process makes.
async fn wait_for(path: &Path) -> TestResult {
    let waiting = async {
        while !path.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    Ok(tokio::time::timeout(Duration::from_mins(1), waiting).await?)
}

/// A writer in the middle of a transaction that has begun the log anew: no commit is in the log, and much that is not
/// committed is.
async fn write_in_two_parts(directory: &Path) -> TestResult {
    let runs_db = directory.join("history/runs.db");
    let options = SqliteConnectOptions::new().filename(&runs_db).pragma("cache_size", "1");
    let mut connection = options.connect().await?;
    for sql in [
        "PRAGMA cache_spill = 1",
        "INSERT INTO run_tags (run_id, key, value) VALUES ('r1', 'before', 'x')",
        "PRAGMA wal_checkpoint(RESTART)",
        "BEGIN IMMEDIATE",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
         INSERT INTO run_tags (run_id, key, value) SELECT 'r1', 'written' || i, hex(randomblob(1000)) FROM n",
    ] {
        sqlx::query(sql).execute(&mut connection).await?;
    }
    std::fs::write(directory.join("ready"), "")?;
    wait_for(&directory.join("go")).await?;
    sqlx::query("COMMIT").execute(&mut connection).await?;
    let count = "SELECT count(*) FROM run_tags WHERE key LIKE 'written%'";
    let seen: i64 = sqlx::Row::get(&query(&runs_db, count).await?[0], 0);
    assert_eq!(seen, 1_000);
    Ok(())
}

#[tokio::test]
async fn a_log_is_left_to_its_writer() -> TestResult {
    const WRITER: &str = r#""$@"
        "$@" & writer=$!
        while [ ! -e "$directory/ready" ]; do sleep 0.1; kill -0 $writer; done
        chmod a-w "$directory"/history "$directory"/history/*.db*
        chmod 000 "$directory"/history/runs.db-shm
        setpriv --bounding-set -all --inh-caps -all "$@"
        chmod -R u+rw "$directory"; touch "$directory/go"; wait $writer"#;
    let name = "as_found::live_writers::a_log_is_left_to_its_writer";
    let Some(directory) = prepared(name, true, WRITER)? else {
        return Ok(());
    };
    if !directory.join("history").exists() {
        let storages = open(&directory, OpenMode::CreateIfMissing).await?;
        fill(&storages, "r1").await?;
        storages.dispose().await;
        return Ok(());
    }
    if !directory.join("ready").exists() {
        return write_in_two_parts(&directory).await;
    }
    let history = directory.join("history");
    let log = std::fs::metadata(history.join("runs.db-wal"))?.len();
    assert!(log > 100_000, "the log has {log} bytes");
    let before = stand(&history)?;
    for _ in 0..2 {
        let storages = open(&directory, OpenMode::MustExist).await?;
        assert_eq!(run_ids(&storages).await?.into_iter().collect::<Vec<_>>(), ["r1"]);
        storages.dispose().await;
        assert_eq!(stand(&history)?, before);
    }
    Ok(())
}

/// The private copies of this process.
fn copies() -> std::io::Result<usize> {
    let ours = format!("dagster-instance-copy-{}-", std::process::id());
    let entries = std::fs::read_dir(std::env::temp_dir())?;
    Ok(entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&ours))
        .count())
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_that_was_given_the_right_writes_what_it_has_read() -> TestResult {
    use std::os::unix::fs::PermissionsExt;

    const FILES: &str = r#""$@"
        chmod a-w "$directory"/history "$directory"/history/*.db*
        setpriv --bounding-set -all --inh-caps -all "$@"
    chmod -R u+rw "$directory""#;
    let name = "as_found::live_writers::a_process_that_was_given_the_right_writes_what_it_has_read";
    let Some(directory) = prepared(name, true, FILES)? else {
        return Ok(());
    };
    if !directory.join("history").exists() {
        made_with_its_logs(&directory).await?;
        std::fs::remove_file(directory.join("history/runs.db-shm"))?;
        return Ok(());
    }
    let storages = open(&directory, OpenMode::MustExist).await?;
    assert_eq!(run_ids(&storages).await?.len(), 1);
    assert_eq!(copies()?, 1);
    let refused = storages.run_storage().add_run(&run("r2", "j", &[]), later(0)).await;
    assert!(matches!(refused, Err(StorageError::ReadOnly { .. })), "{refused:?}");
    let history = directory.join("history");
    for (path, mode) in [("", 0o755), ("runs.db", 0o644), ("runs.db-wal", 0o644)] {
        std::fs::set_permissions(history.join(path), PermissionsExt::from_mode(mode))?;
    }
    storages.run_storage().add_run(&run("r2", "j", &[]), later(0)).await?;
    assert_eq!(run_ids(&storages).await?.len(), 2);
    assert_eq!(copies()?, 0);
    // Others see it, too, while it is open here.
    let count = query(&history.join("runs.db"), "SELECT count(*) FROM runs").await?;
    assert_eq!(sqlx::Row::get::<i64, _>(&count[0], 0), 2);
    storages.dispose().await;
    Ok(())
}

#[tokio::test]
async fn a_file_that_never_rests_is_an_error() -> TestResult {
    const TWO_VIEWS: &str = r#"mkdir "$directory/live" "$directory/seen"
        mount --bind "$directory/live" "$directory/seen"
        mount -o remount,ro,bind "$directory/seen"; "$@""#;
    let name = "as_found::live_writers::a_file_that_never_rests_is_an_error";
    let Some(directory) = prepared(name, true, TWO_VIEWS)? else {
        return Ok(());
    };
    let writer = open(&directory.join("live"), OpenMode::CreateIfMissing).await?;
    fill(&writer, "r1").await?;
    writer.dispose().await;
    let runs_db =
        std::fs::File::options().write(true).open(directory.join("live/history/runs.db"))?;
    let changing = tokio::spawn(async move {
        for step in 0_u64.. {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(step);
            runs_db.set_modified(time)?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok::<_, std::io::Error>(())
    });
    let reader = open(&directory.join("seen"), OpenMode::MustExist).await?;
    let reading = tokio::time::timeout(Duration::from_mins(1), run_ids(&reader)).await?;
    let error = reading.unwrap_err();
    assert!(whole(&error).contains("others write it all the time"), "{}", whole(&error));
    assert!(error.is_temporary());
    changing.abort();
    // Whether it has ended by an error of its own.
    assert!(changing.await.is_err_and(|ended| ended.is_cancelled()));
    assert_eq!(run_ids(&reader).await?.len(), 1);
    Ok(())
}

/// A full disk has the error codes of a file system that can have no logs, and can have some when there is room again.
#[tokio::test]
async fn a_full_disk_is_called_full() -> TestResult {
    const FULL: &str = r#"mount -t tmpfs -o size=8m none "$directory"; "$@"
        dd if=/dev/zero of="$directory/much" bs=4k 2>/dev/null || true; "$@""#;
    let name = "as_found::live_writers::a_full_disk_is_called_full";
    let Some(directory) = prepared(name, true, FULL)? else {
        return Ok(());
    };
    let much = directory.join("much");
    if !much.exists() {
        let storages = open(&directory, OpenMode::CreateIfMissing).await?;
        fill(&storages, "r1").await?;
        storages.dispose().await;
        return Ok(());
    }
    let storages = open(&directory, OpenMode::MustExist).await?;
    for outcome in [
        run_ids(&storages).await.map(drop),
        storages.run_storage().add_run(&run("r2", "j", &[]), later(0)).await,
    ] {
        let error = outcome.unwrap_err();
        let text = whole(&error);
        assert!(text.contains("runs.db") && text.contains("is full"), "{text}");
        assert!(error.is_temporary(), "{text}");
    }
    std::fs::remove_file(much)?;
    storages.run_storage().add_run(&run("r2", "j", &[]), later(0)).await?;
    assert_eq!(run_ids(&storages).await?.len(), 2);
    storages.dispose().await;
    Ok(())
}

/// A log that root has left is named, and whose it is.
#[tokio::test]
async fn a_log_that_may_not_be_written_is_named() -> TestResult {
    const LOG: &str = r#""$@"
        chmod a-w "$directory"/history/runs.db-wal
        setpriv --bounding-set -all --inh-caps -all "$@"
    chmod -R u+rw "$directory""#;
    let name = "as_found::live_writers::a_log_that_may_not_be_written_is_named";
    let Some(directory) = prepared(name, true, LOG)? else {
        return Ok(());
    };
    if !directory.join("history").exists() {
        return made_with_its_logs(&directory).await;
    }
    let storages = open(&directory, OpenMode::MustExist).await?;
    assert_eq!(run_ids(&storages).await?.len(), 1);
    let error = storages.run_storage().add_run(&run("r2", "j", &[]), later(0)).await.unwrap_err();
    let StorageError::ReadOnly { why, .. } = &error else {
        return Err(whole(&error).into());
    };
    assert!(why.contains("runs.db-wal, which belongs to user 0"), "{why}");
    storages.dispose().await;
    Ok(())
}

/// Whoever may not upgrade a database is told before anything is copied.
#[tokio::test]
async fn an_upgrade_of_a_file_that_can_only_be_read_is_refused_first() -> TestResult {
    const FILE: &str = r#""$@"
        chmod a-w "$directory"/history/runs.db
        setpriv --bounding-set -all --inh-caps -all "$@"
    chmod -R u+rw "$directory""#;
    let name =
        "as_found::live_writers::an_upgrade_of_a_file_that_can_only_be_read_is_refused_first";
    let Some(directory) = prepared(name, true, FILE)? else {
        return Ok(());
    };
    let runs_db = directory.join("history/runs.db");
    if !runs_db.exists() {
        let storages = open(&directory, OpenMode::CreateIfMissing).await?;
        fill(&storages, "r1").await?;
        storages.dispose().await;
        execute(&runs_db, "PRAGMA journal_mode = DELETE").await?;
        return Ok(());
    }
    let storages = open(&directory, OpenMode::MustExist).await?;
    let runs = storages.run_storage();
    let to = directory.join("copies/runs.db");
    let name = runs_db.display().to_string();
    for outcome in [runs.lock_schema().await.map(drop), runs.back_up_database(&name, &to).await] {
        let error = outcome.unwrap_err();
        assert!(matches!(error, StorageError::ReadOnly { .. }), "{}", whole(&error));
    }
    assert!(!to.exists());
    storages.dispose().await;
    Ok(())
}
