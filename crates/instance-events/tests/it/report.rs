//! Reporting events: their messages, levels, times and data.

use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EngineEventData, EventLogEntry, JobFailureData, LogLevel,
    MetadataEntry, RunFailureReason,
};
use instance_core::event::{ReportEngineEvent, ReportEvent};
use instance_core::ids::RunId;
use instance_core::run::DagsterRun;
use instance_core::serdes::UnknownFields;
use instance_core::testing::instance::TestInstance;
use instance_events::{
    report_dagster_event, report_engine_event, report_run_canceled, report_run_canceling,
    report_run_failed,
};

use crate::support::TestResult;

fn run() -> DagsterRun {
    DagsterRun::new(RunId::from("r1"), "demo")
}

/// The one entry that was stored, after checking what all reports have in common.
fn only_entry(
    fake: &TestInstance,
) -> Result<(EventLogEntry, DagsterEvent), Box<dyn std::error::Error>> {
    let entries: [EventLogEntry; 1] = fake.all_entries().try_into().map_err(|_| "not one entry")?;
    let [entry] = entries;
    assert_eq!(entry.run_id, RunId::from("r1"));
    assert_eq!(entry.job_name.as_deref(), Some("demo"));
    assert_eq!(entry.timestamp.to_bits(), 1_700_000_000.25_f64.to_bits());
    assert_eq!((entry.user_message.as_str(), &entry.step_key), ("", &None));
    let event = entry.dagster_event.clone().ok_or("no event")?;
    Ok((entry, *event))
}

#[tokio::test]
async fn events_have_the_time_of_the_clock_unless_they_have_their_own() -> TestResult {
    let fake = TestInstance::default();
    let event = |message: &str| {
        DagsterEvent::new(DagsterEventType::StepStart, "demo")
            .with_message(message)
            .with_step_key(message)
    };
    let run_id = RunId::from("r1");
    report_dagster_event(&fake, ReportEvent::new(event("a"), &run_id)).await?;
    let warning =
        ReportEvent::new(event("b"), &run_id).with_level(LogLevel::WARNING).with_timestamp(1.5);
    report_dagster_event(&fake, warning).await?;
    report_dagster_event(&fake, ReportEvent::runless(event("c")).with_timestamp(0.0)).await?;
    assert_eq!(fake.effects(), ["store a", "store b", "store c"]);
    let entries = fake.all_entries();
    let times: Vec<_> = entries.iter().map(|entry| entry.timestamp.to_bits()).collect();
    assert_eq!(times, [1_700_000_000.25, 1.5, 1_700_000_000.25].map(f64::to_bits));
    assert_eq!(entries[1].step_key.as_deref(), Some("b"));
    let levels: Vec<_> = entries.iter().map(|entry| entry.level).collect();
    assert_eq!(levels, [LogLevel::INFO, LogLevel::WARNING, LogLevel::INFO]);
    assert_eq!(entries[2].run_id, RunId::runless());
    Ok(())
}

#[tokio::test]
async fn an_engine_event_is_an_error_if_it_carries_one() -> TestResult {
    let plain = EngineEventData::new(vec![MetadataEntry::text("pid", "7")]);
    let failed = EngineEventData::engine_error(SerializableErrorInfo::new("E", "m\n"));
    for (data, level) in [(plain, LogLevel::INFO), (failed, LogLevel::ERROR)] {
        let fake = TestInstance::default();
        let report = ReportEngineEvent::new(&run(), "the message").with_data(data.clone());
        let reported = report_engine_event(&fake, report).await?;
        let (entry, event) = only_entry(&fake)?;
        assert_eq!(reported, event);
        assert_eq!(entry.level, level);
        assert_eq!(event.event_type(), Some(DagsterEventType::EngineEvent));
        assert_eq!(event.message.as_deref(), Some("the message"));
        assert_eq!(event.event_specific_data, Some(Box::new(data.into())));
        assert_eq!(fake.effects(), ["store the message"], "it changes no run");
    }
    Ok(())
}

#[tokio::test]
async fn the_end_of_a_run_is_reported_as_dagster_reports_it() -> TestResult {
    let data = JobFailureData {
        error: None,
        failure_reason: Some(RunFailureReason::RunException),
        first_step_failure_event: None,
        unknown: UnknownFields::default(),
    };
    for message in [None, Some("why".to_owned())] {
        let fake = TestInstance::default();
        report_run_canceling(&fake, &run(), message.clone()).await?;
        let (entry, event) = only_entry(&fake)?;
        assert_eq!(
            (entry.level, event.event_type()),
            (LogLevel::INFO, Some(DagsterEventType::RunCanceling))
        );
        let expected = message.as_deref().unwrap_or("Sending run termination request.");
        assert_eq!(event.message.as_deref(), Some(expected));

        let fake = TestInstance::default();
        report_run_canceled(&fake, &run(), message.clone()).await?;
        let (entry, event) = only_entry(&fake)?;
        assert_eq!(
            (entry.level, event.event_type()),
            (LogLevel::ERROR, Some(DagsterEventType::RunCanceled))
        );
        let expected = "This run has been marked as canceled from outside the execution context.";
        assert_eq!(event.message.as_deref(), Some(message.as_deref().unwrap_or(expected)));
        assert_eq!(event.event_specific_data, None);

        let fake = TestInstance::default();
        report_run_failed(&fake, &run(), message.clone(), message.is_some().then(|| data.clone()))
            .await?;
        let (entry, event) = only_entry(&fake)?;
        assert_eq!(
            (entry.level, event.event_type()),
            (LogLevel::ERROR, Some(DagsterEventType::RunFailure))
        );
        let expected = "This run has been marked as failed from outside the execution context.";
        assert_eq!(event.message.as_deref(), Some(message.as_deref().unwrap_or(expected)));
        assert_eq!(event.job_failure_data(), message.is_some().then_some(&data));
        let changed = "change r1 PIPELINE_FAILURE at 2023-11-14 22:13:20.250 UTC".to_owned();
        assert!(fake.effects().contains(&changed), "{:?}", fake.effects());
    }
    Ok(())
}

#[tokio::test]
async fn an_engine_event_may_be_of_a_step_and_name_who_reports_it() -> TestResult {
    let fake = TestInstance::default();
    let run_id = RunId::from("r1");
    let report = ReportEngineEvent::from_ids(&run_id, "demo", "gone")
        .with_step_key("s")
        .with_reporter("Monitor");
    let event = report_engine_event(&fake, report).await?;
    assert_eq!(event.message.as_deref(), Some("[Monitor] gone"));
    let entries = fake.all_entries();
    assert_eq!(entries[0].step_key.as_deref(), Some("s"));
    assert_eq!(entries[0].job_name.as_deref(), Some("demo"));
    Ok(())
}
