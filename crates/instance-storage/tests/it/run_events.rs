//! What each type of event changes of a run.

use instance_core::RunId;
use instance_core::event::{DagsterEvent, DagsterEventType, JobFailureData, RunFailureReason};
use instance_core::run::DagsterRunStatus;
use instance_core::serdes::{UnknownFields, deserialize_value, serialize_value};
use sqlx::Row;

use crate::support::{Home, TestResult, execute, later, query, run, stamp};

fn failure(reason: Option<RunFailureReason>) -> DagsterEvent {
    DagsterEvent::new(DagsterEventType::RunFailure, "j").with_data(JobFailureData {
        error: None,
        failure_reason: reason,
        first_step_failure_event: None,
        unknown: UnknownFields::default(),
    })
}

/// The values of the tag of the reason, beside the run and inside of its body.
async fn reasons(home: &Home) -> Result<(Vec<String>, Option<String>), Box<dyn std::error::Error>> {
    let rows =
        query(&home.runs_db(), "SELECT value FROM run_tags WHERE key = 'dagster/failure_reason'")
            .await?;
    let body = home.record("r1").await?.dagster_run.tags.get("dagster/failure_reason").cloned();
    Ok((rows.iter().map(|row| row.get(0)).collect(), body))
}

#[tokio::test]
async fn each_type_of_event_changes_what_it_should() -> TestResult {
    use DagsterRunStatus::{
        Canceled, Canceling, Failure, Queued, Started, Starting, Success, Suspended,
    };

    let home = Home::new().await?;
    let time = Some(stamp(7));
    for event_type in DagsterEventType::ALL {
        let id = event_type.as_str();
        home.runs().add_run(&run(id, "j", &[("a", "1")]), later(0)).await?;
        let before = home.record(id).await?;
        let event = DagsterEvent::new(*event_type, "j");
        home.runs().handle_run_event(&RunId::from(id), &event, later(7)).await?;
        let after = home.record(id).await?;

        let changed = match event_type {
            DagsterEventType::RunEnqueued => Some((Queued, None, None)),
            DagsterEventType::RunStarting => Some((Starting, None, None)),
            DagsterEventType::RunStart => Some((Started, time, None)),
            DagsterEventType::RunResumed => Some((Started, None, None)),
            DagsterEventType::RunSuspended => Some((Suspended, None, None)),
            DagsterEventType::RunCanceling => Some((Canceling, None, None)),
            DagsterEventType::RunSuccess => Some((Success, None, time)),
            DagsterEventType::RunFailure => Some((Failure, None, time)),
            DagsterEventType::RunCanceled => Some((Canceled, None, time)),
            _ => None,
        };
        let Some((status, start_time, end_time)) = changed else {
            assert_eq!(after, before, "{id} changed the run");
            continue;
        };
        let mut expected = before;
        expected.dagster_run.status = status;
        expected.update_timestamp = later(7);
        (expected.start_time, expected.end_time) = (start_time, end_time);
        assert_eq!(after, expected, "{id}");
        let sql = format!("SELECT run_body, update_timestamp FROM runs WHERE run_id = '{id}'");
        let row = query(&home.runs_db(), &sql).await?.pop().unwrap();
        assert_eq!(row.get::<String, _>(0), serialize_value(&expected.dagster_run), "{id}");
        assert_eq!(row.get::<String, _>(1), "2023-11-14 22:13:27.000000", "{id}");
    }
    Ok(())
}

#[tokio::test]
async fn a_whole_life_keeps_its_start_and_end() -> TestResult {
    let home = Home::new().await?;
    home.runs().add_run(&run("r1", "j", &[]), later(0)).await?;
    let events = [
        (DagsterEventType::RunEnqueued, 1),
        (DagsterEventType::RunStarting, 2),
        (DagsterEventType::RunStart, 3),
        (DagsterEventType::RunCanceling, 4),
        (DagsterEventType::RunCanceled, 5),
    ];
    for (event_type, at) in events {
        let event = DagsterEvent::new(event_type, "j");
        home.runs().handle_run_event(&RunId::from("r1"), &event, later(at)).await?;
    }
    let record = home.record("r1").await?;
    assert_eq!((record.start_time, record.end_time), (Some(stamp(3)), Some(stamp(5))));
    assert_eq!(record.dagster_run.status, DagsterRunStatus::Canceled);
    assert_eq!(record.update_timestamp, later(5));
    Ok(())
}

#[tokio::test]
async fn the_reason_of_a_failure_is_a_tag_of_the_run_and_in_its_body() -> TestResult {
    let home = Home::new().await?;
    home.runs().add_run(&run("r1", "j", &[]), later(0)).await?;
    let id = RunId::from("r1");

    let without = [
        DagsterEvent::new(DagsterEventType::RunFailure, "j"),
        failure(None),
        failure(Some(RunFailureReason::Unknown)),
    ];
    for event in without {
        home.runs().handle_run_event(&id, &event, later(1)).await?;
        assert_eq!(reasons(&home).await?, (vec![], None));
    }
    for reason in [RunFailureReason::StepFailure, RunFailureReason::RunException] {
        home.runs().handle_run_event(&id, &failure(Some(reason)), later(1)).await?;
        let text = reason.as_str().to_owned();
        assert_eq!(reasons(&home).await?, (vec![text.clone()], Some(text)));
    }
    Ok(())
}

#[tokio::test]
async fn an_event_of_an_unknown_run_or_type_does_nothing() -> TestResult {
    let home = Home::new().await?;
    home.runs().add_run(&run("r1", "j", &[]), later(0)).await?;
    let before = home.record("r1").await?;
    let success = DagsterEvent::new(DagsterEventType::RunSuccess, "j");
    home.runs().handle_run_event(&RunId::from("r2"), &success, later(1)).await?;
    let unknown = DagsterEvent { event_type_value: "RUN_TELEPORTED".to_owned(), ..success };
    home.runs().handle_run_event(&RunId::from("r1"), &unknown, later(1)).await?;
    assert_eq!(home.record("r1").await?, before);
    Ok(())
}

#[tokio::test]
async fn fields_of_a_newer_dagster_survive_an_event() -> TestResult {
    let home = Home::new().await?;
    home.runs().add_run(&run("r1", "j", &[]), later(0)).await?;
    let sql = "UPDATE runs SET run_body = replace(run_body, '\"status\"', '\"priority\": {\"x\": [1e-07]}, \"status\"')";
    execute(&home.runs_db(), sql).await?;
    let success = DagsterEvent::new(DagsterEventType::RunSuccess, "j");
    home.runs().handle_run_event(&RunId::from("r1"), &success, later(1)).await?;
    let row = query(&home.runs_db(), "SELECT run_body FROM runs").await?.pop().unwrap();
    let body: String = row.get(0);
    assert!(body.contains(r#""priority": {"x": [1e-07]}, "#), "{body}");
    assert!(body.contains("PipelineRunStatus.SUCCESS"), "{body}");
    let read: instance_core::run::DagsterRun = deserialize_value(&body)?;
    assert_eq!(read.unknown.names().collect::<Vec<_>>(), ["priority"]);
    Ok(())
}
