//! `daemon run`: what it refuses, and how it ends. No code server is there, and no Python.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use dagster_instance::daemon::{DaemonHeartbeat, DaemonType};
use dagster_instance::event::DagsterEventType;
use dagster_instance::ops::DaemonStoreAccess as _;
use dagster_instance::run::{
    DagsterRun, DagsterRunStatus, GrpcServerCodeLocationOrigin, RemoteJobOrigin,
    RemoteRepositoryOrigin,
};
use dagster_instance::serdes::UnknownFields;
use dagster_instance::{GrpcTarget, RunId};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Ended, Home, Run};

/// A time that no test lives to see: 2100-01-01. A heartbeat of then is recent.
const FUTURE: f64 = 4_102_444_800.0;

/// Nothing of Dagster's three duties is required.
const NOTHING: &str =
    "run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}\n";

const MONITORING: &str = "run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}\n\
                          run_monitoring: {enabled: true}\n";

/// A home with this `dagster.yaml`; without one, if the text is empty.
fn home(text: &str) -> Home {
    let home = Home::empty();
    if !text.is_empty() {
        std::fs::write(home.path().join("dagster.yaml"), text).expect("a file");
    }
    home
}

/// The program that goes on, in a directory where nothing says where code is.
struct Daemon {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Daemon {
    #[expect(clippy::disallowed_methods, reason = "tests start the program that they test")]
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dagster-instance"));
        command.arg("--home").arg(home.path()).args(["daemon", "run"]).args(arguments);
        command.current_dir(home.path()).env_remove("DAGSTER_HOME");
        for variable in ["PYTHON_FILE", "MODULE_NAME", "PACKAGE_NAME"] {
            command.env_remove(format!("DAGSTER_{variable}"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let stderr = BufReader::new(child.stderr.take().expect("its standard error"));
        Self { child, stderr, said: String::new() }
    }

    /// Waits until it has said a line with this text.
    fn wait_for(&mut self, text: &str) {
        loop {
            let mut line = String::new();
            let read = self.stderr.read_line(&mut line).expect("a line");
            assert!(read > 0, "it ended before it said {text:?}:\n{}", self.said);
            self.said.push_str(&line);
            if line.contains(text) {
                return;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        kill(Pid::from_raw(pid), signal).expect("the signal is sent");
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_some()
    }

    /// Waits for its end.
    fn ended(mut self) -> Ended {
        self.stderr.read_to_string(&mut self.said).expect("its standard error");
        let code = self.child.wait().expect("the binary ends").code();
        Ended { code, stdout: String::new(), stderr: std::mem::take(&mut self.said) }
    }
}

/// A test that has failed leaves no process behind.
impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn refused(home: &Home, arguments: &[&str], code: i32, reason: &str) {
    let ended = Daemon::start(home, arguments).ended();
    assert_eq!(ended.code, Some(code), "{arguments:?}: {ended}");
    assert!(ended.stderr.contains(reason), "{arguments:?}, no {reason:?}: {ended}");
    assert!(!ended.stderr.contains("Ctrl-C ends it"), "it has begun: {ended}");
}

async fn beat(home: &Home, id: &str) {
    let instance = home.instance().await;
    let daemon_type = DaemonType::from(DaemonType::MONITORING);
    let heartbeat = DaemonHeartbeat::new(daemon_type, id, FUTURE, Vec::new());
    instance.daemon_store().add_daemon_heartbeat(&heartbeat).await.expect("it is stored");
    instance.dispose().await.expect("everything is stored");
}

#[test]
fn a_duty_that_is_not_configured_is_refused_and_so_is_nothing_at_all() {
    refused(&home(NOTHING), &[], 2, "requires none of those that can be kept here");
    refused(&home(NOTHING), &["--queue"], 2, "run_coordinator of dagster.yaml has no queue");
    refused(&home(""), &["--queue", "--monitoring"], 2, "set run_monitoring.enabled");
    refused(&home(MONITORING), &["--retries"], 2, "set run_retries.enabled");
}

#[test]
fn a_home_that_is_not_there_is_refused_and_not_created() {
    let home = Home::empty();
    let missing = home.path().join("mistyped");
    let ended = home.run_with(&["--home", missing.to_str().expect("text"), "daemon", "run"], &[]);
    assert_eq!(ended.code, Some(1), "{ended}");
    assert!(ended.stderr.contains("[HOME]/mistyped"), "{ended}");
    assert!(!missing.exists());
}

#[test]
fn who_launches_runs_has_to_know_where_their_code_is() {
    // Without a `dagster.yaml`, runs are queued.
    refused(&home(""), &[], 1, "say where the code is");
    refused(&home("run_retries: {enabled: true}\n"), &["--retries"], 1, "say where the code is");
    let both = home("run_monitoring: {enabled: true}\n");
    refused(&both, &["--queue", "--monitoring"], 1, "say where the code is");
    // One that is named wrongly is refused, whoever needs it.
    refused(&home(MONITORING), &["-w", "none.yaml"], 1, "none.yaml");
}

#[test]
fn the_monitoring_alone_needs_no_workspace_and_sigterm_ends_it() {
    let both = "run_monitoring: {enabled: true}\n";
    for (text, arguments) in [(MONITORING, &[][..]), (both, &["--monitoring"])] {
        let home = home(text);
        let mut daemon = Daemon::start(&home, arguments);
        daemon.wait_for("dagster-instance: does MONITORING; Ctrl-C ends it");
        daemon.signal(Signal::SIGTERM);
        let ended = daemon.ended();
        assert_eq!(ended.code, Some(0), "{ended}");
        assert!(ended.stderr.contains("ends; what is in flight gets 30 s"), "{ended}");
        let status = home.run(&["daemon", "status", "MONITORING", "--json"]);
        assert!(status.stdout.contains(r#""keeper":null"#), "the lease is released: {status}");
    }
}

#[test]
fn without_a_file_of_settings_the_queue_is_kept_and_ctrl_c_ends_it() {
    let home = home("");
    let mut daemon = Daemon::start(&home, &["--server", "127.0.0.1:1"]);
    daemon.wait_for("does QUEUED_RUN_COORDINATOR;");
    daemon.signal(Signal::SIGINT);
    let ended = daemon.ended();
    assert_eq!(ended.code, Some(0), "{ended}");
}

#[tokio::test]
async fn a_daemon_of_dagster_that_lives_is_refused() {
    let home = home(MONITORING);
    beat(&home, "theirs").await;
    let ended = Daemon::start(&home, &["--refuse-at-once"]).ended();
    assert_eq!(ended.code, Some(4), "{ended}");
    assert!(ended.stderr.contains("MONITORING daemon (id theirs) is alive"), "{ended}");
    // Without the option, a heartbeat that changes tells it.
    let mut daemon = Daemon::start(&home, &[]);
    daemon.wait_for("does MONITORING");
    let mut beats = 0;
    while !daemon.has_ended() {
        beats += 1;
        beat(&home, &format!("another-{beats}")).await;
    }
    let ended = daemon.ended();
    assert_eq!(ended.code, Some(4), "{ended}");
    assert!(ended.stderr.contains("MONITORING daemon (id another-"), "{ended}");
    let status = home.run(&["daemon", "status", "MONITORING", "--json"]);
    assert!(status.stdout.contains(r#""keeper":null"#), "it has never led: {status}");
}

/// A run that waits in the queue, and whose code server takes calls and does not answer.
async fn queued(home: &Home, port: u16) -> RunId {
    let instance = home.instance().await;
    let target = GrpcTarget::port("127.0.0.1", port);
    let origin: GrpcServerCodeLocationOrigin = target.origin(Some("loc"));
    let mut run = DagsterRun::new(RunId::from("1aaaaaaa-0000-4000-8000-000000000001"), "job");
    run.remote_job_origin = Some(Box::new(RemoteJobOrigin {
        repository_origin: RemoteRepositoryOrigin::new(origin, "repository"),
        job_name: "job".to_owned(),
        unknown: UnknownFields::default(),
    }));
    let run_id = run.run_id.clone();
    let run = Run::add_as(&instance, run).await;
    run.of_run(DagsterEventType::RunEnqueued, 0.0, "").await;
    instance.dispose().await.expect("everything is stored");
    run_id
}

/// Starts a daemon, and returns when it launches a run. Its launch does not end, as long as the connection is there.
async fn launching(home: &Home, grace: &[&str]) -> (Daemon, RunId, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let run_id = queued(home, port).await;
    let server = format!("127.0.0.1:{port}");
    let mut daemon = Daemon::start(home, &[&["--server", &server][..], grace].concat());
    daemon.wait_for("does QUEUED_RUN_COORDINATOR");
    // That of the first call of the launch, after the claim.
    let (connection, _) = listener.accept().expect("a connection");
    let instance = home.instance().await;
    let run = instance.get_run_by_id(&run_id).await.expect("the run").expect("the run");
    assert_eq!(run.status, DagsterRunStatus::Starting);
    instance.dispose().await.expect("everything is stored");
    (daemon, run_id, connection)
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_and_the_claim_is_known() {
    let home = home("");
    let (mut daemon, run_id, _connection) = launching(&home, &[]).await;
    daemon.signal(Signal::SIGTERM);
    daemon.wait_for("what is in flight gets 30 s. A second signal ends it at once");
    daemon.signal(Signal::SIGTERM);
    let ended = daemon.ended();
    assert_eq!(ended.code, Some(130), "{ended}");
    let instance = home.instance().await;
    let notes = instance.daemon_store().get_cursor_values_beginning("dagster_instance/claim/");
    let notes: Vec<_> = notes.await.expect("notes").into_keys().collect();
    assert_eq!(notes, [format!("dagster_instance/claim/{run_id}")]);
    instance.dispose().await.expect("everything is stored");
}

#[tokio::test]
async fn what_is_in_flight_may_take_the_grace_and_no_longer() {
    let home = home("");
    let (daemon, run_id, _connection) = launching(&home, &["--grace", "0.5"]).await;
    daemon.signal(Signal::SIGTERM);
    let ended = daemon.ended();
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.stderr.contains("what was in flight has not ended in 0.5 s"), "{ended}");
    // Whoever leads next finds out what became of it.
    let instance = home.instance().await;
    let run = instance.get_run_by_id(&run_id).await.expect("the run").expect("the run");
    assert_eq!(run.status, DagsterRunStatus::Starting);
    instance.dispose().await.expect("everything is stored");
}
