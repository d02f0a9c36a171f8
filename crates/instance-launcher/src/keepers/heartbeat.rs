//! The heartbeats of a leader, by which Dagster's web page and its liveness check know that the duty is done.

use std::collections::VecDeque;

use instance_core::daemon::{DaemonHeartbeat, DaemonType};
use instance_core::error::StorageError;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::ops::KeeperOps;

/// For how many seconds an error is shown, and how many at most. Dagster's daemons do the same.
const SHOWN_FOR: f64 = 300.0;
const ERRORS_AT_MOST: usize = 5;

/// The errors of a duty, newest first, each with its time in seconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Errors(VecDeque<(f64, SerializableErrorInfo)>);

impl Errors {
    pub(super) fn add(&mut self, now: f64, error: SerializableErrorInfo) {
        self.0.push_front((now, error));
        self.0.truncate(ERRORS_AT_MOST);
    }

    /// Those that are shown now.
    pub(super) fn recent(&self, now: f64) -> Vec<SerializableErrorInfo> {
        let recent = self.0.iter().filter(|(at, _)| now - at <= SHOWN_FOR);
        recent.map(|(_, error)| error.clone()).collect()
    }
}

/// The last heartbeat of a duty, whoever left it.
pub(super) async fn last(
    ops: &dyn KeeperOps,
    daemon_type: &DaemonType,
) -> Result<Option<DaemonHeartbeat>, StorageError> {
    let heartbeats = ops.daemon_store().get_daemon_heartbeats().await?;
    Ok(heartbeats.into_iter().find(|heartbeat| heartbeat.daemon_type == *daemon_type))
}
