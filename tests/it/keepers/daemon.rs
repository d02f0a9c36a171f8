//! `daemon run` as a process that is killed, stopped and ended.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use dagster_instance_tests::{Home, binary};
use instance_core::error::BoxError;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longer than it may take to begin, or to end when it is asked to.
const FOREVER: Duration = Duration::from_mins(2);

/// How often it is looked whether it has begun or ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What it says when it begins.
const BEGUN: &str = "Ctrl-C ends it";

/// A daemon, which is killed with this.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it over a home. What it says goes to a file.
    #[expect(clippy::disallowed_methods, reason = "tests start the program that they test")]
    pub(super) fn start(home: &Home, arguments: &[&str], log: PathBuf) -> Result<Self, BoxError> {
        let mut command = Command::new(binary());
        command.arg("--home").arg(home.path()).args(["daemon", "run"]).args(arguments);
        command.env_remove("DAGSTER_HOME").stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(File::create(&log)?).spawn()?;
        Ok(Self { child, log })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub(super) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it has begun.
    pub(super) async fn begins(&mut self) -> Result<(), BoxError> {
        let since = Instant::now();
        while !self.said().contains(BEGUN) {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("it ended with {status}:\n{}", self.said()).into());
            }
            if since.elapsed() > FOREVER {
                return Err(format!("it does not begin:\n{}", self.said()).into());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Kills it; it must be there until then.
    pub(super) fn kill(mut self) -> Result<(), BoxError> {
        if let Some(status) = self.child.try_wait()? {
            return Err(format!("it ended by itself with {status}:\n{}", self.said()).into());
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<(), BoxError> {
        Ok(kill(Pid::from_raw(i32::try_from(self.child.id())?), signal)?)
    }

    /// Asks it to end, which has to succeed.
    pub(super) async fn ends(mut self) -> Result<(), BoxError> {
        self.signal(Signal::SIGTERM)?;
        let since = Instant::now();
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.ended_badly(status)),
                None if since.elapsed() > FOREVER => {
                    return Err(format!("it does not end:\n{}", self.said()).into());
                }
                None => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    fn ended_badly(&self, status: ExitStatus) -> BoxError {
        format!("it was asked to end, and ended with {status}:\n{}", self.said()).into()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
