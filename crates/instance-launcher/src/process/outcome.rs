//! How a command, and the run around it, ended.

use std::process::ExitStatus;
use std::sync::Arc;

use instance_core::error::InstanceError;

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandOutcome {
    /// It exited by itself with this status.
    Exited(i32),
    /// A signal of this number ended it.
    Signaled(i32),
    /// It was never started: the reason, and whether there is no such program.
    NotStarted {
        /// Why not.
        reason: String,
        /// Whether the program does not exist.
        missing: bool,
    },
    /// The run was stopped, or could not be recorded, before it was started.
    Skipped,
}

impl CommandOutcome {
    pub(super) fn of(ended: std::io::Result<ExitStatus>) -> Self {
        use std::os::unix::process::ExitStatusExt;

        match ended {
            Ok(status) => match status.code() {
                Some(code) => Self::Exited(code),
                None => Self::Signaled(status.signal().unwrap_or_default()),
            },
            Err(error) => Self::NotStarted { reason: error.to_string(), missing: false },
        }
    }

    /// Whether the command exited with status zero.
    pub fn is_success(&self) -> bool {
        *self == Self::Exited(0)
    }

    /// The exit code by which a shell would report it.
    pub fn exit_code(&self) -> u8 {
        let code = match self {
            Self::Exited(code) => *code,
            Self::Signaled(signal) => 128 + signal,
            Self::NotStarted { missing: true, .. } => 127,
            Self::NotStarted { missing: false, .. } => 126,
            Self::Skipped => 130,
        };
        u8::try_from(code).unwrap_or(u8::MAX)
    }

    /// What happened, as a sentence without its subject.
    pub fn reason(&self) -> String {
        match self {
            Self::Exited(code) => format!("exited with status {code}"),
            Self::Signaled(signal) => format!("was ended by signal {signal}"),
            Self::NotStarted { reason, .. } => format!("could not be started: {reason}"),
            Self::Skipped => "was not started".to_owned(),
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct RunOutcome {
    /// How its command ended.
    pub command: CommandOutcome,
    /// Whether it was asked to stop.
    pub canceled: bool,
    /// What could not be stored of it, if something could not; the command was executed all the
    /// same, unless the beginning of the run could not be stored.
    pub error: Option<Arc<InstanceError>>,
}

impl RunOutcome {
    /// Why the run is no success, for people; `None` if it is one.
    pub fn failure(&self) -> Option<String> {
        match (&self.error, self.canceled) {
            (Some(error), _) => Some(format!("the run is not completely recorded: {error}")),
            (None, true) => Some("the run was canceled".to_owned()),
            (None, false) if self.command.is_success() => None,
            (None, false) => Some(format!("the command {}", self.command.reason())),
        }
    }
}
