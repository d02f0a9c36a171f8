//! Storing events and reading them back.

use instance_core::event::{
    DagsterEvent, DagsterEventType, EngineEventData, EventLogConnection, EventLogEntry,
};
use instance_core::serdes::serialize_value;
use instance_core::storage::RecordsForRun;
use instance_core::storage::{EventStoreExt, Only};
use instance_core::{RunId, StorageError, StorageId};
use sqlx::Row;

use crate::support::{Home, TestResult, entry, event, execute, query, stamp};

fn messages(page: &EventLogConnection) -> Vec<&str> {
    page.records.iter().map(|record| record.event_log_entry.message()).collect()
}

fn numbered(run_id: &str, number: u32) -> EventLogEntry {
    let event =
        DagsterEvent::new(DagsterEventType::EngineEvent, "j").with_message(number.to_string());
    entry(run_id, event, number)
}

fn records_of(run_id: &str) -> RecordsForRun {
    RecordsForRun::new(RunId::from(run_id))
}

#[tokio::test]
async fn an_event_is_stored_with_its_columns() -> TestResult {
    let home = Home::new().await?;
    let event = DagsterEvent::new(DagsterEventType::StepStart, "j")
        .with_message("naïve \u{0} 🦀")
        .with_step_key("a")
        .with_data(EngineEventData::default());
    let stored = EventLogEntry { timestamp: stamp(0) + 0.123_456_7, ..entry("r1", event, 0) };
    assert_eq!(home.events().store_event(&stored).await?, StorageId(1));

    let page = home.events().get_records_for_run(&records_of("r1")).await?;
    assert_eq!(page.records.len(), 1);
    assert_eq!(page.records[0].event_log_entry, stored);
    let row = query(&home.events_db("r1"), "SELECT * FROM event_logs").await?.pop().unwrap();
    let text = |column: &str| row.get::<Option<String>, _>(column);
    assert_eq!(text("event"), Some(serialize_value(&stored)));
    assert_eq!(text("run_id").as_deref(), Some("r1"));
    assert_eq!(text("dagster_event_type").as_deref(), Some("STEP_START"));
    assert_eq!(text("timestamp").as_deref(), Some("2023-11-14 22:13:20.123457"));
    assert_eq!(text("step_key").as_deref(), Some("a"));
    assert_eq!((text("asset_key"), text("partition")), (None, None));
    Ok(())
}

#[tokio::test]
async fn an_empty_batch_and_reading_create_no_file() -> TestResult {
    let home = Home::new().await?;
    assert_eq!(home.events().store_event_batch(&[]).await?, []);
    assert_eq!(messages(&home.events().get_records_for_run(&records_of("r1")).await?), [""; 0]);
    assert_eq!(home.files(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn events_that_change_a_run_also_stand_in_the_index() -> TestResult {
    let home = Home::new().await?;
    let batch = [
        event("r1", DagsterEventType::RunStart, 1),
        event("r1", DagsterEventType::StepStart, 2),
        event("r1", DagsterEventType::RunSuccess, 3),
    ];
    home.events().store_event_batch(&batch).await?;
    let rows =
        query(&home.events_db("index"), "SELECT dagster_event_type FROM event_logs ORDER BY id")
            .await?;
    let types: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(types, ["PIPELINE_START", "PIPELINE_SUCCESS"]);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_before_anything_is_written() -> TestResult {
    let home = Home::new().await?;
    let at = |timestamp| EventLogEntry { timestamp, ..event("r1", DagsterEventType::StepStart, 0) };
    let cases = [
        (event("r1", DagsterEventType::AssetMaterialization, 0), "cannot tell which asset"),
        (event("r1", DagsterEventType::AssetObservation, 0), "cannot tell which asset"),
        (event("r1", DagsterEventType::AssetMaterializationPlanned, 0), "cannot tell which asset"),
        (event("r1", DagsterEventType::AssetCheckEvaluation, 0), "cannot tell which check"),
        (event("r1", DagsterEventType::AssetCheckEvaluationPlanned, 0), "cannot tell which check"),
        (at(f64::NAN), "in no calendar"),
        (at(f64::INFINITY), "in no calendar"),
        (at(-1e300), "in no calendar"),
    ];
    for (refused, reason) in cases {
        let batch = [event("r1", DagsterEventType::StepStart, 0), refused];
        let error = home.events().store_event_batch(&batch).await.unwrap_err();
        assert!(matches!(error, StorageError::Unsupported { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with("event of run r1 of type ") && text.contains(reason), "{text}");
    }
    assert_eq!(home.files(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn ids_that_are_no_names_of_files_are_refused_and_create_none() -> TestResult {
    let home = Home::new().await?;
    for id in ["../x", "a/b", "/etc/x", "index", "a\0b", "..\\x", "x/.."] {
        let stored = home.events().store_event(&numbered(id, 1)).await;
        assert!(matches!(stored, Err(StorageError::Unsupported { .. })), "{id:?}: {stored:?}");
        let read = home.events().get_records_for_run(&records_of(id)).await;
        assert!(matches!(read, Err(StorageError::Unsupported { .. })), "{id:?}: {read:?}");
        assert!(home.events().get_stats_for_run(&RunId::from(id)).await.is_err(), "{id:?}");
        assert!(
            home.events().get_step_stats_for_run(&RunId::from(id), &Only::Any).await.is_err(),
            "{id:?}"
        );
    }
    assert_eq!(home.files(), Vec::<String>::new());
    assert!(!home.directory.path().with_file_name("x.db").exists());
    Ok(())
}

/// More runs than files are kept open, and then the first again.
#[tokio::test]
async fn many_runs_are_stored_and_read() -> TestResult {
    let home = Home::new().await?;
    let ids: Vec<String> = (0..40).map(|number| format!("run{number}")).collect();
    for id in ids.iter().chain(&ids[..3]) {
        home.events().store_event(&numbered(id, 1)).await?;
    }
    for (number, id) in ids.iter().enumerate() {
        let page = home.events().get_records_for_run(&records_of(id)).await?;
        assert_eq!(page.records.len(), if number < 3 { 2 } else { 1 }, "{id}");
    }
    Ok(())
}

/// The rows that another Dagster wrote into a file of ours, and of a later revision, are read.
#[tokio::test]
async fn the_file_of_a_run_is_read_whatever_its_revision() -> TestResult {
    let home = Home::new().await?;
    home.events().store_event(&numbered("r1", 1)).await?;
    home.storages.dispose().await;
    execute(&home.events_db("r1"), "UPDATE alembic_version SET version_num = 'other'").await?;
    let again =
        crate::support::open(home.directory.path(), instance_storage::OpenMode::CreateIfMissing)
            .await?;
    let events = again.event_log_storage();
    assert_eq!(events.store_event(&numbered("r1", 2)).await?, StorageId(2));
    assert_eq!(messages(&events.get_records_for_run(&records_of("r1")).await?), ["1", "2"]);
    Ok(())
}
