//! The process launcher with real commands that run, fail, are stopped, and leave processes behind.

use std::path::Path;
use std::time::Duration;

use instance_core::command::CommandSpec;
use instance_core::ids::RunId;
use instance_core::launcher::{RunLauncher, WorkerStatus};
use instance_core::run::DagsterRunStatus;
use instance_core::storage::ComputeIoType;
use instance_core::testing::instance::{TestInstance, at_once};
use instance_launcher::{
    CommandOutcome, OutputSink, ProcessRunLauncher, RunOutcome, StopSignal, cancel_run,
    check_run_worker_health, submit_run,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::{
    TestResult, captured, completed_captures, errors, launching, new_run, wait_for_message,
};

/// The message by which a run says that it waits for others who hold its output.
const HELD: &str = "hold its output open";

/// Adds a run that executes a command.
pub(crate) fn add_command(fake: &TestInstance, argv: &[&str]) -> RunId {
    let argv = argv.iter().map(|&part| part.to_owned()).collect();
    let mut run = new_run(fake, DagsterRunStatus::NotStarted);
    run.run_config = CommandSpec::new(argv).expect("a command").to_run_config();
    let run_id = run.run_id.clone();
    at_once(fake.add_run(run));
    run_id
}

/// A launcher, and what its commands print on standard output.
pub(crate) fn launcher_with_output() -> (ProcessRunLauncher, UnboundedReceiver<String>) {
    let (sender, output) = unbounded_channel();
    let sink = OutputSink::new(move |io_type, bytes| {
        if io_type == ComputeIoType::Stdout {
            // A test that has seen enough hears no more.
            let _ = sender.send(String::from_utf8_lossy(bytes).into_owned());
        }
    });
    (ProcessRunLauncher::new().with_output(sink), output)
}

/// Waits until a command has printed this.
pub(crate) async fn wait_for(output: &mut UnboundedReceiver<String>, text: &str) {
    let mut printed = String::new();
    while !printed.contains(text) {
        printed.push_str(&output.recv().await.expect("the command prints more"));
    }
}

async fn execute(
    fake: &TestInstance,
    launcher: &ProcessRunLauncher,
    argv: &[&str],
) -> (RunId, RunOutcome) {
    let run_id = add_command(fake, argv);
    submit_run(fake, &run_id).await.expect("launched");
    let outcome = launcher.wait(&run_id).await.expect("the launcher's run");
    (run_id, outcome)
}

/// Checks how a command ends.
async fn check(argv: &[&str], outcome: CommandOutcome, code: u8, health: (WorkerStatus, &str)) {
    let launcher = ProcessRunLauncher::new();
    let fake = launching(launcher.clone());
    let (run_id, ended) = execute(&fake, &launcher, argv).await;
    assert_eq!(ended.command, outcome);
    assert_eq!(ended.command.exit_code(), code);
    assert!(ended.error.is_none() && !ended.canceled, "{ended:?}");
    let status = if code == 0 { DagsterRunStatus::Success } else { DagsterRunStatus::Failure };
    assert_eq!(fake.run(&run_id).await.status, status);
    assert_eq!(completed_captures(&fake), 1);
    let found = check_run_worker_health(&fake, &run_id).await.expect("health");
    assert_eq!((found.status, found.msg.as_deref().unwrap_or_default()), health);
}

#[tokio::test]
async fn commands_end_as_a_shell_would_say() {
    let failed = WorkerStatus::Failed;
    check(&["true"], CommandOutcome::Exited(0), 0, (WorkerStatus::Success, "")).await;
    check(
        &["sh", "-c", "exit 7"],
        CommandOutcome::Exited(7),
        7,
        (failed, "the command exited with status 7"),
    )
    .await;
    check(
        &["sh", "-c", "kill -9 $$"],
        CommandOutcome::Signaled(9),
        137,
        (failed, "the command was ended by signal 9"),
    )
    .await;
}

#[tokio::test]
async fn a_program_that_is_not_there_fails_its_run() {
    let launcher = ProcessRunLauncher::new();
    let fake = launching(launcher.clone());
    let (run_id, ended) = execute(&fake, &launcher, &["/no/such/program"]).await;
    assert_eq!(ended.command.exit_code(), 127);
    assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Failure);
    assert!(errors(&fake, &run_id).contains("/no/such/program: No such file"));
}

#[tokio::test]
async fn everything_that_a_command_prints_is_captured_and_the_events_tell_its_life() {
    let launcher = ProcessRunLauncher::new();
    let fake = launching(launcher.clone());
    let (run_id, _) = execute(&fake, &launcher, &["sh", "-c", "echo out; echo err >&2"]).await;
    assert_eq!(captured(&fake, ComputeIoType::Stdout), "out\n");
    assert_eq!(captured(&fake, ComputeIoType::Stderr), "err\n");
    assert_eq!(
        fake.event_types(&run_id),
        [
            "PIPELINE_STARTING",
            "ENGINE_EVENT",
            "PIPELINE_START",
            "LOGS_CAPTURED",
            "STEP_START",
            "ENGINE_EVENT",
            "STEP_SUCCESS",
            "PIPELINE_SUCCESS",
        ]
    );
}

#[tokio::test]
async fn a_command_knows_its_run_and_its_last_words_are_the_reason() {
    let launcher = ProcessRunLauncher::new();
    let fake = launching(launcher.clone());
    let script = "echo \"run $DAGSTER_RUN_ID of $DAGSTER_RUN_JOB_NAME\" >&2; exit 1";
    let (run_id, _) = execute(&fake, &launcher, &["sh", "-c", script]).await;
    let errors = errors(&fake, &run_id);
    assert!(errors.contains(&format!("run {run_id} of job")), "{errors}");
}

/// Checks that a run ended because it was stopped, and that its end is the last word.
fn check_canceled(fake: &TestInstance, run_id: &RunId, outcome: &RunOutcome) {
    assert!(outcome.canceled, "{outcome:?}");
    assert!(outcome.error.is_none(), "{outcome:?}");
    let types = fake.event_types(run_id);
    assert!(types.iter().any(|event_type| event_type == "PIPELINE_CANCELING"), "{types:?}");
    assert_eq!(types.last().map(String::as_str), Some("PIPELINE_CANCELED"));
}

#[tokio::test]
async fn a_run_that_is_cancelled_stops_its_command() -> TestResult {
    let (launcher, mut output) = launcher_with_output();
    let fake = launching(launcher.clone());
    let run_id = add_command(&fake, &["sh", "-c", "echo ready; exec sleep 1000"]);
    submit_run(&fake, &run_id).await?;
    wait_for(&mut output, "ready").await;
    let health = check_run_worker_health(&fake, &run_id).await?;
    assert_eq!(health.status, WorkerStatus::Running);
    assert!(cancel_run(&fake, &run_id).await?);
    let outcome = launcher.wait(&run_id).await.ok_or("no outcome")?;
    assert_eq!(outcome.command, CommandOutcome::Signaled(15));
    check_canceled(&fake, &run_id, &outcome);
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_stopped_before_it_began_executes_nothing() -> TestResult {
    let launcher = ProcessRunLauncher::new();
    let fake = launching(launcher.clone());
    let run_id = add_command(&fake, &["sh", "-c", "echo never"]);
    submit_run(&fake, &run_id).await?;
    // The worker is a task, and has had no turn yet.
    assert!(launcher.signal(&run_id, StopSignal::Interrupt));
    let outcome = launcher.wait(&run_id).await.ok_or("no outcome")?;
    assert_eq!((outcome.command, outcome.canceled), (CommandOutcome::Skipped, true));
    assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Canceled);
    assert_eq!(captured(&fake, ComputeIoType::Stdout), "");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_command_that_does_not_stop_is_killed() -> TestResult {
    let (launcher, mut output) = launcher_with_output();
    let fake = launching(launcher.clone());
    let script = "trap '' TERM; echo ready; while :; do sleep 1000; done";
    let run_id = add_command(&fake, &["sh", "-c", script]);
    submit_run(&fake, &run_id).await?;
    wait_for(&mut output, "ready").await;
    let began = tokio::time::Instant::now();
    assert!(cancel_run(&fake, &run_id).await?);
    let outcome = launcher.wait(&run_id).await.ok_or("no outcome")?;
    assert_eq!(outcome.command, CommandOutcome::Signaled(9));
    assert!(began.elapsed().as_secs() >= 30, "it had no time to stop by itself");
    check_canceled(&fake, &run_id, &outcome);
    Ok(())
}

/// A named pipe: who opens it waits for the other side.
fn make_fifo(directory: &Path, name: &str) -> nix::Result<String> {
    let path = directory.join(name);
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU)?;
    Ok(path.to_string_lossy().into_owned())
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_when_the_last_process_has_closed_its_output() -> TestResult {
    let directory = tempfile::tempdir()?;
    let go = make_fifo(directory.path(), "go")?;
    let launcher = ProcessRunLauncher::new();
    let fake = launching(launcher.clone());
    let script = format!("(read line < {go}; echo late) & echo early");
    let run_id = add_command(&fake, &["sh", "-c", &script]);
    submit_run(&fake, &run_id).await?;
    wait_for_message(&fake, &run_id, HELD).await;
    assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Started);
    tokio::fs::write(&go, "go\n").await?;
    let outcome = launcher.wait(&run_id).await.ok_or("no outcome")?;
    assert!(outcome.command.is_success() && outcome.error.is_none(), "{outcome:?}");
    assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Success);
    assert_eq!(captured(&fake, ComputeIoType::Stdout), "early\nlate\n");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn processes_left_behind_live_on_when_their_output_is_read_no_more() -> TestResult {
    let directory = tempfile::tempdir()?;
    let go = make_fifo(directory.path(), "go")?;
    let done = make_fifo(directory.path(), "done")?;
    let launcher = ProcessRunLauncher::new().with_output_timeout(Duration::from_mins(1));
    let fake = launching(launcher.clone());
    let script = format!("(read line < {go}; echo late; echo alive > {done}) & echo early");
    let (run_id, outcome) = execute(&fake, &launcher, &["sh", "-c", &script]).await;
    assert!(outcome.command.is_success() && outcome.error.is_none(), "{outcome:?}");
    let messages = fake.messages(&run_id);
    assert!(messages.iter().any(|text| text.contains("not captured any more")), "{messages:?}");
    tokio::fs::write(&go, "go\n").await?;
    assert_eq!(tokio::fs::read_to_string(&done).await?, "alive\n");
    assert_eq!(captured(&fake, ComputeIoType::Stdout), "early\n");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn stopping_reaches_the_processes_that_the_command_left_behind() -> TestResult {
    let launcher = ProcessRunLauncher::new();
    let fake = launching(launcher.clone());
    let run_id = add_command(&fake, &["sh", "-c", "sleep 1000 & echo early"]);
    submit_run(&fake, &run_id).await?;
    wait_for_message(&fake, &run_id, HELD).await;
    assert!(cancel_run(&fake, &run_id).await?);
    let outcome = launcher.wait(&run_id).await.ok_or("no outcome")?;
    assert_eq!(outcome.command, CommandOutcome::Exited(0));
    check_canceled(&fake, &run_id, &outcome);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_process_that_cannot_be_stopped_does_not_keep_a_run_that_is() -> TestResult {
    let directory = tempfile::tempdir()?;
    let go = make_fifo(directory.path(), "go")?;
    let launcher = ProcessRunLauncher::new();
    let fake = launching(launcher.clone());
    // In a session of its own, it is not in the command's group.
    let script = format!("setsid sh -c 'read line < {go}' & echo early");
    let run_id = add_command(&fake, &["sh", "-c", &script]);
    submit_run(&fake, &run_id).await?;
    wait_for_message(&fake, &run_id, HELD).await;
    // So that the process is in its session for sure: it opens the pipe there.
    let pipe = tokio::fs::OpenOptions::new().write(true).open(&go).await?;
    assert!(cancel_run(&fake, &run_id).await?);
    let outcome = launcher.wait(&run_id).await.ok_or("no outcome")?;
    check_canceled(&fake, &run_id, &outcome);
    drop(pipe);
    Ok(())
}

#[tokio::test]
async fn joining_waits_for_runs_and_names_those_that_go_on() -> TestResult {
    let launcher = ProcessRunLauncher::new();
    let fake = launching(launcher.clone());
    launcher.join(Duration::ZERO).await?;
    let run_id = add_command(&fake, &["sleep", "1000"]);
    submit_run(&fake, &run_id).await?;
    let error = launcher.join(Duration::ZERO).await.expect_err("the run goes on");
    assert!(error.to_string().contains(run_id.as_str()), "{error}");
    assert!(cancel_run(&fake, &run_id).await?);
    launcher.join(Duration::from_mins(1)).await?;
    assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Canceled);
    Ok(())
}
