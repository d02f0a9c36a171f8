//! The JSON of daemons.

use dagster_instance::daemon::{DaemonHeartbeat, DaemonStatus};
use dagster_instance::keepers::KeeperLease;
use serde_json::{Value, json};

use super::text;

/// How a daemon stands.
pub(crate) fn daemon_status(status: &DaemonStatus, lease: Option<&KeeperLease>) -> Value {
    let heartbeat = status.last_heartbeat.as_ref();
    let errors = heartbeat.map_or(&[][..], DaemonHeartbeat::errors);
    let errors: Vec<_> = errors.iter().map(|error| text(&error.message)).collect();
    json!({
        "daemon_type": text(status.daemon_type.as_str()),
        "required": status.required,
        "healthy": status.healthy,
        "last_heartbeat_timestamp": heartbeat.map(|heartbeat| heartbeat.timestamp.as_f64()),
        "last_heartbeat_errors": errors,
        "keeper": lease.map(keeper),
    })
}

/// Who keeps a duty.
fn keeper(lease: &KeeperLease) -> Value {
    json!({
        "id": text(&lease.daemon_id),
        "pid": lease.process.pid,
        "host": text(&lease.process.host),
        "epoch": lease.epoch,
        "last_sign_timestamp": lease.last_sign,
    })
}

/// How many heartbeats were wiped, or would be.
pub(crate) fn wiped_heartbeats(heartbeats: usize, dry_run: bool) -> Value {
    json!({ "heartbeats": heartbeats, "dry_run": dry_run })
}
