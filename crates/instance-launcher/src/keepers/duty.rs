//! What a duty has to do to be kept.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use instance_core::daemon::DaemonType;
use instance_core::error::InstanceError;
use instance_core::error_info::SerializableErrorInfo;

use super::Lease;

/// A duty of one of Dagster's daemons, which a keeper does while it is the leader.
///
/// Whatever a duty changes of runs, it changes by
/// [`handle_events_if`](instance_core::ops::EventReporter::handle_events_if) with [`Lease::fence`], so that it changes nothing
/// when it has lost the lease. It begins something only while [`Lease::may_begin`] says so.
#[async_trait]
pub trait Duty: fmt::Debug + Send + Sync + 'static {
    /// The kind of Dagster's daemon that does the same. The lease, the heartbeats and the log have its name.
    fn daemon_type(&self) -> DaemonType;

    /// How long after the beginning of a look the next one begins.
    fn interval(&self) -> Duration;

    /// Looks once, and does what is to be done now. One look at a time, in a task of its own.
    ///
    /// A look may leave work behind that goes on beside the next looks. It may be running still when the lease is lost or the
    /// keeper ends; then the lease allows nothing, and it should end soon.
    ///
    /// # Errors
    ///
    /// Nothing more can be done in this look. The error is shown with the heartbeats, and the next look waits for longer.
    async fn look(&self, lease: &Lease) -> Result<Look, InstanceError>;

    /// Waits for the work that looks have left behind. Called at the end, when nothing new begins any more. It is dropped
    /// when the grace is over.
    async fn finish(&self) {}
}

/// What became of a look.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Look {
    /// Errors with single runs, which kept the look from nothing else. They are shown with the heartbeats.
    pub errors: Vec<SerializableErrorInfo>,
    /// How long after the end of this look the next one begins, if that is earlier than the interval demands; `None` means that
    /// the interval alone counts.
    pub again_after: Option<Duration>,
}

impl Look {
    /// A look after which the interval counts, without errors.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with errors with single runs.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<SerializableErrorInfo>) -> Self {
        self.errors = errors;
        self
    }

    /// The same with an earlier next look: so long after the end of this one.
    #[must_use]
    pub const fn with_again_after(mut self, again_after: Option<Duration>) -> Self {
        self.again_after = again_after;
        self
    }
}
