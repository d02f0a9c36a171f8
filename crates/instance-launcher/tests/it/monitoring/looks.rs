//! Looks at runs that have not ended: what is stored, and what the launcher is asked.
//!
//! The names of Dagster's tests stand at the tests that are theirs (`daemon_tests/test_monitoring_daemon.py`).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::TimeDelta;
use instance_core::clock::{Clock as _, timestamp_of};
use instance_core::error::BoxError;
use instance_core::event::{DagsterEvent, DagsterEventType, ReportEvent};
use instance_core::ids::RunId;
use instance_core::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, LaunchRunContext, ResumeRunContext, RunLauncher,
    RunWorkerDebugInfoContext, TerminateRunContext, WorkerStatus,
};
use instance_core::ops::EventReporterExt as _;
use instance_core::run::DagsterRunStatus;
use instance_core::settings::RunMonitoringSettings;
use instance_core::tags;
use instance_core::testing::instance::TestInstance;
use instance_launcher::monitoring::{MonitorLook, RunMonitor};

use crate::support::{TestResult, new_run};

/// How the double stops a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stops {
    Yes,
    No,
    Fails,
}

/// A launcher as that of Dagster's tests. It notes what it is asked.
#[derive(Debug, Clone)]
struct Double {
    health: Arc<Mutex<WorkerStatus>>,
    info: Result<Option<&'static str>, ()>,
    stops: Stops,
    resumes: bool,
    hangs: Arc<AtomicBool>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Double {
    fn new(health: WorkerStatus) -> Self {
        Self {
            health: Arc::new(Mutex::new(health)),
            info: Ok(None),
            stops: Stops::Yes,
            resumes: true,
            hangs: Arc::default(),
            calls: Arc::default(),
        }
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, call: impl Into<String>) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call.into());
    }
}

#[async_trait]
impl RunLauncher for Double {
    async fn launch_run(&self, _: LaunchRunContext) -> Result<(), BoxError> {
        self.note("launch");
        Ok(())
    }

    async fn terminate(&self, context: TerminateRunContext) -> Result<bool, BoxError> {
        self.note(format!("terminate {}", context.dagster_run.status));
        match self.stops {
            Stops::Yes => Ok(true),
            Stops::No => Ok(false),
            Stops::Fails => Err("oof".into()),
        }
    }

    fn supports_resume_run(&self) -> bool {
        self.resumes
    }

    async fn resume_run(&self, context: ResumeRunContext) -> Result<(), BoxError> {
        self.note(format!("resume {:?}", context.resume_attempt_number));
        Ok(())
    }

    fn supports_check_run_worker_health(&self) -> bool {
        true
    }

    async fn check_run_worker_health(
        &self,
        _: CheckRunHealthContext,
    ) -> Result<CheckRunHealthResult, BoxError> {
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let health = *self.health.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(CheckRunHealthResult::new(health).with_msg("gone"))
    }

    async fn get_run_worker_debug_info(
        &self,
        context: RunWorkerDebugInfoContext,
    ) -> Result<Option<String>, BoxError> {
        self.note(format!("info, logs: {}", context.include_container_logs));
        self.info.map(|info| info.map(str::to_owned)).map_err(|()| "no info".into())
    }
}

/// An instance with the settings of Dagster's tests.
fn instance(launcher: &Double) -> TestInstance {
    let mut instance = TestInstance::default().with_run_launcher(launcher.clone());
    instance.settings.run_monitoring = RunMonitoringSettings::new()
        .with_enabled(true)
        .with_max_resume_run_attempts(3)
        .with_max_runtime_seconds(750);
    instance
}

async fn look(instance: &TestInstance) -> Result<MonitorLook, BoxError> {
    Ok(RunMonitor::new().look(instance, None).await?)
}

/// A run that has these events, now.
async fn run_with(
    instance: &TestInstance,
    types: &[DagsterEventType],
    run_tags: &[(&str, &str)],
) -> Result<RunId, BoxError> {
    let mut run = new_run(instance, DagsterRunStatus::NotStarted);
    run.tags = run_tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let run_id = run.run_id.clone();
    instance.add_run(run).await;
    happens(instance, &run_id, types).await?;
    Ok(run_id)
}

async fn happens(
    instance: &TestInstance,
    run_id: &RunId,
    types: &[DagsterEventType],
) -> TestResult {
    for event_type in types {
        let event = DagsterEvent::new(*event_type, "job");
        instance.report_dagster_event(ReportEvent::new(event, run_id)).await?;
    }
    Ok(())
}

async fn status(instance: &TestInstance, run_id: &RunId) -> DagsterRunStatus {
    instance.run(run_id).await.status
}

use DagsterEventType::{RunCanceling, RunStart, RunStarting, RunSuspended};

#[tokio::test]
async fn a_run_that_does_not_start_fails() -> TestResult {
    // test_monitor_not_started, test_monitor_starting
    let launcher = Double { info: Ok(Some("no node")), ..Double::new(WorkerStatus::Running) };
    let instance = instance(&launcher);
    let not_started = run_with(&instance, &[], &[]).await?;
    let starting = run_with(&instance, &[RunStarting], &[]).await?;
    for seconds in [0, 60, 119] {
        instance.clock.advance(TimeDelta::seconds(seconds));
        assert_eq!(look(&instance).await?.runs, 2);
        assert_eq!(status(&instance, &not_started).await, DagsterRunStatus::NotStarted);
        assert_eq!(status(&instance, &starting).await, DagsterRunStatus::Starting);
    }
    instance.clock.advance(TimeDelta::seconds(1));
    assert_eq!(look(&instance).await?.errors.len(), 0);
    let message = "Run timed out due to taking longer than 180 seconds to start.\nno node";
    for run_id in [&not_started, &starting] {
        let run = instance.run(run_id).await;
        assert_eq!(run.status, DagsterRunStatus::Failure);
        assert_eq!(run.tags[tags::RUN_FAILURE_REASON], "START_TIMEOUT");
        assert_eq!(instance.messages(run_id).last().map(String::as_str), Some(message));
    }
    assert_eq!(launcher.calls(), ["info, logs: true", "info, logs: true"]);
    assert_eq!(look(&instance).await?.runs, 0);
    Ok(())
}

#[tokio::test]
async fn a_run_that_does_not_stop_is_canceled() -> TestResult {
    // test_monitor_canceling
    let instance = instance(&Double::new(WorkerStatus::Running));
    let run_id = run_with(&instance, &[RunStarting, RunCanceling], &[]).await?;
    instance.clock.advance(TimeDelta::seconds(179));
    // The newest request counts.
    happens(&instance, &run_id, &[RunCanceling]).await?;
    instance.clock.advance(TimeDelta::seconds(179));
    look(&instance).await?;
    assert_eq!(status(&instance, &run_id).await, DagsterRunStatus::Canceling);
    instance.clock.advance(TimeDelta::seconds(1));
    look(&instance).await?;
    assert_eq!(status(&instance, &run_id).await, DagsterRunStatus::Canceled);
    let message = "Run timed out due to taking longer than 180 seconds to cancel.";
    assert_eq!(instance.messages(&run_id).last().map(String::as_str), Some(message));
    Ok(())
}

#[tokio::test]
async fn a_worker_that_is_gone_is_replaced_three_times() -> TestResult {
    // test_monitor_started
    let launcher = Double::new(WorkerStatus::Running);
    let instance = instance(&launcher);
    let run_id = run_with(&instance, &[RunStart], &[]).await?;
    look(&instance).await?;
    assert_eq!(launcher.calls(), [""; 0]);
    *launcher.health.lock().unwrap_or_else(PoisonError::into_inner) = WorkerStatus::NotFound;
    for attempt in 1..=3 {
        look(&instance).await?;
        assert_eq!(status(&instance, &run_id).await, DagsterRunStatus::Started);
        let expected: Vec<_> = (1..=attempt).map(|one| format!("resume Some({one})")).collect();
        assert_eq!(launcher.calls(), expected);
    }
    let messages = instance.messages(&run_id);
    let detected = format!(
        "Detected run worker status NOT_FOUND: 'gone'. Resuming run {run_id} with a new worker."
    );
    assert_eq!(messages[1..3], [detected, "Launching a new run worker to resume run".to_owned()]);
    let notes = instance.stores.run_storage.get_cursor_values_beginning("dagster_instance/resume/");
    assert_eq!(notes.await?.len(), 3);
    look(&instance).await?;
    assert_eq!(status(&instance, &run_id).await, DagsterRunStatus::Failure);
    let message = format!(
        "Detected run worker status NOT_FOUND: 'gone'. Marking run {run_id} as failed, because it has surpassed the \
         configured maximum attempts to resume the run: 3."
    );
    assert_eq!(instance.messages(&run_id).last(), Some(&message));
    // The notes go with the run.
    let notes = instance.stores.run_storage.get_cursor_values_beginning("dagster_instance/resume/");
    assert_eq!(notes.await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn an_attempt_is_made_once_unless_nobody_follows_its_note() -> TestResult {
    let launcher = Double::new(WorkerStatus::NotFound);
    let instance = instance(&launcher);
    let run_id = run_with(&instance, &[RunStart], &[]).await?;
    let now = timestamp_of(instance.clock.now());
    let (key, note) = (format!("dagster_instance/resume/{run_id}/1"), format!("{{\"at\":{now}}}"));
    instance.stores.run_storage.change_cursor_value(&key, None, Some(&note)).await?;
    look(&instance).await?;
    instance.clock.advance(TimeDelta::seconds(180));
    look(&instance).await?;
    assert_eq!((launcher.calls().len(), instance.messages(&run_id).len()), (0, 1));
    instance.clock.advance(TimeDelta::seconds(1));
    look(&instance).await?;
    assert_eq!(launcher.calls(), ["resume Some(1)"]);
    Ok(())
}

#[tokio::test]
async fn a_worker_that_failed_is_asked_why() -> TestResult {
    // test_monitor_started_failure_includes_debug_info
    for (health, info, expected) in [
        (WorkerStatus::Failed, Ok(Some("OOMKilled")), Some("OOMKilled")),
        (WorkerStatus::Failed, Err(()), None),
        (WorkerStatus::NotFound, Ok(Some("OOMKilled")), None),
    ] {
        let launcher = Double { info, resumes: false, ..Double::new(health) };
        let instance = instance(&launcher);
        let run_id = run_with(&instance, &[RunStart], &[]).await?;
        look(&instance).await?;
        assert_eq!(status(&instance, &run_id).await, DagsterRunStatus::Failure);
        let mut message =
            format!("Detected run worker status {health}: 'gone'. Marking run {run_id} as failed.");
        message.extend(expected.map(|info| format!("\n{info}")));
        assert_eq!(instance.messages(&run_id).last(), Some(&message));
        let asked: &[&str] =
            if health == WorkerStatus::Failed { &["info, logs: false"] } else { &[] };
        assert_eq!(launcher.calls(), asked);
    }
    Ok(())
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_stopped_and_fails() -> TestResult {
    // test_long_running_termination, test_long_running_termination_failure, test_monitor_suspended
    let canceling = "Canceling due to exceeding maximum runtime of 500 seconds.";
    let exceeded = "Exceeded maximum runtime of 500 seconds.";
    let failed = "Exception while attempting to terminate run. Run will still be marked as failed.";
    let forced = "This job is being forcibly marked as failed. The computational resources created by the run may not \
                  have been fully cleaned up.";
    for (stops, expected) in [
        (Stops::Yes, &[canceling, exceeded][..]),
        (Stops::No, &[canceling, forced]),
        (Stops::Fails, &[canceling, failed, forced]),
    ] {
        for types in [&[RunStart][..], &[RunStart, RunSuspended]] {
            let launcher = Double { stops, ..Double::new(WorkerStatus::Running) };
            let instance = instance(&launcher);
            let run_id = run_with(&instance, types, &[("dagster/max_runtime", "500")]).await?;
            instance.clock.advance(TimeDelta::seconds(500));
            look(&instance).await?;
            assert_eq!(launcher.calls(), [""; 0]);
            instance.clock.advance(TimeDelta::seconds(1));
            look(&instance).await?;
            assert_eq!(status(&instance, &run_id).await, DagsterRunStatus::Failure, "{stops:?}");
            assert_eq!(launcher.calls(), ["terminate CANCELING"]);
            assert_eq!(instance.messages(&run_id)[types.len()..], *expected);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_maximum_of_seconds_is_told_as_an_integer_of_python() -> TestResult {
    for (tag, told) in [("90.7", "90"), ("0.9", "0"), ("-0.5", "0"), ("-7.9", "-7")] {
        let instance = instance(&Double::new(WorkerStatus::Running));
        let run_id = run_with(&instance, &[RunStart], &[("dagster/max_runtime", tag)]).await?;
        instance.clock.advance(TimeDelta::seconds(100));
        look(&instance).await?;
        let messages = [
            format!("Canceling due to exceeding maximum runtime of {told} seconds."),
            format!("Exceeded maximum runtime of {told} seconds."),
        ];
        assert_eq!(instance.messages(&run_id)[1..], messages, "{tag}");
    }
    Ok(())
}

#[tokio::test]
async fn a_status_that_has_changed_meanwhile_stays() -> TestResult {
    /// A launcher whose run ends while it is asked for its worker.
    #[derive(Debug)]
    struct Ends;

    #[async_trait]
    impl RunLauncher for Ends {
        async fn launch_run(&self, _: LaunchRunContext) -> Result<(), BoxError> {
            Ok(())
        }

        async fn terminate(&self, _: TerminateRunContext) -> Result<bool, BoxError> {
            Ok(false)
        }

        fn supports_check_run_worker_health(&self) -> bool {
            true
        }

        async fn check_run_worker_health(
            &self,
            context: CheckRunHealthContext,
        ) -> Result<CheckRunHealthResult, BoxError> {
            let event = DagsterEvent::new(DagsterEventType::RunSuccess, "job");
            let report = ReportEvent::new(event, &context.dagster_run.run_id);
            context.instance.report_dagster_event(report).await?;
            Ok(CheckRunHealthResult::new(WorkerStatus::NotFound))
        }
    }

    let instance = TestInstance::default().with_run_launcher(Ends);
    let run_id = run_with(&instance, &[RunStart], &[]).await?;
    look(&instance).await?;
    assert_eq!(status(&instance, &run_id).await, DagsterRunStatus::Success);
    assert_eq!(instance.event_types(&run_id), ["PIPELINE_START", "PIPELINE_SUCCESS"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_launcher_that_does_not_answer_stops_no_other_run() -> TestResult {
    let launcher = Double::new(WorkerStatus::NotFound);
    launcher.hangs.store(true, Ordering::Relaxed);
    let instance = instance(&launcher);
    let hanging = run_with(&instance, &[RunStart], &[]).await?;
    let late = run_with(&instance, &[RunStarting], &[]).await?;
    instance.clock.advance(TimeDelta::seconds(180));
    let found = look(&instance).await?;
    assert_eq!(found.errors.len(), 1, "{found:?}");
    assert!(found.errors[0].to_string().contains(hanging.as_str()), "{found:?}");
    assert_eq!(status(&instance, &hanging).await, DagsterRunStatus::Started);
    assert_eq!(status(&instance, &late).await, DagsterRunStatus::Failure);
    Ok(())
}

#[tokio::test]
async fn a_run_that_was_just_taken_from_the_queue_is_left_to_the_queue() -> TestResult {
    let instance = instance(&Double::new(WorkerStatus::Running));
    let run_id = run_with(&instance, &[RunStarting], &[]).await?;
    instance.clock.advance(TimeDelta::seconds(1000));
    let claimed = timestamp_of(instance.clock.now()) - 179.0;
    let key = format!("dagster_instance/claim/{run_id}");
    let note = format!("{{\"by\": \"a\", \"at\": {claimed}}}");
    instance.stores.run_storage.change_cursor_value(&key, None, Some(&note)).await?;
    look(&instance).await?;
    assert_eq!(status(&instance, &run_id).await, DagsterRunStatus::Starting);
    instance.clock.advance(TimeDelta::seconds(1));
    look(&instance).await?;
    assert_eq!(status(&instance, &run_id).await, DagsterRunStatus::Failure);
    Ok(())
}
