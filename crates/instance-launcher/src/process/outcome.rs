//! How a command ended, and how its run ended.

use std::process::ExitStatus;
use std::sync::Arc;

use instance_core::error::InstanceError;

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandOutcome {
    /// The command exited with this status.
    Exited(i32),
    /// A signal with this number ended the command.
    Signaled(i32),
    /// The command could not be started.
    NotStarted {
        /// The reason, for people.
        reason: String,
        /// Whether there is no such program.
        missing: bool,
    },
    /// The command was not started, because the run was stopped before, or its beginning could not be stored.
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

    /// Returns whether the command exited with status zero.
    pub fn is_success(&self) -> bool {
        *self == Self::Exited(0)
    }

    /// Returns the exit code by which a shell reports such an end: the status of the command, 128 and the number of the
    /// signal, 127 if there is no such program, 126 if it could not be started, and 130 if it was not started.
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

    /// Returns how the command ended, as a sentence without its subject.
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
#[non_exhaustive]
pub struct RunOutcome {
    /// How the command of the run ended.
    pub command: CommandOutcome,
    /// Whether the run was asked to stop.
    pub canceled: bool,
    /// The first error of storing a part of the run; `None` if everything is stored. The command was still executed,
    /// unless the beginning of the run could not be stored.
    pub error: Option<Arc<InstanceError>>,
}

impl RunOutcome {
    /// Returns why the run did not succeed, for people; `None` if it did.
    pub fn failure(&self) -> Option<String> {
        match (&self.error, self.canceled) {
            (Some(error), _) => Some(format!("the run is not completely recorded: {error}")),
            (None, true) => Some("the run was canceled".to_owned()),
            (None, false) if self.command.is_success() => None,
            (None, false) => Some(format!("the command {}", self.command.reason())),
        }
    }
}
