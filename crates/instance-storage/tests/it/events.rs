//! Storing events and reading them back.

use instance_core::event::{
    DagsterEvent, DagsterEventType, EngineEventData, EventLogConnection, EventLogCursor,
    EventLogEntry,
};
use instance_core::serdes::serialize_value;
use instance_core::storage::{Order, RecordsForRun};
use instance_core::{RunId, StorageError, StorageId};
use sqlx::Row;

use crate::support::{Home, TestResult, entry, event, execute, line, query, stamp};

fn messages(page: &EventLogConnection) -> Vec<&str> {
    page.records.iter().map(|record| record.event_log_entry.message()).collect()
}

fn numbered(run_id: &str, number: u32) -> EventLogEntry {
    let event =
        DagsterEvent::new(DagsterEventType::EngineEvent, "j").with_message(number.to_string());
    entry(run_id, event, number)
}

fn records_of(run_id: &str) -> RecordsForRun {
    RecordsForRun::all(RunId::from(run_id))
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
async fn events_and_lines_come_back_in_their_order() -> TestResult {
    let home = Home::new().await?;
    home.events().store_event(&numbered("r1", 1)).await?;
    home.events().store_event(&line("r1", "a line", 0)).await?;
    home.events().store_event_batch(&[numbered("r1", 2), numbered("r1", 3)]).await?;
    let page = home.events().get_records_for_run(&records_of("r1")).await?;
    assert_eq!(messages(&page), ["1", "a line", "2", "3"]);
    assert!(!page.has_more);
    assert_eq!(page.cursor, EventLogCursor::StorageId(StorageId(4)));
    let query = RecordsForRun { order: Order::Descending, ..records_of("r1") };
    let page = home.events().get_records_for_run(&query).await?;
    assert_eq!(messages(&page), ["3", "2", "a line", "1"]);
    Ok(())
}

#[tokio::test]
async fn a_large_batch_keeps_its_order_over_several_statements() -> TestResult {
    let home = Home::new().await?;
    let entries: Vec<_> = (1..=2_500).map(|number| numbered("r1", number)).collect();
    let ids = home.events().store_event_batch(&entries).await?;
    assert_eq!(ids, (1..=2_500).map(StorageId).collect::<Vec<_>>());
    let page = home.events().get_records_for_run(&records_of("r1")).await?;
    assert_eq!(page.records.len(), 2_500);
    for (record, (entry, id)) in page.records.iter().zip(entries.iter().zip(ids)) {
        assert_eq!((&record.event_log_entry, record.storage_id), (entry, id));
    }
    Ok(())
}

#[tokio::test]
async fn a_batch_of_several_runs_goes_to_several_files() -> TestResult {
    let home = Home::new().await?;
    home.events().store_event(&numbered("b", 0)).await?;
    let batch =
        [numbered("a", 1), numbered("b", 2), numbered("a", 3), numbered("", 4), numbered("b", 5)];
    let ids = home.events().store_event_batch(&batch).await?;
    // Each id is that of the row in the file of its own run.
    assert_eq!(ids, [1, 2, 2, 1, 3].map(StorageId));
    for (run_id, expected) in [("a", vec!["1", "3"]), ("b", vec!["0", "2", "5"]), ("", vec!["4"])] {
        let page = home.events().get_records_for_run(&records_of(run_id)).await?;
        assert_eq!(messages(&page), expected, "{run_id:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_empty_batch_stores_nothing() -> TestResult {
    let home = Home::new().await?;
    assert_eq!(home.events().store_event_batch(&[]).await?, []);
    assert_eq!(home.files(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn pages_follow_one_another_in_both_orders() -> TestResult {
    let home = Home::new().await?;
    let entries: Vec<_> = (1..=5).map(|number| numbered("r1", number)).collect();
    home.events().store_event_batch(&entries).await?;
    for (order, pages) in [
        (
            Order::Ascending,
            [(vec!["1", "2"], true), (vec!["3", "4"], true), (vec!["5"], false), (vec![], false)],
        ),
        (
            Order::Descending,
            [(vec!["5", "4"], true), (vec!["3", "2"], true), (vec!["1"], false), (vec![], false)],
        ),
    ] {
        let mut query = RecordsForRun { limit: Some(2), order, ..records_of("r1") };
        for (expected, has_more) in pages {
            let page = home.events().get_records_for_run(&query).await?;
            assert_eq!((messages(&page), page.has_more), (expected, has_more), "{query:?}");
            query.cursor = Some(page.cursor);
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_cursor_of_an_empty_page_finds_what_comes_later() -> TestResult {
    let home = Home::new().await?;
    let empty = home.events().get_records_for_run(&records_of("r1")).await?;
    assert_eq!((messages(&empty), empty.has_more), (vec![], false));
    assert_eq!(home.files(), Vec::<String>::new(), "reading creates nothing");
    home.events().store_event(&numbered("r1", 1)).await?;
    let query = RecordsForRun { cursor: Some(empty.cursor), ..records_of("r1") };
    let page = home.events().get_records_for_run(&query).await?;
    assert_eq!(messages(&page), ["1"]);
    let query = RecordsForRun { cursor: Some(page.cursor), ..records_of("r1") };
    let nothing_new = home.events().get_records_for_run(&query).await?;
    assert_eq!(nothing_new.cursor, page.cursor);
    Ok(())
}

#[tokio::test]
async fn offsets_count_entries() -> TestResult {
    let home = Home::new().await?;
    let entries: Vec<_> = (1..=5).map(|number| numbered("r1", number)).collect();
    home.events().store_event_batch(&entries).await?;
    for (offset, limit, order, expected) in [
        (0, None, Order::Ascending, vec!["1", "2", "3", "4", "5"]),
        (3, None, Order::Ascending, vec!["4", "5"]),
        (1, Some(2), Order::Ascending, vec!["2", "3"]),
        (1, Some(2), Order::Descending, vec!["4", "3"]),
        (9, None, Order::Ascending, vec![]),
    ] {
        let cursor = Some(EventLogCursor::Offset(offset));
        let query = RecordsForRun { cursor, limit, order, ..records_of("r1") };
        let page = home.events().get_records_for_run(&query).await?;
        assert_eq!(messages(&page), expected, "{query:?}");
    }
    Ok(())
}

/// Numbers that a caller may pass and no database counts to.
#[tokio::test]
async fn offsets_and_limits_may_be_of_any_size() -> TestResult {
    let home = Home::new().await?;
    home.events().store_event(&numbered("r1", 1)).await?;
    let query = RecordsForRun { limit: Some(u64::MAX), ..records_of("r1") };
    assert_eq!(messages(&home.events().get_records_for_run(&query).await?), ["1"]);
    let cursor = Some(EventLogCursor::Offset(u64::MAX));
    let query = RecordsForRun { cursor, ..records_of("r1") };
    let page = home.events().get_records_for_run(&query).await?;
    assert_eq!(messages(&page), Vec::<&str>::new());
    Ok(())
}

#[tokio::test]
async fn only_events_of_the_asked_types_are_read() -> TestResult {
    let home = Home::new().await?;
    let types =
        [DagsterEventType::StepStart, DagsterEventType::StepSuccess, DagsterEventType::StepStart];
    let mut batch: Vec<_> =
        (1..).zip(types).map(|(second, event_type)| event("r1", event_type, second)).collect();
    batch.push(line("r1", "a line", 4));
    home.events().store_event_batch(&batch).await?;
    let ids = |page: EventLogConnection| {
        page.records.iter().map(|record| record.storage_id.0).collect::<Vec<_>>()
    };
    let query = |of_types: &[DagsterEventType]| RecordsForRun {
        of_types: of_types.to_vec(),
        ..records_of("r1")
    };
    let start = query(&[DagsterEventType::StepStart]);
    assert_eq!(ids(home.events().get_records_for_run(&start).await?), [1, 3]);
    let both = query(&[DagsterEventType::StepStart, DagsterEventType::StepSuccess]);
    assert_eq!(ids(home.events().get_records_for_run(&both).await?), [1, 2, 3]);
    let none = query(&[DagsterEventType::RunStart]);
    assert_eq!(ids(home.events().get_records_for_run(&none).await?), [0_i64; 0]);
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
            home.events().get_step_stats_for_run(&RunId::from(id), &[]).await.is_err(),
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
