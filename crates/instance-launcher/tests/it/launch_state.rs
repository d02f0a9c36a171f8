//! What launchers say of a launch whose outcome nobody knows, as far as the run itself tells it. What code servers and
//! clusters answer is tested with these.

use std::net::TcpListener;

use instance_core::event::{
    DagsterEvent, DagsterEventType, EngineEventData, MetadataEntry, ReportEngineEvent, ReportEvent,
};
use instance_core::launcher::{LaunchState, LaunchStateContext, RunLauncher};
use instance_core::ops::{EventReporterExt, OwnedLauncherOps};
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::settings::{GrpcLimits, RunLauncherSettings};
use instance_core::testing::instance::TestInstance;
use instance_core::testing::launching::ToldLauncher;
use instance_launcher::{
    CodeServerRunLauncher, DagsterWorkerLauncher, LauncherContext, ProcessRunLauncher,
    configured_run_launcher, submit_run,
};

use crate::process::add_command;
use crate::support::{TestResult, launching, new_run};

/// What a code server's worker says first.
const WORKER: &str = "Started process for run (pid: 4711).";

const GRPC_INFO: &str = ".dagster/grpc_info";

/// A run that was taken from the queue a moment ago.
async fn starting(instance: &TestInstance) -> Result<DagsterRun, instance_core::InstanceError> {
    let run = new_run(instance, DagsterRunStatus::Queued);
    instance.add_run(run.clone()).await;
    starts(instance, &run).await?;
    Ok(instance.run(&run.run_id).await)
}

async fn starts(
    instance: &TestInstance,
    run: &DagsterRun,
) -> Result<(), instance_core::InstanceError> {
    let event = DagsterEvent::new(DagsterEventType::RunStarting, &run.job_name);
    instance.report_dagster_event(ReportEvent::new(event, &run.run_id)).await
}

async fn says(
    instance: &TestInstance,
    run: &DagsterRun,
    message: &str,
) -> Result<(), instance_core::InstanceError> {
    instance.report_engine_event(ReportEngineEvent::new(run, message)).await.map(drop)
}

/// An event that records a process under this label.
async fn records(
    instance: &TestInstance,
    run: &DagsterRun,
    label: &str,
) -> Result<(), instance_core::InstanceError> {
    let metadata = [("pid", "4711"), ("host", "elsewhere"), (label, "machine/boot/1/99")];
    let metadata = metadata.map(|(label, text)| MetadataEntry::text(label, text));
    let report =
        ReportEngineEvent::new(run, "a process").with_data(EngineEventData::new(metadata.to_vec()));
    instance.report_engine_event(report).await.map(drop)
}

async fn state(
    launcher: &dyn RunLauncher,
    instance: &TestInstance,
    run: &DagsterRun,
) -> Result<LaunchState, instance_core::error::BoxError> {
    let context = LaunchStateContext::new(run.clone(), instance.owned_launcher_ops());
    launcher.launch_state(context).await
}

#[tokio::test]
async fn a_launcher_that_has_nothing_to_say_says_that_it_does_not_know() -> TestResult {
    let instance = TestInstance::default();
    let run = starting(&instance).await?;
    let launcher = ToldLauncher::default();
    assert_eq!(state(&launcher, &instance, &run).await?, LaunchState::Unknown);
    Ok(())
}

#[tokio::test]
async fn a_process_was_launched_if_it_is_recorded_and_else_nobody_knows() -> TestResult {
    let launcher = ProcessRunLauncher::new();
    let instance = launching(launcher.clone());
    let run_id = add_command(&instance, &["true"]);
    let run = instance.run(&run_id).await;
    assert_eq!(state(&launcher, &instance, &run).await?, LaunchState::Unknown);
    submit_run(&instance, &run_id).await?;
    launcher.wait(&run_id).await.ok_or("no outcome")?;
    // Another process asks, which has no worker of its own.
    let asked = ProcessRunLauncher::new();
    assert_eq!(state(&asked, &instance, &run).await?, LaunchState::Launched);
    Ok(())
}

#[tokio::test]
async fn dagsters_worker_was_launched_if_it_is_recorded_and_else_nobody_knows() -> TestResult {
    let launcher = DagsterWorkerLauncher::new();
    let instance = TestInstance::default();
    let run = starting(&instance).await?;
    assert_eq!(state(&launcher, &instance, &run).await?, LaunchState::Unknown);
    records(&instance, &run, "worker_process").await?;
    assert_eq!(state(&launcher, &instance, &run).await?, LaunchState::Unknown, "another launcher");
    records(&instance, &run, "dagster_worker_process").await?;
    assert_eq!(state(&launcher, &instance, &run).await?, LaunchState::Launched);
    // It is found by its record, whoever is asked.
    let configured =
        configured_run_launcher(&RunLauncherSettings::Default, LauncherContext::default());
    for launcher in [&ProcessRunLauncher::new() as &dyn RunLauncher, &*configured] {
        assert_eq!(state(launcher, &instance, &run).await?, LaunchState::Launched);
    }
    Ok(())
}

#[tokio::test]
async fn a_code_server_was_not_asked_if_no_tag_names_it() -> TestResult {
    let configured =
        configured_run_launcher(&RunLauncherSettings::Default, LauncherContext::default());
    let launcher = CodeServerRunLauncher::new(GrpcLimits::default());
    let instance = TestInstance::default();
    let run = starting(&instance).await?;
    for launcher in [&launcher as &dyn RunLauncher, &*configured] {
        let expected = LaunchState::NotLaunched { answered_by: None };
        assert_eq!(state(launcher, &instance, &run).await?, expected);
    }
    // A command has no server.
    let command = instance.run(&add_command(&instance, &["true"])).await;
    assert_eq!(state(&*configured, &instance, &command).await?, LaunchState::Unknown);
    Ok(())
}

#[tokio::test]
async fn a_worker_that_has_reported_was_launched_but_not_for_a_later_launch() -> TestResult {
    let launcher = CodeServerRunLauncher::new(GrpcLimits::default());
    let instance = TestInstance::default();
    let run = starting(&instance).await?;
    says(&instance, &run, "Started process for something else").await?;
    let not_launched = LaunchState::NotLaunched { answered_by: None };
    assert_eq!(state(&launcher, &instance, &run).await?, not_launched);
    says(&instance, &run, WORKER).await?;
    says(&instance, &run, "and more").await?;
    assert_eq!(state(&launcher, &instance, &run).await?, LaunchState::Launched);
    starts(&instance, &run).await?;
    assert_eq!(state(&launcher, &instance, &run).await?, not_launched);
    Ok(())
}

#[tokio::test]
async fn a_code_server_that_is_gone_leaves_it_open() -> TestResult {
    let launcher = CodeServerRunLauncher::new(GrpcLimits::default());
    let instance = TestInstance::default();
    let mut run = starting(&instance).await?;
    // A port on which nobody listens any more.
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    for id in ["", r#", "server_id": "its id""#] {
        let tag = format!(r#"{{"host": "127.0.0.1", "port": {port}{id}}}"#);
        run.tags.insert(GRPC_INFO.to_owned(), tag);
        assert_eq!(state(&launcher, &instance, &run).await?, LaunchState::Unknown);
    }
    // Its worker may have reported all the same.
    says(&instance, &run, WORKER).await?;
    assert_eq!(state(&launcher, &instance, &run).await?, LaunchState::Launched);
    // A tag that names no server is an error, which is as good as not to know.
    let mut run = starting(&instance).await?;
    run.tags.insert(GRPC_INFO.to_owned(), "[]".to_owned());
    let error = state(&launcher, &instance, &run).await.expect_err("no server");
    assert!(error.to_string().contains("names no code server"), "{error}");
    Ok(())
}
