//! What an event changes of a run's row, as another program sees it.

use instance_core::RunId;
use instance_core::event::{DagsterEvent, DagsterEventType};
use instance_core::serdes::serialize_value;
use instance_core::storage::{RecordsForRun, StoredEvents};
use sqlx::Row;

use crate::support::{Home, TestResult, event, execute, later, line, query, run};

#[tokio::test]
async fn an_event_changes_the_body_and_the_columns_of_its_run() -> TestResult {
    let home = Home::new().await?;
    home.runs().add_run(&run("r1", "j", &[("a", "1")]), later(0)).await?;
    for (event_type, status, start, end) in [
        (DagsterEventType::RunStart, "STARTED", Some(1_700_000_007.0), None),
        (DagsterEventType::RunSuccess, "SUCCESS", Some(1_700_000_007.0), Some(1_700_000_007.0)),
    ] {
        let event = DagsterEvent::new(event_type, "j");
        home.runs().handle_run_event(&RunId::from("r1"), &event, later(7)).await?;
        let row = query(&home.runs_db(), "SELECT * FROM runs").await?.pop().unwrap();
        let body = serialize_value(&home.record("r1").await?.dagster_run);
        assert_eq!(row.get::<String, _>("run_body"), body);
        assert!(body.contains(&format!("PipelineRunStatus.{status}")), "{body}");
        assert_eq!(row.get::<String, _>("status"), status);
        assert_eq!(row.get::<String, _>("update_timestamp"), "2023-11-14 22:13:27.000000");
        assert_eq!(row.get::<Option<f64>, _>("start_time"), start);
        assert_eq!(row.get::<Option<f64>, _>("end_time"), end);
    }
    Ok(())
}

/// A file between two others refuses an event: what is stored before is told as stored, and not stored again.
#[tokio::test]
async fn events_that_the_index_refuses_are_in_the_log_of_their_run_once() -> TestResult {
    let home = Home::new().await?;
    home.storages.create().await?;
    home.runs().add_run(&run("r1", "j", &[]), later(0)).await?;
    execute(
        &home.events_db("index"),
        "CREATE TRIGGER refuse BEFORE INSERT ON event_logs \
         WHEN NEW.dagster_event_type = 'PIPELINE_STARTING' BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .await?;
    let entries = [
        event("r1", DagsterEventType::RunStarting, 1),
        line("r1", "a line", 2),
        event("r1", DagsterEventType::RunStart, 3),
    ];
    let store = home.storages.run_event_store();
    for (entries, ids) in [(&entries[..], &[1, 2, 3][..]), (&entries[..1], &[4])] {
        let StoredEvents { ids: stored, incomplete, .. } = store.store_run_events(entries).await?;
        assert_eq!(stored.iter().map(|id| id.0).collect::<Vec<_>>(), ids);
        let error = incomplete.ok_or("it was not refused")?;
        assert!(!error.is_temporary(), "{error:?}");
    }
    let log = home.events().get_records_for_run(&RecordsForRun::new(RunId::from("r1"))).await?;
    assert_eq!(log.records.len(), 4);
    let indexed =
        query(&home.events_db("index"), "SELECT dagster_event_type FROM event_logs").await?;
    let indexed: Vec<String> = indexed.iter().map(|row| row.get(0)).collect();
    assert_eq!(indexed, ["PIPELINE_START"], "one that is refused takes no other with it");
    Ok(())
}
