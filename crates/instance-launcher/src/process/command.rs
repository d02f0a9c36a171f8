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
use super::pipes::{CONTEXT_VARIABLE, MESSAGES_VARIABLE, Variables};

/// The signal by which a command is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopSignal {
    /// SIGINT, as by Ctrl-C.
    Interrupt,
    /// SIGTERM, as by a service manager.
    Terminate,
    /// SIGKILL, which ends the command at once. The command cannot prevent it.
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
    /// Starts a command. Its outputs are captured, and it has the standard input of this process. It is killed if this
    /// value is dropped before the command has ended.
    pub(super) fn start(
        command: &CommandSpec,
        run: &DagsterRun,
        shares_terminal: bool,
        pipes: Option<&Variables>,
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
        for (variable, value) in [
            (CONTEXT_VARIABLE, pipes.map(|pipes| &pipes.context)),
            (MESSAGES_VARIABLE, pipes.map(|pipes| &pipes.messages)),
        ] {
            match value {
                Some(value) => process.env(variable, value),
                // That of a run around this one would take messages of this one.
                None => process.env_remove(variable),
            };
        }
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

    /// Sends a signal to the command, or to all processes of its group if it has its own group. The group may have
    /// processes after the command has ended. `false` if there is no process that could get the signal.
    pub(super) fn signal(&self, signal: StopSignal) -> bool {
        let pid = Pid::from_raw(self.process.pid);
        if self.child.id().is_none() && (!self.has_group || kill(pid, None).is_ok()) {
            // The command has ended. If another process has its pid now, the group with this id is another one, too.
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

    /// Whether the command has ended and its group still has processes.
    pub(super) fn has_left_processes(&self) -> bool {
        let pid = Pid::from_raw(self.process.pid);
        self.has_group && kill(pid, None).is_err() && killpg(pid, None).is_ok()
    }
}
