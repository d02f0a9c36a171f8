//! Directories with names that mean something elsewhere: to a shell, in a URL, in a pattern of names.

use std::path::{Path, PathBuf};

use instance_core::StorageError;
use instance_core::storage::{EventStoreExt, SchemaState, SchemaUpgrade};
use instance_storage::OpenMode;
use tempfile::TempDir;

use super::{fill, messages, run_ids};
use crate::support::{TestResult, execute, files_below, later, line, open, prepared, run, whole};

fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "~",
        "~root",
        "a b",
        " ",
        "*",
        "?x=1",
        "[ab]",
        "100%",
        "%41",
        "a#b",
        "a&b=c",
        "a'b",
        "a\"b",
        "a`b$HOME",
        "a;b",
        "a\\b",
        "file:a",
        ":memory:",
        "ünïcödé-数据",
        "a\nb",
        "-rf",
        "a.db",
        "{a,b}",
    ]
    .map(str::to_owned)
    .into();
    names.push("long".repeat(60));
    names
}

async fn check(home: &Path) -> TestResult {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", home.display());
    let storages = open(home, OpenMode::CreateIfMissing).await?;
    fill(&storages, "r1").await.map_err(|error| at(&whole(&error)))?;
    let events = storages.event_log_storage();
    events.store_event(&line("r[2]%", "odd", 0)).await?;
    assert_eq!(events.get_all_run_ids().await?.len(), 2);
    storages.dispose().await;
    let expected = [
        "history",
        "history/runs",
        "history/runs.db",
        "history/runs/index.db",
        "history/runs/r1.db",
        "history/runs/r[2]%.db",
        "schedules",
        "schedules/schedules.db",
    ];
    assert_eq!(files_below(home), expected, "{}", home.display());

    let storages = open(home, OpenMode::MustExist).await?;
    assert_eq!(run_ids(&storages).await?.len(), 1);
    assert_eq!(messages(&storages, "r1").await?.len(), 2);
    assert_eq!(messages(&storages, "r[2]%").await?, ["odd"]);
    let events = storages.event_log_storage();
    // An upgrade finds the files, copies them and changes them.
    let shard = home.join("history/runs/r1.db");
    execute(&shard, "UPDATE alembic_version SET version_num = '5e139331e376'").await?;
    for schema in events.schema_of_databases(&SchemaUpgrade::default()).await? {
        assert!(!matches!(schema.state, SchemaState::Unreadable(_)), "{schema:?}");
    }
    let name = shard.display().to_string();
    let copy = home.join("copies of [*]?%").join("r1.db");
    events.back_up_database(&name, &copy).await.map_err(|error| at(&whole(&error)))?;
    assert!(copy.is_file());
    events
        .upgrade_database(&name, &SchemaUpgrade::default(), &|_| {})
        .await
        .map_err(|error| at(&whole(&error)))?;
    events.wipe().await?;
    assert_eq!(events.get_all_run_ids().await?.len(), 0);
    storages.dispose().await;
    Ok(())
}

#[tokio::test]
async fn a_home_may_have_any_name() -> TestResult {
    let directory = TempDir::new()?;
    for name in names() {
        check(&directory.path().join(name)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_home_may_be_deep_down_and_behind_links() -> TestResult {
    let directory = TempDir::new()?;
    // The longest path that is opened below it is the copy that an upgrade makes.
    let deep = long(directory.path(), 504 - "/copies of [*]?%/r1.db.unfinished".len());
    check(&deep).await?;
    // What is longer is said, and not just that it cannot be opened.
    let too_deep = long(&directory.path().join("more"), 500);
    let storages = open(&too_deep, OpenMode::CreateIfMissing).await?;
    let error = fill(&storages, "r1").await.unwrap_err();
    assert!(matches!(error, StorageError::Unsupported { .. }), "{error:?}");
    assert!(error.to_string().contains("SQLite takes 504 at most"), "{error}");
    let (real, link) = (directory.path().join("real"), directory.path().join("a link"));
    std::fs::create_dir(&real)?;
    std::os::unix::fs::symlink(&real, &link)?;
    check(&link).await?;
    assert!(real.join("history/runs.db").is_file());
    Ok(())
}

/// A directory whose path has so many bytes.
fn long(below: &Path, bytes: usize) -> PathBuf {
    let mut path = below.to_owned();
    while path.as_os_str().len() + 100 < bytes {
        path.push("n".repeat(80));
    }
    let left = bytes - path.as_os_str().len() - 1;
    path.join("n".repeat(left))
}

/// The files of a home that is a link, file by file: what belongs to a database is beside the database.
#[tokio::test]
async fn a_file_may_be_a_link() -> TestResult {
    let directory = TempDir::new()?;
    let home = directory.path().join("home");
    let storages = open(&home, OpenMode::CreateIfMissing).await?;
    fill(&storages, "r1").await?;
    storages.dispose().await;
    let elsewhere = directory.path().join("elsewhere");
    std::fs::create_dir(&elsewhere)?;
    for path in ["history/runs.db", "history/runs/r1.db", "history/runs/index.db"] {
        let to: PathBuf = elsewhere.join(path.replace('/', "_"));
        std::fs::rename(home.join(path), &to)?;
        std::os::unix::fs::symlink(&to, home.join(path))?;
    }
    let storages = open(&home, OpenMode::MustExist).await?;
    storages.run_storage().add_run(&run("r2", "j", &[]), later(0)).await?;
    storages.event_log_storage().store_event(&line("r1", "more", 0)).await?;
    assert_eq!(run_ids(&storages).await?.len(), 2);
    assert_eq!(messages(&storages, "r1").await?.len(), 3);
    assert_eq!(storages.event_log_storage().get_all_run_ids().await?.len(), 1);
    storages.dispose().await;
    Ok(())
}

/// SQLite's driver takes names as text.
#[tokio::test]
async fn a_home_that_is_not_text_is_refused_by_its_name() -> TestResult {
    use std::os::unix::ffi::OsStrExt;

    let directory = TempDir::new()?;
    let home = directory.path().join(std::ffi::OsStr::from_bytes(b"h\xff"));
    let error = open(&home, OpenMode::CreateIfMissing).await.map(drop).unwrap_err();
    let text = whole(&error);
    assert!(
        text.contains("h\u{fffd}") && text.contains("UTF-8") && text.contains("link"),
        "{text}"
    );
    assert_eq!(files_below(directory.path()).len(), 0);
    Ok(())
}

/// The same names where files are read as they stand, for which they become a part of a URL.
#[tokio::test]
async fn a_read_only_home_may_have_any_name() -> TestResult {
    const MOUNTED: &str = r#""$@"
        mount --bind "$directory" "$directory"; mount -o remount,ro,bind "$directory"; "$@""#;
    let name = "as_found::names::a_read_only_home_may_have_any_name";
    let Some(directory) = prepared(name, true, MOUNTED)? else {
        return Ok(());
    };
    let is_made = directory.join("~").exists();
    for name in names() {
        let home = directory.join(name);
        if is_made {
            let storages = open(&home, OpenMode::MustExist).await?;
            assert_eq!(run_ids(&storages).await?.len(), 1);
            assert_eq!(messages(&storages, "r1").await?.len(), 2);
            storages.dispose().await;
        } else {
            let storages = open(&home, OpenMode::CreateIfMissing).await?;
            fill(&storages, "r1").await?;
            storages.dispose().await;
        }
    }
    Ok(())
}
