//! What an event changes of a run's row, as another program sees it.

use instance_core::RunId;
use instance_core::event::{DagsterEvent, DagsterEventType};
use instance_core::serdes::serialize_value;
use sqlx::Row;

use crate::support::{Home, TestResult, later, query, run};

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
