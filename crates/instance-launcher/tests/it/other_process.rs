//! What a launcher of another process finds out about a run, and can do about it, by the run's events.

use instance_core::event::{EngineEventData, EventLogEntry, EventSpecificData, MetadataValue};
use instance_core::ids::RunId;
use instance_core::launcher::WorkerStatus;
use instance_core::ops::EventReporter;
use instance_core::run::DagsterRunStatus;
use instance_core::testing::instance::TestInstance;
use instance_launcher::{
    CommandOutcome, ProcessRunLauncher, cancel_run, check_run_worker_health,
    fail_run_without_worker, submit_run,
};
use tokio::signal::unix::{SignalKind, signal};

use crate::process::{add_command, launcher_with_output, wait_for};
use crate::support::{TestResult, add_run, launching};

fn engine_data(entry: &mut EventLogEntry) -> Option<&mut EngineEventData> {
    match entry.dagster_event.as_mut()?.event_specific_data.as_deref_mut()? {
        EventSpecificData::EngineEvent(data) => Some(data),
        _ => None,
    }
}

/// The text of a label in the metadata of a run's events.
fn text<'a>(entry: &'a mut EventLogEntry, label: &str) -> Option<&'a mut String> {
    let metadata = &mut engine_data(entry)?.metadata;
    match &mut metadata.iter_mut().find(|entry| entry.label == label)?.entry_data {
        MetadataValue::Text(value) => value.text.as_mut(),
        _ => None,
    }
}

/// The same run as another process sees it, after its events were changed.
async fn seen_elsewhere(
    fake: &TestInstance,
    run_id: &RunId,
    change: impl Fn(&mut EventLogEntry),
) -> Result<TestInstance, instance_core::InstanceError> {
    let elsewhere = launching(ProcessRunLauncher::new());
    elsewhere.add_run(fake.run(run_id).await).await;
    for mut entry in fake.entries(run_id).await {
        change(&mut entry);
        elsewhere.handle_new_event(entry.into()).await?;
    }
    Ok(elsewhere)
}

/// Has the worker be another process of its pid, so that it is gone.
fn lose_worker(entry: &mut EventLogEntry) {
    if let Some(text) = text(entry, "worker_process") {
        text.push('1');
    }
}

fn move_worker(entry: &mut EventLogEntry) {
    if let Some(host) = text(entry, "host") {
        host.push_str("-elsewhere");
    }
    if let Some(text) = text(entry, "worker_process") {
        "0/another-boot/0/0".clone_into(text);
    }
}

#[tokio::test]
async fn the_events_say_which_processes_a_run_has() -> TestResult {
    let launcher = ProcessRunLauncher::new().passing_signals_on();
    let fake = launching(launcher.clone());
    let run_id = add_command(&fake, &["true"]);
    submit_run(&fake, &run_id).await?;
    launcher.wait(&run_id).await.ok_or("no outcome")?;
    let labels: Vec<Vec<String>> = fake
        .entries(&run_id)
        .await
        .iter_mut()
        .filter_map(|entry| engine_data(entry).map(|data| data.metadata.clone()))
        .map(|metadata| metadata.into_iter().map(|entry| entry.label).collect())
        .collect();
    assert_eq!(
        labels,
        [
            vec!["pid", "host", "worker_process", "stopped_by"],
            vec!["pid", "host", "command_process", "program", "process_group"],
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_worker_is_seen_from_another_process_of_its_host() -> TestResult {
    let (launcher, mut output) = launcher_with_output();
    let fake = launching(launcher.clone());
    let run_id = add_command(&fake, &["sh", "-c", "echo ready; exec sleep 1000"]);
    submit_run(&fake, &run_id).await?;
    wait_for(&mut output, "ready").await;

    let elsewhere = seen_elsewhere(&fake, &run_id, |_| ()).await?;
    let health = check_run_worker_health(&elsewhere, &run_id).await?;
    assert_eq!(health.status, WorkerStatus::Running);
    let pid = std::process::id().to_string();
    assert!(health.run_worker_id.is_some_and(|id| id.ends_with(&format!(":{pid}"))));
    // This process may have other runs: nothing says that a signal would stop this one alone.
    assert!(!cancel_run(&elsewhere, &run_id).await?);

    let far_away = seen_elsewhere(&fake, &run_id, move_worker).await?;
    let health = check_run_worker_health(&far_away, &run_id).await?;
    assert_eq!(health.status, WorkerStatus::Unknown);
    assert!(health.msg.is_some_and(|text| text.contains("-elsewhere")));
    assert_eq!(fail_run_without_worker(&far_away, &run_id).await?, None);
    assert!(!cancel_run(&far_away, &run_id).await?);

    assert!(cancel_run(&fake, &run_id).await?);
    launcher.wait(&run_id).await.ok_or("no outcome")?;
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_command_that_a_lost_worker_left_behind_is_found_and_stopped() -> TestResult {
    let (launcher, mut output) = launcher_with_output();
    let fake = launching(launcher.clone());
    let run_id = add_command(&fake, &["sh", "-c", "echo ready; exec sleep 1000"]);
    submit_run(&fake, &run_id).await?;
    wait_for(&mut output, "ready").await;

    let elsewhere = seen_elsewhere(&fake, &run_id, lose_worker).await?;
    let health = check_run_worker_health(&elsewhere, &run_id).await?;
    assert_eq!(health.status, WorkerStatus::NotFound);
    assert!(health.msg.is_some_and(|text| text.contains("was left behind")));
    assert!(!cancel_run(&elsewhere, &run_id).await?, "there is no worker that could be asked");
    let messages = elsewhere.messages(&run_id);
    assert!(messages.iter().any(|text| text.starts_with("Sent SIGTERM")), "{messages:?}");
    let outcome = launcher.wait(&run_id).await.ok_or("no outcome")?;
    assert_eq!(outcome.command, CommandOutcome::Signaled(15));

    assert!(fail_run_without_worker(&elsewhere, &run_id).await?.is_some());
    assert_eq!(elsewhere.run(&run_id).await.status, DagsterRunStatus::Failure);
    Ok(())
}

#[tokio::test]
async fn a_worker_that_passes_signals_on_is_asked_by_a_signal_to_its_process() -> TestResult {
    let mut signals = signal(SignalKind::terminate())?;
    let (launcher, mut output) = launcher_with_output();
    let fake = launching(launcher.clone().passing_signals_on());
    let run_id = add_command(&fake, &["sh", "-c", "echo ready; exec sleep 1000"]);
    submit_run(&fake, &run_id).await?;
    wait_for(&mut output, "ready").await;
    let elsewhere = seen_elsewhere(&fake, &run_id, |_| ()).await?;
    assert!(cancel_run(&elsewhere, &run_id).await?);
    signals.recv().await.ok_or("no signal")?;
    assert!(cancel_run(&fake, &run_id).await?);
    launcher.wait(&run_id).await.ok_or("no outcome")?;
    Ok(())
}

#[tokio::test]
async fn nothing_is_known_of_the_workers_of_others() -> TestResult {
    let fake = launching(ProcessRunLauncher::new());
    let run_id = add_run(&fake, DagsterRunStatus::Started);
    let health = check_run_worker_health(&fake, &run_id).await?;
    assert_eq!(health.status, WorkerStatus::Unknown);
    assert!(!cancel_run(&fake, &run_id).await?);
    assert_eq!(fake.event_types(&run_id), [""; 0]);
    Ok(())
}
