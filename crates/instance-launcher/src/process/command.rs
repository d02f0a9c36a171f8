//! The process of a command: starting it, and sending signals to it.

use std::io::ErrorKind;
use std::process::Stdio;

use instance_core::command::CommandSpec;
use instance_core::run::DagsterRun;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::outcome::CommandOutcome;

/// How a command is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopSignal {
    /// As by Ctrl-C.
    Interrupt,
    /// As by a service manager.
    Terminate,
    /// At once; the command cannot prevent it.
    Kill,
}

impl StopSignal {
    const fn signal(self) -> Signal {
        match self {
            Self::Interrupt => Signal::SIGINT,
            Self::Terminate => Signal::SIGTERM,
            Self::Kill => Signal::SIGKILL,
        }
    }
}

/// A command that runs.
#[derive(Debug)]
pub(super) struct RunningCommand {
    pub(super) child: Child,
    pub(super) pid: u32,
    shares_terminal: bool,
}

impl RunningCommand {
    /// Starts a command with its outputs captured and this process's standard input.
    pub(super) fn start(
        command: &CommandSpec,
        run: &DagsterRun,
        shares_terminal: bool,
    ) -> Result<Self, CommandOutcome> {
        #[expect(clippy::disallowed_methods, reason = "this is the launcher")]
        let mut process = Command::new(command.program());
        process
            .args(command.arguments())
            .env("DAGSTER_RUN_ID", run.run_id.as_str())
            .env("DAGSTER_RUN_JOB_NAME", &run.job_name)
            .stdin(Stdio::inherit())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if !shares_terminal {
            process.process_group(0);
        }
        let child = process.spawn().map_err(|error| CommandOutcome::NotStarted {
            reason: format!("{}: {error}", command.program()),
            missing: error.kind() == ErrorKind::NotFound,
        })?;
        let pid = child.id().unwrap_or_default();
        Ok(Self { child, pid, shares_terminal })
    }

    /// Sends a signal to the command, and to the processes of its group if it has its own.
    pub(super) fn signal(&self, signal: StopSignal) {
        let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw)
        else {
            return;
        };
        let sent = match (self.shares_terminal, signal) {
            // The terminal has sent it to the whole group, the command included.
            (true, StopSignal::Interrupt) => Ok(()),
            (true, _) => kill(pid, signal.signal()),
            (false, _) => killpg(pid, signal.signal()),
        };
        if let Err(error) = sent {
            tracing::warn!(%pid, ?signal, %error, "the command could not be signalled");
        }
    }
}
