//! The stored texts of daemons' signs of life.

use insta::assert_snapshot;
use instance_core::daemon::{DaemonHeartbeat, DaemonType};
use instance_core::error_info::SerializableErrorInfo;
use serde_json::json;

use crate::support::{read, round_trip};

fn error(message: &str) -> SerializableErrorInfo {
    read(&json!({
        "__class__": "SerializableErrorInfo",
        "cause": null, "cls_name": "OSError", "context": null, "message": message, "stack": [],
    }))
}

#[test]
fn daemon_heartbeat() {
    let errors = vec![error("newer"), error("older")];
    let heartbeat =
        DaemonHeartbeat::new(DaemonType::from("SENSOR"), "9e0d", 1_732_233_600.5, errors.clone());
    assert_eq!(heartbeat.errors(), errors);
    assert_snapshot!(round_trip(&heartbeat));
}

#[test]
fn heartbeats_of_old_versions_mean_the_same() {
    let old: DaemonHeartbeat = read(&json!({
        "__class__": "DaemonHeartbeat",
        "daemon_id": "9e0d",
        "daemon_type": {"__enum__": "DaemonType.BACKFILL"},
        "error": {
            "__class__": "SerializableErrorInfo",
            "cause": null, "cls_name": "OSError", "message": "the only one", "stack": [],
        },
        "timestamp": 1_612_345_678.25,
    }));
    assert_eq!(old.daemon_type.as_str(), "BACKFILL");
    assert_eq!(old.errors(), [error("the only one")]);
    // Nothing is lost when it is stored again.
    assert_snapshot!(round_trip(&old));
}
