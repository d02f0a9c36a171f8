//! The process of a command: starting it, and sending signals to it.

use std::io::ErrorKind;
use std::process::Stdio;

use instance_core::command::CommandSpec;
use instance_core::run::DagsterRun;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::identity::ProcessIdentity;
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

/// A command that was started.
#[derive(Debug)]
pub(super) struct RunningCommand {
    pub(super) child: Child,
    pub(super) process: ProcessIdentity,
    pub(super) has_group: bool,
}

impl RunningCommand {
    /// Starts a command with its outputs captured and this process's standard input. It is killed when this is
    /// dropped before it has ended.
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
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if !shares_terminal {
            process.process_group(0);
        }
        let child = process.spawn().map_err(|error| CommandOutcome::NotStarted {
            reason: format!("{}: {error}", command.program()),
            missing: error.kind() == ErrorKind::NotFound,
        })?;
        let process = ProcessIdentity::of(child.id().unwrap_or_default());
        Ok(Self { child, process, has_group: !shares_terminal })
    }

    /// Sends a signal to the command, and to the processes of its group if it has its own; those may be there
    /// when the command has ended. `false` if nobody is there who could get it.
    pub(super) fn signal(&self, signal: StopSignal) -> bool {
        let pid = Pid::from_raw(self.process.pid);
        if self.child.id().is_none() && (!self.has_group || kill(pid, None).is_ok()) {
            // The command has ended. If a process has its pid, the group is another one, too.
            return false;
        }
        let sent = match (self.has_group, signal) {
            (true, _) => killpg(pid, signal.signal()),
            // The terminal has sent it to the whole group, the command included.
            (false, StopSignal::Interrupt) => Ok(()),
            (false, _) => kill(pid, signal.signal()),
        };
        match sent {
            Ok(()) => true,
            Err(Errno::ESRCH) => false,
            Err(error) => {
                tracing::warn!(%pid, ?signal, %error, "the command could not be signalled");
                false
            }
        }
    }

    /// Whether processes of the command's group are there after it has ended.
    pub(super) fn has_left_processes(&self) -> bool {
        let pid = Pid::from_raw(self.process.pid);
        self.has_group && kill(pid, None).is_err() && killpg(pid, None).is_ok()
    }
}
