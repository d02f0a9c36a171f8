//! Files of runs that are not what they should be, among others that are.

use std::error::Error;

use instance_core::RunId;
use instance_core::event::DagsterEventType;
use instance_core::storage::{
    EventRecordsFilter, EventStoreExt, Order, SchemaState, SchemaUpgrade,
};
use instance_storage::OpenMode;

use super::messages;
use crate::support::{Home, TestResult, event, execute, later, line, open, run, whole};

/// A home with runs `a`, `b`, `c`, of which each has a start. Then something becomes of the file of `b`.
async fn home_with(spoil: &str) -> Result<Home, Box<dyn Error>> {
    let home = Home::new().await?;
    home.storages.create().await?;
    for id in ["a", "b", "c"] {
        home.runs().add_run(&run(id, "j", &[]), later(0)).await?;
        home.events().store_event(&event(id, DagsterEventType::StepStart, 0)).await?;
    }
    home.storages.dispose().await;
    let path = home.events_db("b");
    match spoil {
        "directory" => {
            std::fs::remove_file(&path)?;
            std::fs::create_dir(&path)?;
        }
        "empty" => std::fs::write(&path, "")?,
        "garbage" => std::fs::write(&path, "not a database, but longer than a header ".repeat(99))?,
        sql => {
            for statement in sql.split(';') {
                execute(&path, statement).await?;
            }
        }
    }
    Ok(home)
}

/// How many of the starts are found, and what reading the run itself says: its count of events, or a part of the error.
async fn check(spoil: &str, starts: usize, of_run: Result<usize, &str>) -> TestResult {
    let home = home_with(spoil).await?;
    let storages = open(home.directory.path(), OpenMode::MustExist).await?;
    let events = storages.event_log_storage();
    let asked = EventRecordsFilter::new(DagsterEventType::StepStart);
    for order in [Order::Ascending, Order::Descending] {
        let found = events.get_event_records(&asked, None, order).await?;
        assert_eq!(found.len(), starts, "{spoil}");
    }
    let path = home.events_db("b").display().to_string();
    match (messages(&storages, "b").await, of_run) {
        (Ok(found), Ok(expected)) => {
            assert_eq!(found.len(), expected, "{spoil}");
            events.store_event(&line("b", "more", 1)).await?;
            assert_eq!(messages(&storages, "b").await?.len(), expected + 1, "{spoil}");
        }
        (Err(error), Err(part)) => {
            let text = whole(&error);
            assert!(text.contains(part) && text.contains(&path), "{spoil}: {text}");
        }
        (found, expected) => {
            return Err(format!("{spoil}: {found:?} and not {expected:?}").into());
        }
    }
    // Other runs are none the worse.
    events.store_event(&line("a", "more", 1)).await?;
    assert_eq!(messages(&storages, "a").await?.len(), 2, "{spoil}");
    let is_directory = spoil == "directory";
    let ids: Vec<_> = events.get_all_run_ids().await?.into_iter().collect();
    let expected = if is_directory { vec!["a", "c"] } else { vec!["a", "b", "c"] };
    assert_eq!(ids, expected.into_iter().map(RunId::from).collect::<Vec<_>>(), "{spoil}");
    for schema in events.schema_of_databases(&SchemaUpgrade::default()).await? {
        let is_right = matches!(schema.state, SchemaState::Current | SchemaState::Older { .. });
        assert!(is_right || schema.database == path, "{spoil}: {schema:?}");
    }
    events.wipe().await?;
    assert_eq!(home.events_db("b").exists(), is_directory, "{spoil}");
    storages.dispose().await;
    Ok(())
}

#[tokio::test]
async fn a_run_of_an_older_or_a_newer_revision_is_read_and_written() -> TestResult {
    for revision in ["5e139331e376", "ffffffffffff", "9f3a6b2c1d0e"] {
        check(&format!("UPDATE alembic_version SET version_num = '{revision}'"), 3, Ok(1)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_run_without_a_revision_is_read_and_written_at_once() -> TestResult {
    let begun = std::time::Instant::now();
    check("DELETE FROM alembic_version", 3, Ok(1)).await?;
    check("DROP TABLE alembic_version", 3, Ok(1)).await?;
    check("DROP TABLE alembic_version;DROP TABLE asset_event_tags", 3, Ok(1)).await?;
    // Nobody waits for whoever might be creating it.
    assert!(begun.elapsed() < std::time::Duration::from_secs(9));
    Ok(())
}

#[tokio::test]
async fn an_empty_file_is_a_run_without_events() -> TestResult {
    check("empty", 2, Ok(0)).await
}

#[tokio::test]
async fn what_is_no_database_is_an_error_of_its_run() -> TestResult {
    check("garbage", 2, Err("not a database")).await
}

#[tokio::test]
async fn a_directory_with_the_name_of_a_run_is_an_error_of_that_run() -> TestResult {
    check("directory", 2, Err("directory")).await
}

#[tokio::test]
async fn a_database_of_another_program_is_an_error_of_its_run() -> TestResult {
    check("ALTER TABLE event_logs RENAME TO other", 2, Err("event_logs")).await
}
