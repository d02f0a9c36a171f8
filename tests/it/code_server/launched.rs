//! `launch`, `run cancel` and `run show` with runs that a real code server executes.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use dagster_instance::run::DagsterRunStatus;
use dagster_instance::{DagsterInstance, RunId};
use dagster_instance_tests::{Home, binary};
use instance_core::error::BoxError;

use super::server::Server;

/// How long a run may take to get somewhere: its worker imports Dagster.
const PATIENCE: Duration = Duration::from_mins(3);

fn command(home: &Home, arguments: &[&str]) -> Command {
    #[expect(clippy::disallowed_methods, reason = "tests start the programs that they test")]
    let mut command = Command::new(binary());
    command.arg("--home").arg(home.path()).args(arguments).env_remove("DAGSTER_HOME");
    command.stdin(Stdio::null());
    command
}

pub(super) async fn ours(home: &Home, arguments: &[&str]) -> Result<Output, BoxError> {
    let mut command = command(home, arguments);
    Ok(tokio::task::spawn_blocking(move || command.output()).await??)
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The arguments of `launch` for a job of a server.
fn launch<'a>(options: &'a [String; 2], job: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["launch", &*options[0], &*options[1], "--job", job, "--now"];
    arguments.extend(["--location-name", "loc"]);
    arguments.extend(more);
    arguments
}

pub(crate) async fn open(home: &Home) -> Result<DagsterInstance, BoxError> {
    let instance = DagsterInstance::builder().home(home.path()).open().await?;
    instance.create_storages().await?;
    Ok(instance)
}

/// Launches a job and returns the id of its run.
pub(super) async fn launched(home: &Home, server: &Server, job: &str) -> Result<RunId, BoxError> {
    let options = server.options();
    let output = ours(home, &launch(&options, job, &[])).await?;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    Ok(RunId::from(text(&output.stdout).trim()))
}

/// Waits until a run is in this status.
pub(crate) async fn until(
    instance: &DagsterInstance,
    run_id: &RunId,
    status: DagsterRunStatus,
) -> Result<(), BoxError> {
    let since = Instant::now();
    loop {
        let run = instance.get_run_by_id(run_id).await?.ok_or("there is no run")?;
        if run.status == status {
            return Ok(());
        }
        if since.elapsed() > PATIENCE || run.status.is_finished() {
            return Err(format!("run {run_id} is {} and not {status}", run.status).into());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The messages of a run's events.
async fn events(home: &Home, run_id: &RunId) -> Result<String, BoxError> {
    Ok(text(&ours(home, &["run", "events", run_id.as_str()]).await?.stdout))
}

/// The process of the worker, as its event names it.
async fn worker_of(home: &Home, run_id: &RunId) -> Result<i32, BoxError> {
    let since = Instant::now();
    loop {
        let events = events(home, run_id).await?;
        let pid = events.split_once("Started process for run (pid: ");
        if let Some(pid) = pid.and_then(|(_, rest)| rest.split_once(')')) {
            return Ok(pid.0.parse()?);
        }
        if since.elapsed() > PATIENCE {
            return Err(format!("no worker has reported:\n{events}").into());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until a run has an event with this text.
pub(super) async fn until_event(home: &Home, run_id: &RunId, part: &str) -> Result<(), BoxError> {
    let since = Instant::now();
    while !events(home, run_id).await?.contains(part) {
        if since.elapsed() > PATIENCE {
            return Err(format!("run {run_id} has no event with {part}").into());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// Whether a process lives. One that has ended may have nobody who asks how.
pub(super) fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state =
        stat.rsplit_once(')').and_then(|(_, fields)| fields.split_ascii_whitespace().next());
    state.is_some_and(|state| state != "Z")
}

fn kill(pid: i32) -> Result<(), BoxError> {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    Ok(kill(Pid::from_raw(pid), Signal::SIGKILL)?)
}

/// Jobs that end by themselves: the exit codes of `--follow`, and what is printed where.
#[tokio::test]
async fn a_launched_run_is_followed_to_its_end() -> Result<(), BoxError> {
    let server = Server::start().await?;
    let options = server.options();
    let home = Home::new();
    open(&home).await?.dispose().await?;
    let output = ours(&home, &launch(&options, "plain", &["--follow"])).await?;
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}\n{stderr}");
    for part in
        ["PIPELINE_STARTING", "PIPELINE_START", "STEP_SUCCESS", "[three]", "PIPELINE_SUCCESS"]
    {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    assert!(
        stderr.contains(" of job \"plain\" is launched")
            || stderr.contains(" of job plain is launched"),
        "{stderr}"
    );

    let output = ours(&home, &launch(&options, "failing", &["--follow"])).await?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stdout).contains("STEP_FAILURE"), "{output:?}");

    let output = ours(&home, &launch(&options, "crashing", &["--follow"])).await?;
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(stdout.contains("unexpectedly exited with code 7"), "{stdout}");

    // Assets, with what is materialised.
    let options = server.options();
    let mut assets = vec!["launch", &*options[0], &*options[1], "--now", "--follow"];
    assets.extend(["--location-name", "loc", "--asset", "a1", "--asset", "a2"]);
    let output = ours(&home, &assets).await?;
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}\n{}", text(&output.stderr));
    for part in ["ASSET_MATERIALIZATION", "Materialized value a2.", "ASSET_CHECK_EVALUATION"] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    // No run was made: 125. Arguments that cannot be: 2.
    let output = ours(&home, &launch(&options, "plane", &[])).await?;
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(125), ""));
    assert!(text(&output.stderr).contains("there are plain,"), "{output:?}");
    let output = ours(&home, &launch(&options, "plain", &["--partition", ""])).await?;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    server.end().await
}

/// A run that is canceled by its server.
#[tokio::test]
async fn a_launched_run_is_canceled() -> Result<(), BoxError> {
    let server = Server::start().await?;
    let home = Home::new();
    let instance = open(&home).await?;
    let run_id = launched(&home, &server, "long").await?;
    until(&instance, &run_id, DagsterRunStatus::Started).await?;
    worker_of(&home, &run_id).await?;
    let shown = text(&ours(&home, &["run", "show", run_id.as_str()]).await?.stdout);
    assert!(shown.contains("Worker    RUNNING"), "{shown}");
    let output = ours(&home, &["run", "cancel", run_id.as_str()]).await?;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    until(&instance, &run_id, DagsterRunStatus::Canceled).await?;
    let events = events(&home, &run_id).await?;
    assert!(events.contains("Sending run termination request."), "{events}");
    assert!(events.contains("Execution of run for \"long\" canceled."), "{events}");
    instance.dispose().await?;
    server.end().await
}

/// The server is killed alone: its worker goes on, is shown as such, and is stopped by a signal. It does not outlive the end
/// of its run by much.
#[tokio::test]
async fn a_worker_outlives_its_server() -> Result<(), BoxError> {
    let mut server = Server::start().await?;
    let home = Home::new();
    let instance = open(&home).await?;
    let run_id = launched(&home, &server, "lingering").await?;
    until_event(&home, &run_id, "Started execution of step \"lingered\"").await?;
    let worker = worker_of(&home, &run_id).await?;
    server.kill()?;
    let shown = text(&ours(&home, &["run", "show", run_id.as_str()]).await?.stdout);
    assert!(
        shown.contains(&format!("its code server is gone, its process (pid {worker}) goes on")),
        "{shown}"
    );
    let output = ours(&home, &["run", "cancel", run_id.as_str()]).await?;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    until(&instance, &run_id, DagsterRunStatus::Canceled).await?;
    // It hangs after the end of its run, and was killed therefore.
    assert!(!lives(worker), "the worker {worker} lives");
    Ok(instance.dispose().await?)
}

/// The server is killed with its worker: the run is lost, is shown as such, and is ended as failed.
#[tokio::test]
async fn a_run_without_server_and_worker_is_lost() -> Result<(), BoxError> {
    let mut server = Server::start().await?;
    let home = Home::new();
    let instance = open(&home).await?;
    let run_id = launched(&home, &server, "long").await?;
    until(&instance, &run_id, DagsterRunStatus::Started).await?;
    let worker = worker_of(&home, &run_id).await?;
    assert_ne!(u32::try_from(worker)?, server.pid());
    server.kill()?;
    kill(worker)?;
    let shown = text(&ours(&home, &["run", "show", run_id.as_str()]).await?.stdout);
    assert!(shown.contains(&format!("its process (pid {worker}) are gone")), "{shown}");
    let output = ours(&home, &["run", "cancel", run_id.as_str()]).await?;
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("is marked as failed"), "{stderr}");
    until(&instance, &run_id, DagsterRunStatus::Failure).await?;
    Ok(instance.dispose().await?)
}
