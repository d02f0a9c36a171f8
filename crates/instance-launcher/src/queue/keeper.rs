//! Who keeps the queue: which process takes runs from it.

use instance_core::clock::timestamp_of;
use instance_core::daemon::{DaemonHeartbeat, DaemonType};
use instance_core::error::InstanceError;
use instance_core::ops::KeeperOps;

use crate::keepers::{KeeperLease, get_keeper_leases};

/// Whose process takes runs from the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueKeeperKind {
    /// One of this project, which has the lease of the queue.
    DagsterInstance,
    /// Dagster's daemon.
    Dagster,
}

impl QueueKeeperKind {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DagsterInstance => "dagster-instance",
            Self::Dagster => "dagster",
        }
    }
}

/// The process that takes runs from the queue, or did so last.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct QueueKeeper {
    /// Whose it is.
    pub kind: QueueKeeperKind,
    /// The id of its daemon; `None` if it does not say it.
    pub id: Option<String>,
    /// The host on which it is; `None` for Dagster's daemon, which does not say it.
    pub host: Option<String>,
    /// Its process; `None` for Dagster's daemon, which does not say it.
    pub pid: Option<u32>,
    /// How many seconds ago it gave its last sign: one of this project each 3 seconds, Dagster's daemon a heartbeat each 30
    /// seconds. `None` if that is not known.
    pub age_seconds: Option<f64>,
}

/// The process that takes runs from the queue. `None` if there was none, or if the last one has given the queue back.
///
/// It is read as it is stored: the last sign tells how long ago the process was alive.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_queue_keeper(ops: &dyn KeeperOps) -> Result<Option<QueueKeeper>, InstanceError> {
    let of_queue =
        |daemon_type: &DaemonType| daemon_type.as_str() == DaemonType::QUEUED_RUN_COORDINATOR;
    let leases = get_keeper_leases(ops).await?;
    let heartbeats = ops.daemon_store().get_daemon_heartbeats().await?;
    let lease = leases.iter().find(|lease| of_queue(&lease.daemon_type));
    let heartbeat = heartbeats.iter().find(|heartbeat| of_queue(&heartbeat.daemon_type));
    Ok(keeper(lease, heartbeat, timestamp_of(ops.clock().now())))
}

fn keeper(
    lease: Option<&KeeperLease>,
    heartbeat: Option<&DaemonHeartbeat>,
    now: f64,
) -> Option<QueueKeeper> {
    if let Some(lease) = lease.filter(|lease| !lease.is_released) {
        let process = &lease.process;
        return Some(QueueKeeper {
            kind: QueueKeeperKind::DagsterInstance,
            id: Some(lease.daemon_id.clone()),
            host: Some(process.host.clone()).filter(|host| !host.is_empty()),
            pid: Some(process.pid).filter(|pid| *pid != 0),
            age_seconds: lease.last_sign.map(|at| now - at),
        });
    }
    // The heartbeat of a keeper of ours stays when it has given the lease back.
    let is_ours = |heartbeat: &&DaemonHeartbeat| {
        lease.is_some_and(|lease| heartbeat.daemon_id.as_ref() == Some(&lease.daemon_id))
    };
    let heartbeat = heartbeat.filter(|heartbeat| !is_ours(heartbeat))?;
    Some(QueueKeeper {
        kind: QueueKeeperKind::Dagster,
        id: heartbeat.daemon_id.clone(),
        host: None,
        pid: None,
        age_seconds: Some(now - heartbeat.timestamp.as_f64()),
    })
}
