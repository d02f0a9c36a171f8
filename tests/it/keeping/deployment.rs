//! A home whose configuration requires all three duties, a code server, and processes: our daemon, and Dagster's.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dagster_instance::event::DagsterEventType;
use dagster_instance::keepers::KeeperLease;
use dagster_instance::storage::{Only, RecordsForRun};
use dagster_instance::{DagsterInstance, RunId};
use dagster_instance_tests::{Home, binary, python};
use instance_core::error::BoxError;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::code_server::dequeued::queued;
use crate::code_server::launched::open;
use crate::code_server::server::Server;

pub(super) type TestResult = Result<(), BoxError>;

/// How long a program may take to say something: those of Dagster import much.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);

/// Three runs of each team may be in progress.
const CONFIGURATION: &str = "
telemetry: {enabled: false}
run_monitoring: {enabled: true}
run_retries: {enabled: true}
run_queue: {dequeue_interval_seconds: 1}
concurrency:
  runs:
    max_concurrent_runs: 10
    tag_concurrency_limits: [{key: team, limit: 3}]
";

/// A home with a workspace of one code server.
pub(super) struct Deployment {
    pub(super) home: Home,
    pub(super) server: Server,
    pub(super) instance: DagsterInstance,
    pub(super) workspace: PathBuf,
}

impl Deployment {
    pub(super) async fn new(home: Home) -> Result<Self, BoxError> {
        let file = home.path().join("dagster.yaml");
        let mut file = OpenOptions::new().append(true).create(true).open(file)?;
        file.write_all(CONFIGURATION.as_bytes())?;
        let server = Server::start().await?;
        let workspace = home.path().join("workspace.yaml");
        let port = server.port();
        std::fs::write(
            &workspace,
            format!(
                "load_from: [grpc_server: {{host: localhost, port: {port}, location_name: loc}}]\n"
            ),
        )?;
        let instance = open(&home).await?;
        Ok(Self { home, server, instance, workspace })
    }

    /// Starts our daemon.
    pub(super) fn our_daemon(&self, options: &[&str]) -> Result<Program, BoxError> {
        let mut command = command(binary());
        command.arg("--home").arg(self.home.path()).args(["--verbose", "daemon", "run"]);
        command.args(options).arg("-w").arg(&self.workspace);
        Program::start(command)
    }

    /// Starts Dagster's own daemon, or what this script has of it.
    pub(super) fn dagsters_daemon(&self, script: Option<&Path>) -> Result<Program, BoxError> {
        let mut command = self.of_dagster("dagster-daemon", script);
        command.arg("run").arg("-w").arg(&self.workspace);
        Program::start(command)
    }

    /// What Dagster's own check of its daemons prints.
    pub(super) fn liveness(&self) -> Result<String, BoxError> {
        let output = self.of_dagster("dagster-daemon", None).arg("liveness-check").output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn of_dagster(&self, program: &str, script: Option<&Path>) -> Command {
        let mut command = match script {
            Some(script) => {
                let mut command = command(python());
                command.arg(script);
                command
            }
            None => command(python().with_file_name(program)),
        };
        command.env("DAGSTER_HOME", self.home.path()).env("DAGSTER_DISABLE_TELEMETRY", "1");
        command
    }

    /// A run of a job, which waits in the queue.
    pub(super) async fn queued(&self, job: &str) -> Result<RunId, BoxError> {
        Ok(queued(&self.instance, &self.server, job, &[]).await?.run_id)
    }

    /// The leases of so many duties, once a keeper has each.
    pub(super) async fn leases(&self, count: usize) -> Result<Vec<KeeperLease>, BoxError> {
        let since = Instant::now();
        loop {
            let leases = self.instance.get_keeper_leases().await?;
            if leases.iter().filter(|lease| !lease.is_released).count() == count {
                return Ok(leases);
            }
            if since.elapsed() > PATIENCE {
                return Err(format!("not {count} duties are kept: {leases:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Who left the last heartbeat of a duty.
    pub(super) async fn heart_of(&self, daemon_type: &str) -> Result<Option<String>, BoxError> {
        let heartbeats = self.instance.get_daemon_heartbeats().await?;
        let mut of_type =
            heartbeats.into_iter().filter(|it| it.daemon_type.as_str() == daemon_type);
        Ok(of_type.next().and_then(|heartbeat| heartbeat.daemon_id))
    }

    /// The id of the server in the tag by which a run says who has its worker: our launcher writes it, Dagster's does not.
    pub(super) async fn launched_by_us(&self, run_id: &RunId) -> Result<bool, BoxError> {
        let run = self.instance.get_run_by_id(run_id).await?.ok_or("there is no run")?;
        let tag = run.tags.get(".dagster/grpc_info").ok_or("the run was not launched")?;
        Ok(tag.contains("\"server_id\""))
    }

    /// The events of a run of these types, each with its time.
    pub(super) async fn events(
        &self,
        run_id: &RunId,
        types: &[DagsterEventType],
    ) -> Result<Vec<(DagsterEventType, f64)>, BoxError> {
        let query = RecordsForRun::new(run_id.clone()).with_of_types(Only::These(types.to_vec()));
        let records = self.instance.get_records_for_run(&query).await?.records;
        let entries = records.iter().map(|record| &record.event_log_entry);
        Ok({ entries }.filter_map(|it| Some((it.event_type()?, it.timestamp))).collect())
    }
}

#[expect(clippy::disallowed_methods, reason = "tests start the programs that they test")]
fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// A program whose output goes to a file. It is killed when this value goes away.
pub(super) struct Program {
    child: Child,
    directory: TempDir,
}

impl Program {
    fn start(mut command: Command) -> Result<Self, BoxError> {
        let directory = tempfile::tempdir()?;
        let log = File::create(directory.path().join("log"))?;
        // Nothing of the caller's is found by it.
        command.current_dir(directory.path()).env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Self { child: command.spawn()?, directory })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    pub(super) async fn until_it_says(&mut self, text: &str) -> TestResult {
        let since = Instant::now();
        while !self.log().contains(text) {
            let ended = self.child.try_wait()?;
            if ended.is_some() || since.elapsed() > PATIENCE {
                let log = self.log();
                return Err(format!("it does not say {text:?} (ended: {ended:?}):\n{log}").into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Kills it, and nothing else.
    pub(super) fn kill(&mut self) -> TestResult {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, and returns its exit code.
    pub(super) async fn end(&mut self) -> Result<Option<i32>, BoxError> {
        kill(Pid::from_raw(i32::try_from(self.pid())?), Signal::SIGTERM)?;
        self.ended().await
    }

    /// Waits for its end; returns its exit code.
    pub(super) async fn ended(&mut self) -> Result<Option<i32>, BoxError> {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code());
            }
            if since.elapsed() > PATIENCE {
                return Err(format!("it does not end:\n{}", self.log()).into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
