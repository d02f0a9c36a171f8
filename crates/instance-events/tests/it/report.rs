//! Reporting events: their messages, levels, times and data.

use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EngineEventData, EventLogEntry, JobFailureData, LogLevel,
    MetadataEntry, RunFailureReason,
};
use instance_core::ids::RunId;
use instance_core::run::DagsterRun;
use instance_core::serdes::UnknownFields;
use instance_events::{
    report_dagster_event, report_dagster_events, report_engine_event, report_run_canceled,
    report_run_canceling, report_run_failed,
};

use crate::fake::{Fake, TestResult};

fn run() -> DagsterRun {
    DagsterRun::new(RunId::from("r1"), "demo")
}

/// The one entry that was stored, after checking what all reports have in common.
fn only_entry(fake: &Fake) -> Result<(EventLogEntry, DagsterEvent), Box<dyn std::error::Error>> {
    let entries: [EventLogEntry; 1] = fake.entries().try_into().map_err(|_| "not one entry")?;
    let [entry] = entries;
    assert_eq!(entry.run_id, RunId::from("r1"));
    assert_eq!(entry.job_name.as_deref(), Some("demo"));
    assert_eq!(entry.timestamp.to_bits(), 1_700_000_000.25_f64.to_bits());
    assert_eq!((entry.user_message.as_str(), &entry.step_key), ("", &None));
    let event = entry.dagster_event.clone().ok_or("no event")?;
    Ok((entry, *event))
}

#[tokio::test]
async fn events_are_stored_together_with_the_time_of_the_clock() -> TestResult {
    let fake = Fake::default();
    let event = |message: &str| {
        DagsterEvent::new(DagsterEventType::StepStart, "demo")
            .with_message(message)
            .with_step_key(message)
    };
    report_dagster_events(
        &fake,
        vec![event("a"), event("b")],
        &RunId::from("r1"),
        LogLevel::WARNING,
    )
    .await?;
    report_dagster_event(&fake, event("c"), &RunId::from("r1"), LogLevel::DEBUG).await?;
    assert_eq!(fake.effects(), ["store a, b", "store c"]);
    let entries = fake.entries();
    assert!(
        entries.iter().all(|entry| entry.timestamp.to_bits() == 1_700_000_000.25_f64.to_bits())
    );
    assert_eq!(entries[1].step_key.as_deref(), Some("b"));
    let levels: Vec<_> = entries.iter().map(|entry| entry.level).collect();
    assert_eq!(levels, [LogLevel::WARNING, LogLevel::WARNING, LogLevel::DEBUG]);
    Ok(())
}

#[tokio::test]
async fn no_events_are_nothing_to_do() -> TestResult {
    // A store that fails shows that it was not asked.
    let fake = Fake::that_cannot_store();
    report_dagster_events(&fake, Vec::new(), &RunId::from("r1"), LogLevel::INFO).await?;
    assert_eq!(fake.effects(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn an_engine_event_is_an_error_if_it_carries_one() -> TestResult {
    let plain = EngineEventData::new(vec![MetadataEntry::text("pid", "7")]);
    let failed = EngineEventData::engine_error(SerializableErrorInfo::new("E", "m\n"));
    for (data, level) in [(plain, LogLevel::INFO), (failed, LogLevel::ERROR)] {
        let fake = Fake::default();
        report_engine_event(&fake, "the message", &run(), data.clone()).await?;
        let (entry, event) = only_entry(&fake)?;
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
        let fake = Fake::default();
        report_run_canceling(&fake, &run(), message.clone()).await?;
        let (entry, event) = only_entry(&fake)?;
        assert_eq!(
            (entry.level, event.event_type()),
            (LogLevel::INFO, Some(DagsterEventType::RunCanceling))
        );
        let expected = message.as_deref().unwrap_or("Sending run termination request.");
        assert_eq!(event.message.as_deref(), Some(expected));

        let fake = Fake::default();
        report_run_canceled(&fake, &run(), message.clone()).await?;
        let (entry, event) = only_entry(&fake)?;
        assert_eq!(
            (entry.level, event.event_type()),
            (LogLevel::ERROR, Some(DagsterEventType::RunCanceled))
        );
        let expected = "This run has been marked as canceled from outside the execution context.";
        assert_eq!(event.message.as_deref(), Some(message.as_deref().unwrap_or(expected)));
        assert_eq!(event.event_specific_data, None);

        let fake = Fake::default();
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
