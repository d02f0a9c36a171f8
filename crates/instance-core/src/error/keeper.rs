//! Why keepers do not do their duties.

use crate::daemon::DaemonType;
use crate::error::{InstanceError, StorageError};

/// Why keepers do not do their duties.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeeperError {
    /// Dagster's own daemon does one of the duties.
    #[error(
        "Dagster's own {daemon_type} daemon (id {daemon_id}) is alive: its heartbeat came {age_seconds:.0} s ago. Stop \
         it, or start it without this duty: see `dagster-instance daemon run --help`"
    )]
    TwinAlive {
        /// The duty.
        daemon_type: DaemonType,
        /// The id that the daemon has in its heartbeat.
        daemon_id: String,
        /// How old its heartbeat is, by the clock of this process.
        age_seconds: f64,
    },
    /// Another keeper leads one of the duties.
    #[error("{holder} keeps {daemon_type} already")]
    OtherLeader {
        /// The duty.
        daemon_type: DaemonType,
        /// Who it is, with its process and its host.
        holder: String,
    },
    /// The instance failed, or does not have what a duty needs.
    #[error(transparent)]
    Instance(#[from] InstanceError),
}

impl From<StorageError> for KeeperError {
    fn from(error: StorageError) -> Self {
        Self::Instance(error.into())
    }
}
